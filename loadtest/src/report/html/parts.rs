//! The pieces that several tables are made of.

use maud::{Markup, html};

use crate::report::mark::{Expectation, Mark};

/// What the fills mean.
pub(super) const KEY: &str = "● as one would wish · ◐ in part · ○ not at all · – nothing observed.";

/// A table cell with one mark.
pub(super) fn cell(mark: &Mark) -> Markup {
    html! { td class=(mark.tone.name()) { (inside(mark)) } }
}

/// The same without the sign of an expectation that was met: on page one only surprises are signed.
pub(super) fn cell_unless_met(mark: &Mark) -> Markup {
    let mut mark = mark.clone();
    mark.expectation = mark
        .expectation
        .filter(|judged| *judged != Expectation::Met);
    cell(&mark)
}

/// A mark without its table cell. Its fill is the style sheet's, by the tone; the word beside it
/// says the same.
///
/// The second sign says whether it was foreseen. It has a shape of its own, so that a failure that
/// was expected does not turn into a success.
pub(super) fn inside(mark: &Mark) -> Markup {
    inside_for("", mark)
}

/// The same, with whose mark it is.
pub(super) fn inside_for(who: &str, mark: &Mark) -> Markup {
    html! {
        (mark.word)
        @if mark.expectation == Some(Expectation::Met) {
            "\u{a0}" abbr title="as expected" { "=" }
        }
        @if !who.is_empty() { small { b { (who) } } }
        @for note in &mark.notes { small { (note) } }
        @if let Some(Expectation::Missed(expected)) = &mark.expectation {
            span.missed { "≠ expected: " (expected) }
        }
    }
}

/// What the signs mean, under the table that uses them.
pub(super) fn key() -> Markup {
    html! {
        p.foot { (KEY) " Apart from that: = as computed beforehand, ≠ not as computed." }
    }
}

/// A table that may be wider than the page, in a frame that scrolls; reachable by keyboard.
pub(super) fn scrolling(name: &str, table: &Markup) -> Markup {
    html! { section.scroll tabindex="0" aria-label=(name) { (table) } }
}

/// Columns that belong together, packed into tables of at most `most` columns where they fit.
pub(super) fn pack<T>(groups: Vec<Vec<T>>, most: usize) -> Vec<Vec<Vec<T>>> {
    let mut tables: Vec<Vec<Vec<T>>> = Vec::new();
    for group in groups {
        let taken: usize = tables
            .last()
            .map_or(usize::MAX, |table| table.iter().map(Vec::len).sum());
        match tables.last_mut() {
            Some(table) if taken.saturating_add(group.len()) <= most => table.push(group),
            _ => tables.push(vec![group]),
        }
    }
    tables
}
