//! Bodies as they pass through, and the balancer's own answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::headers::ATTEMPTS;
use super::upstream::{Connection, Lease};
use crate::probe::SERVED_BY;

/// The body of a request on its way to an instance.
pub(super) enum Outgoing {
    /// None: such a request can be made again.
    Nothing,
    /// The visitor's own, which passes once.
    Visitors {
        /// What is left of it.
        body: Incoming,
        /// Set once all of it was passed on.
        whole: Whole,
    },
}

/// Whether a request's body has been passed on to its end. While it has not, an instance that is
/// silent is waiting too, and it is the visitor who is slow.
#[derive(Clone, Default)]
pub(super) struct Whole(Option<Arc<AtomicBool>>);

impl Whole {
    pub(super) fn is_it(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|whole| whole.load(Ordering::Relaxed))
    }

    fn now(&self) {
        if let Some(whole) = &self.0 {
            whole.store(true, Ordering::Relaxed);
        }
    }
}

impl Outgoing {
    /// Tells, also after this was sent, whether it has been passed on to its end.
    pub(super) fn whole(&self) -> Whole {
        match self {
            Self::Nothing => Whole::default(),
            Self::Visitors { whole, .. } => whole.clone(),
        }
    }
}

impl From<Incoming> for Outgoing {
    fn from(body: Incoming) -> Self {
        if body.is_end_stream() {
            Self::Nothing
        } else {
            Self::Visitors {
                body,
                whole: Whole(Some(Arc::default())),
            }
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Nothing => Poll::Ready(None),
            Self::Visitors { body, whole } => {
                let frame = Pin::new(&mut *body).poll_frame(context);
                // Nobody polls again after the last frame of a body whose length is known.
                if matches!(frame, Poll::Ready(None)) || body.is_end_stream() {
                    whole.now();
                }
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Visitors { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Visitors { body, .. } => body.size_hint(),
        }
    }
}

/// The body of an answer on its way to a visitor.
pub(super) enum Answer {
    /// An instance's.
    Instances(Passing),
    /// The balancer's own.
    Own(Full<Bytes>),
}

/// An instance's body, with what is held until its end.
pub(super) struct Passing {
    body: Incoming,
    ended: bool,
    held: Option<(Lease, Connection)>,
}

impl Passing {
    pub(super) fn new(body: Incoming, lease: Lease, connection: Connection) -> Self {
        Self {
            body,
            ended: false,
            held: Some((lease, connection)),
        }
    }
}

impl Drop for Passing {
    /// The lease ends with the body. The connection is good for another request only if the body
    /// was read to its end.
    fn drop(&mut self) {
        if let Some((lease, connection)) = self.held.take()
            && (self.ended || self.body.is_end_stream())
        {
            lease.keep(connection);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Instances(passing) => {
                let frame = Pin::new(&mut passing.body).poll_frame(context);
                passing.ended |= matches!(frame, Poll::Ready(None));
                frame
            }
            Self::Own(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|never: Infallible| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Instances(passing) => passing.body.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Instances(passing) => passing.body.size_hint(),
            Self::Own(body) => body.size_hint(),
        }
    }
}

/// Why the balancer answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400: it could be read in two ways, and nothing was forwarded; or its body broke off.
    Malformed(&'static str),
    /// 408: the body did not arrive in the time in which an instance has to answer.
    TooSlow,
    /// 503: no instance is up, or none of those that are could be reached.
    NoInstance,
    /// 502: an instance had the request and broke off. It may have done what was asked.
    InstanceLost,
    /// 504: an instance has the request and does not answer. It may yet do what was asked.
    InstanceSilent,
}

impl Refusal {
    fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed(detail) => (StatusCode::BAD_REQUEST, "malformed-request", detail),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                "The request's body did not arrive in time.",
            ),
            Self::NoInstance => (
                StatusCode::SERVICE_UNAVAILABLE,
                "no-instance",
                "No server can take this request now. Try again shortly.",
            ),
            Self::InstanceLost => (
                StatusCode::BAD_GATEWAY,
                "instance-lost",
                "The server broke off. It may or may not have done what was asked.",
            ),
            Self::InstanceSilent => (
                StatusCode::GATEWAY_TIMEOUT,
                "instance-silent",
                "The server does not answer. It may or may not do what was asked.",
            ),
        }
    }

    /// The answer, in the form that the instances' own refusals have.
    pub(super) fn answer(self, attempts: u32) -> Response<Answer> {
        let (status, reason, detail) = self.words();
        let body = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "reason": reason,
            "detail": detail,
        });
        let body = Answer::Own(Full::from(body.to_string()));
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, problem);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(SERVED_BY, HeaderValue::from_static("balancer"));
        headers.insert(ATTEMPTS, HeaderValue::from(attempts));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}
