//! What tests start beside what they test: commands that are kept running, a real HAProxy with the
//! configuration of the stack of containers, and ports for them.

pub(crate) mod engine;
pub(crate) mod haproxy;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Ports from here up to those that the system gives to outgoing connections are nobody's.
const FIRST_PORT: u16 = 20_000;

/// A port that nobody has now, nor will get by chance before somebody is started on it: outgoing
/// connections, which are many here, take theirs from a range of the system's own.
pub(crate) fn free_port() -> u16 {
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
pub(crate) fn wait_for(port: u16) {
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
        assert!(Instant::now() < end, "nobody listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
