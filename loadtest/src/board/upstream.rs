//! Asking a server: one client for balancers and instances, with a bound on time and length.

use std::time::Duration;

use app::Credential;
use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, StatusCode};

/// Longer than any answer of the application; a longer one is not passed on.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// A login waits for its password check, in a crowded room for several.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that keeps no cookies: the browsers do.
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Servers close what has been idle for 5 s; be earlier than they are.
        .pool_idle_timeout(Duration::from_secs(3))
        .timeout(ANSWER_TIMEOUT)
        .build()
        .expect("a client without TLS and without files has nothing that can fail")
}

/// The request with a credential in its header: a cookie as `name=value`, or a token.
pub(super) fn with_credential(
    request: reqwest::RequestBuilder,
    header: &HeaderName,
    credential: &Credential,
) -> reqwest::RequestBuilder {
    match *header {
        AUTHORIZATION => request.bearer_auth(credential.reveal()),
        _ => request.header(header, credential.reveal()),
    }
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer to pass on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    /// No connection, no answer in time, or one that broke off.
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
    /// More than anything of ours says.
    #[error("the answer is longer than {ANSWER_MAX_BYTES} bytes")]
    TooLong,
}

/// Sends a request and reads its whole answer.
pub(super) async fn ask(request: reqwest::RequestBuilder) -> Result<Answer, Silence> {
    let mut answer = request.send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(Silence::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body: body.into(),
    })
}
