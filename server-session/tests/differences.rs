//! What a session does that a token does not, and the other way round. server-jwt's file of this
//! name holds the same tests with the opposite assertions, each server in its plainest form:
//! here sessions in the memory of each process.

mod support;

use app::conformance::{Pair, Visitor, known};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::json;
use support::{logged_in, me, state};

async fn pair() -> Pair {
    support::pair("memory", &[]).await
}

/// No: what A keeps, B does not know.
#[tokio::test]
async fn a_login_reaches_another_instance() {
    let pair = pair().await;
    let mia = logged_in(&pair.a, "mia").await;
    assert!(known(&mia, &pair.a).await);
    assert_eq!(me(&mia, &pair.b).await, (401, "unknown-session".to_owned()));
}

/// Yes: the record is deleted, and the cookie that is left names nothing.
#[tokio::test]
async fn a_log_out_ends_the_login_at_once() {
    let pair = pair().await;
    let mut mia = logged_in(&pair.a, "mia").await;
    let kept = mia.clone();
    let answer = mia.post(&pair.a, "/logout", json!({})).await;
    assert_eq!(answer.json, json!({ "ended": "everywhere", "at": null }));
    assert_eq!(mia.cookie, None, "the browser is told to forget it");
    assert_eq!(
        me(&kept, &pair.a).await,
        (401, "unknown-session".to_owned())
    );
}

/// Yes: the role lies in the record, and the record is within reach.
#[tokio::test]
async fn a_changed_role_counts_at_once() {
    let pair = pair().await;
    let mut mia = logged_in(&pair.a, "mia").await;
    let mut ada = logged_in(&pair.a, "ada").await;
    assert_eq!(
        mia.get(&pair.a, "/records").await.status,
        StatusCode::FORBIDDEN
    );
    let change = json!({ "role": "accountant" });
    let answer = ada.patch(&pair.a, "/admin/users/mia", change).await;
    assert_eq!(answer.json["ended"], "here", "{}", answer.text);
    assert_eq!(mia.get(&pair.a, "/records").await.status, StatusCode::OK);
}

/// No: every login is a record.
#[tokio::test]
async fn nothing_is_kept_on_the_server() {
    let pair = pair().await;
    assert_eq!(state(&pair.a).await["logins"], 0);
    let mut mia = logged_in(&pair.a, "mia").await;
    logged_in(&pair.a, "luca").await;
    let held = state(&pair.a).await;
    assert_eq!(held["logins"], 2);
    assert_eq!(held["held"][0]["user"], "luca");
    assert_eq!(held["held"][1]["user"], "mia");
    mia.post(&pair.a, "/logout", json!({})).await;
    assert_eq!(state(&pair.a).await["logins"], 1);
}

/// No: what is kept beside a login stays here, and a cookie's size says nothing of it.
#[tokio::test]
async fn a_credential_grows_with_what_is_remembered() {
    let plain = pair().await;
    let plain = logged_in(&plain.a, "mia").await;
    for store in ["memory", "stock", "redis", "cached"] {
        let padded = support::pair(store, &["--pad-claims", "8000"]).await;
        let mia = logged_in(&padded.a, "mia").await;
        assert!(known(&mia, &padded.a).await, "{store}");
        let grown = mia.credential().len() - format!("sid-session-{store}=").len();
        assert_eq!(
            grown,
            plain.credential().len() - "sid-session-memory=".len()
        );
    }
}

/// No: it is a random name, and says nothing.
#[tokio::test]
async fn the_credential_can_be_read_by_its_holder() {
    let pair = pair().await;
    let (mia, again) = (
        logged_in(&pair.a, "mia").await,
        logged_in(&pair.a, "mia").await,
    );
    let name = |visitor: &Visitor| {
        let (_, name) = visitor
            .credential()
            .split_once('=')
            .expect("a cookie has a value");
        URL_SAFE_NO_PAD.decode(name).expect("it is base64url")
    };
    assert_eq!(name(&mia).len(), 16, "128 bits");
    let alike = name(&mia)
        .iter()
        .zip(&name(&again))
        .filter(|(a, b)| a == b)
        .count();
    assert!(
        alike < 8,
        "two names for one user have {alike} of 16 bytes in common"
    );
}

/// No: the records went with the process.
#[tokio::test]
async fn a_login_survives_the_end_of_its_instance() {
    let before = pair().await;
    let mia = logged_in(&before.a, "mia").await;
    assert!(known(&mia, &before.a).await);
    drop(before);
    let after = pair().await;
    assert!(!known(&mia, &after.a).await);
}
