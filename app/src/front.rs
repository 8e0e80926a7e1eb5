//! What every request passes first and every answer last: limits on the request's form, the
//! cross-site rule, the guard of `/lab`, `x-served-by`, and the count.
//!
//! One function instead of a stack of layers: each layer of tower's would box a future for
//! every request, on both servers, and there is nothing to choose between them.

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version};
use subtle::ConstantTimeEq as _;
use tower::ServiceExt as _;

use crate::application::Application;
use crate::lab::LIFETIME_MAX;
use crate::memory::{Challenge, Memory};
use crate::problem::{Problem, Reason};

/// Header limit in bytes, names, values and line ends counted. A credential that does not fit
/// gets 431 on every path, direct and through either balancer.
pub const HEADER_MAX_BYTES: usize = 8 * 1024;
/// Length limit of the request target in bytes.
pub const URI_MAX_BYTES: usize = 8 * 1024;

/// Which instance answered.
pub const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");
/// The secret of `/lab`.
pub const LAB_SECRET: HeaderName = HeaderName::from_static("x-lab-secret");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An application with everything in front of its router.
pub struct Front<M> {
    application: Application<M>,
    router: Router,
}

impl<M: Memory> Front<M> {
    /// Puts the front before `application`'s router.
    pub fn new(application: Application<M>) -> Self {
        let router = application.router();
        Self {
            application,
            router,
        }
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let route = self.application.metrics.route(request.uri().path());
        let mut response = match self.admit(&request) {
            Ok(()) => match self.router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Err(problem) => problem.into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(SERVED_BY, self.application.served_by_header());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.application.metrics.count(
            route,
            response.status(),
            response.extensions().get::<Reason>().copied(),
        );
        response
    }

    fn admit(&self, request: &Request<Body>) -> Result<(), Problem> {
        well_formed(request)?;
        let headers = request.headers();
        let path = request.uri().path();
        // Asked of a login alone, so that no other request pays for the question.
        let shortened = path == "/login" && headers.contains_key(LIFETIME_MAX);
        if shortened || path.starts_with("/lab") {
            self.admit_to_lab(headers)?;
        }
        let changes_state = !matches!(*request.method(), Method::GET | Method::HEAD);
        if changes_state
            && matches!(
                self.application.memory.challenge(),
                Challenge::Cookie { .. }
            )
        {
            same_origin(request.headers())?;
        }
        Ok(())
    }

    fn admit_to_lab(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let secret = self
            .application
            .lab_secret
            .as_deref()
            .ok_or(Reason::NotFound)?;
        let shown = headers
            .get(LAB_SECRET)
            .map_or(&[] as &[u8], HeaderValue::as_bytes);
        if bool::from(shown.ct_eq(secret.as_bytes())) {
            Ok(())
        } else {
            Err(Reason::LabSecret)?
        }
    }
}

/// The form of a request that hyper lets through and HTTP does not (RFC 9112), and our limits.
fn well_formed(request: &Request<Body>) -> Result<(), Problem> {
    let (headers, uri) = (request.headers(), request.uri());
    let target_bytes = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target_bytes > URI_MAX_BYTES {
        Err(Reason::UriTooLong)?;
    }
    let mut header_bytes = 0;
    let mut hosts = 0;
    for (name, value) in headers {
        // ": " and the line's end.
        header_bytes += name.as_str().len() + value.len() + 4;
        hosts += usize::from(name == HOST);
    }
    if header_bytes > HEADER_MAX_BYTES {
        Err(Reason::HeaderTooLarge)?;
    }
    // RFC 9112, section 3.2: one Host in HTTP/1.1, never two.
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(malformed("Send exactly one Host header."));
    }
    if let Some(authority) = uri.authority() {
        let host = headers.get(HOST).map(HeaderValue::as_bytes);
        if host.is_some_and(|host| !host.eq_ignore_ascii_case(authority.as_str().as_bytes())) {
            return Err(malformed(
                "The request target names another host than Host does.",
            ));
        }
    }
    if !uri.path().is_ascii() {
        return Err(malformed(
            "The path has bytes that must be percent-encoded.",
        ));
    }
    if let Some(coding) = headers.get(TRANSFER_ENCODING) {
        // hyper undoes `chunked` and nothing before it: a body in another coding stays in it.
        let more = headers.get_all(TRANSFER_ENCODING).iter().nth(1).is_some();
        if more || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(malformed("Send no other coding than chunked."));
        }
        // RFC 9112, section 6.1: both together is how requests are smuggled. Where hyper has
        // taken the length away already, it also closes the connection after the answer.
        if headers.contains_key(CONTENT_LENGTH) {
            return Err(malformed(
                "Send Content-Length or Transfer-Encoding, not both.",
            ));
        }
    }
    // RFC 9110, section 5.3: Authorization is no list, so two of them are no credential.
    if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
        Err(Reason::MalformedCredential)?;
    }
    Ok(())
}

fn malformed(detail: &'static str) -> Problem {
    Problem::new(Reason::MalformedRequest).detail(detail)
}

/// Cookies travel with requests that other sites make. A change of state is refused when the
/// browser says that another origin asks; a client that says nothing is no browser.
fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(site) = headers.get(SEC_FETCH_SITE)
        && site != "same-origin"
        && site != "none"
    {
        Err(Reason::CrossSite)?;
    }
    if let Some(origin) = headers.get(ORIGIN) {
        let host = headers
            .get(HOST)
            .map_or(&[] as &[u8], HeaderValue::as_bytes);
        let origin = origin.as_bytes();
        let asks = origin
            .strip_prefix(b"https://")
            .or_else(|| origin.strip_prefix(b"http://"));
        if asks != Some(host) {
            Err(Reason::CrossSite)?;
        }
    }
    Ok(())
}
