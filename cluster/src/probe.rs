//! One `GET` on a connection of its own: is this instance ready?

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Which instance answered.
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// What an instance said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// 200, or 503 while it drains.
    pub(crate) status: StatusCode,
    /// `x-served-by`. A port that became free may soon be somebody else's.
    pub(crate) served_by: Option<String>,
}

/// Asks `GET /readyz`. `None` if no answer came in time, for whatever reason.
pub(crate) async fn ready(address: SocketAddr, within: Duration) -> Option<Readiness> {
    tokio::time::timeout(within, ask(address))
        .await
        .ok()
        .flatten()
}

async fn ask(address: SocketAddr) -> Option<Readiness> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get("/readyz")
        .header(HOST, address.to_string())
        .header(CONNECTION, HeaderValue::from_static("close"))
        .body(Empty::<Bytes>::new())
        .ok()?;
    let asking = async move {
        let answer = sender.send_request(request).await.ok()?;
        let served_by = answer.headers().get(SERVED_BY);
        let served_by = served_by.and_then(|name| name.to_str().ok());
        let readiness = Readiness {
            status: answer.status(),
            served_by: served_by.map(str::to_owned),
        };
        // Read to the end, so that the instance does not see a broken connection.
        answer.into_body().collect().await.ok()?;
        Some(readiness)
    };
    // Joined rather than spawned: whoever gives up gives up both.
    let (_, readiness) = tokio::join!(connection, asking);
    readiness
}
