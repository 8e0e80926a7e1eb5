//! The page itself, over a stage of plain sockets: every screen it must fit, the keyboard, names
//! that look like markup, and a board that goes away.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::browser::Browser;
use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::json;

#[tokio::test]
async fn the_page_fits_its_screens() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    for (width, height) in [
        (1280, 720),
        (1440, 900),
        (1920, 1080),
        (390, 844),
        (640, 360),
    ] {
        browser.screen(width, height).await;
        browser.open(&board.url()).await;
        for _ in 0..6 {
            browser.press("Log in").await;
        }
        let root = "document.documentElement";
        let narrow_enough = browser
            .value(&format!("{root}.scrollWidth <= innerWidth"))
            .await;
        assert_eq!(
            narrow_enough,
            json!(true),
            "scrolls sideways at {width} × {height}"
        );
        if width < 1280 {
            continue;
        }
        let low_enough = browser
            .value(&format!("{root}.scrollHeight <= innerHeight"))
            .await;
        assert_eq!(low_enough, json!(true), "scrolls at {width} × {height}");
        let small = browser
            .value(
                "[...document.querySelectorAll('main :not(input), .controls *')]
                    .filter((e) => e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 19)
                    .map((e) => e.outerHTML)",
            )
            .await;
        assert_eq!(small, json!([]), "type below 19 px at {width} × {height}");
    }
    browser.close().await;
    board.stop().await;
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    let body = browser.client.find(Locator::Css("body")).await.unwrap();
    // The first stop is "Log in".
    body.send_keys(&Key::Tab.to_string()).await.unwrap();
    let focused = browser.client.active_element().await.unwrap();
    focused.send_keys(&Key::Enter.to_string()).await.unwrap();
    let rows = "document.querySelectorAll('.requests li').length";
    browser
        .until("the keyboard logs in", &format!("{rows} === 2"))
        .await;
    let focused = browser.value("document.activeElement.textContent").await;
    assert_eq!(focused, "Log in", "a pressed button keeps the focus");

    browser.screen(390, 844).await;
    browser.open(&board.url()).await;
    let shown = "[...document.querySelectorAll('.lane')].map((l) => l.offsetParent !== null)";
    assert_eq!(
        browser.value(shown).await,
        json!([true, false]),
        "a phone shows one lane"
    );
    browser
        .value("document.getElementById('tab-session').focus()")
        .await;
    let tab = browser.client.active_element().await.unwrap();
    tab.send_keys(&Key::Right.to_string()).await.unwrap();
    assert_eq!(browser.value(shown).await, json!([false, true]));
    browser.close().await;
    board.stop().await;
}

#[tokio::test]
async fn names_are_text() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    // The stage of this test holds a login of a user with markup for a name.
    let shown = browser.text("#lane-session .instance.a").await;
    assert!(shown.contains("<img src=x onerror=alert(1)>"), "{shown}");
    assert_eq!(
        browser
            .value("document.querySelectorAll('img').length")
            .await,
        0
    );
    browser.close().await;
    board.stop().await;
}

#[tokio::test]
async fn a_lost_board_is_said_and_found_again() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    let port = board.address().port();
    browser.press("Log in").await;
    board.stop().await;
    let said = "document.getElementById('notice').textContent !== ''";
    browser.until("the loss is said", said).await;
    browser.press("Ask “who am I?”").await;
    assert_eq!(
        browser.lane("session").await[1],
        "The board does not answer."
    );

    // Another process, another token: the page loads itself again and starts afresh.
    let (again, _stage) = board_support::board_at(port).await;
    let new = "document.querySelectorAll('.requests li').length === 0
        && document.querySelectorAll('.instance').length >= 2";
    browser.until("the page is new", new).await;
    browser.press("Kill A").await;
    let killed = "document.querySelectorAll('.instance.a.dead').length === 2";
    browser.until("the new token works", killed).await;
    browser.close().await;
    again.stop().await;
}

#[tokio::test]
async fn a_read_only_board_says_so_and_offers_no_control() {
    let (board, _stage) = board_support::locked_board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    let locked = "The servers are locked (--read-only).";
    assert_eq!(browser.text("#breaks").await, locked);
    let controls = "document.querySelectorAll('#breaks button').length";
    assert_eq!(browser.value(controls).await, json!(0));
    browser.press("Log in").await;
    assert_eq!(browser.console_errors().await, [""; 0]);
    browser.close().await;
    board.stop().await;
}
