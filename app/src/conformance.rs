//! One suite that every way of remembering a login must pass, whatever it remembers with.
//!
//! A server's `tests/conformance.rs` says how to build a memory for an instance and calls
//! [`conformance_tests!`](crate::conformance_tests); the macro makes one test of every check in
//! this file. Two instances run in one process here, without sockets: that keeps the suite quick
//! enough to run for every store and every algorithm. Real processes are `cluster`'s business.
//!
//! Long because each check is one story, and the macro at the end names them all.
//! The checks hold an implementation to its own words: what [`Ended`](crate::Ended) promises is
//! what is asked for afterwards. *That* they promise different things is shown by each server's
//! `tests/differences.rs`.
//!
//! Each check takes two instances and can be called by itself:
//!
//! ```
//! use app::conformance::{self, Pair, Visitor, known};
//! use app::trusting::Trusting;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let pair = Pair::start("trusting", |a_or_b| async move { Trusting::new(&a_or_b) }).await;
//! let mut mia = Visitor::default();
//! mia.log_in(&pair.a, "mia").await;
//! assert!(known(&mia, &pair.b).await, "it believes whoever it is told");
//! conformance::nobody_is_recognised_without_a_credential(pair).await;
//! # }
//! ```

mod harness;

use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::front::LAB_SECRET;
use crate::lab::LIFETIME_MAX;
use crate::users;

pub use harness::{Answer, LAB_SECRET_VALUE, Pair, Server, Visitor};

/// Who is asked, and whether they know the visitor.
///
/// # Panics
/// When the answer is neither 200 nor 401.
pub async fn known(visitor: &Visitor, server: &Server) -> bool {
    let answer = visitor.clone().get(server, "/me").await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::UNAUTHORIZED => false,
        other => panic!("GET /me at {}: {other} {}", server.served_by, answer.text),
    }
}

/// Checks that after an order to forget, `old` is treated as the answer to the order says.
async fn ended_as_said(answer: &Answer, old: &Visitor, pair: &Pair, known_at_b_before: bool) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let (at_a, at_b) = (known(old, &pair.a).await, known(old, &pair.b).await);
    match answer.json["ended"].as_str().expect("the answer says when") {
        "everywhere" => {
            assert!(
                !at_a && !at_b,
                "ended everywhere, but known at a: {at_a}, at b: {at_b}"
            );
            assert!(answer.json["at"].is_null());
        }
        "here" => {
            assert!(!at_a, "ended here, but known here");
            assert!(in_the_future(answer));
        }
        "later" => {
            assert!(at_a, "ended later, but refused at once");
            assert_eq!(at_b, known_at_b_before);
            assert!(in_the_future(answer));
        }
        other => panic!("an ending of no known kind: {other}"),
    }
}

fn in_the_future(answer: &Answer) -> bool {
    answer.json["at"]
        .as_u64()
        .is_some_and(|at_ms| at_ms > Clock::default().now_ms())
}

/// Without a credential nobody is recognised, and the answer says how to send one.
pub async fn nobody_is_recognised_without_a_credential(pair: Pair) {
    for path in ["/me", "/records", "/admin/users/mia"] {
        let answer = Visitor::default().get(&pair.a, path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.reason(), "no-credential");
        assert!(answer.headers.contains_key(WWW_AUTHENTICATE));
    }
    for path in ["/logout", "/logout-everywhere", "/password"] {
        let answer = Visitor::default().post(&pair.a, path, json!({})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

/// Whoever logs in is recognised by the instance that took the login.
pub async fn a_login_is_recognised_where_it_was_made(pair: Pair) {
    let mut mia = Visitor::default();
    let login = mia.log_in(&pair.a, "mia").await;
    let me = mia.get(&pair.a, "/me").await;
    assert_eq!(me.status, StatusCode::OK);
    assert_eq!(me.json["user"], "mia");
    assert_eq!(me.json["role"], "member");
    assert_eq!(me.json["since"], login.json["since"]);
    assert_eq!(me.json["login_instance"], pair.a.served_by.as_str());
    assert_eq!(me.json["answering_instance"], pair.a.served_by.as_str());
    assert_eq!(me.headers["x-served-by"], pair.a.served_by.as_str());
    assert_eq!(me.headers["cache-control"], "no-store");
    let head = mia.send(&pair.a, Method::HEAD, "/me", None).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

/// A wrong password and an unknown name get the same answer.
pub async fn a_wrong_password_and_an_unknown_name_look_alike(pair: Pair) {
    let mut answers = Vec::new();
    for (username, password) in [("mia", "wrong"), ("nobody", "wrong")] {
        let body = json!({ "username": username, "password": password });
        answers.push(Visitor::default().post(&pair.a, "/login", body).await);
    }
    assert_eq!(answers[0].status, StatusCode::UNAUTHORIZED);
    assert_eq!(answers[0].reason(), "wrong-password");
    assert_eq!(answers[0].text, answers[1].text);
    assert!(answers[0].headers.contains_key(WWW_AUTHENTICATE));
}

/// Every login hands out a credential of its own, chosen by the server.
pub async fn every_login_gets_a_new_credential(pair: Pair) {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let first = mia.credential().to_owned();
    mia.log_in(&pair.a, "mia").await;
    assert_ne!(first, mia.credential());
    assert!(known(&mia, &pair.a).await);
}

/// The role decides what somebody may do, on top of being known.
pub async fn the_role_decides_what_is_allowed(pair: Pair) {
    for (user, records, admin) in [("mia", 403, 403), ("luca", 200, 403), ("ada", 200, 200)] {
        let mut visitor = Visitor::default();
        visitor.log_in(&pair.a, user).await;
        let seen = visitor.get(&pair.a, "/records").await;
        assert_eq!(seen.status.as_u16(), records, "{user}");
        let seen = visitor.get(&pair.a, "/admin/users/mia").await;
        assert_eq!(seen.status.as_u16(), admin, "{user}");
    }
}

/// A credential changed anywhere is refused, and the refusal does not repeat it.
pub async fn a_changed_credential_is_refused(pair: Pair) {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let length = mia.credential().len();
    for at in (length / 2..length).step_by(5) {
        let edited = mia.edited(|text| flipped(text, at.min(text.len() - 2)));
        let answer = edited.clone().get(&pair.a, "/me").await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "byte {at}: {}",
            answer.text
        );
        assert!(!answer.text.contains(edited.credential()));
    }
    assert!(known(&mia, &pair.a).await, "the true one still works");
}

fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("ASCII stays ASCII")
}

/// Two credentials in one request are a mistake or an attack: neither is used.
pub async fn two_credentials_are_none(pair: Pair) {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let mut request = mia.request(Method::GET, "/me", None);
    for name in [COOKIE, AUTHORIZATION] {
        if let Some(value) = request.headers().get(&name).cloned() {
            request.headers_mut().append(name, value);
        }
    }
    let answer = pair.a.send(request).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.reason(), "malformed-credential");
}

/// A log-out ends the login when its answer says.
pub async fn a_log_out_keeps_its_word(pair: Pair) {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let old = mia.clone();
    let known_at_b = known(&old, &pair.b).await;
    let answer = mia.post(&pair.a, "/logout", json!({})).await;
    ended_as_said(&answer, &old, &pair, known_at_b).await;
}

/// So does a log-out of all of somebody's logins.
pub async fn a_log_out_everywhere_keeps_its_word(pair: Pair) {
    let mut here = Visitor::default();
    here.log_in(&pair.a, "mia").await;
    let mut elsewhere = Visitor::default();
    elsewhere.log_in(&pair.a, "mia").await;
    let mut luca = Visitor::default();
    luca.log_in(&pair.a, "luca").await;
    let known_at_b = known(&elsewhere, &pair.b).await;
    let answer = here.post(&pair.a, "/logout-everywhere", json!({})).await;
    ended_as_said(&answer, &elsewhere, &pair, known_at_b).await;
    assert!(known(&luca, &pair.a).await, "nobody else is logged out");
    let mut again = Visitor::default();
    again.log_in(&pair.a, "mia").await;
    assert!(known(&again, &pair.a).await, "a new login counts");
}

/// Disabling an account ends its logins when the answer says, and nobody logs in to it.
pub async fn a_disabled_account_keeps_to_the_answer(pair: Pair) {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let known_at_b = known(&mia, &pair.b).await;
    let mut ada = Visitor::default();
    ada.log_in(&pair.a, "ada").await;
    let answer = ada
        .patch(&pair.a, "/admin/users/mia", json!({ "disabled": true }))
        .await;
    assert_eq!(answer.json["disabled"], true);
    ended_as_said(&answer, &mia, &pair, known_at_b).await;
    let body = json!({ "username": "mia", "password": "hopper-1906" });
    let refused = Visitor::default().post(&pair.a, "/login", body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.reason(), "account-disabled");
    let answer = ada
        .patch(&pair.a, "/admin/users/mia", json!({ "disabled": false }))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    Visitor::default().log_in(&pair.a, "mia").await;
}

/// A login whose password check had to wait is handed out to nobody if its account was disabled
/// meanwhile: whatever was ended by then, this login was not yet there to be ended.
pub async fn a_login_does_not_overtake_a_disabled_account(pair: Pair) {
    let mut ada = Visitor::default();
    ada.log_in(&pair.a, "ada").await;
    let log_in = |user: &str, password: &str| {
        let (server, body) = (
            pair.a.clone(),
            json!({ "username": user, "password": password }),
        );
        tokio::spawn(async move { Visitor::default().post(&server, "/login", body).await })
    };
    // Whether the account was read before it was disabled is chance; here it is likely, and the
    // likelier the later it is disabled.
    for round_ms in 0..100 {
        // One thread checks passwords, one after the other: these keep it busy.
        let herd: Vec<_> = (0..8).map(|_| log_in("luca", "wrong")).collect();
        let login = log_in("mia", "hopper-1906");
        tokio::time::sleep(Duration::from_millis(round_ms)).await;
        let disable = json!({ "disabled": true });
        let disabled = ada.patch(&pair.a, "/admin/users/mia", disable).await;
        assert_eq!(disabled.status, StatusCode::OK, "{}", disabled.text);
        let waits = !login.is_finished();
        let answer = login.await.expect("it is answered");
        for other in herd {
            other.await.expect("it is answered");
        }
        let enable = json!({ "disabled": false });
        ada.patch(&pair.a, "/admin/users/mia", enable).await;
        if answer.status == StatusCode::CONFLICT {
            assert_eq!(answer.reason(), "conflict");
            assert!(answer.json.get("access_token").is_none());
            assert!(!answer.headers.contains_key(http::header::SET_COOKIE));
            return;
        }
        assert!(
            !(waits && answer.status == StatusCode::OK),
            "it was handed out after the account had been disabled"
        );
    }
    panic!("no login ever waited while its account was disabled");
}

/// A changed role shows when the answer says: at once, or for whoever logs in again.
pub async fn a_changed_role_keeps_to_the_answer(pair: Pair) {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let mut ada = Visitor::default();
    ada.log_in(&pair.a, "ada").await;
    let answer = ada
        .patch(&pair.a, "/admin/users/mia", json!({ "role": "accountant" }))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let records = mia.clone().get(&pair.a, "/records").await.status;
    match answer.json["ended"].as_str().expect("the answer says when") {
        // The snapshot was rewritten, or refused so that a new login brings the new role.
        "everywhere" | "here" => assert_ne!(records, StatusCode::FORBIDDEN),
        "later" => assert_eq!(records, StatusCode::FORBIDDEN, "the old role goes on"),
        other => panic!("an ending of no known kind: {other}"),
    }
    let mut again = Visitor::default();
    again.log_in(&pair.a, "mia").await;
    assert_eq!(again.get(&pair.a, "/records").await.status, StatusCode::OK);
}

/// A changed password gives this visitor a new credential and ends the others as it says.
pub async fn a_changed_password_keeps_to_the_answer(pair: Pair) {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let mut other = Visitor::default();
    other.log_in(&pair.a, "mia").await;
    let known_at_b = known(&other, &pair.b).await;
    let wrong = json!({ "old": "wrong", "new": "ada-and-grace" });
    assert_eq!(
        mia.post(&pair.a, "/password", wrong).await.status,
        StatusCode::UNAUTHORIZED
    );
    let before = mia.credential().to_owned();
    let change = json!({ "old": "hopper-1906", "new": "ada-and-grace" });
    let answer = mia.post(&pair.a, "/password", change).await;
    ended_as_said(&answer, &other, &pair, known_at_b).await;
    assert_ne!(before, mia.credential());
    assert!(
        known(&mia, &pair.a).await,
        "whoever changed it stays logged in"
    );
    let old = json!({ "username": "mia", "password": "hopper-1906" });
    let refused = Visitor::default().post(&pair.a, "/login", old).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// `/lab` needs its secret, shows no credential, and makes logins that count.
pub async fn the_lab_is_guarded_and_its_logins_count(pair: Pair) {
    let mut request = Visitor::default().request(Method::GET, "/lab/state", None);
    request
        .headers_mut()
        .insert(LAB_SECRET, http::HeaderValue::from_static("a guess"));
    assert_eq!(pair.a.send(request).await.reason(), "lab-secret");
    let login = json!({ "username": "mia", "password": "hopper-1906" });
    let mut request = Visitor::default().request(Method::POST, "/login", Some(login));
    let headers = request.headers_mut();
    headers.insert(LIFETIME_MAX, 1_000.into());
    assert_eq!(pair.a.send(request).await.reason(), "lab-secret");
    let made = Visitor::default()
        .post(&pair.a, "/lab/logins", json!({ "count": 3 }))
        .await;
    let made = made.json["credentials"]
        .as_array()
        .cloned()
        .expect("credentials are made");
    assert_eq!(made.len(), 3);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let visitor = Visitor {
        cookie: text(&made[1]["cookie"]),
        token: text(&made[1]["access_token"]),
        refresh_token: None,
    };
    let me = visitor.clone().get(&pair.a, "/me").await;
    assert_eq!(me.json["user"], users::load_user(1), "{}", me.text);
    let state = Visitor::default().get(&pair.a, "/lab/state").await;
    assert_eq!(state.status, StatusCode::OK);
    let secret = visitor
        .credential()
        .rsplit(['=', '.'])
        .next()
        .unwrap_or_default();
    assert!(!state.text.contains(secret), "the state shows a credential");
}

/// Makes one `#[tokio::test]` of every check, over the pair of instances that `$pair` builds.
#[macro_export]
macro_rules! conformance_tests {
    ($pair:expr) => {
        $crate::conformance_tests!(@each $pair;
            nobody_is_recognised_without_a_credential,
            a_login_is_recognised_where_it_was_made,
            a_wrong_password_and_an_unknown_name_look_alike,
            every_login_gets_a_new_credential,
            the_role_decides_what_is_allowed,
            a_changed_credential_is_refused,
            two_credentials_are_none,
            a_log_out_keeps_its_word,
            a_log_out_everywhere_keeps_its_word,
            a_disabled_account_keeps_to_the_answer,
            a_login_does_not_overtake_a_disabled_account,
            a_changed_role_keeps_to_the_answer,
            a_changed_password_keeps_to_the_answer,
            the_lab_is_guarded_and_its_logins_count,
        );
    };
    (@each $pair:expr; $($check:ident,)*) => {
        $(
            #[tokio::test]
            async fn $check() {
                $crate::conformance::$check($pair.await).await;
            }
        )*
    };
}
