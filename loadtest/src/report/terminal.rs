//! What a terminal shows of the cost when a run has ended.

use super::cost::{self, ArmCost};
use super::sweeps;
use super::validity;
use super::view::View;
use super::words;
use crate::record::{Section, Validity, Verdict};

/// The cost of each arm beside the zero line, or why there is none to show.
pub(crate) fn cost(view: View<'_>) -> Vec<String> {
    let judged = validity::of(view, Section::Cost);
    let because = judged.because.unwrap_or_default();
    match judged.validity {
        Validity::NotMeasured => return vec!["Nothing was measured.".to_owned()],
        Validity::Invalid => return vec![format!("INVALID: {because}. No cost is shown.")],
        Validity::HintOnly | Validity::Ok => {}
    }
    let hint = (judged.validity == Validity::HintOnly).then(|| format!("A hint only: {because}."));
    if sweeps::searched(view) {
        return swept(view).into_iter().chain(hint).collect();
    }
    let ratio = cost::ratio_heading(view);
    let mut lines = vec![format!(
        "CPU of server, store and database for one request, {ratio}:"
    )];
    for arm in cost::by_arm(view) {
        let beside = cost::against_zero(view, &arm.arm).map(|one| match one.verdict {
            Verdict::NoDifferenceShown => cost::ratio_or_verdict(one),
            Verdict::More | Verdict::Less => format!(
                "{}   {}",
                cost::ratio_words(one),
                words::signed_nanoseconds(one.difference_ns)
            ),
        });
        lines.extend(line(view, &arm, beside));
    }
    for variant in cost::variants(view) {
        lines.push(format!("With {variant}, beside the same arm without:"));
        for arm in cost::by_arm_in(view, Some(variant)) {
            let beside = cost::beside_usual(view, &arm.arm, variant).map(cost::ratio_or_verdict);
            lines.extend(line(view, &arm, beside));
        }
    }
    lines.extend(swept(view));
    lines.extend(cost::how_sure(view));
    lines.extend(hint);
    lines
}

/// What sweeps found beside costs, a row a line.
fn swept(view: View<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for found in sweeps::tables(view) {
        lines.push(format!("{} ({}):", found.title, found.head.join(" | ")));
        lines.extend(
            found
                .rows
                .iter()
                .map(|row| format!("  {}", row.join(" | "))),
        );
    }
    lines
}

/// A table with its columns in line.
pub(crate) fn table(table: &sweeps::Table) -> Vec<String> {
    let head: Vec<_> = table.head.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<_> = std::iter::once(&head).chain(&table.rows).collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |row: &&Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}", width = *width));
        let line: Vec<_> = cells.collect();
        format!("  {}", line.join("  ")).trim_end().to_owned()
    };
    let title = std::iter::once(table.title.clone());
    title.chain(rows.iter().map(line)).collect()
}

fn line(view: View<'_>, arm: &ArmCost, beside: Option<String>) -> Option<String> {
    let total = words::nanoseconds(arm.total_ns()?);
    let label = words::capital(&view.short_label_of(&arm.arm));
    let line = format!("  {label:<28}{total:>9}   {}", beside.unwrap_or_default());
    Some(line.trim_end().to_owned())
}
