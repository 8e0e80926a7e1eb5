//! The page and its files, the addresses the page asks, and the headers that fence it in.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::users::DEMO_USERS;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::House;
use super::cookies::{cookies_in, fingerprint};
use super::figures::Figures;
use super::place::Place;
use super::refusal::Refusal;
use super::room;
use super::viewers::{SEATS, ViewerId};
use super::{controls, guard, lane};

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
    ("lab.js", JAVASCRIPT, include_str!("page/lab.js")),
    ("lane.js", JAVASCRIPT, include_str!("page/lane.js")),
    ("main.js", JAVASCRIPT, include_str!("page/main.js")),
    ("order.js", JAVASCRIPT, include_str!("page/order.js")),
    ("panel.js", JAVASCRIPT, include_str!("page/panel.js")),
    ("say.js", JAVASCRIPT, include_str!("page/say.js")),
    ("send.js", JAVASCRIPT, include_str!("page/send.js")),
    ("story.js", JAVASCRIPT, include_str!("page/story.js")),
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
        .route(guard::EVENTS, get(events))
        .route("/board/figures", get(figures))
        .route("/board/pool/{pool}", post(controls::open))
        .route("/board/act", post(controls::act))
        .route("/board/traffic", post(controls::traffic))
        .route("/board/setting", post(controls::setting))
        .route("/lane/{pool}/{way}/{path}", any(lane::forward))
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

#[derive(Deserialize)]
struct Link {
    presenter: Option<String>,
}

async fn index(
    State(house): State<Arc<House>>,
    Query(link): Query<Link>,
    headers: HeaderMap,
) -> Response {
    let presents = guard::presents(&house, link.presenter.as_deref());
    let mut response = filled_in(&house, presents).into_response();
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

/// The page with its words put in, and what this process and this viewer's part in it are.
fn filled_in(house: &House, presents: bool) -> String {
    let words: BTreeMap<String, String> =
        serde_json::from_str(WORDS).expect("a test reads the words that are built in");
    let may_strike = presents && !house.rules.read_only;
    let part = match (house.rules.room, presents) {
        (false, _) => "viewer",
        (true, true) => "presenter",
        (true, false) => "guest",
    };
    let mut page = String::with_capacity(INDEX.len() * 2);
    let mut rest = INDEX;
    while let Some((before, after)) = rest.split_once("{{") {
        let (key, after) = after.split_once("}}").unwrap_or((after, ""));
        page.push_str(before);
        match key {
            // Without it the page offers no controls. A presenter needs it to lead, as well.
            "board-token" if presents && house.rules.room => page.push_str(&house.token),
            "board-token" if !may_strike => {}
            "board-token" => page.push_str(&house.token),
            "board-boot" => page.push_str(&house.boot),
            "board-part" => page.push_str(part),
            "board-locked" => page.push_str(if house.rules.read_only { "yes" } else { "" }),
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
    /// As whom the viewer can log in, most powerful first. The demo's passwords are printed by
    /// the demo itself.
    people: Vec<Person>,
    /// The fingerprints of the session cookies that the browser holds, by place.
    cookies: BTreeMap<String, String>,
    /// The places of which there is an old login to send.
    old: Vec<String>,
    /// The names behind the account names.
    names: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Person {
    user: String,
    password: &'static str,
    role: &'static str,
}

async fn hello(
    State(house): State<Arc<House>>,
    Query(link): Query<Link>,
    headers: HeaderMap,
) -> Result<Json<Hello>, Refusal> {
    let viewer = ViewerId::of(&house, &headers).ok_or(Refusal::NoViewer)?;
    let people = if !guard::presents(&house, link.presenter.as_deref()) {
        let (user, password) = room::guest(house.viewers.seat(&viewer));
        let role = app::Role::Member.as_str();
        vec![Person {
            user,
            password,
            role,
        }]
    } else {
        let people = DEMO_USERS.iter().map(|user| Person {
            user: user.name.to_owned(),
            password: user.password,
            role: user.role.as_str(),
        });
        people.collect()
    };
    let cookies = cookies_in(&headers).filter_map(|(name, value)| {
        let credential = app::Credential::new(value.to_owned());
        Some((
            Place::of_cookie(name, house.port)?.to_string(),
            fingerprint(&credential),
        ))
    });
    let old = house.viewers.places_with_old(&viewer);
    Ok(Json(Hello {
        people,
        cookies: cookies.collect(),
        old: old.iter().map(Place::to_string).collect(),
        names: names(house.rules.room),
    }))
}

/// The names of people and, in a room, of its guests.
fn names(room: bool) -> BTreeMap<String, String> {
    let people = DEMO_USERS
        .iter()
        .map(|user| (user.name.to_owned(), user.display_name.to_owned()));
    let seats = if room { 0..SEATS } else { 0..0 };
    let guests = seats.map(|seat| (room::guest(seat).0, format!("Guest {}", seat + 1)));
    people.chain(guests).collect()
}

async fn events(State(house): State<Arc<House>>) -> Result<impl IntoResponse, Refusal> {
    house.live.stream(house.boot.clone())
}

async fn figures(State(house): State<Arc<House>>) -> Json<Figures> {
    Json(house.figures())
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
