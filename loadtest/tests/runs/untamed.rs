//! A library as it comes, under the name of the arm that tames it: the events about keys, clocks
//! and races must notice, each by itself. Otherwise they would prove nothing where they pass.

use std::collections::BTreeSet;

use super::{Run, told};

/// The events about which the arm is found not to keep its promise, with their variants, beside
/// those about log-outs.
fn noticed(arm: &str, untamed: &str) -> BTreeSet<String> {
    let run = Run::new();
    let swap = format!("{arm}={untamed}");
    let args = ["matrix", "--all", "--arms", arm, "--swap", &swap];
    let output = run.command(&args).output();
    let output = output.expect("the executable was built");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let record = run.record();
    let wrong = record.cells.iter().filter(|cell| !cell.as_expected);
    let ended = |event: &str| record.revocations.iter().any(|row| row.event == event);
    let others = wrong.filter(|cell| !ended(&cell.event));
    let name = |cell: &loadtest::record::Cell| {
        assert!(cell.detail.note.is_some(), "{cell:?}");
        let variant = cell.variant.as_deref().unwrap_or_default();
        format!("{} {variant}", cell.event).trim().to_owned()
    };
    others.map(name).collect()
}

#[test]
fn tower_sessions_own_store_is_no_tamed_one() {
    let noticed = noticed("session-memory", "session-memory-stock");
    let wanted = [
        "clock-skewed edges",
        "concurrent-writes",
        // It reads the machine's clock, so to it the login was not made long ago.
        "instance-frozen logins end meanwhile",
        "logout-race",
    ];
    assert_eq!(noticed, wanted.map(str::to_owned).into());
}

#[test]
fn jsonwebtokens_own_decode_is_no_tamed_one() {
    let noticed = noticed("jwt-hs256", "jwt-hs256-stock");
    let wanted = [
        "clock-skewed B 30 s ahead",
        "clock-skewed B 30 s behind",
        "clock-skewed B 90 s ahead",
        "clock-skewed B 90 s behind",
        "clock-skewed edges",
        // Its leeway of 60 s lets in whose time was over while the instance was frozen.
        "instance-frozen logins end meanwhile",
        "key-rotated two phases",
    ];
    assert_eq!(noticed, wanted.map(str::to_owned).into());
}
