//! A plan as a page of its own, in the style of the report.

use maud::{Markup, html};

use super::{page, section, sweeps};
use crate::plan::Plan;
use crate::plan::check::Check;
use crate::report::plan;

/// The whole page.
pub(crate) fn render(found: &Plan) -> String {
    let title = "What it would take";
    let body = html! {
        h1 { (title) }
        section id="asked" {
            h2 { "Asked for" }
            @for sentence in plan::asked(&found.needs) { p { (sentence) } }
        }
        (section("takes", "What every arm takes", &html! {
            @for table in plan::tables(found) { (sweeps::table(&table)) }
        }))
        (list("missing", "Not measured in these records", &plan::missing(found)))
        (list("sources", "Where the unit costs come from", &plan::sources(&found.sources)))
    };
    page(title, &body)
}

/// The model against what was measured, as a page.
pub(crate) fn render_check(found: &Check) -> String {
    let table = plan::checked(&found.points);
    let body = html! {
        h1 { "The model beside what was measured" }
        (sweeps::table(&table))
        (list("sources", "Where it was measured", &plan::sources(&found.sources)))
    };
    page(&table.title, &body)
}

fn list(id: &str, title: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            (section(id, title, &html! { ul { @for line in lines { li { (line) } } } }))
        }
    }
}
