//! A real Postgres for a test process, one for all its tests. It ends with the process, whatever
//! ends that.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use app::HeldBack;
use app::users::Source;
use sqlx::{Connection as _, Executor as _};

/// Starts a server and ends it when its standard input ends, which even SIGKILL brings about.
const KEEPER: &str = r#""$@" >/dev/null 2>&1 & cat >/dev/null; kill -QUIT $! 2>/dev/null"#;

/// The user of the tests; `initdb` trusts whoever comes from this machine.
const USER: &str = "tester";

/// How long it may take to start on a busy machine.
const START_WAIT: Duration = Duration::from_secs(30);

/// A Postgres of our own.
pub(crate) struct Postgres {
    port: u16,
    _keeper: Child,
    _data: tempfile::TempDir,
}

impl Postgres {
    /// The one of this test process.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// An empty database of its own.
    pub(crate) async fn unnamed(&self) -> Source {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        self.database(&format!("unnamed_{n}")).await
    }

    /// An empty database of that name.
    pub(crate) async fn database(&self, name: &str) -> Source {
        let url = |database: &str| format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port);
        let until = Instant::now() + START_WAIT;
        // It listens before it is ready, and says so to whoever comes.
        let mut server = loop {
            match sqlx::PgConnection::connect(&url("postgres")).await {
                Ok(server) => break server,
                Err(error) => assert!(Instant::now() < until, "Postgres: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let create = format!("CREATE DATABASE {name}");
        server.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
        Source::Postgres(HeldBack::new(url(name)))
    }

    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let data = tempfile::tempdir().unwrap();
        let programs = programs();
        let folder = data.path().join("data");
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(data.path(), Some(nobody().0), Some(nobody().1)).unwrap();
        }
        let mut initdb = unprivileged(&programs.join("initdb"));
        initdb.args(["--auth", "trust", "--username", USER, "--no-sync", "-D"]);
        let made = initdb.arg(&folder).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut keeper = unprivileged(Path::new("sh"));
        keeper.args(["-c", KEEPER, "keeper"]);
        keeper.arg(programs.join("postgres")).arg("-D").arg(&folder);
        keeper.args(["-c", "fsync=off", "-c", "unix_socket_directories="]);
        keeper.args(["-c", "listen_addresses=127.0.0.1", "-p", &port.to_string()]);
        let keeper = keeper.stdin(Stdio::piped()).spawn().unwrap();
        Self {
            port,
            _keeper: keeper,
            _data: data,
        }
    }
}

/// Where Postgres' programs are: on PATH, or where Debian puts them.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql");
    let debian = debian.into_iter().flatten().flatten();
    let mut places =
        std::env::split_paths(&path).chain(debian.map(|version| version.path().join("bin")));
    places
        .find(|place| place.join("initdb").is_file() && place.join("postgres").is_file())
        .expect("these tests need a real Postgres: install postgresql, or put it on PATH")
}

/// A command as somebody who is not root: Postgres refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if nix::unistd::geteuid().is_root() {
        command.uid(nobody().0).gid(nobody().1);
    }
    command
}

/// The user that is nobody.
fn nobody() -> (u32, u32) {
    let nobody = nix::unistd::User::from_name("nobody").unwrap();
    let nobody = nobody.expect("this machine knows nobody");
    (nobody.uid.as_raw(), nobody.gid.as_raw())
}
