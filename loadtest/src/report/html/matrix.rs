//! The full matrix: every arm under every event, and what was not run.

use maud::{Markup, html};

use super::parts;
use super::section;
use crate::record::{Arm, EventStory};
use crate::report::view::{self, View};
use crate::report::{observed, titles, words};

/// More columns than this do not fit a page of paper.
const COLUMNS_MAX: usize = 6;

/// Every arm under every event; events of a group side by side.
pub(super) fn render(view: View<'_>) -> Markup {
    let events: Vec<_> = view
        .events()
        .into_iter()
        .filter(|event| was_asked(view, event))
        .collect();
    let mut names: Vec<_> = events.iter().map(|event| event.group).collect();
    names.sort_unstable();
    names.dedup();
    let of_group = |group| {
        let of_group: Vec<_> = events.iter().filter(|event| event.group == group).collect();
        in_equal_parts(&of_group)
    };
    let groups: Vec<Vec<&EventStory>> = names.into_iter().flat_map(of_group).collect();
    let body = html! {
        @for table in parts::pack(groups, COLUMNS_MAX) { (matrix_table(view, &table)) }
        (parts::key())
        (not_run(view))
    };
    section("matrix", &titles::matrix(view), &body)
}

/// A group that is too wide for one table, in as few parts as will do, of about the same width.
fn in_equal_parts<'e>(group: &[&'e EventStory]) -> Vec<Vec<&'e EventStory>> {
    let parts = group.len().div_ceil(COLUMNS_MAX).max(1);
    let width = group.len().div_ceil(parts).max(1);
    group.chunks(width).map(<[_]>::to_vec).collect()
}

fn was_asked(view: View<'_>, event: &EventStory) -> bool {
    let record = view.record;
    record.cells.iter().any(|cell| cell.event == event.event)
        || record
            .revocations
            .iter()
            .any(|row| row.event == event.event)
        || record.not_run.iter().any(|row| row.event == event.event)
}

fn matrix_table(view: View<'_>, groups: &[Vec<&EventStory>]) -> Markup {
    let name = words::join(
        &groups
            .iter()
            .map(|group| view::group(group[0].group))
            .collect::<Vec<_>>(),
    );
    let table = html! {
        table.matrix {
            thead {
                tr {
                    th rowspan="2" scope="col" { "arm" }
                    @for group in groups {
                        th.group scope="colgroup" colspan=(group.len()) {
                            (view::group(group[0].group))
                        }
                    }
                }
                tr {
                    @for event in groups.iter().flatten() {
                        th scope="col" { (event.label) }
                    }
                }
            }
            tbody {
                @for arm in view.run_arms() {
                    tr {
                        th scope="row" { (view.full_label(arm)) small { code { (arm.arm) } } }
                        @for event in groups.iter().flatten() { (matrix_cell(view, arm, event)) }
                    }
                }
            }
        }
    };
    html! {
        (parts::scrolling(&name, &table))
        ul.foot {
            @for event in groups.iter().flatten() {
                @if !event.story.is_empty() {
                    li { b { (words::capital(&event.label)) ": " } (event.story) }
                }
            }
        }
    }
}

/// What a square of the matrix is linked to by.
pub(super) fn cell_id(arm: &str, event: &str) -> String {
    format!("cell-{arm}-{event}")
}

fn matrix_cell(view: View<'_>, arm: &Arm, event: &EventStory) -> Markup {
    let id = cell_id(&arm.arm, &event.event);
    match observed::of(view, arm, event).as_slice() {
        [one] => html! {
            td id=(id) class=(one.mark.tone.name()) { (parts::inside(&one.mark)) }
        },
        many => {
            let last = many.last().map_or("", |part| part.mark.tone.name());
            html! {
                td id=(id) class={ "split " (last) } {
                    @for part in many {
                        div class=(part.mark.tone.name()) {
                            (parts::inside_for(&words::join(&part.who), &part.mark))
                        }
                    }
                }
            }
        }
    }
}

/// Arms and cells that did not run, each with its reason: nothing is left out silently.
fn not_run(view: View<'_>) -> Markup {
    let arms = view.missing_arms();
    let cells = view.not_run();
    html! {
        @if !arms.is_empty() || !cells.is_empty() {
            h3 { "Not run, and why" }
            ul {
                @for (arm, because) in arms {
                    li { b { (view.full_label(arm)) } " (" code { (arm.arm) } "): " (because) }
                }
                @for (arm, because, events) in cells {
                    li { b { (arm) ": " (words::join(&events)) } ", because " (because) }
                }
            }
        }
    }
}
