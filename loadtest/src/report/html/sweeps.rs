//! What the sweeps found beside costs: tables under the cost.

use maud::{Markup, html};

use super::parts;
use crate::report::sweeps;
use crate::report::view::View;

/// Every table of them.
pub(super) fn render(view: View<'_>) -> Markup {
    let table = |table: &sweeps::Table| {
        html! {
            table.matrix {
                caption { (table.title) }
                thead { tr { @for name in &table.head { th scope="col" { (name) } } } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        @for found in sweeps::tables(view) {
            h3 { (found.title) }
            (parts::scrolling(&found.title, &table(&found)))
            p.foot { (found.foot) }
        }
    }
}
