//! The guided tour from its first frame to its last, in a real browser: what each click shows, and
//! that the figure under each lane is what happened. Whose servers they are is the caller's
//! business.

use std::time::{Duration, Instant};

use fantoccini::Locator;
use loadtest::board::stage::{Held, Pool};
use serde_json::json;

use super::browser::Browser;

/// A button, and what came of its request in each lane.
type Click = [&'static str; 3];

const LOG_IN: Click = ["Log in", "known 200", "known 200"];
const LOG_OUT: Click = ["Log out", "known 200", "known 200"];
const KNOWN: Click = ["Ask “who am I?”", "known 200", "known 200"];
const SESSION_REFUSED: Click = ["Ask “who am I?”", "refused 401", "known 200"];

/// The servers behind a board, asked past its page.
pub(crate) trait Servers {
    /// What an instance says it holds.
    async fn held(&self, pool: Pool, instance: &str) -> Vec<Held>;
}

struct Tour<'a, S> {
    servers: &'a S,
    browser: Browser,
    frame: usize,
}

impl<'a, S: Servers> Tour<'a, S> {
    async fn begin(url: &str, servers: &'a S) -> Self {
        let browser = Browser::start().await;
        browser.open(url).await;
        Self {
            servers,
            browser,
            frame: 1,
        }
    }

    /// Whether an instance holds the session whose cookie the browser shows.
    async fn is_held(&self, pool: Pool, instance: &str) -> bool {
        let shown = self.browser.text(".session .hold-id").await;
        let held = self.servers.held(pool, instance).await;
        held.iter().any(|held| shown.contains(&held.id))
    }

    async fn click(&self, clicks: &[Click]) {
        for [button, session, jwt] in clicks {
            self.browser.press(button).await;
            for (lane, expected) in [("session", session), ("jwt", jwt)] {
                let [row, _] = self.browser.lane(lane).await;
                assert!(
                    row.ends_with(expected),
                    "frame {}, {button:?}: {row}",
                    self.frame
                );
            }
        }
    }

    /// What the frame says it observed, in each lane.
    async fn figures(&self) -> [String; 2] {
        [
            self.browser.text(".session .figure").await,
            self.browser.text(".jwt .figure").await,
        ]
    }

    async fn observed(&self, session: &str, jwt: &str) {
        assert_eq!(self.figures().await, [session, jwt], "frame {}", self.frame);
    }

    async fn next(&mut self, title: &str) {
        let small = "document.documentElement";
        let fits =
            format!("{small}.scrollHeight <= innerHeight && {small}.scrollWidth <= innerWidth");
        let fits = self.browser.value(&fits).await;
        assert_eq!(
            fits,
            json!(true),
            "frame {} is larger than 1280 × 720",
            self.frame
        );
        self.browser.choose("Next →").await;
        self.frame += 1;
        let step = format!("Step {} of 13: {title}", self.frame);
        assert_eq!(self.browser.text("#step").await, step);
    }

    async fn servers_met(&self, lane: &str) -> serde_json::Value {
        let chips = format!(
            "[...new Set([...document.querySelectorAll('#lane-{lane} .requests .chip')]
                .map((chip) => chip.textContent))].sort()"
        );
        self.browser.value(&chips).await
    }
}

/// Walks from the first frame to the last, over the servers of a board at `url`.
pub(crate) async fn walk(url: &str, servers: &impl Servers) {
    let mut tour = Tour::begin(url, servers).await;
    in_memory(&mut tour).await;
    past_the_balancer(&mut tour).await;
    patched_and_fixed(&mut tour).await;
    what_one_holds(&mut tour).await;
    the_list(&mut tour).await;
    broken(&mut tour).await;
    paid(&mut tour).await;
    assert_eq!(tour.browser.console_errors().await, [""; 0]);
    tour.browser.close().await;
}

/// Frames 1 and 2: the session fails at the other server.
async fn in_memory(tour: &mut Tour<'_, impl Servers>) {
    tour.click(&[LOG_IN]).await;
    tour.observed("Seen: known 1 of 1 times.", "Seen: known 1 of 1 times.")
        .await;
    let met = tour.servers_met("session").await[0]
        .as_str()
        .unwrap()
        .to_lowercase();
    let held = tour.servers.held(Pool::SessionMemory, &met).await;
    assert!(tour.is_held(Pool::SessionMemory, &met).await, "{held:?}");
    tour.next("ask again").await;
    tour.click(&[SESSION_REFUSED]).await;
    tour.observed("Seen: known 1 of 2 times.", "Seen: known 2 of 2 times.")
        .await;
    let still = tour.servers.held(Pool::SessionMemory, &met).await;
    assert_eq!(still, held, "it still has it");
    tour.browser.picture("asked-again").await;
}

/// Frames 3 and 4: the JWT fails after log-out, until it expires.
async fn past_the_balancer(tour: &mut Tour<'_, impl Servers>) {
    tour.next("log out").await;
    let began = Instant::now();
    let old = ["Send my old login", "refused 401", "known 200"];
    tour.click(&[LOG_IN, LOG_OUT, old]).await;
    let [session, jwt] = tour.figures().await;
    assert_eq!(session, "Seen: copy let in 0 of 1 times after log-out.");
    assert!(jwt.starts_with("Seen: copy let in 1 of 1 times, "), "{jwt}");
    tour.browser.picture("logged-out").await;
    // This frame's logins live for 30 s.
    tokio::time::sleep(Duration::from_secs(31).saturating_sub(began.elapsed())).await;
    tour.click(&[["Send my old login", "refused 401", "refused 401"]])
        .await;
    let [_, jwt] = tour.figures().await;
    assert!(jwt.starts_with("Seen: copy let in 1 of 2 times, "), "{jwt}");

    tour.next("log in on each server").await;
    tour.click(&[
        ["Log in at A", "known 200", "known 200"],
        ["Ask A", "known 200", "known 200"],
        ["Ask B", "refused 401", "known 200"],
        ["Log in at B", "known 200", "known 200"],
        ["Ask B", "known 200", "known 200"],
    ])
    .await;
    tour.observed(
        "Seen: 2 logins, known 2 of 3 times.",
        "Seen: 2 logins, known 3 of 3 times.",
    )
    .await;
    let shown = tour.browser.text(".session .hold-id").await;
    for instance in ["a", "b"] {
        let newest = &tour.servers.held(Pool::SessionMemory, instance).await[0];
        assert!(shown.contains(&newest.id), "{shown} has not {newest:?}");
    }
}

/// Frames 5, 6 and 7: one address, the usual patch, the usual fix.
async fn patched_and_fixed(tour: &mut Tour<'_, impl Servers>) {
    tour.next("one address, two logins").await;
    tour.click(&[LOG_IN, LOG_IN, SESSION_REFUSED]).await;
    tour.observed(
        "Seen: 2 logins, known 0 of 1 times.",
        "Seen: 2 logins, known 1 of 1 times.",
    )
    .await;

    tour.next("the usual patch").await;
    tour.click(&[LOG_IN, KNOWN, KNOWN, KNOWN]).await;
    let [session, _] = tour.figures().await;
    let met = tour.servers_met("session").await;
    assert_eq!(met.as_array().unwrap().len(), 1, "always the same: {met}");
    let expected = format!("Seen: asked 3 times, met {}.", met[0].as_str().unwrap());
    assert_eq!(session, expected);

    tour.next("the usual fix").await;
    tour.click(&[LOG_IN, KNOWN, KNOWN]).await;
    let id = tour.browser.text(".session .hold-id").await;
    let in_redis = tour.servers.held(Pool::SessionRedis, "a").await;
    let own = in_redis.iter().find(|held| id == format!("{}…", held.id));
    assert!(own.is_some(), "{id}: {in_redis:?}");
    tour.click(&[LOG_OUT]).await;
    tour.observed("Seen: known 4 of 4 times.", "Seen: known 4 of 4 times.")
        .await;
    assert_eq!(tour.servers_met("session").await, json!(["A", "B"]));
    let left = tour.servers.held(Pool::SessionRedis, "a").await;
    assert!(!left.contains(own.unwrap()), "{left:?}");
}

/// Frames 8, 9 and 10: the cookie and the token, read and changed.
async fn what_one_holds(tour: &mut Tour<'_, impl Servers>) {
    let length = "localStorage.getItem('svj-token-jwt').length";
    tour.next("what you hold").await;
    tour.click(&[LOG_IN, KNOWN]).await;
    let bytes = tour.browser.value(length).await;
    tour.observed(
        "Seen: 22 bytes of login in each request.",
        &format!("Seen: {bytes} bytes of login in each request."),
    )
    .await;
    let inside = tour.browser.text(".jwt .panel").await;
    assert!(inside.contains(r#""sub":"mia""#), "{inside}");

    tour.next("what a script can read").await;
    tour.click(&[LOG_IN]).await;
    tour.browser.choose("Let a script read it").await;
    let count = tour.browser.value(length).await;
    tour.observed(
        "Seen: a script read 0 characters.",
        &format!("Seen: a script read {count} characters."),
    )
    .await;

    tour.next("change one character").await;
    let changed = ["Send it changed", "refused 401", "refused 401"];
    tour.click(&[LOG_IN, changed]).await;
    let payload = tour.browser.client.find(Locator::Css(".jwt textarea"));
    let payload = payload.await.unwrap();
    let before = payload.prop("value").await.unwrap().unwrap();
    assert!(before.contains(r#""role":"member""#), "{before}");
    let forged = before.replace("member", "admin");
    payload.clear().await.unwrap();
    payload.send_keys(&forged).await.unwrap();
    tour.click(&[changed]).await;
    let figure = "Seen: changed ones let in 0 of 2 times.";
    tour.observed(figure, figure).await;
}

/// Frame 11: with a list both die at once.
async fn the_list(tour: &mut Tour<'_, impl Servers>) {
    tour.next("a list of log-outs").await;
    tour.click(&[
        LOG_IN,
        KNOWN,
        LOG_OUT,
        ["Send my old login", "refused 401", "refused 401"],
    ])
    .await;
    let figure = "Seen: copy let in 0 of 1 times after log-out.";
    tour.observed(figure, figure).await;
    let why = tour.browser.text(".jwt .say-why").await;
    assert!(why.contains("on the list in Redis"), "{why}");
}

/// Frame 12: a dead server costs neither lane a login, a dead store costs the session lane all.
async fn broken(tour: &mut Tour<'_, impl Servers>) {
    tour.next("break it").await;
    tour.click(&[LOG_IN, KNOWN]).await;
    tour.browser.press("Kill A").await;
    tour.click(&[KNOWN, KNOWN]).await;
    tour.browser.press("Start A").await;
    tour.browser.press("Stop Redis").await;
    tour.click(&[["Ask “who am I?”", "failed 503", "known 200"]])
        .await;
    tour.observed("Seen: known 4 of 5 times.", "Seen: known 5 of 5 times.")
        .await;
    tour.browser.press("Start Redis").await;
    // The servers find it again by themselves; until then they say 503.
    let began = Instant::now();
    loop {
        tour.browser.press("Ask “who am I?”").await;
        let [row, _] = tour.browser.lane("session").await;
        if row.ends_with("refused 401") {
            break;
        }
        assert!(row.ends_with("failed 503"), "{row}");
        assert!(began.elapsed() < Duration::from_secs(20), "no recovery");
    }
    tour.click(&[LOG_IN, KNOWN]).await;
}

/// Frame 13: the figures of a record.
async fn paid(tour: &mut Tour<'_, impl Servers>) {
    tour.next("what each side pays").await;
    let session = tour.browser.text(".session .panel").await;
    assert!(session.contains("none known"), "{session}");
    let jwt = tour.browser.text(".jwt .panel").await;
    assert!(jwt.contains("works until expiry"), "{jwt}");
    let why = tour.browser.text(".jwt .say-why").await;
    assert!(why.contains("published with the project"), "{why}");
    let end = "document.querySelector('nav button:nth-child(2)').ariaDisabled";
    assert_eq!(tour.browser.value(end).await, json!("true"));
}
