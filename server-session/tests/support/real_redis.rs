//! A real Redis for a test process, one for the tests of both servers. It knows nothing of what is
//! kept in it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A Redis of our own. It ends with the test process, whatever ends that.
pub struct Redis {
    /// Where it listens.
    pub url: String,
    /// Its port.
    pub port: u16,
    keeper: Child,
    server: Pid,
}

/// Starts a Redis and ends it when its standard input ends, which even SIGKILL brings about.
const KEEPER: &str = r#""$@" >/dev/null 2>&1 & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null"#;

impl Redis {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::start_on(free_port())
    }

    /// Starts one on `port`, as after a crash.
    pub fn start_on(port: u16) -> Self {
        Self::start_with(port, None, &[])
    }

    /// Starts one on `port` that is told more, in a file or in flags.
    pub fn start_with(port: u16, file: Option<&str>, flags: &[&str]) -> Self {
        let binary = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper", &binary]);
        command.args(file);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--port", &port.to_string()]).args(flags);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut keeper = spawned.expect("a shell starts");
        let mut line = String::new();
        let stdout = keeper.stdout.take().expect("its output is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says its pid");
        let server = Pid::from_raw(line.trim().parse().expect("a pid is a number"));
        let until = Instant::now() + Duration::from_secs(5);
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
        self.signal(Signal::SIGKILL);
    }

    /// Stops it from answering.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Sends it any signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.server, signal).expect("it runs");
    }

    /// Starts another on the same port, empty.
    pub fn start_again(&self) -> Self {
        Self::start_on(self.port)
    }

    /// Runs one command, for a look behind the scenes.
    pub fn run<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        self.try_run(command).expect("the command works")
    }

    /// The same where it may be in the middle of something.
    pub fn try_run<T: redis::FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url.as_str())?;
        let mut connection = client.get_connection()?;
        let (name, arguments) = command.split_first().expect("a command has a name");
        redis::cmd(name).arg(arguments).query(&mut connection)
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

/// A port on which nobody listens.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port")
        .port()
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The keeper sees its input end and kills the server, also a frozen one.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
