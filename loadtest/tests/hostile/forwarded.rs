//! What an instance gets to see behind HAProxy: nothing that only a balancer may say comes from a
//! visitor. (Of the embedded balancer the tests in `cluster/src/balancer/headers.rs` say the same.)

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use super::beside::engine::Kept;
use super::beside::{free_port, haproxy, wait_for};
use super::case::get;
use super::wire;

/// Answers every request with the header it came with.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut buffer = [0; 4096];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(count @ 1..) => head.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let line = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                head.len()
            );
            let _ = stream.write_all(&[line.as_bytes(), &head].concat());
        }
    });
    port
}

#[tokio::test]
async fn what_only_a_balancer_says_no_visitor_says() {
    let (port, instance) = (free_port(), echo());
    let config = haproxy::configuration(
        |arm| (arm == "session-memory").then_some(port),
        |pool, _| (pool == "session-memory").then_some(instance),
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("haproxy.cfg");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    let _haproxy = Kept::new(command);
    wait_for(port);
    let fields = [
        "x-forwarded-for: 10.0.0.1",
        "x-forwarded-for: 10.0.0.2",
        "x-forwarded-host: elsewhere.example",
        "x-forwarded-proto: https",
        "forwarded: for=10.0.0.1",
        "x-real-ip: 10.0.0.1",
        "x-served-by: elsewhere",
        "x-attempts: 99",
        "accept: */*",
    ];
    let address = ([127, 0, 0, 1], port).into();
    let exchange = wire::exchange(address, &get("/", &fields), false).await;
    let seen = String::from_utf8_lossy(&exchange.answers[0].body).to_lowercase();
    let mut names: Vec<_> = seen
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .filter(|(name, _)| *name != "connection")
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            ("accept", "*/*"),
            ("host", "lab"),
            ("x-forwarded-for", "127.0.0.1"),
        ],
        "{seen}"
    );
}
