//! The lane proxy: what it passes on, in both directions, and what it keeps back.
//! Long because each rule is asked in both directions.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::board;
use board_support::viewer::{Viewer, cookies, fingerprint, header, json_of, reason};
use loadtest::board::stage::{Pool, Way};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_lane_is_sent_its_own_credential_and_nothing_else() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let ask = async |lane: &str| {
        let asked = viewer
            .get(
                &format!("/lane/{lane}/turns/me"),
                &format!(
                    "{}; {}; other=1; sid-session-memory=another-boards",
                    viewer.sid("session-memory", "abcdef"),
                    viewer.sid("jwt", "zzz")
                ),
            )
            .header("authorization", "Bearer h.p.s")
            .header("x-lab-secret", "guessed")
            .header("x-forwarded-for", "10.0.0.1")
            .header("sec-fetch-site", "same-origin");
        json_of(asked.send().await.unwrap()).await["headers"].clone()
    };
    let session = ask("session-memory").await;
    assert_eq!(session["cookie"], "sid-session-memory=abcdef");
    assert_eq!(session["authorization"], Value::Null);
    let jwt = ask("jwt").await;
    assert_eq!(jwt["authorization"], "Bearer h.p.s");
    assert_eq!(jwt["cookie"], Value::Null);
    for seen in [session, jwt] {
        assert_eq!(seen["host"], board.address().to_string());
        assert_eq!(seen["x-lab-lifetime-max-ms"], Value::Null);
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
        "session-memory/turns/lab/state",
        "session-memory/turns/lab%2fstate",
        "session-memory/turns/metrics",
        "session-memory/turns/readyz",
        "redis/turns/me",
        "session-memory/lots/me",
        "session-memory/turns/..%2flab",
        "session-memory/turns/",
    ] {
        let answer = viewer
            .get(&format!("/lane/{path}"), "")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let stranger = viewer
        .client
        .get(viewer.url("/lane/session-memory/turns/me"));
    assert_eq!(reason(stranger).await, (400, "no-viewer".into()));
    let long = viewer
        .post("/lane/session-memory/turns/login")
        .body("x".repeat(20_000))
        .send()
        .await
        .unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        stage.seats.lock().unwrap().is_empty(),
        "none of these may reach a balancer"
    );
    let too_long = viewer.get("/lane/session-memory/turns/records", "");
    assert_eq!(reason(too_long).await, (502, "silent".into()));
    stage.forget_balancers();
    let nobody = viewer.get("/lane/jwt/turns/me", "");
    assert_eq!(reason(nobody).await, (502, "silent".into()));
}

#[tokio::test]
async fn the_browser_gets_the_lanes_cookie_and_the_page_its_fingerprint() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let answer = viewer
        .post("/lane/session-memory/turns/login")
        .send()
        .await
        .unwrap();
    let set = viewer.sid("session-memory", "cookie.1; HttpOnly; SameSite=Lax; Path=/");
    assert_eq!(cookies(&answer), [set], "and no other cookie");
    let headers = answer.headers();
    assert_eq!(header(headers, "x-board-cookie"), Some("set"));
    assert_eq!(
        header(headers, "x-board-holds"),
        Some(fingerprint("cookie.1").as_str())
    );
    assert_eq!(header(headers, "x-board-sent"), None);
    assert_eq!(header(headers, "x-served-by"), Some("pool-a"));
    assert_eq!(header(headers, "x-internal"), None);

    let jwt = viewer.post("/lane/jwt/turns/login").send().await.unwrap();
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
    let refused = || {
        viewer.get(
            "/lane/session-memory/turns/me",
            &viewer.sid("session-memory", "unknown."),
        )
    };

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
        .post("/lane/session-memory/turns/logout")
        .header("x-board-keep-cookie", "yes");
    assert!(cookies(&logout.send().await.unwrap())[0].contains("Max-Age=0"));
}

#[tokio::test]
async fn an_old_login_is_replayed_for_its_viewer_alone() {
    let (board, stage) = board().await;
    let (mia, guest) = (Viewer::at(&board).await, Viewer::at(&board).await);
    let replay = |viewer: &Viewer, lane: &str| {
        viewer
            .get(&format!("/lane/{lane}/turns/me"), "")
            .header("x-board-copy", "old")
    };
    assert_eq!(
        reason(replay(&mia, "session-memory")).await,
        (409, "no-old-login".into())
    );
    let hello = json_of(mia.get("/board/hello", "").send().await.unwrap()).await;
    assert_eq!(hello["old"], json!([]));

    for lane in ["session-memory", "jwt"] {
        mia.post(&format!("/lane/{lane}/turns/login"))
            .send()
            .await
            .unwrap();
        mia.post(&format!("/lane/{lane}/turns/logout"))
            .send()
            .await
            .unwrap();
        mia.post(&format!("/lane/{lane}/turns/login"))
            .send()
            .await
            .unwrap();
    }
    let hello = mia
        .get("/board/hello", &mia.sid("session-memory", "cookie.2"))
        .send()
        .await
        .unwrap();
    let hello = json_of(hello).await;
    assert_eq!(hello["old"], json!(["session-memory", "jwt"]));
    assert_eq!(
        hello["cookies"],
        json!({ "session-memory": fingerprint("cookie.2") })
    );

    let sent = json_of(replay(&mia, "session-memory").send().await.unwrap()).await;
    assert_eq!(sent["headers"]["cookie"], "sid-session-memory=cookie.1");
    let sent = json_of(replay(&mia, "jwt").send().await.unwrap()).await;
    assert_eq!(sent["headers"]["authorization"], "Bearer h.p.token-1");

    assert_eq!(
        reason(replay(&guest, "jwt")).await,
        (409, "no-old-login".into())
    );
    let seats: std::collections::BTreeSet<_> = stage.seats.lock().unwrap().drain(..).collect();
    assert_eq!(seats.len(), 1, "the guest's request never left the board");
    guest.get("/lane/jwt/turns/me", "").send().await.unwrap();
    assert!(
        !seats.contains(&stage.seats.lock().unwrap()[0]),
        "each viewer has a seat"
    );
}

#[tokio::test]
async fn past_the_balancer_each_server_has_a_cookie_of_its_own() {
    let (board, stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let login = viewer.post("/lane/session-memory/a/login");
    let set = viewer.sid(
        "session-memory-at-a",
        "cookie.1; HttpOnly; SameSite=Lax; Path=/",
    );
    assert_eq!(cookies(&login.send().await.unwrap()), [set]);
    let both = [
        ("session-memory", "through"),
        ("session-memory-at-a", "direct"),
    ];
    let both = both
        .map(|(place, value)| viewer.sid(place, value))
        .join("; ");
    let seen = async |way: &str| {
        let asked = viewer.get(&format!("/lane/session-memory/{way}/me"), &both);
        json_of(asked.send().await.unwrap()).await["headers"]["cookie"].clone()
    };
    assert_eq!(seen("a").await, "sid-session-memory=direct");
    assert_eq!(seen("turns").await, "sid-session-memory=through");
    let asked = stage.ways.lock().unwrap().clone();
    let a = Way::Direct("a".to_owned());
    let expected = [a.clone(), a, Way::Turns].map(|way| (Pool::SessionMemory, way));
    assert_eq!(asked, expected);
    let nobody = viewer.get("/lane/session-memory/q/me", "");
    assert_eq!(reason(nobody).await, (409, "no-such-instance".into()));
}

#[tokio::test]
async fn the_balancers_cookie_passes_on_the_sticky_way_only() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let jar = "svj-lb-board-jwt-sticky-0=b; svj-lb-board-jwt-denylist-sticky-0=a";
    for (way, expected) in [
        ("sticky", json!("svj-lb-board-jwt-sticky-0=b")),
        ("turns", Value::Null),
        ("a", Value::Null),
    ] {
        let asked = viewer.get(&format!("/lane/jwt/{way}/me"), jar);
        let seen = json_of(asked.send().await.unwrap()).await;
        assert_eq!(seen["headers"]["cookie"], expected, "{way}");
    }
}

#[tokio::test]
async fn a_lifetime_is_one_of_those_on_the_page_and_for_a_login_only() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let with = |path: &str, lifetime: &str| {
        viewer
            .post(&format!("/lane/jwt/turns/{path}"))
            .header("x-board-lifetime-s", lifetime)
    };
    for wrong in ["0", "31", "-30", "long", "30000000"] {
        let asked = with("login", wrong);
        assert_eq!(
            reason(asked).await,
            (400, "malformed-request".into()),
            "{wrong}"
        );
    }
    let login = json_of(with("login", "30").send().await.unwrap()).await;
    assert_eq!(login["headers"]["x-lab-lifetime-max-ms"], "30000");
    assert_eq!(login["headers"]["x-lab-secret"], "the-lab");
    let me = json_of(with("me", "30").send().await.unwrap()).await;
    assert_eq!(me["headers"]["x-lab-secret"], Value::Null);
}

#[tokio::test]
async fn an_altered_cookie_is_a_copy_and_leaves_the_browsers_alone() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let altered = viewer
        .get(
            "/lane/session-memory/turns/me",
            &viewer.sid("session-memory", "x.unknown"),
        )
        .header("x-board-copy", "altered");
    let answer = altered.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(cookies(&answer).is_empty(), "the removal is withheld");
    let headers = answer.headers();
    assert_eq!(
        header(headers, "x-board-sent"),
        Some(fingerprint("A.unknown").as_str())
    );
    assert_eq!(header(headers, "x-board-sent-bytes"), Some("9"));
    assert_eq!(
        header(headers, "x-board-holds"),
        Some(fingerprint("x.unknown").as_str())
    );
    let other = viewer
        .get("/lane/session-memory/turns/me", "")
        .header("x-board-copy", "forged");
    assert_eq!(reason(other).await, (400, "malformed-request".into()));
}

#[tokio::test]
async fn without_a_store_the_pools_that_need_one_say_so() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    for pool in ["session-redis", "jwt-denylist"] {
        let asked = viewer.get(&format!("/lane/{pool}/turns/me"), "");
        let answer = json_of(asked.send().await.unwrap()).await;
        assert_eq!(answer["reason"], "no-store");
        assert_eq!(answer["detail"], "no Redis in this test");
    }
}
