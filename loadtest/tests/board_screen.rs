//! The page itself, over a stage of plain sockets: every screen it must fit, the keyboard, names
//! that look like markup, and a board that goes away.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::browser::Browser;
use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::json;

/// Elements of the page whose type is smaller than what a room can read.
const SMALL_TYPE: &str = "[...document.querySelectorAll('main :not(input), .controls *')]
    .filter((e) => e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 19)
    .map((e) => e.outerHTML)";

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
        fits(&browser, width, height).await;
    }
    browser.screen(390, 844).await;
    browser.open(&format!("{}/#lab", board.url())).await;
    browser.press("Log in").await;
    fits(&browser, 390, 844).await;
    browser.close().await;
    board.stop().await;
}

/// Nothing scrolls sideways; on a screen that a projector has, nothing scrolls down, and no type
/// is small.
async fn fits(browser: &Browser, width: u32, height: u32) {
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
        return;
    }
    let low_enough = browser
        .value(&format!("{root}.scrollHeight <= innerHeight"))
        .await;
    assert_eq!(low_enough, json!(true), "scrolls at {width} × {height}");
    let small = browser.value(SMALL_TYPE).await;
    assert_eq!(small, json!([]), "type below 19 px at {width} × {height}");
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    let body = browser.client.find(Locator::Css("body")).await.unwrap();
    body.send_keys(&Key::Right.to_string()).await.unwrap();
    assert_eq!(browser.text("#step").await, "Step 2 of 13: ask again");
    body.send_keys(&Key::Left.to_string()).await.unwrap();
    assert_eq!(browser.text("#step").await, "Step 1 of 13: log in");
    // Back (which is at its end), Next, Story, Lab; and then the first thing to do.
    for _ in 0..5 {
        let focused = browser.client.active_element().await.unwrap();
        focused.send_keys(&Key::Tab.to_string()).await.unwrap();
    }
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
    let step = browser.text("#step").await;
    assert_eq!(step, "Step 1 of 13: log in", "a tab's arrows are the tabs'");
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
    browser.press("Log in").await;
    assert_eq!(
        browser.lane("session").await[1],
        "The board does not answer."
    );

    // Another process, another token: the page loads itself again and starts afresh.
    let (again, _stage) = board_support::board_at(port).await;
    let new = "document.querySelectorAll('.requests li').length === 0
        && document.querySelectorAll('.instance').length >= 2";
    browser.until("the page is new", new).await;
    browser.choose("Lab").await;
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
    let locked = "The servers are locked (--read-only).";
    for (frame, place) in [("#12", "#breaks"), ("#lab", "#lab .why-not")] {
        browser.open(&format!("{}/{frame}", board.url())).await;
        assert_eq!(browser.text(place).await, locked, "{frame}");
        let controls = "document.querySelectorAll('#breaks button, #lab button').length";
        assert_eq!(browser.value(controls).await, json!(0), "{frame}");
    }
    browser.press("Log in").await;
    assert_eq!(browser.console_errors().await, [""; 0]);
    browser.close().await;
    board.stop().await;
}
