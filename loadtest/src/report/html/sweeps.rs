//! What the sweeps found beside costs: tables under the cost.

use maud::{Markup, html};

use super::parts;
use crate::report::sweeps;
use crate::report::view::View;

/// Every table of them.
pub(super) fn render(view: View<'_>) -> Markup {
    html! { @for found in sweeps::tables(view) { (table(&found)) } }
}

/// One table under its title.
pub(super) fn table(found: &sweeps::Table) -> Markup {
    let body = html! {
        table.matrix {
            caption { (found.title) }
            thead { tr { @for name in &found.head { th scope="col" { (name) } } } }
            tbody {
                @for row in &found.rows {
                    tr {
                        @for (at, cell) in row.iter().enumerate() {
                            @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                        }
                    }
                }
            }
        }
    };
    html! {
        h3 { (found.title) }
        (parts::scrolling(&found.title, &body))
        p.foot { (found.foot) }
    }
}
