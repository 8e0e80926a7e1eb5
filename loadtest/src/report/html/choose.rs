//! Which to choose: the path, each branch with links to what it rests on in this same report.

use maud::{Markup, html};

use super::{parts, section};
use crate::report::choose::evidence::{Evidence, Outcome};
use crate::report::choose::{self, Choice};
use crate::report::view::View;

pub(super) fn render(view: View<'_>) -> Markup {
    let choices = choose::choices(view, view);
    let table = html! {
        table.matrix {
            caption { "The first line that fits is the one to take." }
            thead {
                tr {
                    @for head in ["When", "take", "it gives", "it takes"] {
                        th scope="col" { (head) }
                    }
                }
            }
            tbody {
                @for choice in &choices {
                    tr {
                        th scope="row" { (choice.when) }
                        td { (choice.label) }
                        td { (list(choice, &choice.gives)) }
                        td { (list(choice, &choice.takes)) }
                    }
                }
            }
        }
    };
    let body = html! {
        p.lead { (choose::borne_out(&choices)) }
        @if choose::is_touched(&choices) {
            (parts::scrolling("Which to choose", &table))
            p.foot { (choose::NEITHER) }
        }
    };
    section("choose", "Which to choose", &body)
}

fn list(choice: &Choice, evidence: &[Evidence]) -> Markup {
    html! {
        ul {
            @for one in evidence { li { (look(choice, one)) } }
        }
    }
}

fn look(choice: &Choice, one: &Evidence) -> Markup {
    let target = match one.event {
        Some(event) => Some(super::matrix::cell_id(choice.arm, event)),
        None => Some(super::cost::row_id(choice.arm)),
    };
    let target = target.filter(|_| one.outcome != Outcome::NotMeasured);
    html! {
        @if !one.claim.is_empty() { (one.claim) ": " }
        @match target {
            Some(id) => a href={ "#" (id) } { (one.about) },
            None => (one.about),
        }
        small { (one.words) }
        @if one.outcome == Outcome::Contradicted {
            span.missed { "≠ this run says otherwise" }
        }
    }
}
