//! An arm: an address, the visitors' connections to it, and what all its requests share.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

use super::control::{ArmState, Policy};
use super::forward::{self, Waits};
use super::policy::{Pick, picker};
use super::sticky::Cookie;
use super::upstream::Pool;

/// How long a visitor may take to send a request's header, and how long a connection may idle:
/// hyper has one timer for both. As the instances have it.
const HEADER_WAIT: Duration = Duration::from_secs(5);
/// How long a closed arm waits for the answers that are under way.
const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// Far above the instances' own limit of 8 KiB, so that they see a large header and refuse it in
/// their words.
const HEADER_BUFFER_BYTES: usize = 128 * 1024;
/// How many visitors an arm holds at a time; more wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 16_384;

/// What all requests of an arm share.
pub(super) struct Arm {
    pub(super) pool: Arc<Pool>,
    pub(super) policy: Box<dyn Pick>,
    /// Only a sticky arm has one.
    pub(super) cookie: Option<Cookie>,
    /// The instance that takes `/login` and `/token/refresh`.
    pub(super) issuer: Option<String>,
    pub(super) waits: Waits,
    pub(super) counts: Counts,
}

/// What an arm counts.
#[derive(Default)]
pub(super) struct Counts {
    requests: AtomicU64,
    retries: AtomicU64,
    own_answers: AtomicU64,
}

impl Counts {
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retries(&self, more: u32) {
        self.retries.fetch_add(more.into(), Ordering::Relaxed);
    }

    pub(super) fn own_answer(&self) {
        self.own_answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Who is at the other end of a connection.
pub(super) struct Visitor {
    pub(super) address: IpAddr,
    /// The same, for `x-forwarded-for`.
    pub(super) address_value: HeaderValue,
}

impl Visitor {
    fn new(address: IpAddr) -> Self {
        let address_value = HeaderValue::try_from(address.to_string())
            .expect("digits, letters, dots and colons are a header value");
        Self {
            address,
            address_value,
        }
    }
}

impl Arm {
    pub(super) fn new(
        name: &str,
        policy: Policy,
        pool: Arc<Pool>,
        issuer: Option<String>,
        waits: Waits,
    ) -> Self {
        Self {
            pool,
            policy: picker(policy),
            cookie: (policy == Policy::Sticky).then(|| Cookie::of_arm(name)),
            issuer,
            waits,
            counts: Counts::default(),
        }
    }

    pub(super) fn state(&self) -> ArmState {
        let counts = &self.counts;
        let upstreams = self.pool.upstreams();
        ArmState {
            requests: counts.requests.load(Ordering::Relaxed),
            retries: counts.retries.load(Ordering::Relaxed),
            own_answers: counts.own_answers.load(Ordering::Relaxed),
            upstreams: upstreams.iter().map(|upstream| upstream.state()).collect(),
        }
    }

    /// Serves visitors on `listener` until `closed`, then lets what is under way end.
    pub(super) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        mut closed: oneshot::Receiver<()>,
    ) {
        let connections = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut closed => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    let connection = connections.watch(self.connection(stream, address));
                    tokio::spawn(async move {
                        // Ends with an error when a visitor goes away or sends nonsense.
                        let _ = connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: do not turn that into a busy loop.
                    eprintln!("balancer: cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(CLOSE_WAIT, connections.shutdown()).await;
    }

    fn connection(
        self: &Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
    ) -> impl hyper_util::server::graceful::GracefulConnection + use<> {
        let _ = stream.set_nodelay(true);
        let shared = Arc::new((Arc::clone(self), Visitor::new(address.ip().to_canonical())));
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move {
                let (arm, visitor) = &*shared;
                Ok::<_, Infallible>(forward::answer(arm, visitor, request).await)
            }
        });
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WAIT)
            .max_buf_size(HEADER_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
    }
}
