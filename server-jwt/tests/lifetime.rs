//! When a token ends, by the clock of the instance that is asked; and what a log-out says of it.

mod support;

use app::conformance::{Pair, Visitor, known};
use serde_json::json;
use server_jwt::keys::keygen::Alg;
use support::pair;

/// A login at a clock that stands at the beginning of a second, and the moment.
async fn logged_in(pair: &Pair) -> (Visitor, u64) {
    let into_second_ms = pair.a.clock.now_ms() % 1000;
    pair.a
        .clock
        .set_offset_ms(-i64::try_from(into_second_ms).expect("below a second"));
    let mut mia = Visitor::default();
    let login = mia.log_in(&pair.a, "mia").await;
    (
        mia,
        login.json["since"].as_u64().expect("it says since when"),
    )
}

/// Sets the clock of `a` to this moment, as nearly as a running clock can be set.
fn set(pair: &Pair, at_ms: u64) {
    let real_ms = app::Clock::default().now_ms();
    let offset_ms = i128::from(at_ms) - i128::from(real_ms);
    pair.a
        .clock
        .set_offset_ms(i64::try_from(offset_ms).expect("it fits"));
}

#[tokio::test]
async fn asking_again_does_not_prolong_it() {
    let pair = pair(Alg::Hs256, &["--access-ms", "60000"]).await;
    let (mia, since_ms) = logged_in(&pair).await;
    for (after_s, expected) in [(40, true), (58, true), (61, false), (70, false)] {
        set(&pair, since_ms + after_s * 1000);
        assert_eq!(known(&mia, &pair.a).await, expected, "{after_s} s later");
    }
    assert_eq!(mia.clone().get(&pair.a, "/me").await.reason(), "expired");
}

#[tokio::test]
async fn a_laboratory_can_shorten_it_for_one_login_and_never_stretch_it() {
    let pair = pair(Alg::Hs256, &["--access-ms", "60000"]).await;
    let (longer, since_ms) = logged_in(&pair).await;
    let (mut brief, mut stretched) = (Visitor::default(), Visitor::default());
    brief.log_in_for(&pair.a, "mia", 30_000).await;
    stretched.log_in_for(&pair.a, "mia", 600_000).await;
    set(&pair, since_ms + 28_000);
    assert!(known(&brief, &pair.a).await);
    set(&pair, since_ms + 32_000);
    assert!(!known(&brief, &pair.a).await);
    assert!(known(&longer, &pair.a).await);
    set(&pair, since_ms + 62_000);
    assert!(!known(&stretched, &pair.a).await);
}

#[tokio::test]
async fn a_log_out_says_when_the_last_instance_refuses_it() {
    for (flags, leeway_ms) in [(&[][..], 0), (&["--leeway-ms", "5000"], 5000)] {
        let flags = [flags, &["--access-ms", "60000"]].concat();
        let pair = pair(Alg::Hs256, &flags).await;
        let (mut mia, since_ms) = logged_in(&pair).await;
        let kept = mia.clone();
        let answer = mia.post(&pair.a, "/logout", json!({})).await;
        let at_ms = answer.json["at"].as_u64().expect("it says when");
        assert_eq!(at_ms, since_ms / 1000 * 1000 + 60_000 + leeway_ms);
        set(&pair, at_ms - 500);
        assert!(known(&kept, &pair.a).await);
        set(&pair, at_ms);
        assert!(!known(&kept, &pair.a).await);
    }
}

#[tokio::test]
async fn an_instance_whose_clock_is_behind_does_not_know_it_yet() {
    let pair = pair(Alg::Hs256, &[]).await;
    let (mia, since_ms) = logged_in(&pair).await;
    set(&pair, since_ms - 30_000);
    assert_eq!(
        mia.clone().get(&pair.a, "/me").await.reason(),
        "not-yet-valid"
    );
}

/// As it comes, the library lets a token live for a minute more and says nothing of it; the
/// log-out here does. It asks the machine's clock, so the token is made in the past instead.
#[tokio::test]
async fn as_the_library_comes_it_ends_a_minute_later() {
    let pair = pair(Alg::Hs256, &["--stock", "--access-ms", "4000"]).await;
    for (ago_s, expected) in [(0, true), (30, true), (60, true), (70, false)] {
        pair.a.clock.set_offset_ms(-ago_s * 1000);
        let mut mia = Visitor::default();
        let login = mia.log_in(&pair.a, "mia").await;
        assert_eq!(
            known(&mia, &pair.b).await,
            expected,
            "made {ago_s} s ago, for 4 s"
        );
        if ago_s == 0 {
            let since_ms = login.json["since"].as_u64().expect("it says since when");
            let answer = mia.post(&pair.a, "/logout", json!({})).await;
            let last_ms = answer.json["at"].as_u64().expect("it says when");
            let expected_ms = (since_ms / 1000 + 4 + 61) * 1000;
            assert!((expected_ms..=expected_ms + 1000).contains(&last_ms));
        }
    }
}
