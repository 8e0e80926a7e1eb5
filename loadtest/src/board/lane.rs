//! The lane proxy: the viewer's browser is the client of both servers, though it talks to one
//! origin only.
//!
//! It forwards what belongs to one lane and nothing else: that lane's cookie or token, never the
//! other's, never the board's own. `Host` and `Origin` stay as the browser sent them, so the
//! servers' own cross-site rule goes on working behind it. What the answer does to the browser's
//! credential is passed on unchanged, with two exceptions that the viewer asks for and sees:
//! *keep my cookie* and *send my old login*.

use std::str::FromStr as _;
use std::sync::Arc;

use app::Credential;
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
use super::cookies::{SESSION_COOKIE, bearer, fingerprint, session_cookie};
use super::page::SERVED_BY;
use super::refusal::Refusal;
use super::stage::Lane;
use super::upstream::{self, Answer};
use super::viewers::{Change, ViewerId};

/// Asks for the viewer's old login to be sent instead of what the browser holds.
pub(super) const REPLAY: &str = "x-board-replay";
/// Asks for the removal of a cookie to be withheld.
pub(super) const KEEP_COOKIE: &str = "x-board-keep-cookie";
/// Tells the page what became of the cookie it cannot read: `set`, `removed`, `withheld`.
const COOKIE_FATE: HeaderName = HeaderName::from_static("x-board-cookie");
/// Tells the page the fingerprint of the cookie that was sent, and of the one that the browser
/// holds after this answer.
const SENT_ID: HeaderName = HeaderName::from_static("x-board-sent");
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
/// What passes back, besides the cookie.
const PASSED_BACK: [HeaderName; 5] = [
    CONTENT_TYPE,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    SERVED_BY,
    ATTEMPTS,
];

/// Passes one request of a viewer's to the balancer of one lane.
pub(super) async fn forward(
    State(house): State<Arc<House>>,
    Path((lane, path)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let lane = Lane::from_str(&lane).map_err(|()| Refusal::NotFound)?;
    if !OFFERED.contains(&path.as_str()) {
        return Err(Refusal::NotFound);
    }
    let viewer = ViewerId::of(&house, &headers).ok_or(Refusal::NoViewer)?;
    let visit = Visit::new(&house, lane, viewer, &headers)?;
    let address = house
        .stage
        .balancer(lane, house.viewers.seat(&visit.viewer))
        .await
        .map_err(|error| silent(lane, &error))?;
    let mut request = house
        .client
        .request(method, format!("http://{address}/{path}"))
        .headers(visit.headers_forwarded(&headers));
    if !body.is_empty() {
        request = request.body(body);
    }
    let answer = upstream::ask(request)
        .await
        .map_err(|error| silent(lane, &error))?;
    house.live.poke();
    Ok(visit.answer(&house, &path, answer))
}

fn silent(lane: Lane, error: &dyn std::fmt::Display) -> Refusal {
    tracing::warn!(%lane, %error, "a lane's balancer did not answer");
    Refusal::BalancerSilent
}

/// One request of one viewer in one lane.
struct Visit {
    lane: Lane,
    viewer: ViewerId,
    /// What is sent: the browser's own credential, or with `replay` the old one.
    credential: Option<Credential>,
    /// What the browser itself holds.
    browser_holds: Option<Credential>,
    replay: bool,
    keep_cookie: bool,
}

impl Visit {
    fn new(
        house: &House,
        lane: Lane,
        viewer: ViewerId,
        headers: &HeaderMap,
    ) -> Result<Self, Refusal> {
        let browser_holds = match lane {
            Lane::Session => session_cookie(headers),
            Lane::Jwt => bearer(headers),
        };
        let replay = headers.contains_key(REPLAY);
        let credential = if replay {
            Some(
                house
                    .viewers
                    .old(&viewer, lane)
                    .ok_or(Refusal::NoOldLogin)?,
            )
        } else {
            browser_holds.clone()
        };
        let keep_cookie = headers.contains_key(KEEP_COOKIE);
        Ok(Self {
            lane,
            viewer,
            credential,
            browser_holds,
            replay,
            keep_cookie,
        })
    }

    fn headers_forwarded(&self, from: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for name in FORWARDED {
            if let Some(value) = from.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        if let Some(credential) = &self.credential {
            let (name, value) = match self.lane {
                Lane::Session => (
                    COOKIE,
                    format!("{}={}", SESSION_COOKIE, credential.reveal()),
                ),
                Lane::Jwt => (AUTHORIZATION, format!("Bearer {}", credential.reveal())),
            };
            // It came out of a header, or out of JSON; what does not fit a header is no
            // credential, and the server says what it thinks of a request without one.
            if let Ok(mut value) = HeaderValue::from_str(&value) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        headers
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
        match self.lane {
            Lane::Session => {
                let fate = self.pass_cookie(house, status, &from, &mut headers);
                if let Some(fate) = &fate {
                    headers.insert(COOKIE_FATE, HeaderValue::from_static(fate.as_str()));
                }
                insert_fingerprint(&mut headers, SENT_ID, self.credential.as_ref());
                let holds = match fate {
                    Some(Fate::Set(credential)) => Some(credential),
                    Some(Fate::Removed) => None,
                    Some(Fate::Withheld) | None => self.browser_holds,
                };
                insert_fingerprint(&mut headers, HELD_ID, holds.as_ref());
            }
            Lane::Jwt if self.replay => {}
            Lane::Jwt => self.note_token(house, path, status, &body),
        }
        (status, headers, body).into_response()
    }

    /// Passes the lane's `Set-Cookie` to the browser, and notes what it does.
    fn pass_cookie(
        &self,
        house: &House,
        status: StatusCode,
        from: &HeaderMap,
        to: &mut HeaderMap,
    ) -> Option<Fate> {
        let (raw, cookie) = from.get_all(SET_COOKIE).iter().find_map(|raw| {
            let cookie = cookie::Cookie::parse(raw.to_str().ok()?.to_owned()).ok()?;
            (cookie.name() == SESSION_COOKIE).then(|| (raw.clone(), cookie))
        })?;
        let removed = cookie.value().is_empty()
            || cookie
                .max_age()
                .is_some_and(|age| age <= cookie::time::Duration::ZERO);
        // An old login is a copy in somebody's hand: what is said to it does not concern the
        // browser. And whoever keeps their cookie keeps it from refusals, not from a log-out.
        if self.replay || (removed && self.keep_cookie && !status.is_success()) {
            return Some(Fate::Withheld);
        }
        to.append(SET_COOKIE, raw);
        if removed {
            house
                .viewers
                .note(&self.viewer, self.lane, Change::TakenBack);
            return Some(Fate::Removed);
        }
        let credential = Credential::new(cookie.value().to_owned());
        house.viewers.note(
            &self.viewer,
            self.lane,
            Change::HandedOut(credential.clone()),
        );
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
            house.viewers.note(&self.viewer, self.lane, change);
        }
    }
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
