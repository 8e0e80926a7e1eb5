//! What a request costs, as tables.

use std::fmt::Write;

use super::parts::{table, text};
use crate::report::view::View;
use crate::report::{cost, sweeps, titles, words};

pub(super) fn costs(view: View<'_>) -> String {
    if !cost::may_be_shown(view) || sweeps::searched(view) {
        return swept(view);
    }
    let ns = |ns: Option<f64>| ns.map_or_else(|| "–".to_owned(), words::nanoseconds);
    let rows = cost::by_arm(view).into_iter().map(|cost| {
        let comparison = cost::against_zero(view, &cost.arm);
        let ratio = comparison.map_or_else(|| "–".to_owned(), cost::ratio_or_verdict);
        vec![
            text(&cost.arm),
            ns(cost.server_ns),
            ns(cost.store_ns),
            ratio,
            cost.blocks.to_string(),
        ]
    });
    let mut page = format!("## {}\n\n", text(&titles::cost(view)));
    page += "CPU time per request, median over blocks.\n\n";
    page += &table(
        &[
            "arm",
            "server",
            "store",
            &cost::ratio_heading(view),
            "blocks",
        ],
        rows.collect(),
    );
    for variant in cost::variants(view) {
        page += &cost_variant(view, variant);
    }
    page += &swept(view);
    if let Some(sentence) = cost::how_sure(view) {
        let _ = writeln!(page, "{sentence}\n");
    }
    page
}

/// What sweeps found beside costs.
fn swept(view: View<'_>) -> String {
    let mut page = String::new();
    for found in sweeps::tables(view) {
        let rows = found.rows.iter();
        let rows = rows.map(|row| row.iter().map(|cell| text(cell)).collect());
        let table = table(&found.head, rows.collect());
        let _ = writeln!(
            page,
            "### {}\n\n{table}{}\n",
            text(&found.title),
            text(&found.foot)
        );
    }
    page
}

/// What the arms cost when something is done otherwise.
fn cost_variant(view: View<'_>, variant: &str) -> String {
    let rows = cost::by_arm_in(view, Some(variant)).into_iter().map(|arm| {
        let beside = cost::beside_usual(view, &arm.arm, variant);
        vec![
            text(&arm.arm),
            arm.total_ns()
                .map_or_else(|| "–".to_owned(), words::nanoseconds),
            beside.map_or_else(|| "–".to_owned(), cost::ratio_or_verdict),
            arm.balancer_ns
                .map_or_else(|| "–".to_owned(), words::nanoseconds),
        ]
    });
    let head = [
        "arm",
        "server and store",
        "ratio to the same arm without",
        "balancer",
    ];
    format!(
        "With {}:\n\n{}",
        text(variant),
        table(&head, rows.collect())
    )
}
