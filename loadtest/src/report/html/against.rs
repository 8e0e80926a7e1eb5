//! The section that holds this run against another.

use maud::{Markup, html};

use super::parts;
use super::section;
use crate::report::against::{Pair, against};
use crate::report::view::View;

pub(super) fn render(here: View<'_>, there: View<'_>) -> Markup {
    let found = against(here, there);
    let body = html! {
        p.lead {
            "The other run: " code { (there.record.command) } " (" (there.record.started_at) ")"
        }
        (table("Outcomes that differ", &found.outcomes))
        (table("Cost, as a ratio to each run's own zero line", &found.costs))
        (table("What else differs between the runs", &found.settings))
        p.foot {
            "Shares differ if their intervals have nothing in common, and so do costs; a log-out "
            "differs if it took effect in another way. Two runs have other neighbours: what "
            "differs by little here may differ by nothing."
        }
    };
    section(
        "against",
        &format!("Beside the other run: {}", found.title()),
        &body,
    )
}

fn table(title: &str, pairs: &[Pair]) -> Markup {
    let judged = pairs.iter().any(|pair| !pair.verdict.is_empty());
    let table = html! {
        table.matrix {
            thead {
                tr {
                    td {}
                    th scope="col" { "this run" }
                    th scope="col" { "the other" }
                    @if judged { th scope="col" { "this one is" } }
                }
            }
            tbody {
                @for pair in pairs {
                    tr {
                        th scope="row" { (pair.what) }
                        td { (pair.here) }
                        td { (pair.there) }
                        @if judged { td { (pair.verdict) } }
                    }
                }
            }
        }
    };
    html! {
        @if !pairs.is_empty() {
            h3 { (title) }
            (parts::scrolling(title, &table))
        }
    }
}
