//! The board's accept loop: hyper's HTTP/1 with the limits that `axum::serve` does not set.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long a client may take to send a header, and a connection may idle between requests. An
/// open stream is neither.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// More than the viewers that fit, with six connections each.
const CONNECTIONS_MAX: usize = 1_024;
/// A browser's headers with all its cookies for this host stay well below this.
const HEADER_BUFFER_BYTES: usize = 64 * 1024;

/// Serves `router` on `listener` until the task is dropped, and every connection with it.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the board cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEADER_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a viewer's connection ended");
            }
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}
