//! Two runs of the same arms, held against each other cell by cell.

use std::collections::BTreeMap;

use loadtest::record::{Cell, Record};

/// What must be the same: how much was recognised, whether that was expected, and whether logins
/// were lost.
fn outcome(cell: &Cell) -> (&'static str, bool, bool) {
    let share = match (cell.recognised, cell.requests) {
        (0, _) => "none",
        (recognised, requests) if recognised == requests => "all",
        _ => "some",
    };
    (share, cell.as_expected, cell.logins_lost > 0)
}

/// Why a cell may come out otherwise on a target. Everything else is a difference.
fn reason(cell: &Cell) -> Option<&'static str> {
    cell.expected.contains("works until it expires").then_some(
        "here logins live 4 s and their end is waited for; a target's live as long as they do",
    )
}

/// Holds one run against the other, cell by cell.
pub(crate) fn compare(ours: &Record, theirs: &Record) {
    let mut differences = Vec::new();
    let key = |cell: &Cell| {
        let variant = cell.variant.clone().unwrap_or_default();
        (
            cell.arm.clone(),
            cell.event.clone(),
            variant,
            format!("{:?}", cell.client),
        )
    };
    // Only the embedded balancer can be had another address of.
    let both = |cell: &&Cell| cell.variant.as_deref() != Some("picked by address");
    let table = |record: &Record| -> BTreeMap<_, _> {
        let cells = record.cells.iter().filter(both);
        cells.map(|cell| (key(cell), cell.clone())).collect()
    };
    let (ours, theirs) = (table(ours), table(theirs));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );
    for (key, here) in &ours {
        let there = &theirs[key];
        assert_eq!(here.expected, there.expected, "{key:?}");
        if outcome(here) == outcome(there) {
            continue;
        }
        match reason(here) {
            // All that may differ is how it ends.
            Some(_) if here.recognised > 0 && there.recognised > 0 && there.as_expected => {}
            _ => differences.push((key, outcome(here), outcome(there))),
        }
    }
    assert_eq!(differences, []);
    // Not all of it by the reason: without an expiry in it, most cells are compared in full.
    let full = ours.values().filter(|cell| reason(cell).is_none()).count();
    assert!(full > ours.len() / 2, "{full} of {}", ours.len());
}
