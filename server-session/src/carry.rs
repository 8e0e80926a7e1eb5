//! How a session's name travels: in one cookie, sent once.
//!
//! tower-sessions reads and writes the cookie. This layer stands around it and sees to what it
//! leaves open: the same cookie sent twice, an answer when a record could not be written, and
//! cookies that it would remove although their login may be alive.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use app::{Challenge, Problem, Reason};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, Method};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::store::Store;
use crate::store::notes::{self, During};

/// What a request sent under the name of our cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sent {
    /// Nothing.
    #[default]
    Nothing,
    /// What may be a session's name.
    One,
    /// What cannot be one.
    Malformed,
    /// More than one cookie.
    Twice,
}

/// The length of a session's name: 16 bytes in base64url.
const NAME_CHARS: usize = 22;

/// What `headers` hold under `name`. It reads the header as the cookie crate under tower-sessions
/// does, which takes the last of several (RFC 6265bis, section 5.6: order means nothing).
pub fn sent(headers: &HeaderMap, name: &str) -> Sent {
    let mut sent = Sent::Nothing;
    for header in headers.get_all(COOKIE) {
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let Some(equals) = pair.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let (key, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
            let ours = key == name.as_bytes();
            // The cookie crate takes a percent-encoded name for the same, and one with any of
            // Unicode's spaces around it; nobody sends those.
            let odd = |byte: &u8| *byte == b'%' || !byte.is_ascii();
            let disguised = !ours && key.iter().any(odd) && decoded(key) == name;
            if !ours && !disguised {
                continue;
            }
            let plausible = value.len() == NAME_CHARS
                && value
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
            sent = match sent {
                Sent::Nothing if ours && plausible => Sent::One,
                Sent::Nothing => Sent::Malformed,
                _ => Sent::Twice,
            };
        }
    }
    sent
}

fn decoded(key: &[u8]) -> String {
    let pair = format!("{}=", String::from_utf8_lossy(key));
    cookie::Cookie::parse_encoded(pair).map_or_else(|_| String::new(), |c| c.name().to_owned())
}

/// The layer around tower-sessions' own.
#[derive(Clone)]
pub struct CarryLayer(Arc<Carry>);

struct Carry {
    cookie: &'static str,
    store: Arc<dyn Store>,
}

impl CarryLayer {
    /// For sessions in `store`, whose cookie is named `cookie`.
    pub fn new(cookie: &'static str, store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Carry { cookie, store }))
    }
}

impl<S> Layer<S> for CarryLayer {
    type Service = CarryService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CarryService {
            carry: Arc::clone(&self.0),
            inner,
        }
    }
}

/// A service with [`CarryLayer`] around it.
#[derive(Clone)]
pub struct CarryService<S> {
    carry: Arc<Carry>,
    inner: S,
}

impl<S> Service<Request> for CarryService<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = During<Answering<S::Future>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let sent = sent(request.headers(), self.carry.cookie);
        let logs_in = request.method() == Method::POST && request.uri().path() == "/login";
        let before = match (sent, logs_in) {
            (Sent::Twice, _) => Some(refused()),
            (_, true) => Some(begun(Arc::clone(&self.carry.store))),
            _ => None,
        };
        let answering = Answering {
            carry: Arc::clone(&self.carry),
            before,
            answer: self.inner.call(request),
        };
        notes::during(sent, answering)
    }
}

/// What has to happen before a request is answered, or the reason why it is not.
type Before = Pin<Box<dyn Future<Output = Result<(), Reason>> + Send>>;

fn refused() -> Before {
    Box::pin(ready(Err(Reason::MalformedCredential)))
}

/// Before the account is read: whoever disables it later is not overtaken.
fn begun(store: Arc<dyn Store>) -> Before {
    Box::pin(async move { store.login_begins().await.map_err(Reason::from) })
}

pin_project! {
    /// One request on its way through [`CarryService`]. A type of its own, since a boxed future
    /// for every request is what a session's check can do without.
    pub struct Answering<F> {
        carry: Arc<Carry>,
        before: Option<Before>,
        #[pin]
        answer: F,
    }
}

impl<F, E> Future for Answering<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(before) = this.before {
            if let Err(reason) = ready!(before.as_mut().poll(context)) {
                return Poll::Ready(Ok(this.carry.problem(reason)));
            }
            *this.before = None;
        }
        let mut response = ready!(this.answer.poll(context))?;
        if let Some(reason) = notes::failure() {
            return Poll::Ready(Ok(this.carry.problem(reason)));
        }
        if this.carry.store.withholds_removals() && !notes::ended() {
            this.carry.withhold_removal(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}

impl Carry {
    /// Keeps the client's cookie where tower-sessions would remove it. A name that this store
    /// does not know may be older than the one the client has got meanwhile, and both have the
    /// same place in its jar.
    fn withhold_removal(&self, headers: &mut HeaderMap) {
        let removes = headers.get(SET_COOKIE).is_some_and(|value| {
            let rest = value.as_bytes().strip_prefix(self.cookie.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"=;"))
        });
        if removes {
            // The only one: tower-sessions writes one cookie, and the application none.
            headers.remove(SET_COOKIE);
        }
    }

    fn problem(&self, reason: Reason) -> Response {
        let name = self.cookie.to_owned();
        Problem::new(reason)
            .challenge(Challenge::Cookie { name })
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NAME: &str = "sid-session-redis";
    const ID: &str = "AAECAwQFBgcICQoLDA0ODw";

    fn sent_in(lines: &[&[u8]]) -> Sent {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                COOKIE,
                HeaderValue::from_bytes(line).expect("a header value"),
            );
        }
        sent(&headers, NAME)
    }

    #[test]
    fn one_cookie_is_one_wherever_it_stands() {
        for line in [
            format!("{NAME}={ID}"),
            format!("theme=dark; {NAME}={ID}"),
            format!("{NAME}={ID};theme=dark"),
            format!("x{NAME}=1; {NAME} = {ID} ; {NAME}x=2"),
        ] {
            assert_eq!(sent_in(&[line.as_bytes()]), Sent::One, "{line}");
        }
        assert_eq!(sent_in(&[]), Sent::Nothing);
        assert_eq!(
            sent_in(&[b"theme=dark; sid-session-redi=1; sid-session-redis"]),
            Sent::Nothing
        );
    }

    #[test]
    fn what_cannot_be_a_name_is_malformed() {
        let (short, long) = (&ID[1..], format!("{ID}A"));
        for value in [
            "",
            short,
            &long,
            "\"AAECAwQFBgcICQoLDA0O\"",
            "AAECAwQFBgcICQoL/A0ODw",
        ] {
            assert_eq!(
                sent_in(&[format!("{NAME}={value}").as_bytes()]),
                Sent::Malformed
            );
        }
        assert_eq!(sent_in(&[b"sid-session-redis=\xff\xfe"]), Sent::Malformed);
        assert_eq!(
            sent_in(&[format!("{NAME}=%41{}", &ID[1..]).as_bytes()]),
            Sent::Malformed
        );
        assert_eq!(
            sent_in(&[format!("%73{}={ID}", &NAME[1..]).as_bytes()]),
            Sent::Malformed
        );
    }

    #[test]
    fn two_cookies_are_two_in_any_order_and_disguise() {
        let (one, other) = (format!("{NAME}={ID}"), format!("{NAME}=other"));
        let disguised = format!("%73{}={ID}", &NAME[1..]);
        let spaced = format!("\u{a0}{NAME}\u{3000}={ID}");
        for (first, second) in [
            (&one, &other),
            (&other, &one),
            (&one, &one),
            (&disguised, &one),
            (&one, &spaced),
        ] {
            assert_eq!(sent_in(&[first.as_bytes(), second.as_bytes()]), Sent::Twice);
            assert_eq!(
                sent_in(&[format!("{first}; {second}").as_bytes()]),
                Sent::Twice
            );
        }
    }
}
