//! A room: a presenter with five guests, each in a browser of their own.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::browser::Browser;
use board_support::house::House;
use board_support::viewer::{Viewer, json_of, reason};
use loadtest::board::Rules;
use reqwest::StatusCode;
use serde_json::json;

const ROOM: Rules = Rules {
    room: true,
    read_only: false,
};

#[tokio::test]
async fn five_guests_follow_the_presenter_and_one_who_leaves_touches_nobody_else() {
    let house = House::with(ROOM).await;
    let presenter = Browser::start().await;
    presenter.open(&house.board.url()).await;
    let door = format!("http://localhost:{}/", house.board.address().port());
    let mut guests = Vec::new();
    for _ in 0..5 {
        let guest = Browser::start().await;
        guest.open(&door).await;
        guests.push(guest);
    }

    guests_follow(&presenter, &guests).await;
    presenter.choose("Lab").await;
    presenter.pick("Sessions in", "session-redis").await;
    let mut names = Vec::new();
    for guest in &guests {
        let follows = "document.body.dataset.frame === 'lab'
            && document.querySelector('.session .lane-sub').textContent.includes('Redis')";
        guest.until("the guest follows", follows).await;
        assert_eq!(
            guest.text("#lab .why-not").await,
            "The presenter breaks the servers."
        );
        let own = "document.querySelectorAll('nav button, #breaks button, #lab button').length";
        assert_eq!(guest.value(own).await, json!(0), "nothing to strike with");
        guest.press("Log in").await;
        names.push(
            guest
                .value("document.querySelector('#person').textContent")
                .await,
        );
    }
    let different: std::collections::BTreeSet<String> =
        names.iter().map(ToString::to_string).collect();
    assert_eq!(
        different.len(),
        5,
        "each has a user of their own: {names:?}"
    );

    let (leaver, others) = guests.split_first().unwrap();
    leaver.press("Log out everywhere").await;
    let [row, _] = leaver.lane("session").await;
    assert!(row.ends_with("known 200"), "{row}");
    for (guest, name) in others.iter().zip(&names[1..]) {
        guest.press("Ask “who am I?”").await;
        let hello = format!("“Hello, {}.” known 200", name.as_str().unwrap());
        for lane in ["session", "jwt"] {
            let [row, _] = guest.lane(lane).await;
            assert!(row.ends_with(&hello), "{row}");
        }
    }
    leaver.press("Send my old login").await;
    let [row, _] = leaver.lane("session").await;
    assert!(row.ends_with("refused 401"), "{row}");

    presenter.press("Kill B").await;
    let dead = "document.querySelectorAll('.instance.b.dead').length === 2";
    for guest in guests {
        guest.until("every guest sees it", dead).await;
        assert_eq!(guest.console_errors().await, [""; 0]);
        guest.close().await;
    }
    assert_eq!(presenter.console_errors().await, [""; 0]);
    presenter.close().await;
    house.close().await;
}

/// From the first frame to the last, and nothing goes wrong on the way.
async fn guests_follow(presenter: &Browser, guests: &[Browser]) {
    let notice = "document.getElementById('notice').textContent";
    for step in 2..=13 {
        presenter.choose("Next →").await;
        let there = format!("document.getElementById('step').textContent.includes('Step {step} ')");
        for guest in guests {
            guest.until("the guests follow the story", &there).await;
        }
        assert_eq!(presenter.value(notice).await, json!(""), "step {step}");
    }
}

#[tokio::test]
async fn only_the_presenters_link_holds_the_token() {
    let (board, stage) = board_support::room().await;
    let guest = Viewer::at(&board).await;
    assert_eq!(guest.token, "", "a guest's page has none");
    let wrong = Viewer::with(&board, &format!("/?presenter={}", "0".repeat(32))).await;
    assert_eq!(wrong.token, "");
    let link = board.url();
    let link = link.rsplit_once('/').map(|(_, link)| format!("/{link}"));
    let presenter = Viewer::with(&board, &link.unwrap()).await;
    assert_eq!(presenter.token.len(), 32);

    let setting = json!({
        "frame": 7, "session": "session-redis", "jwt": "jwt", "way": "turns", "lifetime_s": 900,
    });
    for (what, order) in [
        ("act", json!({ "act": "kill", "instance": "a" })),
        (
            "traffic",
            json!({ "rps": 5, "sticky": false, "pools": ["jwt"] }),
        ),
        ("setting", setting.clone()),
    ] {
        let ordered = guest.order(what, &order).header("x-board-token", "");
        assert_eq!(reason(ordered).await, (403, "page-token".into()), "{what}");
        let ordered = presenter.order(what, &order);
        let ordered = ordered.header("x-board-token", &presenter.token);
        assert_eq!(
            ordered.send().await.unwrap().status(),
            StatusCode::OK,
            "{what}"
        );
    }
    assert_eq!(stage.acts.lock().unwrap().len(), 1);
    let mut unsound = setting;
    unsound["way"] = json!("<b>");
    let ordered = presenter.order("setting", &unsound);
    let ordered = ordered.header("x-board-token", &presenter.token);
    assert_eq!(reason(ordered).await, (400, "malformed-request".into()));
}

#[tokio::test]
async fn guests_get_in_by_this_machines_addresses_and_by_no_other_name() {
    let (board, _stage) = board_support::room().await;
    let viewer = Viewer::at(&board).await;
    for url in board.guest_urls() {
        let host = url.strip_prefix("http://").unwrap();
        let hello = viewer.get("/board/hello", "").header("host", host);
        let hello = json_of(hello.send().await.unwrap()).await;
        let user = hello["people"][0]["user"].as_str().unwrap();
        assert!(
            user.starts_with("load-"),
            "a guest, not one of the three: {user}"
        );
        assert!(board.announcement("").contains(&url), "it is printed");
    }
    let elsewhere = viewer.get("/", "").header("host", "evil.example:4401");
    assert_eq!(reason(elsewhere).await, (421, "foreign-host".into()));
    // A board that was not opened for a room listens on loopback alone.
    let (closed, _stage) = board_support::board().await;
    assert!(closed.guest_urls().is_empty() && closed.address().ip().is_loopback());
}
