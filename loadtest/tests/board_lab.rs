//! The Lab in a real browser over a real cluster: each control, and that it did what it says.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::browser::Browser;
use board_support::house::House;
use serde_json::json;

/// Presses a button and says what came of it in each lane.
async fn outcomes(browser: &Browser, label: &str) -> [String; 2] {
    browser.press(label).await;
    let last = async |lane: &str| {
        let [row, _] = browser.lane(lane).await;
        row.rsplitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")
    };
    [last("session").await, last("jwt").await]
}

const KNOWN: [&str; 2] = ["200 known", "200 known"];

#[tokio::test]
async fn a_frozen_server_is_shown_and_goes_on() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&house.lab()).await;
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    browser.press("Freeze A").await;
    let frozen = "document.querySelectorAll('.instance.a.frozen').length === 2";
    browser.until("A is shown as frozen", frozen).await;
    browser.press("Thaw A").await;
    let running = "document.querySelectorAll('.instance.a.running').length === 2";
    browser.until("A goes on", running).await;
    // It slept, and forgot nothing.
    browser.pick("Balancer", "sticky").await;
    assert_eq!(browser.text(".session .hold-what").await, "a cookie");
    browser.pick("Balancer", "a").await;
    assert_eq!(browser.text(".session .hold-what").await, "no cookie");
    let held = house.held(loadtest::board::stage::Pool::SessionMemory, "a");
    assert_eq!(held.await.len(), 1);
    assert_eq!(browser.console_errors().await, [""; 0]);
    browser.close().await;
    house.close().await;
}

#[tokio::test]
async fn a_new_role_reaches_redis_at_once_and_a_token_when_it_is_renewed() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&house.lab()).await;
    browser.pick("Sessions in", "session-redis").await;
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    let mia = ["403 refused", "403 refused"];
    assert_eq!(outcomes(&browser, "See the records").await, mia);
    let title = browser.text(".jwt .say-title").await;
    assert!(title.ends_with("knows you, and says no."), "{title}");

    browser.pick("You are", "1").await;
    assert_eq!(
        browser.text("#lab option:checked[value='1']").await,
        "Luca, accountant"
    );
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    assert_eq!(outcomes(&browser, "See the records").await, KNOWN);
    browser.pick("Account", "luca").await;
    browser.pick("as", "member").await;
    browser.press("Set role").await;
    let split = ["403 refused", "200 known"];
    assert_eq!(outcomes(&browser, "See the records").await, split);
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    assert_eq!(outcomes(&browser, "See the records").await, mia);

    browser.press("Close").await;
    let closed = ["403 refused", "403 refused"];
    assert_eq!(outcomes(&browser, "Log in").await, closed);
    browser.press("Open").await;
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    browser.close().await;
    house.close().await;
}

#[tokio::test]
async fn a_key_is_replaced_with_and_without_the_old_one() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&house.lab()).await;
    browser.pick("Balancer", "sticky").await;
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    let keys = "document.querySelector('.jwt .instance.a .key').textContent";
    let first = browser.value(keys).await;
    browser.press("New key, keep the old").await;
    browser
        .until("the new key is shown", &format!("{keys} !== {first}"))
        .await;
    let both = browser.value(keys).await;
    let first = first.as_str().unwrap().trim_start_matches("secret ");
    assert!(
        both.as_str().unwrap().ends_with(first),
        "{both} keeps {first}"
    );
    assert_eq!(outcomes(&browser, "Ask “who am I?”").await, KNOWN);
    browser.press("New key only").await;
    let only_jwt = ["200 known", "401 refused"];
    assert_eq!(outcomes(&browser, "Ask “who am I?”").await, only_jwt);
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    browser.close().await;
    house.close().await;
}

#[tokio::test]
async fn the_background_shows_half_refused_in_memory_and_none_with_a_token() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&house.lab()).await;
    browser.pick("Background", "50").await;
    let counts = |lane: &str| {
        format!(
            "(document.querySelector('.{lane} .counts')?.textContent.match(/\\d+/g) ?? [])
                .map(Number)"
        )
    };
    let enough = format!("{}[0] > 40", counts("session"));
    browser.until("the background is seen", &enough).await;
    let [known, refused, failed, unsent] = numbers(&browser, &counts("session")).await;
    assert!(
        refused > known / 4,
        "about half: {known} known, {refused} refused"
    );
    assert_eq!([failed, unsent], [0, 0]);
    let [_, refused, failed, unsent] = numbers(&browser, &counts("jwt")).await;
    assert_eq!([refused, failed, unsent], [0, 0, 0]);

    // It follows the viewer: behind the sticky balancer everybody who logged in is known.
    browser.pick("Balancer", "sticky").await;
    let settled = "[...document.querySelectorAll('.session .bar')].length > 0 &&
        ![...document.querySelectorAll('.session .bar.kind-1')]
            .some((bar) => bar.x.baseVal.value >= 57)";
    browser
        .until("three seconds pass without a refusal", settled)
        .await;

    browser.pick("Background", "0").await;
    let gone = "[...document.querySelectorAll('.strip')].every((strip) => strip.hidden)";
    browser.until("the strip goes", gone).await;
    assert_eq!(browser.console_errors().await, [""; 0]);
    browser.close().await;
    house.close().await;
}

async fn numbers(browser: &Browser, expression: &str) -> [u64; 4] {
    serde_json::from_value(browser.value(expression).await).unwrap()
}

#[tokio::test]
async fn another_memory_is_a_stranger_and_says_so() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&house.lab()).await;
    assert_eq!(outcomes(&browser, "Log in").await, KNOWN);
    browser.pick("Tokens", "jwt-denylist").await;
    assert_eq!(browser.text(".jwt .say-title").await, "A stranger here.");
    assert_eq!(browser.text(".jwt .hold-what").await, "no token");
    let opened = "document.querySelectorAll('.jwt .instance').length === 2
        && document.querySelector('.jwt .store b')?.textContent === 'Redis'";
    browser
        .until("its servers and their store are shown", opened)
        .await;
    browser.pick("Tokens", "jwt").await;
    assert_eq!(browser.text(".jwt .hold-what").await, "a token");
    let readable = "Object.keys(localStorage)";
    assert_eq!(browser.value(readable).await, json!(["svj-token-jwt"]));
    browser.close().await;
    house.close().await;
}
