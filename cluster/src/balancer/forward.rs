//! A request's attempts.
//!
//! What may be made again, and where:
//!
//! - *Not a byte has left* (the connection could not be made, or closed before the request was
//!   taken from the queue): at another instance, whatever the method, body and all. Nothing has
//!   happened yet, so this is safe for a login too.
//! - *It may have left, but no answer's head came back*: safe methods without a body, at another
//!   instance. If the connection was one that had been kept, at the same instance first, on a new
//!   connection: servers close idle connections, and a pinned visitor must not be moved for that.
//! - *The head came back*: never. The answer is the visitor's, whole or broken.
//!
//! Each instance gets at most two attempts, and the count stands on the answer.

use std::sync::Arc;
use std::time::Duration;

use http::header::SET_COOKIE;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::arm::{Arm, Visitor};
use super::headers;
use super::message::{Answer, Outgoing, Passing, Refusal};
use super::policy::{Choice, Tried};
use super::sticky;
use super::upstream::{Connection, Upstream, Upstreams};

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    pub(super) connect: Duration,
    pub(super) answer: Duration,
}

/// Answers one request of a visitor's.
pub(super) async fn answer(
    arm: &Arm,
    visitor: &Visitor,
    request: Request<Incoming>,
) -> Response<Answer> {
    arm.counts.request();
    let (mut parts, body) = request.into_parts();
    let upstreams = arm.pool.upstreams();
    let mut route = Route::new(arm, visitor, &upstreams, &parts);
    let ready = headers::make_request(&mut parts, &visitor.address_value);
    let outcome = match ready {
        Ok(()) => {
            sticky::strip(&mut parts.headers);
            route.attempts(parts, body.into()).await
        }
        Err(refusal) => Err(refusal),
    };
    if route.attempts > 1 {
        arm.counts.retries(route.attempts - 1);
    }
    outcome.unwrap_or_else(|refusal| {
        arm.counts.own_answer();
        refusal.answer(route.attempts)
    })
}

/// A request's way through the instances.
struct Route<'a> {
    arm: &'a Arm,
    visitor: &'a Visitor,
    upstreams: &'a Upstreams,
    /// The instance that must have it, whatever the policy says.
    issuer: Option<usize>,
    /// The instance that the visitor's cookie names.
    pinned: Option<usize>,
    tried: Tried,
    attempts: u32,
}

/// What became of one attempt.
enum Fate {
    Answered(Response<Incoming>, Connection),
    /// Not a byte has left: here it is again.
    NotSent(Request<Outgoing>),
    /// The connection broke; `kept` if it had been open before.
    Lost {
        kept: bool,
    },
    /// The visitor's own body broke off, or was no body: the instance is not to blame.
    Broken,
    Silent,
}

impl<'a> Route<'a> {
    fn new(arm: &'a Arm, visitor: &'a Visitor, upstreams: &'a Upstreams, parts: &Parts) -> Self {
        let find = |name: &str| upstreams.iter().position(|upstream| upstream.name == name);
        let issues = matches!(parts.uri.path(), "/login" | "/token/refresh");
        let issuer = arm.issuer.as_deref().filter(|_| issues);
        let cookie = arm.cookie.as_ref();
        Self {
            arm,
            visitor,
            upstreams,
            // One that is not in the pool is as good as one that is down.
            issuer: issuer.map(|name| find(name).unwrap_or(usize::MAX)),
            pinned: cookie.and_then(|cookie| find(cookie.read(&parts.headers)?)),
            tried: Tried::default(),
            attempts: 0,
        }
    }

    async fn attempts(
        &mut self,
        parts: Parts,
        body: Outgoing,
    ) -> Result<Response<Answer>, Refusal> {
        let repeatable = matches!(body, Outgoing::Nothing)
            && matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let whole = body.whole();
        let mut request = Request::from_parts(parts, body);
        let mut again_on_new = None;
        loop {
            let next = again_on_new.or_else(|| self.pick());
            let index = next.ok_or(Refusal::NoInstance)?;
            let upstream = &self.upstreams[index];
            let spare = repeatable.then(|| copy(&request));
            let lease = upstream.lease();
            self.attempts += 1;
            let only_new = again_on_new.take().is_some();
            let fate = attempt(upstream, request, self.arm.waits, only_new).await;
            match fate {
                Fate::Answered(answer, connection) => {
                    let (mut parts, body) = answer.into_parts();
                    self.finish(&mut parts, index);
                    let body = Answer::Instances(Passing::new(body, lease, connection));
                    return Ok(Response::from_parts(parts, body));
                }
                Fate::NotSent(back) => {
                    self.tried.add(index);
                    request = back;
                }
                Fate::Lost { kept } => {
                    request = spare.ok_or(Refusal::InstanceLost)?;
                    if kept {
                        again_on_new = Some(index);
                    } else {
                        self.tried.add(index);
                    }
                }
                Fate::Broken => {
                    return Err(Refusal::Malformed("The body ended before its end."));
                }
                Fate::Silent if !whole.is_it() => return Err(Refusal::TooSlow),
                Fate::Silent => {
                    request = spare.ok_or(Refusal::InstanceSilent)?;
                    self.tried.add(index);
                }
            }
        }
    }

    fn pick(&self) -> Option<usize> {
        if let Some(issuer) = self.issuer {
            let upstream = self.upstreams.get(issuer)?;
            return (upstream.keeps_its_own() && !self.tried.has(issuer)).then_some(issuer);
        }
        self.arm.policy.pick(&Choice {
            upstreams: self.upstreams,
            tried: self.tried,
            client: self.visitor.address,
            pinned: self.pinned,
        })
    }

    fn finish(&self, answer: &mut http::response::Parts, index: usize) {
        headers::make_answer(&mut answer.headers, self.attempts);
        // Who was sent to the issuer was not picked for, and is not pinned by that.
        if self.issuer.is_none()
            && self.pinned != Some(index)
            && let Some(cookie) = &self.arm.cookie
            && let Some(pin) = cookie.pin(&self.upstreams[index].name)
        {
            answer.headers.append(SET_COOKIE, pin);
        }
    }
}

fn copy(request: &Request<Outgoing>) -> Request<Outgoing> {
    let mut copy = Request::new(Outgoing::Nothing);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}

async fn attempt(
    upstream: &Arc<Upstream>,
    mut request: Request<Outgoing>,
    waits: Waits,
    only_new: bool,
) -> Fate {
    if !only_new {
        while let Some(connection) = upstream.kept() {
            match send(connection, request, waits.answer, true).await {
                // It closed while it lay here; the next one may not have.
                Fate::NotSent(back) => request = back,
                fate => return fate,
            }
        }
    }
    match upstream.connect(waits.connect).await {
        Some(connection) => send(connection, request, waits.answer, false).await,
        None => Fate::NotSent(request),
    }
}

async fn send(
    mut connection: Connection,
    request: Request<Outgoing>,
    wait: Duration,
    kept: bool,
) -> Fate {
    // Dropping the unfinished answer closes the connection: what comes late is nobody's.
    match tokio::time::timeout(wait, connection.try_send_request(request)).await {
        Ok(Ok(answer)) => Fate::Answered(answer, connection),
        Ok(Err(mut error)) => match error.take_message() {
            Some(request) => Fate::NotSent(request),
            // hyper's word for what came from our side of the connection: the body's stream.
            None if error.error().is_user() => Fate::Broken,
            None => Fate::Lost { kept },
        },
        Err(_) => Fate::Silent,
    }
}
