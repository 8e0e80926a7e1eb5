//! Requests that two parties could read in two ways, as bytes on a socket.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use cluster::Policy;
use common::front::Front;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Everything that comes back for `bytes` until the balancer closes, or has been silent for a
/// while.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let quiet = Duration::from_millis(500);
    while let Ok(Ok(bytes @ 1..)) = tokio::time::timeout(quiet, stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..bytes]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<&str> {
    let heads = answer.split("HTTP/1.1 ").skip(1);
    heads.map(|head| &head[..3]).collect()
}

#[tokio::test]
async fn length_and_chunks_together_never_become_two_requests() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    // By its length the body ends after "0\r\n\r\n"; by its chunks too, and what follows is a
    // second request on the connection in either reading. By a length of 40 it would be a body.
    let smuggled = b"POST /write HTTP/1.1\r\nhost: lab\r\ncontent-length: 40\r\n\
        transfer-encoding: chunked\r\n\r\n0\r\n\r\n\
        POST /write-and-die HTTP/1.1\r\nhost: lab\r\n\r\n";
    let answer = exchange(front.address, smuggled).await;
    let first = statuses(&answer)[0];
    assert!(["200", "400"].contains(&first), "{answer}");
    // However it was read here, the instance got exactly what was answered here.
    let log = front.house.log();
    let executed = usize::from(first == "200");
    let writes = log
        .iter()
        .filter(|line| line.starts_with("a write "))
        .count();
    assert_eq!(writes, executed, "{log:?} after {answer}");
    let second = statuses(&answer).len() == 2;
    let canary = log.iter().filter(|line| *line == "a write-and-die").count();
    assert_eq!(canary, usize::from(second), "{log:?} after {answer}");
}

#[tokio::test]
async fn one_host_and_one_coding_or_nothing() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    for header in [
        "",
        "host: a\r\nhost: b\r\n",
        "host: a\r\nhost: a\r\n",
        "host: a\r\ntransfer-encoding: gzip, chunked\r\n",
        "host: a\r\ntransfer-encoding: xchunked\r\n",
        "host: a\r\ntransfer-encoding: chunked, identity\r\n",
        "host: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n",
        "host: a\r\ncontent-length: +1\r\n",
        "host: a\r\ncontent-length : 1\r\n",
    ] {
        let request = format!("POST /write HTTP/1.1\r\n{header}\r\n0\r\n\r\n");
        let answer = exchange(front.address, request.as_bytes()).await;
        assert_eq!(
            statuses(&answer).first(),
            Some(&"400"),
            "{header:?}: {answer}"
        );
    }
    for line in ["GET http://other/ HTTP/1.1", "CONNECT lab:80 HTTP/1.1"] {
        let request = format!("{line}\r\nhost: lab:80\r\n\r\n");
        let answer = exchange(front.address, request.as_bytes()).await;
        assert_eq!(statuses(&answer), ["400"], "{line}: {answer}");
    }
    assert_eq!(front.house.log(), [] as [&str; 0]);
}

#[tokio::test]
async fn chunks_are_passed_on_as_one_body() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    for method in ["POST", "GET"] {
        let request = format!(
            "{method} /write HTTP/1.1\r\nhost: lab\r\ntransfer-encoding: chunked\r\n\r\n\
             5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /slow HTTP/1.1\r\nhost: lab\r\n\r\n"
        );
        let answer = exchange(front.address, request.as_bytes()).await;
        assert_eq!(statuses(&answer), ["200", "200"], "{answer}");
        assert!(answer.ends_with("slept"), "{answer}");
    }
    assert_eq!(front.house.log(), ["a write hello world"; 2]);
}

#[tokio::test]
async fn a_header_that_is_too_large_for_instances_reaches_them() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    // The real instances answer 431 above 8 KiB. The toy takes it.
    let large = "x".repeat(60_000);
    let request = format!("GET /slow HTTP/1.1\r\nhost: lab\r\ncookie: a={large}\r\n\r\n");
    let answer = exchange(front.address, request.as_bytes()).await;
    assert_eq!(statuses(&answer), ["200"], "{answer}");
}

#[tokio::test]
async fn who_sends_half_a_header_is_not_waited_for() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(7), stream.read_to_end(&mut answer));
    closed.await.expect("it closes after 5 s").unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.is_empty() || statuses(&answer) == ["408"],
        "{answer}"
    );
}

/// Not the instance broke off, and nothing was written.
#[tokio::test]
async fn a_body_that_is_none_is_the_visitors_fault() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    let head = "POST /write HTTP/1.1\r\nhost: lab\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunks in ["zz\r\n", "5\r\nhello\r\nzz\r\n", "5\r\nhelloX\r\n0\r\n\r\n"] {
        let answer = exchange(front.address, format!("{head}{chunks}").as_bytes()).await;
        assert_eq!(statuses(&answer), ["400"], "{chunks:?}: {answer}");
        assert!(answer.contains("malformed-request"), "{answer}");
    }
    assert_eq!(front.house.log(), [] as [&str; 0]);
}

/// The instance is silent because it waits too.
#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let half = b"POST /write HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\
        content-length: 10\r\n\r\nhello";
    stream.write_all(half).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(20), read).await;
    read.expect("it does not wait for ever").unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert_eq!(statuses(&answer), ["408"], "{answer}");
    assert!(answer.contains("too-slow"), "{answer}");
    assert_eq!(front.house.log(), [] as [&str; 0]);
}
