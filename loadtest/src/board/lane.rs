//! The lane proxy: the viewer's browser is the client of both servers, though it talks to one
//! origin only.
//!
//! It forwards what belongs to one pool and nothing else: that pool's cookie or token, never
//! another's, never the board's own. `Host` and `Origin` stay as the browser sent them, so the
//! servers' own cross-site rule goes on working behind it. What the answer does to the browser's
//! credential is passed on unchanged, with two exceptions that the viewer asks for and sees:
//! *keep my cookie*, and the copies that *send my old login* and *change one character* send.
//! Long because what passes, in both directions, is to be read in one place.

use std::sync::Arc;

use app::Credential;
use app::front::{LAB_SECRET, SERVED_BY};
use app::lab::LIFETIME_MAX;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, RETRY_AFTER, SET_COOKIE, USER_AGENT,
    WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::House;
use super::controls;
use super::cookies::{altered, bearer, cookie_in, cookies_in, fingerprint, is_the_balancers};
use super::place::Place;
use super::refusal::Refusal;
use super::stage::{Lane, Pool, Way};
use super::upstream::{self, Answer};
use super::viewers::{Change, ViewerId};

/// Asks for a copy to be sent instead of what the browser holds: `old` for the viewer's old
/// login, `altered` for the cookie with one character changed.
const COPY: &str = "x-board-copy";
/// Asks for the removal of a cookie to be withheld.
const KEEP_COOKIE: &str = "x-board-keep-cookie";
/// Asks for a login that lives so many seconds at most.
const LIFETIME: &str = "x-board-lifetime-s";
/// The lifetimes that the page offers, in seconds.
const LIFETIMES_S: [u64; 3] = [30, 2 * 60, 15 * 60];
/// Tells the page what became of the cookie it cannot read: `set`, `removed`, `withheld`.
const COOKIE_FATE: HeaderName = HeaderName::from_static("x-board-cookie");
/// Tells the page the fingerprint of the cookie that was sent, its length, and the fingerprint
/// of the one that the browser holds after this answer.
const SENT_ID: HeaderName = HeaderName::from_static("x-board-sent");
const SENT_BYTES: HeaderName = HeaderName::from_static("x-board-sent-bytes");
const HELD_ID: HeaderName = HeaderName::from_static("x-board-holds");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-attempts");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a viewer may ask of a lane. `/lab` is not among it, nor is anything else internal.
const OFFERED: [&str; 5] = ["login", "logout", "logout-everywhere", "me", "records"];
/// What passes from the browser, besides the credential.
const FORWARDED: [HeaderName; 6] = [
    ACCEPT,
    CONTENT_TYPE,
    HOST,
    ORIGIN,
    USER_AGENT,
    SEC_FETCH_SITE,
];
/// What passes back, besides cookies.
const PASSED_BACK: [HeaderName; 5] = [
    CONTENT_TYPE,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    SERVED_BY,
    ATTEMPTS,
];

/// Passes one request of a viewer's to a pool, by the way that the viewer chose.
pub(super) async fn forward(
    State(house): State<Arc<House>>,
    Path((pool, way, path)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let pool: Pool = pool.parse().map_err(|()| Refusal::NotFound)?;
    let way = Way::read(&way).ok_or(Refusal::NotFound)?;
    if !OFFERED.contains(&path.as_str()) {
        return Err(Refusal::NotFound);
    }
    let viewer = ViewerId::of(&house, &headers).ok_or(Refusal::NoViewer)?;
    let visit = Visit::new(&house, pool, way, viewer, &headers)?;
    let seat = house.viewers.seat(&visit.viewer);
    let address = controls::address(&house, pool, &visit.way, seat).await?;
    let mut request = house
        .client
        .request(method, format!("http://{address}/{path}"))
        .headers(visit.headers_forwarded(&headers));
    if path == "login" {
        request = request.headers(lifetime(&house, &headers)?);
    }
    if !body.is_empty() {
        request = request.body(body);
    }
    let answer = upstream::ask(request)
        .await
        .map_err(|error| silent(pool, &error))?;
    house.live.poke();
    Ok(visit.answer(&house, &path, answer))
}

fn silent(pool: Pool, error: &dyn std::fmt::Display) -> Refusal {
    tracing::debug!(%pool, %error, "nobody answers there");
    Refusal::Silent
}

/// What makes the login shorter, where the viewer asked for it and the servers can do it.
fn lifetime(house: &House, from: &HeaderMap) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    let Some(asked) = from.get(LIFETIME) else {
        return Ok(headers);
    };
    let seconds = asked.to_str().ok().and_then(|text| text.parse().ok());
    let seconds = seconds
        .filter(|seconds| LIFETIMES_S.contains(seconds))
        .ok_or(Refusal::Body)?;
    let Some(lab) = house.stage.lab() else {
        return Ok(headers);
    };
    let mut secret = HeaderValue::from_str(lab.secret()).map_err(|_| Refusal::Failed)?;
    secret.set_sensitive(true);
    headers.insert(LAB_SECRET, secret);
    headers.insert(LIFETIME_MAX, (seconds * 1_000).into());
    Ok(headers)
}

/// One request of one viewer to one pool.
struct Visit {
    pool: Pool,
    way: Way,
    place: Place,
    viewer: ViewerId,
    /// What is sent: the browser's own credential, or a copy.
    credential: Option<Credential>,
    /// What the browser itself holds.
    browser_holds: Option<Credential>,
    copy: bool,
    keep_cookie: bool,
}

impl Visit {
    fn new(
        house: &House,
        pool: Pool,
        way: Way,
        viewer: ViewerId,
        headers: &HeaderMap,
    ) -> Result<Self, Refusal> {
        let place = Place::of(pool, &way);
        let browser_holds = match pool.lane() {
            Lane::Session => cookie_in(headers, &place.cookie_name(house.port))
                .map(|value| Credential::new(value.to_owned())),
            Lane::Jwt => bearer(headers),
        };
        let copy = headers.get(COPY).map(HeaderValue::as_bytes);
        let credential = match copy {
            None => browser_holds.clone(),
            Some(b"old") => Some(
                house
                    .viewers
                    .old(&viewer, &place)
                    .ok_or(Refusal::NoOldLogin)?,
            ),
            Some(b"altered") => browser_holds.as_ref().map(altered),
            Some(_) => return Err(Refusal::Body),
        };
        Ok(Self {
            pool,
            way,
            place,
            viewer,
            credential,
            browser_holds,
            copy: copy.is_some(),
            keep_cookie: headers.contains_key(KEEP_COOKIE),
        })
    }

    fn headers_forwarded(&self, from: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for name in FORWARDED {
            if let Some(value) = from.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        let mut cookies: Vec<String> = cookies_in(from)
            .filter(|(name, _)| self.is_the_balancers(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if let Some(credential) = &self.credential {
            match self.pool.lane() {
                Lane::Session => cookies.push(format!("sid-{}={}", self.pool, credential.reveal())),
                Lane::Jwt => {
                    let value = format!("Bearer {}", credential.reveal());
                    insert_sensitive(&mut headers, AUTHORIZATION, &value);
                }
            }
        }
        if !cookies.is_empty() {
            insert_sensitive(&mut headers, COOKIE, &cookies.join("; "));
        }
        headers
    }

    /// Whether the balancer set this cookie, to send the viewer to the same instance again.
    fn is_the_balancers(&self, name: &str) -> bool {
        self.way == Way::Sticky && is_the_balancers(name, self.pool)
    }

    fn answer(self, house: &House, path: &str, answer: Answer) -> Response {
        let Answer {
            status,
            headers: from,
            body,
        } = answer;
        let mut headers = HeaderMap::new();
        for name in PASSED_BACK {
            if let Some(value) = from.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        for (raw, cookie) in handed_out(&from) {
            if self.is_the_balancers(cookie.name()) {
                headers.append(SET_COOKIE, raw);
            }
        }
        if let Some(sent) = &self.credential {
            headers.insert(SENT_BYTES, sent.reveal().len().into());
        }
        insert_fingerprint(&mut headers, SENT_ID, self.credential.as_ref());
        match self.pool.lane() {
            Lane::Session => {
                let fate = self.pass_cookie(house, status, &from, &mut headers);
                if let Some(fate) = &fate {
                    headers.insert(COOKIE_FATE, HeaderValue::from_static(fate.as_str()));
                }
                let holds = match fate {
                    Some(Fate::Set(credential)) => Some(credential),
                    Some(Fate::Removed) => None,
                    Some(Fate::Withheld) | None => self.browser_holds,
                };
                insert_fingerprint(&mut headers, HELD_ID, holds.as_ref());
            }
            Lane::Jwt => {
                insert_fingerprint(&mut headers, HELD_ID, self.browser_holds.as_ref());
                if !self.copy {
                    self.note_token(house, path, status, &body);
                }
            }
        }
        (status, headers, body).into_response()
    }

    /// Passes the pool's `Set-Cookie` to the browser, under the name of its place, and notes what
    /// it does.
    fn pass_cookie(
        &self,
        house: &House,
        status: StatusCode,
        from: &HeaderMap,
        to: &mut HeaderMap,
    ) -> Option<Fate> {
        let inward = format!("sid-{}", self.pool);
        let (raw, cookie) = handed_out(from).find(|(_, cookie)| cookie.name() == inward)?;
        let removed = cookie.value().is_empty()
            || cookie
                .max_age()
                .is_some_and(|age| age <= cookie::time::Duration::ZERO);
        // A copy is in somebody's hand: what is said to it does not concern the browser. And
        // whoever keeps their cookie keeps it from refusals, not from a log-out.
        if self.copy || (removed && self.keep_cookie && !status.is_success()) {
            return Some(Fate::Withheld);
        }
        let raw = raw.to_str().unwrap_or_default();
        let outward = raw.replacen(&inward, &self.place.cookie_name(house.port), 1);
        if let Ok(outward) = HeaderValue::from_str(&outward) {
            to.append(SET_COOKIE, outward);
        }
        let note = |change| house.viewers.note(&self.viewer, &self.place, change);
        if removed {
            note(Change::TakenBack);
            return Some(Fate::Removed);
        }
        let credential = Credential::new(cookie.value().to_owned());
        note(Change::HandedOut(credential.clone()));
        Some(Fate::Set(credential))
    }

    /// Notes a token that was handed out, or one that its holder has logged out.
    fn note_token(&self, house: &House, path: &str, status: StatusCode, body: &[u8]) {
        #[derive(Deserialize)]
        struct HandedOut {
            access_token: String,
        }
        let change = match path {
            "login" if status.is_success() => serde_json::from_slice::<HandedOut>(body)
                .ok()
                .map(|answer| Change::HandedOut(Credential::new(answer.access_token))),
            // The page throws the token away unless the server failed, and so it is the old one.
            "logout" | "logout-everywhere" if !status.is_server_error() => Some(Change::TakenBack),
            _ => None,
        };
        if let Some(change) = change {
            house.viewers.note(&self.viewer, &self.place, change);
        }
    }
}

/// The cookies that an answer sets, each as it was written and as it is read.
fn handed_out(
    from: &HeaderMap,
) -> impl Iterator<Item = (HeaderValue, cookie::Cookie<'static>)> + '_ {
    from.get_all(SET_COOKIE).iter().filter_map(|raw| {
        let cookie = cookie::Cookie::parse(raw.to_str().ok()?.to_owned()).ok()?;
        Some((raw.clone(), cookie))
    })
}

/// What became of the browser's cookie.
enum Fate {
    Set(Credential),
    Removed,
    Withheld,
}

impl Fate {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Removed => "removed",
            Self::Withheld => "withheld",
        }
    }
}

fn insert_fingerprint(headers: &mut HeaderMap, name: HeaderName, credential: Option<&Credential>) {
    if let Some(value) = credential.and_then(|c| HeaderValue::from_str(&fingerprint(c)).ok()) {
        headers.insert(name, value);
    }
}

/// What came out of a header, or out of JSON. What does not fit a header is no credential, and
/// the server says what it thinks of a request without one.
fn insert_sensitive(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(mut value) = HeaderValue::from_str(value) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
