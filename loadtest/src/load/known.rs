//! A server whose delay, failures, hops and stalls are known, to hold the instrument's readings
//! against.
//!
//! It counts what it does by itself, with none of the instrument's parts but its pacer. It
//! understands just enough HTTP: requests without a body, `authorization: Bearer KIND` with the
//! name of a credential's kind.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use super::clock::Clock;
use super::pacer::Pacer;
use super::request::{CredentialKind, Deserves, Request, Traffic, Visitor};

/// What the server does. Requests are numbered from 0 as they arrive.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Whom it claims to be, in turn. Default: `known-a` alone.
    pub instances: Vec<String>,
    /// Which of them know nobody, by number. Default: none.
    pub strangers: Vec<usize>,
    /// From a request to its answer. Default none.
    pub delay: Duration,
    /// Every so many requests are answered with 500. Default: none.
    pub fails_every: Option<u64>,
    /// Every so many forged credentials are let in. Default: none.
    pub lets_in_every: Option<u64>,
    /// Within this time, nothing is answered. Default: no such time.
    pub stall: Option<(Instant, Duration)>,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour {
            instances: vec!["known-a".into()],
            strangers: Vec::new(),
            delay: Duration::ZERO,
            fails_every: None,
            lets_in_every: None,
            stall: None,
        }
    }
}

/// What the server did.
#[derive(Debug, Default)]
pub struct Seen {
    /// Connections accepted.
    pub connections: AtomicU64,
    /// Requests received.
    pub requests: AtomicU64,
    /// Requests answered with 500.
    pub failed: AtomicU64,
    /// Requests with a forged credential.
    pub forged: AtomicU64,
    /// Of these, let in.
    pub let_in: AtomicU64,
    /// From request to answer, summed, in nanoseconds.
    pub busy_ns: AtomicU64,
}

/// The server, on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Known {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it did so far.
    pub seen: Arc<Seen>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Known {
    /// So many visitors, each with a valid and a forged credential.
    pub fn traffic(&self, visitors: u32) -> Traffic {
        let kinds = [CredentialKind::Valid, CredentialKind::Forged];
        let visitor = Visitor {
            requests: kinds.map(Known::request).to_vec(),
        };
        Traffic {
            targets: vec![self.address],
            visitors: vec![visitor; visitors as usize],
        }
    }

    /// Starts it on a free port.
    pub fn start(behaviour: Behaviour) -> io::Result<Known> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let seen = Arc::<Seen>::default();
        let (stop, stopped) = oneshot::channel();
        let theirs = Arc::clone(&seen);
        let serve = move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build_local(LocalOptions::default())?;
            runtime.block_on(async {
                let clock = Clock::starting_at(Instant::now());
                let pacer = Pacer::new(clock)?;
                let server = Rc::new(Server {
                    behaviour,
                    seen: theirs,
                    clock,
                    pacer,
                });
                let pacer = Rc::clone(&server);
                spawn_local(async move { pacer.pacer.run().await });
                tokio::select! {
                    ended = server.accept(listener) => ended,
                    _ = stopped => Ok(()),
                }
            })
        };
        let thread = thread::Builder::new().name("known".into()).spawn(serve)?;
        Ok(Known {
            address,
            seen,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// A request as this server understands it, and what it deserves there.
    pub fn request(kind: CredentialKind) -> Request {
        let deserves = match kind {
            CredentialKind::Valid => Deserves::status(200).saying(b"\"user\":\"known\""),
            _ => Deserves::status(401),
        };
        let credential = format!("Bearer {kind}");
        let headers = [("authorization", credential.as_str())];
        Request::new(("GET", "/me"), "known", &headers, b"", deserves).kind(kind)
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its error would have been seen as missing answers.
            let _ = thread.join();
        }
    }
}

struct Server {
    behaviour: Behaviour,
    seen: Arc<Seen>,
    clock: Clock,
    pacer: Pacer,
}

impl Server {
    async fn accept(self: Rc<Server>, listener: std::net::TcpListener) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            self.seen.connections.fetch_add(1, Ordering::Relaxed);
            let server = Rc::clone(&self);
            // A client that goes away ends its connection, no more.
            spawn_local(async move { server.serve(stream).await });
        }
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = vec![0; 8 * 1024];
        let mut filled = 0;
        let mut answer = String::new();
        loop {
            let received = stream.read(&mut buffer[filled..]).await?;
            if received == 0 {
                return Ok(());
            }
            filled += received;
            if !buffer[..filled].ends_with(b"\r\n\r\n") {
                continue;
            }
            let began_ns = self.clock.now_ns();
            self.wait(began_ns).await;
            self.answer(&buffer[..filled], &mut answer);
            stream.write_all(answer.as_bytes()).await?;
            let busy_ns = self.clock.now_ns() - began_ns;
            self.seen.busy_ns.fetch_add(busy_ns, Ordering::Relaxed);
            filled = 0;
        }
    }

    async fn wait(&self, began_ns: u64) {
        let mut until_ns = began_ns + self.behaviour.delay.as_nanos() as u64;
        if let Some((from, length)) = self.behaviour.stall {
            let from = from.saturating_duration_since(self.clock.start());
            let stall_ns = from.as_nanos() as u64..(from + length).as_nanos() as u64;
            if stall_ns.contains(&began_ns) {
                until_ns = until_ns.max(stall_ns.end);
            }
        }
        if until_ns > began_ns {
            self.pacer.sleep_until(until_ns).await;
        }
    }

    fn answer(&self, request: &[u8], answer: &mut String) {
        let number = self.seen.requests.fetch_add(1, Ordering::Relaxed);
        let behaviour = &self.behaviour;
        let instance = number as usize % behaviour.instances.len();
        let (status, body) = if due(behaviour.fails_every, number) {
            self.seen.failed.fetch_add(1, Ordering::Relaxed);
            ("500 Internal Server Error", "{}")
        } else if self.knows(request) && !behaviour.strangers.contains(&instance) {
            ("200 OK", r#"{"user":"known","role":"member"}"#)
        } else {
            ("401 Unauthorized", r#"{"reason":"bad-signature"}"#)
        };
        answer.clear();
        let _ = write!(
            answer,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             x-served-by: {}\r\ncache-control: no-store\r\n\r\n{body}",
            body.len(),
            behaviour.instances[instance],
        );
    }

    fn knows(&self, request: &[u8]) -> bool {
        if memmem::find(request, b"Bearer forged").is_some() {
            let number = self.seen.forged.fetch_add(1, Ordering::Relaxed);
            let let_in = due(self.behaviour.lets_in_every, number);
            self.seen
                .let_in
                .fetch_add(u64::from(let_in), Ordering::Relaxed);
            return let_in;
        }
        memmem::find(request, b"Bearer valid").is_some()
    }
}

/// Whether the request with this number is the last of so many.
fn due(every: Option<u64>, number: u64) -> bool {
    every.is_some_and(|every| number % every == every - 1)
}
