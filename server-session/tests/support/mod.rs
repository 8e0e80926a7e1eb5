//! What the tests of this crate share: memories built from flags, pairs of instances, and a real
//! Redis. Without one these tests fail and say so: a store that was never asked proves nothing.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use app::conformance::{Answer, Pair, Server, Visitor};
use app::{Clock, Instance};
use clap::Parser as _;
use http::{Method, StatusCode};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use server_session::Args;
use server_session::memory::SessionMemory;

/// What `flags` ask for.
pub fn args(flags: &[&str]) -> Args {
    let always = ["server-session", "--pool", "unused", "--accounts", "none"];
    Args::try_parse_from(always.iter().chain(flags)).expect("the flags are right")
}

/// An instance of `pool`, whose memory `flags` ask for.
pub fn memory(pool: &str, flags: &[&str]) -> SessionMemory {
    let instance = Instance {
        pool: pool.to_owned(),
        name: "a".to_owned(),
        clock: Clock::default(),
        secure_cookies: false,
    };
    SessionMemory::new(&instance, &args(flags)).expect("the flags are right")
}

/// Time enough for a store on a busy machine: for tests that are not about the deadline.
pub const PATIENTLY: [&str; 2] = ["--store-deadline-ms", "10000"];

/// Two instances with `store`, which share the test process' Redis if they need one, under keys
/// of their own.
pub async fn pair(store: &str, flags: &[&str]) -> Pair {
    let prefix = unused_prefix();
    let flags = [&["--key-prefix", &prefix], &PATIENTLY[..], flags].concat();
    pair_on(&shared_redis().url, store, &flags).await
}

/// Two instances with `store` over the Redis at `url`.
pub async fn pair_on(url: &str, store: &str, flags: &[&str]) -> Pair {
    let args = args(&[&["--store", store, "--redis-url", url], flags].concat());
    let pool = format!("session-{store}");
    Pair::start(&pool, async |instance| {
        SessionMemory::new(&instance, &args).expect("the flags are right")
    })
    .await
}

/// What keys may start with that nobody else uses.
pub fn unused_prefix() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t{}:", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Status and reason of `GET /me` with what `visitor` holds, whatever the answer does to it.
pub async fn me(visitor: &Visitor, server: &Server) -> (u16, String) {
    let answer = visitor.clone().get(server, "/me").await;
    (answer.status.as_u16(), answer.reason().to_owned())
}

/// `POST /lab/counter` with what `visitor` holds.
pub async fn count(visitor: &Visitor, server: &Server, barrier: usize) -> Answer {
    let body = json!({ "barrier": barrier });
    let request = visitor.request(Method::POST, "/lab/counter", Some(body));
    server.send(request).await
}

/// A visitor who is logged in at `server`.
pub async fn logged_in(server: &Server, user: &str) -> Visitor {
    let mut visitor = Visitor::default();
    visitor.log_in(server, user).await;
    visitor
}

/// What `/lab/state` says.
pub async fn state(server: &Server) -> Value {
    let answer = Visitor::default().get(server, "/lab/state").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json
}

/// The Redis that tests share which do nothing to it.
pub fn shared_redis() -> &'static Redis {
    static REDIS: OnceLock<Redis> = OnceLock::new();
    REDIS.get_or_init(Redis::start)
}

/// A Redis of our own. It ends with the test process, whatever ends that.
pub struct Redis {
    /// Where it listens.
    pub url: String,
    port: u16,
    keeper: Child,
    server: Pid,
}

/// Starts a Redis and ends it when its standard input ends, which even SIGKILL brings about.
const KEEPER: &str = r#""$@" >/dev/null 2>&1 & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null"#;

impl Redis {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("there is a free port")
            .port();
        Self::start_on(port)
    }

    /// Starts one on `port`, as after a crash.
    pub fn start_on(port: u16) -> Self {
        let binary = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper", &binary]);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--port", &port.to_string()]);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut keeper = spawned.expect("a shell starts");
        let mut line = String::new();
        let stdout = keeper.stdout.take().expect("its output is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says its pid");
        let server = Pid::from_raw(line.trim().parse().expect("a pid is a number"));
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                Instant::now() < until,
                "these tests need a real Redis, and `{binary}` does not listen on port {port}: \
                 install redis-server, or name one in $REDIS_SERVER"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Self {
            url: format!("redis://127.0.0.1:{port}"),
            port,
            keeper,
            server,
        }
    }

    /// Ends it as a crash would.
    pub fn kill(&self) {
        kill(self.server, Signal::SIGKILL).expect("it runs");
    }

    /// Stops it from answering.
    pub fn freeze(&self) {
        kill(self.server, Signal::SIGSTOP).expect("it runs");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        kill(self.server, Signal::SIGCONT).expect("it runs");
    }

    /// Starts another on the same port, empty.
    pub fn start_again(&self) -> Self {
        Self::start_on(self.port)
    }

    /// Runs one command, for a look behind the scenes.
    pub fn run<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let client = redis::Client::open(self.url.as_str()).expect("the address is right");
        let mut connection = client.get_connection().expect("it answers");
        let (name, arguments) = command.split_first().expect("a command has a name");
        redis::cmd(name)
            .arg(arguments)
            .query(&mut connection)
            .expect("the command works")
    }

    /// How often each command was called, by clients or by scripts.
    pub fn calls(&self) -> std::collections::BTreeMap<String, u64> {
        let report: String = self.run(&["INFO", "commandstats"]);
        let lines = report.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
        });
        lines.collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The keeper sees its input end and kills the server, also a frozen one.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
