//! One square of the matrix: all that was observed for one arm under one event.

use super::lag;
use super::mark::{self, Mark};
use super::view::{self, View};
use crate::record::{Arm, Cell, Client, EventStory, Group};

/// What some clients or variants saw, and which.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    /// The clients or variants that saw it.
    pub(crate) who: Vec<String>,
    /// What they saw.
    pub(crate) mark: Mark,
}

/// One part for each client and variant, those that saw the same together; never empty.
pub(crate) fn of(view: View<'_>, arm: &Arm, event: &EventStory) -> Vec<Part> {
    let cells = view.cells(&arm.arm, &event.event);
    let alone = |mark| {
        vec![Part {
            who: Vec::new(),
            mark,
        }]
    };
    if let Some(mark) = lag::of_rows(&view.revocations(&arm.arm, &event.event)) {
        // The lag says what the counts of its polls say, and when: the counts are in the record.
        return alone(with_surprise(mark, &cells));
    }
    if cells.is_empty() {
        return alone(match view.why_not(&arm.arm, &event.event) {
            Some(_) => Mark::not_run(),
            None if event.group == Group::Store && !arm.needs_store => Mark::needs_no_store(),
            None => Mark::not_measured(),
        });
    }
    let mut groups: Vec<Vec<(String, Mark)>> = Vec::new();
    let one_client = cells.iter().all(|cell| cell.client == cells[0].client);
    let who = |cell: &Cell| match (&cell.variant, one_client) {
        // Where all are of one kind, that is no part of the difference.
        (Some(variant), true) => variant.clone(),
        _ => who(cell),
    };
    for cell in cells.iter().copied() {
        let mark = mark::of_cell(cell, event).note(cell.detail.note.clone());
        let same = |group: &&mut Vec<(String, Mark)>| {
            let first = &group[0].1;
            (first.tone, &first.word, &first.expectation)
                == (mark.tone, &mark.word, &mark.expectation)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push((who(cell), mark)),
            None => groups.push(vec![(who(cell), mark)]),
        }
    }
    let part = |group: Vec<(String, Mark)>| {
        let mark = mark::together(&group)?;
        Some(Part {
            who: group.into_iter().map(|(who, _)| who).collect(),
            mark,
        })
    };
    groups.into_iter().filter_map(part).collect()
}

/// A revocation may be a surprise where no lag is: the order itself may have been refused.
fn with_surprise(mark: Mark, cells: &[&Cell]) -> Mark {
    match cells.iter().find(|cell| !cell.as_expected) {
        Some(cell) => mark
            .judged(false, &cell.expected)
            .note(cell.detail.note.clone()),
        None => mark,
    }
}

/// The client, and the variant if there is one.
pub(crate) fn who(cell: &Cell) -> String {
    let client = view::client(cell.client);
    match (&cell.variant, cell.client) {
        (Some(variant), Client::Bearer) => variant.clone(),
        (Some(variant), _) => format!("{variant}, {client}"),
        (None, _) => client.to_owned(),
    }
}
