//! The session cookie: its attributes, what happens to names that nobody knows, and who may
//! choose one.

mod support;

use app::conformance::{Answer, Pair, Visitor, known};
use http::header::{COOKIE, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};
use serde_json::json;
use support::{logged_in, me, pair, shared_redis};

const EVERY_STORE: [&str; 4] = ["memory", "stock", "redis", "cached"];

fn set_cookies(answer: &Answer) -> Vec<&str> {
    let values = answer.headers.get_all(SET_COOKIE).iter();
    values
        .map(|value| value.to_str().expect("cookies are ASCII"))
        .collect()
}

/// Sends `GET /me` with these `Cookie` lines.
async fn me_with(pair: &Pair, lines: &[&[u8]]) -> Answer {
    let mut request = Visitor::default().request(Method::GET, "/me", None);
    for line in lines {
        let value = HeaderValue::from_bytes(line).expect("a header value");
        request.headers_mut().append(COOKIE, value);
    }
    pair.a.send(request).await
}

/// One name per pool, HttpOnly, SameSite=Lax, Path=/, no Max-Age; Secure and its prefix only
/// where there is TLS.
#[tokio::test]
async fn the_cookie_says_all_that_it_must_and_no_expiry() {
    for store in EVERY_STORE {
        let pair = pair(store, &[]).await;
        let answer = Visitor::default().log_in(&pair.a, "mia").await;
        let cookies = set_cookies(&answer);
        assert_eq!(cookies.len(), 1, "{cookies:?}");
        let (pair, attributes) = cookies[0].split_once("; ").expect("there are attributes");
        let name = format!("sid-session-{store}=");
        assert_eq!(pair.strip_prefix(&name).map(str::len), Some(22), "{pair}");
        let mut attributes: Vec<_> = attributes.split("; ").collect();
        attributes.sort_unstable();
        assert_eq!(
            attributes,
            ["HttpOnly", "Path=/", "SameSite=Lax"],
            "{store}"
        );
    }
}

/// A request that changes nothing sets no cookie, or every answer would fight with every other.
#[tokio::test]
async fn a_request_that_changes_nothing_sets_no_cookie() {
    for store in EVERY_STORE {
        let pair = pair(store, &[]).await;
        let mut mia = logged_in(&pair.a, "mia").await;
        let answer = mia.get(&pair.a, "/me").await;
        assert_eq!(set_cookies(&answer), Vec::<&str>::new(), "{store}");
    }
}

/// tower-sessions removes a cookie whose session it does not know. The memory arms keep that,
/// because it is what people meet: one visit to B logs a browser out of A too. Where all
/// instances share a store it would only hurt: the name may be older than the client's new one.
#[tokio::test]
async fn an_unknown_name_costs_the_cookie_only_in_the_memory_arms() {
    for (store, removed) in [
        ("memory", true),
        ("stock", true),
        ("redis", false),
        ("cached", false),
    ] {
        let pair = pair(store, &[]).await;
        let name = format!("sid-session-{store}");
        let sent = format!("{name}=AAECAwQFBgcICQoLDA0ODw");
        let answer = me_with(&pair, &[sent.as_bytes()]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (401, "unknown-session")
        );
        assert_eq!(
            answer.headers[WWW_AUTHENTICATE],
            format!("Cookie cookie-name=\"{name}\"").as_str()
        );
        let cookies = set_cookies(&answer);
        assert_eq!(cookies.len(), usize::from(removed), "{store}: {cookies:?}");
        if removed {
            assert!(cookies[0].starts_with(&format!("{name}=; ")), "{cookies:?}");
            assert!(cookies[0].contains("Max-Age=0"), "{cookies:?}");
        }
    }
}

/// The same with a browser: in the memory arms it is logged out of A by asking B.
#[tokio::test]
async fn a_browser_that_visits_another_instance_keeps_its_login_only_with_a_shared_store() {
    for (store, kept) in [
        ("memory", false),
        ("stock", false),
        ("redis", true),
        ("cached", true),
    ] {
        let pair = pair(store, &[]).await;
        let mut mia = logged_in(&pair.a, "mia").await;
        mia.get(&pair.b, "/me").await;
        assert_eq!(mia.get(&pair.a, "/me").await.status == 200, kept, "{store}");
    }
}

/// A late request that still carries the name from before a login does not cost the new cookie.
#[tokio::test]
async fn a_late_request_does_not_remove_the_new_cookie() {
    let pair = pair("redis", &[]).await;
    let mut mia = logged_in(&pair.a, "mia").await;
    let late = mia.request(Method::GET, "/me", None);
    mia.log_in(&pair.a, "mia").await;
    let answer = pair.a.send(late).await;
    assert_eq!(answer.status, 401, "the name from before is dead");
    assert_eq!(set_cookies(&answer), Vec::<&str>::new());
    assert!(known(&mia, &pair.a).await);
}

/// A log-out removes the cookie everywhere.
#[tokio::test]
async fn a_log_out_removes_the_cookie() {
    for store in EVERY_STORE {
        for path in ["/logout", "/logout-everywhere"] {
            let pair = pair(store, &[]).await;
            let mut mia = logged_in(&pair.a, "mia").await;
            let answer = mia.post(&pair.a, path, json!({})).await;
            assert_eq!(answer.status, 200, "{store} {path}: {}", answer.text);
            assert_eq!(
                mia.cookie,
                None,
                "{store} {path}: {:?}",
                set_cookies(&answer)
            );
        }
    }
}

/// What cannot be a name is refused with 401 and never asked for.
#[tokio::test]
async fn what_cannot_be_a_name_is_refused_without_asking_the_store() {
    let pair = pair("redis", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    let (name, id) = mia
        .credential()
        .split_once('=')
        .expect("a cookie has a value");
    let before = reads();
    let percent_encoded = format!("%{:02x}{}", id.as_bytes()[0], &id[1..]);
    let spare_bits = format!("{}_", &id[..21]);
    for value in [
        "",
        &id[1..],
        &format!("{id}A"),
        &format!("\"{id}\""),
        &percent_encoded,
        &spare_bits,
        "AAECAwQFBgcICQoL+A0ODw",
        "AAECAwQFBgcICQoLDA0OD=",
    ] {
        let answer = me_with(&pair, &[format!("{name}={value}").as_bytes()]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (401, "unknown-session"),
            "{value}"
        );
        assert!(answer.headers.contains_key(WWW_AUTHENTICATE));
    }
    let not_text = [name.as_bytes(), b"=\xff\xfe; theme=dark"].concat();
    assert_eq!(me_with(&pair, &[&not_text]).await.status, 401);
    let id_is_a_name = me_with(&pair, &[name.as_bytes()]).await;
    assert_eq!(
        id_is_a_name.reason(),
        "no-credential",
        "without = it is no cookie"
    );
    assert_eq!(reads(), before);
}

fn reads() -> u64 {
    shared_redis().calls().get("getex").copied().unwrap_or(0)
}

/// Two cookies of our name are refused, in any order: which one counts is nobody's to guess.
#[tokio::test]
async fn two_cookies_are_refused_in_any_order() {
    for store in EVERY_STORE {
        let pair = pair(store, &[]).await;
        let mia = logged_in(&pair.a, "mia").await;
        let good = mia.credential();
        let bad = format!("sid-session-{store}=AAECAwQFBgcICQoLDA0ODw");
        let disguised = bad.replacen('s', "%73", 1);
        for (first, second) in [
            (good, &bad[..]),
            (&bad, good),
            (good, good),
            (&disguised, good),
        ] {
            let in_two_lines = me_with(&pair, &[first.as_bytes(), second.as_bytes()]).await;
            let in_one = me_with(&pair, &[format!("{first}; {second}").as_bytes()]).await;
            for answer in [in_two_lines, in_one] {
                assert_eq!(answer.status, 400, "{store}: {first} {second}");
                assert_eq!(answer.reason(), "malformed-credential");
                assert_eq!(set_cookies(&answer), Vec::<&str>::new());
            }
        }
        let beside_others = format!("theme=dark; {good}; sid-other=x");
        assert_eq!(
            me_with(&pair, &[beside_others.as_bytes()]).await.status,
            200
        );
    }
}

/// Session fixation: whatever name a client brings to a login, it leaves with another, and the
/// one it brought is not logged in.
#[tokio::test]
async fn a_login_never_adopts_a_name_that_the_client_brought() {
    for store in EVERY_STORE {
        let pair = pair(store, &[]).await;
        let invented = format!("sid-session-{store}=AAECAwQFBgcICQoLDA0ODw");
        let of_luca = logged_in(&pair.a, "luca")
            .await
            .cookie
            .expect("a cookie was set");
        for brought in [invented, of_luca] {
            let attacker = Visitor {
                cookie: Some(brought.clone()),
                ..Visitor::default()
            };
            let mut mia = attacker.clone();
            mia.log_in(&pair.a, "mia").await;
            assert_ne!(mia.cookie.as_deref(), Some(&brought[..]), "{store}");
            assert_eq!(
                me(&attacker, &pair.a).await,
                (401, "unknown-session".to_owned()),
                "{store}"
            );
            assert!(known(&mia, &pair.a).await, "{store}");
        }
    }
}

/// A second login ends the first of the same client, and nothing of it stays in the new session.
#[tokio::test]
async fn a_second_login_replaces_the_first() {
    for store in EVERY_STORE {
        let pair = pair(store, &[]).await;
        let mut visitor = logged_in(&pair.a, "mia").await;
        let first = visitor.clone();
        assert_eq!(support::count(&visitor, &pair.a, 0).await.json["count"], 1);
        visitor.log_in(&pair.a, "luca").await;
        assert_eq!(
            me(&first, &pair.a).await,
            (401, "unknown-session".to_owned()),
            "{store}"
        );
        assert_eq!(visitor.get(&pair.a, "/me").await.json["user"], "luca");
        assert_eq!(
            support::count(&visitor, &pair.a, 0).await.json["count"],
            1,
            "{store}"
        );
    }
}
