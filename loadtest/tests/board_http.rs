//! The board over plain HTTP: how its page is fenced in, who may use the controls, and what every
//! viewer is told.
//! Long because each fence is tried from both sides.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use std::time::Duration;

use board_support::board;
use board_support::viewer::{Viewer, header, next_snapshot, reason};
use loadtest::board::stage::Act;
use loadtest::board::{Board, BoardError, Door, Rules};
use reqwest::{Response, StatusCode};
use serde_json::json;

#[tokio::test]
async fn the_page_is_fenced_in_and_asks_nobody_else() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let mut everything = viewer.page.clone();
    for file in [
        "",
        "board.css",
        "main.js",
        "lab.js",
        "lane.js",
        "order.js",
        "panel.js",
        "say.js",
        "send.js",
        "story.js",
        "stream.js",
        "words.js",
        "words.json",
        "icon.svg",
    ] {
        let answer = viewer.get(&format!("/{file}"), "").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        let headers = answer.headers().clone();
        let policy = header(&headers, "content-security-policy")
            .unwrap()
            .to_owned();
        assert!(
            policy.contains("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&headers, "cache-control"), Some("no-store"));
        assert_eq!(header(&headers, "x-content-type-options"), Some("nosniff"));
        everything.push_str(&answer.text().await.unwrap());
    }
    let elsewhere = everything.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"));
    assert!(
        !everything.contains("innerHTML"),
        "names and tokens are set as text only"
    );
    let missing = viewer.get("/..%2fCargo.toml", "").send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(board.address().ip().is_loopback());
}

#[tokio::test]
async fn a_foreign_host_is_refused_everywhere() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let port = board.address().port();
    for path in [
        "/",
        "/board/hello",
        "/board/events",
        "/lane/session-memory/turns/me",
        "/main.js",
    ] {
        for host in [
            "evil.example",
            &format!("evil.example:{port}"),
            "127.0.0.1:1",
            "127.0.0.1",
        ] {
            let asked = viewer.get(path, "").header("host", host);
            assert_eq!(
                reason(asked).await,
                (421, "foreign-host".into()),
                "{path} {host}"
            );
        }
    }
    let asked = viewer
        .get("/board/hello", "")
        .header("host", format!("localhost:{port}"));
    assert_eq!(asked.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn another_site_may_open_the_page_and_nothing_else() {
    let (board, _stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let home = format!("http://{}", board.address());
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "http://127.0.0.1:1"),
        ("origin", "null"),
    ] {
        let opened = viewer
            .get("/", "")
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(opened.status(), StatusCode::OK, "{name}: {value}");
        for path in [
            "/board/hello",
            "/board/events",
            "/lane/session-memory/turns/me",
            "/words.json",
        ] {
            let asked = viewer.get(path, "").header(name, value);
            assert_eq!(
                reason(asked).await,
                (403, "cross-site".into()),
                "{path} {name}: {value}"
            );
        }
        let struck = viewer
            .act("kill", "a")
            .header("x-board-token", &viewer.token);
        assert_eq!(
            reason(struck.header(name, value)).await,
            (403, "cross-site".into())
        );
    }
    let own = viewer.get("/board/hello", "").header("origin", home);
    let own = own
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .unwrap();
    assert_eq!(own.status(), StatusCode::OK);
}

#[tokio::test]
async fn controls_need_the_token_that_stands_in_the_page() {
    let (board, stage) = board().await;
    let viewer = Viewer::at(&board).await;
    let (other, _) = board_support::board().await;
    let of_another_process = Viewer::at(&other).await.token;
    assert_eq!(
        reason(viewer.act("kill", "a")).await,
        (403, "page-token".into())
    );
    for wrong in ["", "0", &of_another_process] {
        let asked = viewer.act("kill", "a").header("x-board-token", wrong);
        assert_eq!(reason(asked).await, (403, "page-token".into()));
    }
    assert!(stage.acts.lock().unwrap().is_empty());

    let with_token = |act, instance| {
        viewer
            .act(act, instance)
            .header("x-board-token", &viewer.token)
    };
    assert_eq!(
        reason(with_token("kill", "q")).await,
        (409, "no-such-instance".into())
    );
    assert_eq!(
        reason(with_token("explode", "a")).await,
        (400, "malformed-request".into())
    );
    assert_eq!(
        with_token("kill", "a").send().await.unwrap().status(),
        StatusCode::OK
    );
    assert_eq!(
        with_token("start", "a").send().await.unwrap().status(),
        StatusCode::OK
    );
    let instance = || "a".to_owned();
    let acts = [
        Act::Kill {
            instance: instance(),
        },
        Act::Start {
            instance: instance(),
        },
    ];
    assert_eq!(*stage.acts.lock().unwrap(), acts);
    let stopped = viewer.order("act", &json!({ "act": "stop-store" }));
    let stopped = stopped.header("x-board-token", &viewer.token);
    assert_eq!(reason(stopped).await, (409, "not-our-store".into()));
}

#[tokio::test]
async fn a_read_only_board_strikes_no_server_and_lets_everybody_log_in() {
    let (board, stage) = board_support::locked_board().await;
    let viewer = Viewer::at(&board).await;
    assert_eq!(viewer.token, "", "the page has no token to show");
    for token in ["", &"0".repeat(32)] {
        let struck = viewer.act("kill", "a").header("x-board-token", token);
        assert_eq!(reason(struck).await, (403, "read-only".into()));
    }
    for (what, order) in [
        ("act", json!({ "act": "stop-store" })),
        (
            "traffic",
            json!({ "rps": 5, "sticky": false, "pools": ["jwt"] }),
        ),
    ] {
        let ordered = viewer.order(what, &order);
        assert_eq!(reason(ordered).await, (403, "read-only".into()), "{what}");
    }
    assert!(stage.acts.lock().unwrap().is_empty());
    let login = viewer
        .post("/lane/session-memory/turns/login")
        .send()
        .await
        .unwrap();
    assert_eq!(login.status(), StatusCode::OK);
}

#[tokio::test]
async fn one_viewers_kill_is_seen_by_all() {
    let (board, _stage) = board().await;
    let (mia, guest) = (Viewer::at(&board).await, Viewer::at(&board).await);
    let mut stream = guest.get("/board/events", "").send().await.unwrap();
    assert_eq!(
        header(stream.headers(), "content-type"),
        Some("text/event-stream")
    );
    let first = next_snapshot(&mut stream).await;
    assert_eq!(first["pools"][0]["instances"][0]["state"], "running");
    assert_eq!(first["deeds"], json!([]));
    assert!(guest.page.contains(first["boot"].as_str().unwrap()));

    let killed = mia
        .act("kill", "a")
        .header("x-board-token", &mia.token)
        .send()
        .await
        .unwrap();
    assert_eq!(killed.status(), StatusCode::OK);
    let second = next_snapshot(&mut stream).await;
    assert_eq!(second["pools"][1]["instances"][0]["state"], "dead");
    let deed = json!({
        "number": 1, "act": "kill", "instance": "a",
        "held_before": { "session-memory": 1, "jwt": 1 }
    });
    assert_eq!(second["deeds"], json!([deed]));

    // Somebody who pressed at the same time finds it done, and no second deed is told.
    let again = mia
        .act("kill", "a")
        .header("x-board-token", &mia.token)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::OK);

    // Whoever comes later sees the same.
    let mut late = mia.get("/board/events", "").send().await.unwrap();
    assert_eq!(next_snapshot(&mut late).await, second);
    board.stop().await;
    assert!(ended(&mut stream).await, "the stream ends with its board");
}

async fn ended(stream: &mut Response) -> bool {
    let next = tokio::time::timeout(Duration::from_secs(5), stream.chunk())
        .await
        .unwrap();
    !matches!(next, Ok(Some(_)))
}

#[tokio::test]
async fn a_port_that_is_asked_for_is_taken_or_named() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let Err(error) = Door::open(Some(port), false).await else {
        panic!("the port is taken")
    };
    assert!(matches!(error, BoardError::Port { .. }));
    assert!(
        error.to_string().contains(&format!("port {port} ")),
        "{error}"
    );
    assert!(error.to_string().contains("--port"), "{error}");
    // Without a port two boards find one each, whatever else runs on this machine.
    let (one, other) = (
        Door::open(None, false).await.unwrap(),
        Door::open(None, false).await.unwrap(),
    );
    let stage = board().await.1;
    let (one, other) = (
        Board::before(stage.clone(), one, Rules::default()),
        Board::before(stage, other, Rules::default()),
    );
    assert_ne!(one.address(), other.address());
    assert!(other.default_port_taken());
    let announced = other.announcement("stop it with Ctrl-C");
    assert!(announced.contains("4401 is taken"), "{announced}");
    assert!(announced.contains("(stop it with Ctrl-C)"), "{announced}");
}
