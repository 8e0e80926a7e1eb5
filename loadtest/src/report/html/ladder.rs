//! The ladder, where one was measured.

use maud::{Markup, html};

use super::parts;
use super::section;
use crate::report::ladder::{self, Block};
use crate::report::view::View;
use crate::report::words;

/// A table for each size of claims; nothing where no ladder was measured.
pub(super) fn render(view: View<'_>) -> Markup {
    let blocks = ladder::blocks(view);
    if blocks.is_empty() {
        return html! {};
    }
    let body = html! {
        p.lead { (ladder::ABOUT) }
        @for block in &blocks { (table(view, block)) }
    };
    section("ladder", "What one check costs, rung by rung", &body)
}

fn table(view: View<'_>, block: &Block<'_>) -> Markup {
    let caption = format!("Claims of about {} bytes", words::count(block.claims_bytes));
    let table = html! {
        table.matrix {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "rung" }
                    @for arm in &block.arms {
                        th.number scope="col" { (words::capital(&view.short_label_of(arm))) }
                    }
                }
            }
            tbody {
                @for (rung, times) in &block.rungs {
                    tr {
                        th scope="row" { (rung) }
                        @for time in times { td.number { (time.as_deref().unwrap_or("–")) } }
                    }
                }
            }
        }
    };
    parts::scrolling(&caption, &table)
}
