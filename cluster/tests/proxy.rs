//! The fault proxy over real sockets: each fault, what passes under it, and what comes after it.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::thread;
use std::time::{Duration, Instant};

use cluster::{Fault, Proxy, Side};

/// What takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(20);
/// What has not come by then is being held back.
const A_MOMENT: Duration = Duration::from_millis(150);

/// Sends everything back, each connection in its own thread.
fn echo() -> SocketAddr {
    answering(|end| {
        let mut from = end.try_clone().unwrap();
        let _ = std::io::copy(&mut from, &mut &end);
        let _ = end.shutdown(Shutdown::Write);
    })
}

/// A server that does this with each connection.
fn answering(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for end in listener.incoming() {
            let end = end.unwrap();
            end.set_nodelay(true).unwrap();
            thread::spawn(move || serve(end));
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_nodelay(true).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

/// A connection to an echo that both sides know of.
fn connected(proxy: &Proxy) -> TcpStream {
    let mut client = connect(proxy);
    client.write_all(b"?").unwrap();
    assert_eq!(heard(&mut client, 1), b"?");
    client
}

fn heard(client: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

fn hears_nothing(client: &mut TcpStream) {
    client.set_read_timeout(Some(A_MOMENT)).unwrap();
    let heard = client.read(&mut [0]);
    let kind = heard.expect_err("nothing may pass").kind();
    let waited = matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut);
    assert!(waited, "{kind}");
    client.set_read_timeout(Some(PATIENCE)).unwrap();
}

fn is_reset(client: &mut TcpStream) {
    let heard = client.read(&mut [0]);
    let kind = heard.expect_err("a reset is an error").kind();
    assert_eq!(kind, ErrorKind::ConnectionReset);
}

#[test]
fn every_byte_comes_back_in_order_and_not_too_early() {
    let proxy = Proxy::to(echo()).unwrap();
    let mut client = connected(&proxy);
    for (there_ms, back_ms) in [(0, 0), (10, 10), (20, 0), (0, 30)] {
        let [there, back] = [there_ms, back_ms].map(Duration::from_millis);
        proxy.set(Fault::Delay { there, back });
        for n in 0..5_u8 {
            let began = Instant::now();
            client.write_all(&[n, n + 1]).unwrap();
            assert_eq!(heard(&mut client, 2), [n, n + 1]);
            assert!(began.elapsed() >= there + back, "{:?}", began.elapsed());
        }
    }
    proxy.clear();
    let text: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let mut writer = client.try_clone().unwrap();
    let sent = text.clone();
    let writing = thread::spawn(move || writer.write_all(&sent).unwrap());
    assert!(heard(&mut client, text.len()) == text);
    writing.join().unwrap();
}

/// Nothing is lost in it, and nobody is told anything.
#[test]
fn a_stall_takes_everything_and_passes_nothing_until_it_is_over() {
    let proxy = Proxy::to(echo()).unwrap();
    let mut old = connected(&proxy);
    proxy.set(Fault::Stall);
    old.write_all(b"held").unwrap();
    let mut new = connect(&proxy);
    new.write_all(b"me too").unwrap();
    hears_nothing(&mut old);
    hears_nothing(&mut new);
    old.write_all(b" back").unwrap();
    proxy.clear();
    assert_eq!(heard(&mut old, 9), b"held back");
    assert_eq!(heard(&mut new, 6), b"me too");
}

#[test]
fn in_a_stall_not_even_an_end_is_heard_of() {
    let server = answering(|mut end| {
        let _ = end.read(&mut [0]);
    });
    let proxy = Proxy::to(server).unwrap();
    let mut client = connect(&proxy);
    client.write_all(b"?").unwrap();
    // The server has hung up: the client hears it, as nothing is wrong.
    assert_eq!(client.read(&mut [0]).unwrap(), 0);

    let mut client = connect(&proxy);
    proxy.set(Fault::Stall);
    client.write_all(b"?").unwrap();
    hears_nothing(&mut client);
    proxy.clear();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_cut_resets_everybody_and_refuses_until_it_is_over() {
    let proxy = Proxy::to(echo()).unwrap();
    let address = proxy.address();
    let mut clients = [connected(&proxy), connected(&proxy)];
    for _ in 0..2 {
        proxy.set(Fault::Cut);
        clients.iter_mut().for_each(is_reset);
        for _ in 0..3 {
            let refused = TcpStream::connect(address).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        }
        // Nobody else can take the port meanwhile.
        assert!(TcpListener::bind(address).is_err());
        proxy.clear();
        assert_eq!(proxy.address(), address);
        clients = [connected(&proxy), connected(&proxy)];
    }
}

/// Of what was held when the cut came, nothing passes later.
#[test]
fn a_cut_ends_a_stall_too() {
    let proxy = Proxy::to(echo()).unwrap();
    let mut old = connected(&proxy);
    proxy.set(Fault::Stall);
    let mut new = connect(&proxy);
    old.write_all(b"held").unwrap();
    hears_nothing(&mut new);
    proxy.set(Fault::Cut);
    is_reset(&mut old);
    is_reset(&mut new);
    proxy.clear();
    connected(&proxy);
}

#[test]
fn a_client_that_is_told_the_end_can_still_send() {
    // Says at its end how much it has read.
    let server = answering(|mut end| {
        let mut read = Vec::new();
        end.read_to_end(&mut read).unwrap();
        let _ = end.write_all(&[read.len() as u8]);
    });
    let proxy = Proxy::to(server).unwrap();
    let mut client = connect(&proxy);
    client.write_all(b"abc").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(heard(&mut client, 1), [3], "an end passes like a byte");

    let proxy = Proxy::to(echo()).unwrap();
    let mut client = connected(&proxy);
    proxy.set(Fault::HalfClose(Side::Client));
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    client.write_all(b"still here").unwrap();
    // It is never opened again; a new connection is like any other.
    proxy.clear();
    client.write_all(b"and here").unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    connected(&proxy);
}

#[test]
fn a_server_that_is_told_the_end_can_still_send() {
    let server = answering(|mut end| {
        end.write_all(b"?").unwrap();
        let mut read = Vec::new();
        end.read_to_end(&mut read).unwrap();
        let _ = end.write_all(&read);
        let _ = end.write_all(b"bye");
    });
    let proxy = Proxy::to(server).unwrap();
    let mut client = connect(&proxy);
    assert_eq!(heard(&mut client, 1), b"?");
    proxy.set(Fault::HalfClose(Side::Server));
    client.write_all(b"into the void").unwrap();
    assert_eq!(heard(&mut client, 3), b"bye");
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_limited_bandwidth_is_never_exceeded() {
    let proxy = Proxy::to(echo()).unwrap();
    let mut client = connected(&proxy);
    let bytes_per_second = NonZeroU32::new(20_000).unwrap();
    proxy.set(Fault::Bandwidth { bytes_per_second });
    let began = Instant::now();
    client.write_all(&[7; 10_000]).unwrap();
    assert_eq!(heard(&mut client, 10_000), [7; 10_000]);
    // Half a second there; the way back begins before that is over. The first slice is free.
    assert!(began.elapsed() >= Duration::from_millis(470));
    proxy.clear();
    client.write_all(b"quick").unwrap();
    assert_eq!(heard(&mut client, 5), b"quick");
}

#[test]
fn an_address_can_be_taken_over_and_open_connections_stay() {
    let loud = answering(|mut end| {
        let mut byte = [0];
        while end.read_exact(&mut byte).is_ok() {
            let _ = end.write_all(b"!");
        }
    });
    let proxy = Proxy::to(echo()).unwrap();
    let mut old = connected(&proxy);
    proxy.lead_to(loud);
    let mut new = connect(&proxy);
    new.write_all(b"?").unwrap();
    assert_eq!(heard(&mut new, 1), b"!");
    old.write_all(b"?").unwrap();
    assert_eq!(heard(&mut old, 1), b"?");
}

#[test]
fn without_a_server_and_without_the_proxy_connections_are_reset() {
    let nobody = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::to(nobody).unwrap();
    is_reset(&mut connect(&proxy));
    proxy.lead_to(echo());
    let mut client = connected(&proxy);
    let address = proxy.address();
    drop(proxy);
    is_reset(&mut client);
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}
