//! The accept loop: hyper's HTTP/1 connections with the limits that `axum::serve` does not set,
//! and a drain that ends when it says it ends.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::application::Application;
use crate::front::Front;
use crate::memory::Memory;

/// How long a client may take to send a request's header, and how long a connection may idle:
/// hyper has one timer for both.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of a header hyper buffers. Above our own 8 KiB limit on purpose, so that our own
/// layer sees the request and answers 431 in the same words on every path.
const HEADER_BUFFER_BYTES: usize = 128 * 1024;

/// How many connections an instance holds at a time; more wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 16_384;

/// How an instance ends: unready at once, then a wait in which balancers notice, then no new
/// connections, then a hard deadline for those that are open.
#[derive(Debug, Clone)]
pub struct Drain {
    wait: Duration,
    deadline: Duration,
    draining: Arc<AtomicBool>,
}

impl Drain {
    /// A drain that waits for `wait` and closes everything `deadline` later.
    pub fn new(wait: Duration, deadline: Duration) -> Self {
        Self {
            wait,
            deadline,
            draining: Arc::default(),
        }
    }

    /// Whether the drain has begun; `/readyz` answers 503 from then on.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.draining)
    }
}

/// Serves `application` on `listener` until `told_to_end`, then drains.
pub async fn serve<M: Memory>(
    application: Application<M>,
    listener: TcpListener,
    drain: Drain,
    told_to_end: impl Future<Output = ()>,
) {
    let front = Arc::new(Front::new(application));
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut ending = pin!(async {
        told_to_end.await;
        drain.draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(drain.wait).await;
    });
    loop {
        let stream = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut ending => break,
        };
        let Some((stream, place)) = stream else {
            continue;
        };
        let front = Arc::clone(&front);
        let service = service_fn(move |request: Request<Incoming>| {
            let front = Arc::clone(&front);
            async move { Ok::<_, Infallible>(front.answer(request.map(Body::new)).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEADER_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // A client that went away, sent nonsense, or nothing at all.
                tracing::debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    // Half-sent requests and slow readers would hold a graceful shutdown for ever.
    let _ = tokio::time::timeout(drain.deadline, connections.shutdown()).await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are one small write each: waiting to fill a segment only adds latency.
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            // Out of file descriptors, or a client that was gone again. Neither ends a server;
            // the pause keeps the former from turning into a busy loop.
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(20)).await;
            None
        }
    }
}
