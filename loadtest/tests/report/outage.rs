//! What a report says of a store that was away, and of arms that have none.

use loadtest::record::{Cell, EventStory, Group, Record, Wanted};
use loadtest::report::{self, Mark, Options, Tone, markdown};
use serde_json::{Value, json};

use crate::reading::{page, words};
use crate::sample;

/// A cell of `store-stopped`, made from what the arm showed without an event.
fn cell(record: &Record, arm: &str, while_away: Value, lost: u64) -> Cell {
    let usual = record.cells.iter().find(|cell| cell.arm == arm);
    let mut cell = usual.expect("the sample has every arm").clone();
    cell.event = "store-stopped".to_owned();
    cell.logins_lost = lost;
    cell.as_expected = true;
    cell.detail.note = None;
    cell.detail.more = [("while_away".to_owned(), while_away)].into();
    cell
}

fn with_outage(cells: &[(&str, Value, u64)]) -> Record {
    let mut record = sample::record();
    record.events.push(EventStory {
        event: "store-stopped".to_owned(),
        label: "the store stops".to_owned(),
        story: "It stops.".to_owned(),
        group: Group::Store,
        wanted: Wanted::Recognised,
    });
    for (arm, while_away, lost) in cells {
        let cell = cell(&record, arm, while_away.clone(), *lost);
        record.cells.push(cell);
    }
    record
}

fn all_503() -> Value {
    json!({"requests": 90, "recognised": 0, "refused": 0, "failed": 90})
}

fn line(mark: &Mark) -> String {
    match &mark.notes[..] {
        [] => mark.word.clone(),
        notes => format!("{} ({})", mark.word, notes.join(", ")),
    }
}

#[test]
fn what_a_stopped_store_did_stands_on_page_one() {
    let record = with_outage(&[
        ("session-redis", all_503(), 0),
        ("jwt-denylist", all_503(), 0),
    ]);
    let words = words(&page(&record));
    let said = "When the store stopped \u{2014} session in Redis and JWT + deny-list: 503 until \
                it is back (no login lost).";
    assert!(words.contains(said), "{words}");
    let rows = report::headline(&record);
    let down = |row: usize| (rows[row].marks[2].tone, line(&rows[row].marks[2]));
    let away = "503 until it is back (no login lost)".to_owned();
    assert_eq!(down(2), (Tone::None, away.clone()));
    assert_eq!(down(4), (Tone::None, away));
    assert_eq!(down(3).1, "needs no store");
    assert!(markdown(&record, &Options::default()).contains("needs no store"));
}

/// Other observations get other words.
#[test]
fn an_outage_that_went_otherwise_is_told_otherwise() {
    let from_memory = json!({
        "requests": 90, "recognised": 40, "refused": 0, "failed": 50, "recognised_for_ms": 1_940.0
    });
    let untouched = json!({"requests": 90, "recognised": 90, "refused": 0, "failed": 0});
    let refused = json!({"requests": 90, "recognised": 0, "refused": 9, "failed": 81});
    for (while_away, lost, said) in [
        (from_memory, 0, "503 after 1.9 s (no login lost)"),
        (untouched, 0, "all known (no login lost)"),
        (refused, 9, "logged out (9 of 20 logins lost)"),
    ] {
        let record = with_outage(&[("session-redis", while_away, lost)]);
        let said_here = line(&report::headline(&record)[2].marks[2]);
        assert_eq!(said_here, said);
    }
}

/// What counts of requests cannot say stands beside them.
#[test]
fn what_a_store_has_undone_is_told() {
    let mut record = with_outage(&[("jwt-denylist", all_503(), 0)]);
    let cell = record.cells.last_mut().expect("it was just put there");
    let facts = json!({
        "ended_before": {"logins": 4, "accepted_afterwards": 3},
        "last_log_outs": {"confirmed": 5, "undone": 0},
        "writes_reported_failed": 9,
        "of_these_done_all_the_same": 2,
        "log_outs": {"tried": 4, "confirmed": 0},
        "near_median_ms": 0.54,
        "far_median_ms": 56.1,
    });
    let facts = facts.as_object().expect("an object").clone();
    cell.detail.more = facts.into_iter().collect();
    let text = markdown(&record, &Options::default());
    assert!(text.contains("3 of 4 ended logins came back"), "{text}");
    assert!(text.contains("2 of 9 failed writes were done"), "{text}");
    assert!(text.contains("4 of 4 log-outs refused"), "{text}");
    assert!(text.contains("0.5 ms near, 56.1 ms far"), "{text}");
    assert!(!text.contains("log-outs undone"), "{text}");
}
