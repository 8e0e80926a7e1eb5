//! The board in a real browser, over a real cluster: what a viewer sees is what happened.
//! Long because one walk through the page is one story, click by click.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::browser::Browser;
use board_support::house::House;
use fantoccini::Locator;
use serde_json::json;

/// A button, and what each lane shows once it was pressed: its last row and its sentence.
type Step = [&'static str; 3];

const LOG_IN: Step = [
    "Log in",
    "1 A “Welcome, Mia.” known 200: Server A wrote you down.",
    "1 A “Welcome, Mia.” known 200: Server A signed you a token.",
];
const ASK: Step = [
    "Ask “who am I?”",
    "2 B “Who are you?” refused 401: Server B does not know you.",
    "2 B “Hello, Mia.” known 200: Server B knows you, too.",
];
const LOG_OUT: Step = [
    "Log out",
    "3 A “Who are you?” refused 401: There was nothing to log out.",
    "3 A “Good-bye, Mia.” known 200: You threw your token away.",
];
const SEND_OLD: Step = [
    "Send my old login",
    "4 B “Who are you?” refused 401: Server B refused the old login.",
    "4 B “Hello, Mia.” known 200: Logged out, and still let in.",
];
/// The log-out never reached A: its record is there, until A dies.
const SEND_OLD_AGAIN: Step = [
    "Send my old login",
    "5 A “Hello, Mia.” known 200: The old login still works.",
    "5 A “Hello, Mia.” known 200: Logged out, and still let in.",
];
const WITH_A_DEAD: [Step; 4] = [
    [
        "Log in",
        "6 B “Welcome, Mia.” known 200: Server B wrote you down.",
        "6 B “Welcome, Mia.” known 200: Server B signed you a token.",
    ],
    [
        "Ask “who am I?”",
        "7 B “Hello, Mia.” known 200: Server B knows you.",
        "7 B “Hello, Mia.” known 200: Server B knows you.",
    ],
    [
        "Log out",
        "8 B “Good-bye, Mia.” known 200: Server B has forgotten you.",
        "8 B “Good-bye, Mia.” known 200: You threw your token away.",
    ],
    [
        "Send my old login",
        "9 B “Who are you?” refused 401: Server B refused the old login.",
        "9 B “Hello, Mia.” known 200: Logged out, and still let in.",
    ],
];

async fn take(browser: &Browser, [label, session, jwt]: Step) {
    browser.press(label).await;
    assert_eq!(
        browser.lane("session").await.join(": "),
        session,
        "after {label:?}"
    );
    assert_eq!(browser.lane("jwt").await.join(": "), jwt, "after {label:?}");
}

#[tokio::test]
async fn the_walk_from_log_in_to_a_killed_server_and_back() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&house.lab()).await;
    take(&browser, LOG_IN).await;
    shows_what_is_held(&browser).await;
    take(&browser, ASK).await;
    assert_eq!(
        browser.text(".session .hold-what").await,
        "no cookie",
        "B removed it"
    );
    let why = browser.text(".session .say-why").await;
    assert!(
        why.contains("server A’s memory") && why.contains("delete the cookie"),
        "{why}"
    );

    take(&browser, LOG_OUT).await;
    assert_eq!(browser.text(".jwt .hold-what").await, "no token");
    take(&browser, SEND_OLD).await;
    take(&browser, SEND_OLD_AGAIN).await;

    browser.press("Kill A").await;
    browser
        .until(
            "A is dead",
            "document.querySelectorAll('.instance.a.dead').length === 2",
        )
        .await;
    assert_eq!(
        browser.text(".session .say-title").await,
        "Server A is dead."
    );
    assert!(
        browser
            .text(".session .say-why")
            .await
            .contains("the one login in it")
    );
    for step in WITH_A_DEAD {
        take(&browser, step).await;
    }
    browser.press("Start A").await;
    browser
        .until(
            "A is back",
            "document.querySelectorAll('.instance.a.running').length === 2",
        )
        .await;
    assert_eq!(
        browser.text(".session .say-title").await,
        "Server A is back, and empty."
    );

    asked_only(&browser, &house).await;
    assert_eq!(browser.console_errors().await, [""; 0]);
    browser.close().await;
    house.close().await;
}

/// After logging in at A: A holds what you hold, B nothing, and the JWT servers never do.
async fn shows_what_is_held(browser: &Browser) {
    let id = browser.text(".session .hold-id").await;
    assert_eq!(
        id.chars().count(),
        5,
        "four characters and an ellipsis: {id}"
    );
    let a_holds_it =
        format!("document.querySelector('.session .instance.a').textContent.includes('{id} Mia')");
    browser.until("A shows the login", &a_holds_it).await;
    assert!(
        browser
            .text(".session .instance.b")
            .await
            .contains("knows nobody")
    );
    assert!(
        browser
            .text(".jwt .instance.a")
            .await
            .contains("remembers nothing")
    );
    let parts = browser
        .value("document.querySelectorAll('.jwt .part').length")
        .await;
    assert_eq!(parts, 3, "header, payload, signature");
}

/// Every request of the page went to its own origin.
async fn asked_only(browser: &Browser, house: &House) {
    let asked = browser.addresses_asked().await;
    assert!(asked.len() > 20, "the network log was read");
    let port = house.board.address().port();
    // Chromium's own start page draws itself from chrome: and data:, which ask no host.
    for url in asked
        .iter()
        .filter(|url| url.has_host() && url.scheme() != "chrome")
    {
        let own = url.port() == Some(port) && url.host_str() == Some("localhost");
        assert!(own, "the page asked {url}");
    }
}

#[tokio::test]
async fn whoever_keeps_the_cookie_is_known_every_second_time_and_can_log_out() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&house.lab()).await;
    let keep = browser
        .client
        .find(Locator::Css(".keep input"))
        .await
        .unwrap();
    keep.click().await.unwrap();
    browser.press("Log in").await;
    for title in ["Server B does not know you.", "Server A knows you."].repeat(2) {
        browser.press("Ask “who am I?”").await;
        assert_eq!(browser.lane("session").await[1], title);
        assert_eq!(browser.text(".session .hold-what").await, "a cookie");
    }
    browser.press("Ask “who am I?”").await;
    // A's turn: it holds the record, so this log-out is a real one, and the copy is worthless.
    browser.press("Log out").await;
    assert_eq!(
        browser.lane("session").await[1],
        "Server A has forgotten you."
    );
    assert_eq!(browser.text(".session .hold-what").await, "no cookie");
    for server in ["B", "A"] {
        browser.press("Send my old login").await;
        let refused = format!("Server {server} refused the old login.");
        assert_eq!(browser.lane("session").await[1], refused);
        assert_eq!(
            browser.lane("jwt").await[1],
            "Logged out, and still let in."
        );
    }
    assert_eq!(browser.console_errors().await, [""; 0]);
    browser.close().await;
    house.close().await;
}

#[tokio::test]
async fn two_browsers_are_two_viewers_with_turns_of_their_own_and_one_stage() {
    let house = House::open().await;
    let (mia, guest) = (Browser::start().await, Browser::start().await);
    mia.open(&house.lab()).await;
    guest.open(&house.lab()).await;
    // Interleaved three to one, and still each meets A and B in turn, in both lanes.
    let clicks = [
        (&mia, 'A'),
        (&mia, 'B'),
        (&mia, 'A'),
        (&guest, 'A'),
        (&mia, 'B'),
        (&guest, 'B'),
    ];
    for (browser, expected) in clicks {
        browser.press("Log in").await;
        for lane in ["session", "jwt"] {
            let [row, _] = browser.lane(lane).await;
            assert_eq!(row.chars().nth(2), Some(expected), "{row}");
        }
    }
    let ids = [
        mia.text(".session .hold-id").await,
        guest.text(".session .hold-id").await,
    ];
    assert_ne!(ids[0], ids[1]);
    let token = "localStorage.getItem('svj-token-jwt')";
    assert_ne!(mia.value(token).await, guest.value(token).await);
    let readable = mia.value("document.cookie").await;
    assert_eq!(readable, json!(""), "no script reads a cookie here");

    mia.press("Kill B").await;
    let dead = "document.querySelectorAll('.instance.b.dead').length === 2";
    guest.until("the guest sees it", dead).await;
    assert_eq!(guest.text(".jwt .say-title").await, "Server B is dead.");
    // A page that is opened later sees the dead server, and no old news.
    guest.open(&house.lab()).await;
    assert_eq!(guest.text(".jwt .say-title").await, "You are back.");
    assert_eq!(
        guest.text(".session .hold-id").await,
        ids[1],
        "and still holds its cookie"
    );

    for browser in [mia, guest] {
        assert_eq!(browser.console_errors().await, [""; 0]);
        browser.close().await;
    }
    house.close().await;
}
