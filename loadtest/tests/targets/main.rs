//! The matrix on servers that somebody else has started: Flask behind HAProxy as its example has
//! it, our own servers behind HAProxy beside the embedded balancer, and targets that are not there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compare;
mod costs;
mod engine;
mod flask;
mod missing;
mod stack;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use loadtest::record::{Cell, Client, Record};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Two of these at a time on two cores would measure each other.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Ports from here up to those that the system gives to outgoing connections are nobody's.
const FIRST_PORT: u16 = 20_000;

/// A port that nobody has now, nor will get by chance before somebody is started on it: outgoing
/// connections, which are many here, take theirs from a range of the system's own.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let first_outgoing: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
    let ports = first_outgoing - FIRST_PORT;
    // Two runs of these tests at a time begin at different places.
    let begin = (std::process::id() % u32::from(ports)) as u16;
    loop {
        let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
        assert!(taken < ports, "no port is free");
        let port = FIRST_PORT + (begin + taken) % ports;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until somebody listens there.
fn wait_for(port: u16) {
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
        assert!(Instant::now() < end, "nobody listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs `loadtest matrix` with these arguments and its results in `out`.
fn matrix(args: &[&str], out: &Path) -> (Output, String) {
    loadtest("matrix", args, out)
}

/// Runs this command of `loadtest` with these arguments and its results in `out`.
fn loadtest(command: &str, args: &[&str], out: &Path) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .arg(command)
        .args(args)
        .arg("--out")
        .arg(out)
        .env_remove("REDIS_URL")
        .env_remove("SVJ_TARGET")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
    (output, told)
}

/// The cell of this event, and of this kind of client.
fn cell<'a>(record: &'a Record, event: &str, client: Client) -> &'a Cell {
    let mut cells = record.cells.iter();
    let found = cells.find(|cell| cell.event == event && cell.client == client);
    found.unwrap_or_else(|| panic!("no cell {event} {client:?}"))
}
