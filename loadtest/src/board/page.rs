//! The page and its files, the addresses the page asks, and the headers that fence it in.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::users::DEMO_USERS;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::House;
use super::cookies::{fingerprint, session_cookie};
use super::refusal::Refusal;
use super::stage::{Act, Lane, StageError};
use super::viewers::ViewerId;
use super::{guard, lane};

/// Which server answered; `board` where the board did not ask any.
pub(super) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// Every sentence of the page, by key.
const WORDS: &str = include_str!("page/words.json");
const INDEX: &str = include_str!("page/index.html");
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const FILES: &[(&str, &str, &str)] = &[
    (
        "board.css",
        "text/css; charset=utf-8",
        include_str!("page/board.css"),
    ),
    ("icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("lane.js", JAVASCRIPT, include_str!("page/lane.js")),
    ("main.js", JAVASCRIPT, include_str!("page/main.js")),
    ("say.js", JAVASCRIPT, include_str!("page/say.js")),
    ("send.js", JAVASCRIPT, include_str!("page/send.js")),
    ("stream.js", JAVASCRIPT, include_str!("page/stream.js")),
    ("words.js", JAVASCRIPT, include_str!("page/words.js")),
    ("words.json", "application/json", WORDS),
];

/// A lane's request bodies are a user name and a password.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// No script or style but our own files, no request to another host, no frame around us, and no
/// way to turn text into markup (`trusted-types`): names and tokens stay text.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// All addresses of the board.
pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/{file}", get(file))
        .route("/board/hello", get(hello))
        .route("/board/events", get(events))
        .route("/board/act", post(act))
        .route("/lane/{lane}/{path}", any(lane::forward))
        .fallback(|| async { Refusal::NotFound })
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(Arc::clone(&house), guard::admit))
        .layer(map_response(fence))
        .with_state(house)
}

async fn fence(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

async fn index(State(house): State<Arc<House>>, headers: HeaderMap) -> Response {
    let mut response = filled_in(&house).into_response();
    let to = response.headers_mut();
    to.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    to.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if ViewerId::of(&house, &headers).is_none()
        && let Ok(cookie) = HeaderValue::from_str(&ViewerId::new().cookie(&house))
    {
        to.append(SET_COOKIE, cookie);
    }
    response
}

/// The page with its words and this process's two secrets put in.
fn filled_in(house: &House) -> String {
    let words: BTreeMap<String, String> =
        serde_json::from_str(WORDS).expect("a test reads the words that are built in");
    let mut page = String::with_capacity(INDEX.len() * 2);
    let mut rest = INDEX;
    while let Some((before, after)) = rest.split_once("{{") {
        let (key, after) = after.split_once("}}").unwrap_or((after, ""));
        page.push_str(before);
        match key {
            // Without it the page offers no controls.
            "board-token" if house.rules.read_only => {}
            "board-token" => page.push_str(&house.token),
            "board-boot" => page.push_str(&house.boot),
            key => page.push_str(&escaped(words.get(key).map_or(key, String::as_str))),
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

async fn file(Path(name): Path<String>) -> Result<Response, Refusal> {
    let (_, kind, text) = FILES
        .iter()
        .find(|(file, ..)| *file == name)
        .ok_or(Refusal::NotFound)?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(kind))], *text).into_response())
}

/// What a page cannot know of itself when it is loaded.
#[derive(Serialize)]
struct Hello {
    /// As whom the viewer logs in. The demo's passwords are printed by the demo itself.
    person: Person,
    /// The fingerprint of the session cookie that the browser holds.
    cookie: Option<String>,
    /// The lanes in which there is an old login to send.
    old: Vec<Lane>,
    /// The names behind the account names.
    names: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
struct Person {
    user: &'static str,
    password: &'static str,
}

async fn hello(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
) -> Result<Json<Hello>, Refusal> {
    let viewer = ViewerId::of(&house, &headers).ok_or(Refusal::NoViewer)?;
    // Mia is a member: the first screen needs no role.
    let [.., mia] = &DEMO_USERS;
    Ok(Json(Hello {
        person: Person {
            user: mia.name,
            password: mia.password,
        },
        cookie: session_cookie(&headers).map(|cookie| fingerprint(&cookie)),
        old: Lane::ALL
            .into_iter()
            .filter(|lane| house.viewers.old(&viewer, *lane).is_some())
            .collect(),
        names: DEMO_USERS
            .iter()
            .map(|user| (user.name, user.display_name))
            .collect(),
    }))
}

async fn events(State(house): State<Arc<House>>) -> Result<impl IntoResponse, Refusal> {
    house.live.stream(house.boot.clone())
}

/// A control request: it strikes both lanes, and everybody sees it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActOn {
    act: Act,
    instance: String,
}

async fn act(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<serde_json::Value>, Refusal> {
    if house.rules.read_only {
        return Err(Refusal::ReadOnly);
    }
    guard::shows_token(&house, &headers)?;
    let wanted: ActOn = serde_json::from_slice(&body).map_err(|_| Refusal::Body)?;
    match house.live.act(wanted.act, &wanted.instance).await {
        Ok(()) => Ok(Json(serde_json::json!({}))),
        Err(StageError::NoSuchInstance(_)) => Err(Refusal::NoInstance),
        Err(error) => {
            tracing::warn!(%error, "a control did not work");
            Err(Refusal::Failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_finds_all_its_words_and_every_word_is_used() {
        let words: BTreeMap<String, String> = serde_json::from_str(WORDS).unwrap();
        let placeholders: Vec<&str> = INDEX
            .split("{{")
            .skip(1)
            .filter_map(|rest| rest.split("}}").next())
            .collect();
        for key in placeholders.iter().filter(|key| !key.starts_with("board-")) {
            assert!(words.contains_key(*key), "{key} is not in words.json");
        }
        let scripts: String = FILES
            .iter()
            .filter(|(_, kind, _)| *kind == JAVASCRIPT)
            .map(|(.., js)| *js)
            .collect();
        for key in words.keys() {
            // Scripts build some keys from parts: `act.${action}`.
            let mut prefixes = key.match_indices('.').map(|(at, _)| &key[..=at]);
            let built = prefixes.any(|prefix| scripts.contains(&format!("{prefix}${{")));
            let used = built || scripts.contains(key.as_str());
            assert!(
                used || placeholders.contains(&key.as_str()),
                "{key} is used nowhere"
            );
        }
    }

    #[test]
    fn the_whole_page_stays_below_100_kilobytes() {
        let bytes: usize = INDEX.len() + FILES.iter().map(|(.., text)| text.len()).sum::<usize>();
        assert!(bytes < 100_000, "{bytes} bytes");
    }
}
