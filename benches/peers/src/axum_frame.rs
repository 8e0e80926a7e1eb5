//! The frame of the axum peers: checks, headers and counter as one middleware function, served by
//! hyper with the timeouts of our servers (`axum::serve` has none).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::request_count::RequestCount;
use crate::{HEADER_TIMEOUT, Settings, request_form};

#[derive(Clone)]
struct Frame {
    count: Arc<RequestCount>,
    served_by: HeaderValue,
}

/// Serves `routes` on one thread until the process is ended.
///
/// # Errors
/// When the address cannot be used.
pub async fn serve(settings: &Settings, routes: Router) -> anyhow::Result<()> {
    let frame = Frame {
        count: Arc::default(),
        served_by: HeaderValue::from_str(&settings.served_by())?,
    };
    let count = Arc::clone(&frame.count);
    let router = routes
        .route("/metrics", get(async move || count.render()))
        .route("/readyz", get(async || "{}"))
        .layer(middleware::from_fn_with_state(frame, around));
    let listener = TcpListener::bind(settings.listen).await?;
    settings.listening(listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        // An error here is a client that went away.
        tokio::spawn(async { drop(connection.await) });
    }
}

async fn around(State(frame): State<Frame>, request: Request, next: Next) -> Response {
    let route = RequestCount::route(request.uri().path());
    let headers = request.headers().iter();
    let admitted =
        request_form::admit(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(refusal) => StatusCode::from_u16(refusal.status())
            .expect("both are statuses")
            .into_response(),
    };
    let headers = response.headers_mut();
    headers.insert("x-served-by", frame.served_by);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    frame.count.count(route, response.status().as_u16());
    response
}
