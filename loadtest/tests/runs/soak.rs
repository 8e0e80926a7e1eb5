//! A soak of half a minute, replayed, and replayed once more with a violation planted in it. `.ci/test`
//! has one of ten minutes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use loadtest::soak::ARMS;
use loadtest::soak::history::{Came, Line, What};
use serde_json::Value;

use super::{Run, executable, text, told};

#[test]
fn a_soak_that_is_well_has_no_violation_and_one_that_is_planted_is_found() {
    let run = Run::new();
    let args = ["soak", "--minutes", "0.5", "--seed", "11", "--json"];
    let output = run.command(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    for arm in ARMS {
        let counts = &summary["arms"][arm];
        for what in ["logins", "recognised"] {
            assert!(counts[what].as_u64() > Some(10), "{arm}: {counts}");
        }
    }
    let faults = summary["faults"].as_object().unwrap();
    assert!(!faults.is_empty(), "{summary}");
    assert_eq!(summary["violations"], serde_json::json!([]));

    let (code, said) = replayed(&run);
    assert_eq!(code, Some(0), "{said}");
    plant(&run);
    let (code, said) = replayed(&run);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("recognised after its log-out was acknowledged"),
        "{said}"
    );
    assert_eq!(said.matches("VIOLATION").count(), 1, "{said}");
}

fn replayed(run: &Run) -> (Option<i32>, String) {
    let out = run.out();
    let args = ["soak", "--replay", out.to_str().unwrap()];
    let output = executable(&args).output().unwrap();
    (output.status.code(), text(&output.stdout))
}

/// Somebody who has logged out is recognised an hour later, when nothing has struck since.
fn plant(run: &Run) {
    let path = run.out().join("history.jsonl");
    let history = fs::read_to_string(&path).unwrap();
    let mut lines = history
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let left = lines.find_map(|line| match line {
        Line::Asked(asked)
            if asked.arm == "session-redis"
                && (asked.what, asked.came) == (What::LogOut, Came::Done) =>
        {
            Some(asked)
        }
        _ => None,
    });
    let mut back = left.expect("somebody logs out in half a minute");
    back.what = What::WhoAmI;
    back.sent_us += 3_600_000_000;
    back.answered_us = back.sent_us + 1_000;
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    let line = serde_json::to_string(&Line::Asked(back)).unwrap();
    writeln!(file, "{line}").unwrap();
}

#[test]
fn what_cannot_be_soaked_or_replayed_is_a_line_with_its_remedy() {
    for (args, wanted) in [
        (["--arms", "session-memory"], "leave it out"),
        (["--arms", "jwt-eddsa"], "while A is away"),
        (["--minutes", "0"], "at least 0.2"),
        (["--replay", "/nowhere"], "name the folder of a soak"),
    ] {
        let args = ["soak", args[0], args[1]];
        let output = executable(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        let said = text(&output.stderr);
        assert!(said.contains(wanted), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}
