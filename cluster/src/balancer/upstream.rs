//! One instance as the balancer knows it, its connections, and the pool it belongs to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::control::{Member, UpstreamHealth, UpstreamState};
use super::message::Outgoing;
use crate::link::lock;

/// How long a connection is kept without use. Instances close theirs after 5 s, and a request
/// that meets that closing half way is lost.
const KEEP: Duration = Duration::from_secs(3);

/// How large an answer's header may be: larger than any instance's.
const HEADER_BUFFER_BYTES: usize = 128 * 1024;

/// A connection to an instance, ready for a request.
pub(super) type Connection = SendRequest<Outgoing>;

/// One life of one instance. A restart makes a new one: other address, no memory of the past.
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) served_by: String,
    pub(super) address: SocketAddr,
    health: AtomicU8,
    in_flight: AtomicU64,
    attempts: AtomicU64,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    connection: Connection,
    since: Instant,
}

impl Upstream {
    fn new(pool: &str, member: Member, attempts: u64) -> Self {
        Self {
            served_by: format!("{pool}-{}", member.name),
            name: member.name,
            address: member.address,
            health: AtomicU8::new(UpstreamHealth::Unknown as u8),
            in_flight: AtomicU64::new(0),
            attempts: AtomicU64::new(attempts),
            kept: Mutex::default(),
        }
    }

    pub(super) fn health(&self) -> UpstreamHealth {
        let health = self.health.load(Ordering::Relaxed);
        let known = [
            UpstreamHealth::Up,
            UpstreamHealth::Draining,
            UpstreamHealth::Down,
        ];
        let found = known.into_iter().find(|known| *known as u8 == health);
        found.unwrap_or(UpstreamHealth::Unknown)
    }

    pub(super) fn set_health(&self, health: UpstreamHealth) {
        self.health.store(health as u8, Ordering::Relaxed);
        if health == UpstreamHealth::Down {
            lock(&self.kept).clear();
        }
    }

    /// Whether it may be given visitors.
    pub(super) fn takes_new(&self) -> bool {
        self.health.load(Ordering::Relaxed) == UpstreamHealth::Up as u8
    }

    /// Whether it may be given visitors that are pinned to it.
    pub(super) fn keeps_its_own(&self) -> bool {
        self.takes_new() || self.health.load(Ordering::Relaxed) == UpstreamHealth::Draining as u8
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn state(&self) -> UpstreamState {
        UpstreamState {
            instance: self.name.clone(),
            health: self.health(),
            in_flight: self.in_flight(),
            attempts: self.attempts.load(Ordering::Relaxed),
        }
    }

    /// Counts an attempt, in flight until the lease is dropped.
    pub(super) fn lease(self: &Arc<Self>) -> Lease {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Lease(Arc::clone(self))
    }

    /// A connection that is open already, the one used last first.
    pub(super) fn kept(&self) -> Option<Connection> {
        let mut kept = lock(&self.kept);
        while let Some(Kept { connection, since }) = kept.pop() {
            if connection.is_ready() && since.elapsed() < KEEP {
                return Some(connection);
            }
        }
        None
    }

    /// A new connection.
    pub(super) async fn connect(&self, wait: Duration) -> Option<Connection> {
        let connect = async {
            let stream = TcpStream::connect(self.address).await.ok()?;
            // Requests are one small write each: waiting to fill a segment only adds latency.
            stream.set_nodelay(true).ok()?;
            let mut builder = http1::Builder::new();
            builder.max_buf_size(HEADER_BUFFER_BYTES);
            builder.handshake(TokioIo::new(stream)).await.ok()
        };
        let (sender, connection) = tokio::time::timeout(wait, connect).await.ok()??;
        // It runs on its own while it idles too, and so notices when the instance closes it.
        tokio::spawn(connection);
        Some(sender)
    }

    fn keep(&self, connection: Connection) {
        lock(&self.kept).push(Kept {
            connection,
            since: Instant::now(),
        });
    }

    /// Closes what has idled too long.
    pub(super) fn sweep(&self) {
        lock(&self.kept).retain(|kept| kept.since.elapsed() < KEEP && !kept.connection.is_closed());
    }
}

/// An instance is busy with a request while this lives.
pub(super) struct Lease(Arc<Upstream>);

impl Lease {
    /// Keeps the connection for the next request, once it is ready for one.
    pub(super) fn keep(&self, mut connection: Connection) {
        if connection.is_ready() {
            self.0.keep(connection);
        } else if !connection.is_closed() {
            // The answer came before the request's end, or its own end is still to be read.
            let upstream = Arc::clone(&self.0);
            tokio::spawn(async move {
                if connection.ready().await.is_ok() {
                    upstream.keep(connection);
                }
            });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The instances to pick from, as they are at one moment.
pub(super) type Upstreams = Arc<[Arc<Upstream>]>;

/// A pool. Arms may share one, and then share what is known of its instances.
#[derive(Default)]
pub(super) struct Pool {
    upstreams: Mutex<Upstreams>,
}

impl Pool {
    pub(super) fn upstreams(&self) -> Upstreams {
        Arc::clone(&lock(&self.upstreams))
    }

    /// Makes the pool what `members` say; returns the instances that are new in it.
    pub(super) fn update(&self, name: &str, members: Vec<Member>) -> Vec<Arc<Upstream>> {
        let old = self.upstreams();
        let mut new = Vec::new();
        let upstreams = members.into_iter().map(|member| {
            let known = old.iter().find(|upstream| upstream.name == member.name);
            match known {
                Some(known) if known.address == member.address => Arc::clone(known),
                _ => {
                    let attempts = known.map_or(0, |known| known.attempts.load(Ordering::Relaxed));
                    let upstream = Arc::new(Upstream::new(name, member, attempts));
                    new.push(Arc::clone(&upstream));
                    upstream
                }
            }
        });
        let upstreams: Upstreams = upstreams.collect();
        *lock(&self.upstreams) = upstreams;
        new
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Instances that are up, of these names.
    pub(in super::super) fn upstreams(names: &[&str]) -> Upstreams {
        let members = names.iter().map(|name| Member {
            name: (*name).to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 9)),
        });
        let pool = Pool::default();
        for upstream in pool.update("toys", members.collect()) {
            upstream.set_health(UpstreamHealth::Up);
        }
        pool.upstreams()
    }

    #[test]
    fn an_update_keeps_what_has_not_moved() {
        let pool = Pool::default();
        let member = |name: &str, port| Member {
            name: name.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        let new = pool.update("toys", vec![member("a", 1), member("b", 2)]);
        assert_eq!(new.len(), 2);
        let a = new[0].lease();
        new[0].set_health(UpstreamHealth::Up);

        let new = pool.update("toys", vec![member("a", 1), member("b", 3), member("c", 4)]);
        let names: Vec<_> = new.iter().map(|upstream| &*upstream.served_by).collect();
        assert_eq!(names, ["toys-b", "toys-c"]);
        let now = pool.upstreams();
        assert_eq!(
            (now[0].health(), now[0].in_flight()),
            (UpstreamHealth::Up, 1)
        );
        assert_eq!(now[1].health(), UpstreamHealth::Unknown);
        drop(a);
        assert_eq!(now[0].in_flight(), 0);
    }
}
