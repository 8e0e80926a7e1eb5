//! One run beside another: what differs is shown, and what chance explains is not.

use loadtest::record::Record;
use loadtest::report::{self, Options, html, markdown};

use crate::reading::words;
use crate::{measured, sample};

fn beside(here: &Record, there: &Record) -> [String; 2] {
    let options = Options {
        against: Some(there.clone()),
        ..Options::default()
    };
    [words(&html(here, &options)), markdown(here, &options)]
}

#[test]
fn a_run_differs_from_itself_in_nothing() {
    let (observed, measured) = (sample::record(), measured::record());
    for text in beside(&observed, &observed) {
        assert!(text.contains("Beside the other run: 0 of "), "{text}");
        assert!(!text.contains("Outcomes that differ"), "{text}");
        assert!(!text.contains("What else differs"), "{text}");
    }
    for text in beside(&measured, &measured) {
        assert!(
            text.contains("Beside the other run: 0 of 2 costs differ"),
            "{text}"
        );
    }
}

/// Goal: a change of behaviour is found by itself. Method: in the other run B knew the sessions of
/// A, and a log-out reached the JWT at once.
#[test]
fn what_came_out_otherwise_is_shown_with_both_words() {
    let here = sample::record();
    let mut there = here.clone();
    for cell in &mut there.cells {
        if cell.arm == "session-memory" && cell.event == "other-instance" {
            (cell.recognised, cell.refused) = (cell.requests, 0);
            (cell.recognised_share, cell.interval) = (Some(1.0), Some([0.84, 1.0]));
        }
    }
    for row in &mut there.revocations {
        if row.arm == "jwt-hs256" && row.event == "logout-elsewhere" {
            (row.lag_ms, row.accepted_after) = (0.0, 0);
        }
    }
    there.environment.cpu = "another".into();
    for text in beside(&here, &there) {
        assert!(text.contains("Beside the other run: 3 of "), "{text}");
        assert!(
            text.contains("none known") && text.contains("all known"),
            "{text}"
        );
        assert!(
            text.contains("asked at A") && text.contains("asked at B"),
            "{text}"
        );
        assert!(
            text.contains("Processor") && text.contains("another"),
            "{text}"
        );
    }
}

#[test]
fn costs_differ_if_their_intervals_have_nothing_in_common() {
    let here = measured::record();
    let mut there = here.clone();
    for one in &mut there.comparisons {
        one.ratio *= 1.5;
        one.interval = one.interval.map(|[low, high]| [low * 1.5, high * 1.5]);
    }
    for text in beside(&here, &there) {
        assert!(
            text.contains("Beside the other run: 2 of 2 costs differ"),
            "{text}"
        );
        assert!(text.contains("less"), "{text}");
    }
    // Whose speed may not be shown has none to compare.
    there.valid = false;
    for text in beside(&here, &there) {
        assert!(
            text.contains("The two runs have nothing in common"),
            "{text}"
        );
    }
}

#[test]
fn only_one_run_is_held_against_another() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        against: Some(sample::record()),
        ..Options::default()
    };
    let dirs = [dir.path().to_owned(), dir.path().to_owned()];
    let line = format!("{:#}", report::run(&dirs, &options).unwrap_err());
    assert!(
        line.contains("--against") && line.contains("name one folder"),
        "{line}"
    );
}
