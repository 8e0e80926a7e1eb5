//! Sessions in this process: how long they live, and that what is over is freed.

mod support;

use std::time::Duration;

use app::Clock;
use app::conformance::{Visitor, known};
use serde_json::json;
use server_session::store::memory::MemoryStore;
use server_session::store::{Lifetimes, Store as _};
use support::{logged_in, pair, state};
use tower_sessions::SessionStore as _;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};

const MINUTE_MS: i64 = 60_000;

/// Idle for a quarter of an hour ends a session; asking for it starts that anew.
#[tokio::test]
async fn reading_renews_a_session() {
    let pair = pair("memory", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    for minutes in [14, 28, 42] {
        pair.a.clock.set_offset_ms(minutes * MINUTE_MS);
        assert!(known(&mia, &pair.a).await, "{minutes}");
    }
    pair.a.clock.set_offset_ms(58 * MINUTE_MS);
    assert!(!known(&mia, &pair.a).await);
}

/// Eight hours end it, however much it is used.
#[tokio::test]
async fn a_session_ends_however_much_it_is_used() {
    let pair = pair("memory", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    for minutes in (10..480).step_by(10) {
        pair.a.clock.set_offset_ms(minutes * MINUTE_MS);
        assert!(known(&mia, &pair.a).await, "{minutes}");
    }
    pair.a.clock.set_offset_ms(480 * MINUTE_MS + 1);
    assert!(!known(&mia, &pair.a).await);
}

/// A laboratory can shorten one login's life, and never stretch it.
#[tokio::test]
async fn one_login_can_be_shortened() {
    let pair = pair("memory", &["--absolute-ms", "60000"]).await;
    let (mut brief, mut stretched) = (Visitor::default(), Visitor::default());
    brief.log_in_for(&pair.a, "mia", 30_000).await;
    stretched.log_in_for(&pair.a, "mia", 600_000).await;
    pair.a.clock.set_offset_ms(29_000);
    assert!(known(&brief, &pair.a).await);
    pair.a.clock.set_offset_ms(31_000);
    assert!(!known(&brief, &pair.a).await);
    assert!(known(&stretched, &pair.a).await);
    pair.a.clock.set_offset_ms(61_000);
    assert!(!known(&stretched, &pair.a).await);
}

/// tower-sessions' own store knows nothing of either.
#[tokio::test]
async fn the_stock_store_ends_nothing_in_a_day() {
    let pair = pair("stock", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    pair.a.clock.set_offset_ms(24 * 60 * MINUTE_MS);
    assert!(known(&mia, &pair.a).await);
}

/// What all of a user's sessions are told is told to those of this instance, and the answer says
/// until when the others go on.
#[tokio::test]
async fn the_end_of_all_logins_reaches_only_this_instance_and_says_so() {
    let pair = pair("memory", &["--absolute-ms", "3600000"]).await;
    let mut here = logged_in(&pair.a, "mia").await;
    let (also_here, elsewhere) = (
        logged_in(&pair.a, "mia").await,
        logged_in(&pair.b, "mia").await,
    );
    let answer = here.post(&pair.a, "/logout-everywhere", json!({})).await;
    assert_eq!(answer.json["ended"], "here");
    let left_ms = answer.json["at"].as_u64().expect("it says when") - Clock::default().now_ms();
    assert!((3_590_000..=3_600_000).contains(&left_ms), "{left_ms}");
    assert!(!known(&also_here, &pair.a).await);
    assert!(known(&elsewhere, &pair.b).await);
}

/// What has expired is freed, part by part, without anybody asking for it.
#[tokio::test(start_paused = true)]
async fn what_has_expired_is_freed() {
    let clock = Clock::default();
    let lifetimes = Lifetimes {
        idle_ms: 60_000,
        absolute_ms: 3_600_000,
    };
    let store = MemoryStore::new(clock.clone(), lifetimes);
    for _ in 0..1000 {
        store
            .create(&mut empty())
            .await
            .expect("memory does not fail");
    }
    tokio::time::sleep(Duration::from_secs(70)).await;
    assert_eq!(
        store.status().await.logins,
        Some(1000),
        "nothing has expired"
    );
    clock.set_offset_ms(2 * MINUTE_MS);
    store
        .create(&mut empty())
        .await
        .expect("memory does not fail");
    tokio::time::sleep(Duration::from_secs(70)).await;
    let status = store.status().await;
    assert_eq!(status.logins, Some(1), "the one that was made last");
    assert_eq!(status.counts, [("swept_total", 1000)]);
}

fn empty() -> Record {
    Record {
        id: Id::default(),
        data: Default::default(),
        expiry_date: OffsetDateTime::UNIX_EPOCH,
    }
}

/// A name that is taken is not given out twice.
#[tokio::test]
async fn a_taken_name_is_replaced() {
    let lifetimes = Lifetimes {
        idle_ms: 60_000,
        absolute_ms: 60_000,
    };
    let store = MemoryStore::new(Clock::default(), lifetimes);
    let (mut first, mut second) = (empty(), empty());
    second.id = first.id;
    store
        .create(&mut first)
        .await
        .expect("memory does not fail");
    store
        .create(&mut second)
        .await
        .expect("memory does not fail");
    assert_ne!(first.id, second.id);
}

/// `/lab/state` shows what is held, newest first, and never a whole name.
#[tokio::test]
async fn the_state_shows_a_few_characters_of_each_name() {
    let pair = pair("memory", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    let held = state(&pair.a).await["held"][0].clone();
    let shown = held["id"].as_str().expect("it is text");
    assert_eq!(shown.len(), 4);
    assert!(
        !mia.credential().contains(shown),
        "not even the beginning of the cookie"
    );
}
