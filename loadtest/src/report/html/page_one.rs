//! Page one: what was found, for whom it holds, and how far to believe it.

use maud::{Markup, html};

use super::parts;
use crate::record::{Section, Validity};
use crate::report::headline::{self, COLUMNS};
use crate::report::view::View;
use crate::report::{Options, advice, findings, validity, words};

/// What comes after page one.
const SECTIONS: [(&str, &str); 7] = [
    ("choose", "which to choose"),
    ("matrix", "every arm, every event"),
    ("hops", "who answered whom"),
    ("log-out", "log-out"),
    ("cost", "cost"),
    ("doubts", "doubts"),
    ("how", "how it was run"),
];

/// How many of them a run does not have that measured cost alone.
const WATCHED: usize = 4;

pub(super) fn render(view: View<'_>, options: &Options, title: &str) -> Markup {
    html! {
        header {
            (band(view))
            h1 { (title) }
            p.lead { (advice::setting(view)) }
        }
        (found(view))
        @if view.watched() { (table(view)) }
        div.two {
            section {
                h3 { "What carries over to your stack" }
                (bullets(&advice::carries_over(view)))
            }
            section {
                h3 { "What does not" }
                (bullets(&advice::stays_here(view)))
            }
            section {
                h3 { "Does the cost matter?" }
                @if let Some(which) = advice::beside_which(view, options.handler_ms) {
                    p { (which) " Yours: " code { "report --handler-ms" } }
                }
                (bullets(&advice::does_it_matter(view, options.handler_ms)))
            }
            section {
                h3 { "How could this be wrong?" }
                p { (doubts(view)) }
                p { "Repeat it:" }
                pre { code { (advice::command(view)) } }
            }
        }
        nav aria-label="Sections" {
            @for (id, name) in SECTIONS.iter().skip(if view.watched() { 0 } else { WATCHED }) {
                a href={ "#" (id) } { (name) }
            }
        }
    }
}

/// How far each section may be believed, before anything else is said.
fn band(view: View<'_>) -> Markup {
    html! {
        div.bar {
            @for judged in validity::all(view) {
                span class={ "badge " (tone(judged.validity)) } {
                    b { (validity::words(judged.validity)) } ": " (validity::name(judged.section))
                    @if let Some(because) = &judged.because { " (" (because) ")" }
                }
            }
            span.run { (advice::run_line(view)) }
        }
    }
}

fn tone(validity: Validity) -> &'static str {
    match validity {
        Validity::Ok => "full",
        Validity::HintOnly => "part",
        Validity::Invalid => "none",
        Validity::NotMeasured => "blank",
    }
}

fn found(view: View<'_>) -> Markup {
    let findings = findings::findings(view);
    html! {
        @if !findings.is_empty() {
            ol.findings {
                @for finding in &findings { li { b { (finding.head) } span { (finding.body) } } }
            }
        }
    }
}

fn table(view: View<'_>) -> Markup {
    let rows = headline::rows(view);
    let body = html! {
        table.headline {
            caption { "Log in on server A. Then …" }
            thead {
                tr {
                    td {}
                    @for column in COLUMNS { th scope="col" { (column) } }
                }
            }
            tbody {
                @for row in &rows {
                    tr.more[row.label.starts_with('+')] {
                        th scope="row" { (row.label) }
                        @for mark in &row.marks { (parts::cell_unless_met(mark)) }
                    }
                }
            }
        }
    };
    html! {
        h2 { "Who stays logged in" }
        @if rows.is_empty() {
            p.lead { "This record holds no arm." }
        } @else {
            (parts::scrolling("Who stays logged in", &body))
            p.foot { (parts::KEY) }
            @for note in advice::footnotes(view) { p.foot { (note) } }
        }
    }
}

fn bullets(lines: &[String]) -> Markup {
    html! { ul { @for line in lines { li { (line) } } } }
}

fn doubts(view: View<'_>) -> Markup {
    let doubts = &view.record.doubts;
    let invalid = validity::of(view, Section::Survival).validity == Validity::Invalid;
    html! {
        @if invalid { b { "The run says that it is invalid. " } }
        @if doubts.is_empty() {
            "The run noted no doubt, which is no proof that there is none."
        } @else {
            (words::counted(doubts.len() as u64, "doubt", "doubts"))
            ", each with what to do about it: "
            a href="#doubts" { "read " (if doubts.len() == 1 { "it" } else { "them" }) } "."
        }
    }
}
