//! What a token does that a session does not, and the other way round. server-session's file of
//! this name holds the same tests with the opposite assertions, each server in its plainest form:
//! here one shared secret, and nothing else.

mod support;

use app::conformance::{Pair, Visitor, known};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use server_jwt::keys::keygen::Alg;
use support::pair_of;

async fn pair() -> Pair {
    support::pair(Alg::Hs256, &[]).await
}

async fn logged_in(pair: &Pair) -> Visitor {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    mia
}

/// Yes: the key is all it takes, and both have it.
#[tokio::test]
async fn a_login_reaches_another_instance() {
    let pair = pair().await;
    let mia = logged_in(&pair).await;
    assert!(known(&mia, &pair.b).await);
}

/// Yes: a new process with the old key knows it.
#[tokio::test]
async fn a_login_survives_the_end_of_its_instance() {
    let secret = support::file("0123456789abcdef0123456789abcdef");
    let flags = ["--secret-file", secret.to_str().expect("text")];
    let before = pair_of(&flags, &[], &[]).await;
    let mia = logged_in(&before).await;
    drop(before);
    let after = pair_of(&flags, &[], &[]).await;
    assert!(
        known(&mia, &after.a).await,
        "a new process with the old key knows it"
    );
}

/// No: what was handed out works until it expires, and the answer does not claim otherwise.
#[tokio::test]
async fn a_log_out_ends_the_login_at_once() {
    let pair = pair().await;
    let mut mia = logged_in(&pair).await;
    let kept = mia.clone();
    let answer = mia.post(&pair.a, "/logout", json!({})).await;
    assert_eq!(answer.json["ended"], "later");
    assert!(known(&kept, &pair.a).await);
}

/// No: the token says what it said.
#[tokio::test]
async fn a_changed_role_counts_at_once() {
    let pair = pair().await;
    let mia = logged_in(&pair).await;
    let mut ada = Visitor::default();
    ada.log_in(&pair.a, "ada").await;
    let change = json!({ "role": "accountant" });
    ada.patch(&pair.a, "/admin/users/mia", change).await;
    let me = mia.clone().get(&pair.a, "/me").await;
    assert_eq!(me.json["role"], "member");
}

/// Yes: there is nothing to count.
#[tokio::test]
async fn nothing_is_kept_on_the_server() {
    let pair = pair().await;
    for _ in 0..3 {
        logged_in(&pair).await;
    }
    let state = Visitor::default().get(&pair.a, "/lab/state").await;
    assert_eq!(
        state.json["logins"],
        Value::Null,
        "there is nothing to count"
    );
    assert_eq!(state.json["held"], json!([]));
}

/// Yes: what is remembered travels, a third longer than it is; beyond what a header may hold, every
/// request is refused, and beyond what a cookie may hold nobody is logged in.
#[tokio::test]
async fn a_credential_grows_with_what_is_remembered() {
    let plain = logged_in(&pair().await).await.credential().len();
    for flags in [&[][..], &["--stock"]] {
        let padded = [&["--pad-claims", "3000"], flags].concat();
        let padded = support::pair(Alg::Hs256, &padded).await;
        let mia = logged_in(&padded).await;
        assert!(known(&mia, &padded.b).await);
        let grown = mia.credential().len() - plain;
        assert!(
            flags.len() == 1 || (4_000..4_100).contains(&grown),
            "{grown}"
        );
    }
    let padded = support::pair(Alg::Hs256, &["--pad-claims", "8000"]).await;
    let mut mia = logged_in(&padded).await;
    let answer = mia.get(&padded.a, "/me").await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (431, "header-too-large")
    );

    let cookie = ["--carry", "cookie", "--pad-claims", "3000"];
    let padded = support::pair(Alg::Hs256, &cookie).await;
    let login = json!({ "username": "mia", "password": "hopper-1906" });
    let answer = Visitor::default().post(&padded.a, "/login", login).await;
    assert_eq!((answer.status.as_u16(), answer.reason()), (500, "internal"));
    assert!(
        answer.text.contains("longer than a cookie may be (4096"),
        "{}",
        answer.text
    );
}

/// Yes: it says who they are, and it travels with every request.
#[tokio::test]
async fn the_credential_can_be_read_by_its_holder() {
    let pair = pair().await;
    let mia = logged_in(&pair).await;
    let payload = mia.credential().split('.').nth(1).expect("three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let claims: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(claims["sub"], "mia");
    assert_eq!(claims["role"], "member");
    assert!(
        mia.credential().len() > 200,
        "and it travels with every request"
    );
}
