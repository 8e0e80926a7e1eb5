//! Keys, clocks, late changes and large headers, by the properties of the arms.

use super::*;
use crate::arms;

const NOW_MS: u64 = 1_700_000_000_000;
const LIFE_MS: u64 = 900_000;

fn properties(arm: &str) -> &'static Properties {
    &arms::find(arm).unwrap().properties
}

/// A login made at `NOW_MS` by a clock that is right, asked for so much later at a clock that is
/// so far ahead.
fn later(arm: &str, later_ms: u64, asked_ahead_ms: i64) -> Option<bool> {
    let clocks = Clocks {
        made_ms: (NOW_MS, NOW_MS),
        taker_ahead_ms: 0,
        lives_ms: Some(LIFE_MS),
        asked_ms: (NOW_MS + later_ms, NOW_MS + later_ms + 5),
        asked_ahead_ms,
    };
    properties(arm).recognises(&Circumstance::Clocks(clocks), "x-a", "x-a")
}

#[test]
fn a_clock_that_is_behind_sees_a_token_before_its_time() {
    assert_eq!(later("jwt-hs256", 10, -30_000), Some(false));
    assert_eq!(later("jwt-hs256", 10, 90_000), Some(true));
    // Nothing of a session says when its time begins, the store has a clock of its own, and the
    // library as it comes asks the machine's.
    for arm in [
        "session-memory",
        "session-redis",
        "jwt-hs256-stock",
        "trusting",
    ] {
        assert_eq!(later(arm, 10, -30_000), Some(true), "{arm}");
    }
}

#[test]
fn the_end_of_a_life_is_judged_by_the_clock_that_counts() {
    let ahead_ms = LIFE_MS as i64 + 2_000;
    for (arm, recognised) in [
        ("jwt-hs256", false),
        ("session-memory", false),
        ("session-redis", true),
        ("session-memory-stock", true),
        ("jwt-hs256-stock", true),
    ] {
        assert_eq!(later(arm, 10, ahead_ms), Some(recognised), "{arm}");
    }
    // A minute of leeway, and a second because whole ones are compared.
    assert_eq!(later("jwt-hs256-stock", LIFE_MS + 59_000, 0), Some(true));
    assert_eq!(later("jwt-hs256-stock", LIFE_MS + 60_500, 0), None);
    assert_eq!(later("jwt-hs256-stock", LIFE_MS + 61_000, 0), Some(false));
    // The answer came when the life was just ending: nobody can say.
    assert_eq!(later("session-memory", LIFE_MS - 2, 0), None);
}

#[test]
fn a_token_keeps_its_issuers_time_and_a_record_its_keepers() {
    let made_behind = |arm| {
        let ahead_ms = -(LIFE_MS as i64) - 2_000;
        let made_ms = NOW_MS - LIFE_MS - 2_000;
        let clocks = Clocks {
            made_ms: (made_ms, made_ms),
            taker_ahead_ms: ahead_ms,
            lives_ms: Some(LIFE_MS),
            asked_ms: (NOW_MS, NOW_MS + 5),
            asked_ahead_ms: 0,
        };
        properties(arm).recognises(&Circumstance::Clocks(clocks), "x-a", "x-a")
    };
    assert_eq!(made_behind("jwt-hs256"), Some(false));
    assert_eq!(
        made_behind("jwt-hs256-stock"),
        Some(true),
        "within its leeway"
    );
    assert_eq!(made_behind("session-redis"), Some(true));
}

#[test]
fn the_library_as_it_comes_tries_one_key() {
    let known = |arm, signed_with, held| {
        let keys = Circumstance::Keys {
            signed_with,
            first: held,
            last: held,
        };
        properties(arm).recognises(&keys, "x-a", "x-b").unwrap()
    };
    for held in [Held::both(Key::Old), Held::both(Key::New)] {
        assert!(known("jwt-hs256", Key::Old, held) && known("jwt-hs256", Key::New, held));
    }
    assert!(known("jwt-hs256-stock", Key::Old, Held::both(Key::Old)));
    assert!(!known("jwt-hs256-stock", Key::Old, Held::both(Key::New)));
    assert!(!known("jwt-hs256", Key::New, Held::OLD) && !known("jwt-hs256", Key::Old, Held::NEW));
    assert!(
        !known("jwt-hs256-split", Key::Old, Held::OLD),
        "of the other's"
    );
}

#[test]
fn a_key_that_changes_on_the_way_decides_nothing() {
    let keys = Circumstance::Keys {
        signed_with: Key::Old,
        first: Held::OLD,
        last: Held::NEW,
    };
    assert_eq!(
        properties("jwt-hs256").recognises(&keys, "x-a", "x-b"),
        None
    );
}

#[test]
fn what_was_ended_comes_back_only_where_everything_is_written() {
    let late = |arm, asked| properties(arm).recognises(&Circumstance::LateWrite, "x-a", asked);
    assert_eq!(late("session-memory-stock", "x-a"), Some(true));
    assert_eq!(late("session-memory-stock", "x-b"), Some(false));
    assert_eq!(late("session-memory", "x-a"), Some(false));
    assert_eq!(late("session-redis", "x-b"), Some(false));
}

#[test]
fn a_refresh_token_works_once_and_a_header_up_to_its_limit() {
    let refresh = |spent| {
        let circumstance = Circumstance::Refresh { spent };
        properties("jwt-refresh").recognises(&circumstance, "x-a", "x-b")
    };
    assert_eq!((refresh(false), refresh(true)), (Some(true), Some(false)));
    let large = |bytes| {
        let circumstance = Circumstance::Header { bytes, good: true };
        properties("jwt-hs256").recognises(&circumstance, "x-a", "x-b")
    };
    assert_eq!((large(8_192), large(8_193)), (Some(true), Some(false)));
}
