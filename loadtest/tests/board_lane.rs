//! The lane proxy: what it passes on, in both directions, and what it keeps back.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::board;
use board_support::viewer::{Viewer, cookies, fingerprint, header, json_of, reason};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_lane_is_sent_its_own_credential_and_nothing_else() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let ask = async |lane: &str| {
        let asked = viewer
            .get(
                &format!("/lane/{lane}/me"),
                "sid-session-memory=abcdef; sid-jwt=zzz; other=1",
            )
            .header("authorization", "Bearer h.p.s")
            .header("x-lab-secret", "guessed")
            .header("x-forwarded-for", "10.0.0.1")
            .header("sec-fetch-site", "same-origin");
        json_of(asked.send().await.unwrap()).await["headers"].clone()
    };
    let session = ask("session").await;
    assert_eq!(session["cookie"], "sid-session-memory=abcdef");
    assert_eq!(session["authorization"], Value::Null);
    let jwt = ask("jwt").await;
    assert_eq!(jwt["authorization"], "Bearer h.p.s");
    assert_eq!(jwt["cookie"], Value::Null);
    for seen in [session, jwt] {
        assert_eq!(seen["host"], board.address().to_string());
        assert_eq!(seen["sec-fetch-site"], "same-origin");
        assert_eq!(seen["x-lab-secret"], Value::Null);
        assert_eq!(seen["x-forwarded-for"], Value::Null);
    }
}

#[tokio::test]
async fn only_what_a_viewer_may_ask_is_passed_on() {
    let (board, stage) = board().await;
    let viewer = Viewer::at(&board).await;
    for path in [
        "session/lab/state",
        "session/lab%2fstate",
        "session/metrics",
        "session/readyz",
        "redis/me",
        "session/..%2flab",
        "session/",
    ] {
        let answer = viewer
            .get(&format!("/lane/{path}"), "")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let stranger = viewer.client.get(viewer.url("/lane/session/me"));
    assert_eq!(reason(stranger).await, (400, "no-viewer".into()));
    let long = viewer
        .post("/lane/session/login")
        .body("x".repeat(20_000))
        .send()
        .await
        .unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        stage.seats.lock().unwrap().is_empty(),
        "none of these may reach a balancer"
    );
    let too_long = viewer.get("/lane/session/records", "");
    assert_eq!(reason(too_long).await, (502, "balancer-silent".into()));
    stage.forget_balancers();
    let nobody = viewer.get("/lane/jwt/me", "");
    assert_eq!(reason(nobody).await, (502, "balancer-silent".into()));
}

#[tokio::test]
async fn the_browser_gets_the_lanes_cookie_and_the_page_its_fingerprint() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let answer = viewer.post("/lane/session/login").send().await.unwrap();
    let set = ["sid-session-memory=cookie.1; HttpOnly; SameSite=Lax; Path=/"];
    assert_eq!(cookies(&answer), set, "and no other cookie");
    let headers = answer.headers();
    assert_eq!(header(headers, "x-board-cookie"), Some("set"));
    assert_eq!(
        header(headers, "x-board-holds"),
        Some(fingerprint("cookie.1").as_str())
    );
    assert_eq!(header(headers, "x-board-sent"), None);
    assert_eq!(header(headers, "x-served-by"), Some("pool-a"));
    assert_eq!(header(headers, "x-internal"), None);

    let jwt = viewer.post("/lane/jwt/login").send().await.unwrap();
    assert!(
        cookies(&jwt).is_empty(),
        "the JWT lane never touches a cookie"
    );
    assert_eq!(json_of(jwt).await["access_token"], "h.p.token-1");
}

#[tokio::test]
async fn a_refusals_removal_can_be_withheld_but_a_log_outs_cannot() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let refused = || viewer.get("/lane/session/me", "sid-session-memory=unknown.");

    let answer = refused().send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(cookies(&answer)[0].contains("Max-Age=0"));
    assert_eq!(header(answer.headers(), "x-board-cookie"), Some("removed"));
    assert_eq!(
        header(answer.headers(), "x-board-sent"),
        Some(fingerprint("unknown.").as_str())
    );
    assert_eq!(header(answer.headers(), "x-board-holds"), None);

    let answer = refused()
        .header("x-board-keep-cookie", "yes")
        .send()
        .await
        .unwrap();
    assert!(cookies(&answer).is_empty());
    assert_eq!(header(answer.headers(), "x-board-cookie"), Some("withheld"));
    assert_eq!(
        header(answer.headers(), "x-board-holds"),
        Some(fingerprint("unknown.").as_str())
    );

    let logout = viewer
        .post("/lane/session/logout")
        .header("x-board-keep-cookie", "yes");
    assert!(cookies(&logout.send().await.unwrap())[0].contains("Max-Age=0"));
}

#[tokio::test]
async fn an_old_login_is_replayed_for_its_viewer_alone() {
    let (board, stage) = board().await;
    let (mia, guest) = (Viewer::at(&board).await, Viewer::at(&board).await);
    let replay = |viewer: &Viewer, lane: &str| {
        viewer
            .get(&format!("/lane/{lane}/me"), "")
            .header("x-board-replay", "old")
    };
    assert_eq!(
        reason(replay(&mia, "session")).await,
        (409, "no-old-login".into())
    );
    let hello = json_of(mia.get("/board/hello", "").send().await.unwrap()).await;
    assert_eq!(hello["old"], json!([]));

    for lane in ["session", "jwt"] {
        mia.post(&format!("/lane/{lane}/login"))
            .send()
            .await
            .unwrap();
        mia.post(&format!("/lane/{lane}/logout"))
            .send()
            .await
            .unwrap();
        mia.post(&format!("/lane/{lane}/login"))
            .send()
            .await
            .unwrap();
    }
    let hello = mia
        .get("/board/hello", "sid-session-memory=cookie.2")
        .send()
        .await
        .unwrap();
    let hello = json_of(hello).await;
    assert_eq!(hello["old"], json!(["session", "jwt"]));
    assert_eq!(hello["cookie"], fingerprint("cookie.2"));

    let sent = json_of(replay(&mia, "session").send().await.unwrap()).await;
    assert_eq!(sent["headers"]["cookie"], "sid-session-memory=cookie.1");
    let sent = json_of(replay(&mia, "jwt").send().await.unwrap()).await;
    assert_eq!(sent["headers"]["authorization"], "Bearer h.p.token-1");

    assert_eq!(
        reason(replay(&guest, "jwt")).await,
        (409, "no-old-login".into())
    );
    let seats: std::collections::BTreeSet<_> = stage.seats.lock().unwrap().drain(..).collect();
    assert_eq!(seats.len(), 1, "the guest's request never left the board");
    guest.get("/lane/jwt/me", "").send().await.unwrap();
    assert!(
        !seats.contains(&stage.seats.lock().unwrap()[0]),
        "each viewer has a seat"
    );
}
