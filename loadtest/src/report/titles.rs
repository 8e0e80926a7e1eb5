//! The title of the report and those of its sections: each states what was found.

use super::cost;
use super::findings::{arms_where, outlived, outlives, run_headline};
use super::headline::{self, BALANCED, LOGGED_OUT};
use super::mark::Tone;
use super::sweeps;
use super::view::View;
use super::words;
use crate::record::Client;

/// The title of the report.
pub(crate) fn page(view: View<'_>) -> String {
    let forgotten = arms_where(view, |arm| headline::ask_b(view, arm).tone == Tone::None);
    let known = arms_where(view, |arm| headline::ask_b(view, arm).tone == Tone::Full);
    let outlived = outlived(view);
    let ended = view
        .record
        .revocations
        .iter()
        .any(|row| row.event == LOGGED_OUT);

    let mut parts = Vec::new();
    if !forgotten.is_empty() {
        let was = if forgotten.len() == 1 { "was" } else { "were" };
        parts.push(format!(
            "{} {was} forgotten by the next server",
            words::join(&forgotten)
        ));
    } else if !known.is_empty() {
        parts.push("the next server knew every login".to_owned());
    }
    if !outlived.is_empty() {
        parts.push(format!(
            "{} still worked after log-out",
            words::join(&outlived)
        ));
    } else if ended {
        parts.push("no login outlived its log-out".to_owned());
    }
    match parts.is_empty() {
        true if cost::may_be_shown(view) => cost(view),
        true => "Nothing was observed in this run".to_owned(),
        false => words::capital(&parts.join("; ")),
    }
}

/// The title of the hop section: how often a balanced client was recognised.
pub(crate) fn hops(view: View<'_>) -> String {
    let mut said = Vec::new();
    for arm in run_headline(view) {
        for cell in view.cells(&arm.arm, BALANCED) {
            if cell.client != Client::Browser
                && cell.requests > 0
                && cell.recognised < cell.requests
            {
                let share = words::percent(cell.recognised as f64 / cell.requests as f64);
                said.push(format!("{} {share}", view.short_label(arm)));
            }
        }
    }
    let asked = view.record.cells.iter().any(|cell| cell.event == BALANCED);
    match (asked, said.is_empty()) {
        (false, _) => "Who answered whom".to_owned(),
        (true, true) => "Through the balancer, every request was recognised".to_owned(),
        (true, false) => {
            format!(
                "Through the balancer, requests recognised: {}",
                words::join(&said)
            )
        }
    }
}

/// The title of the revocation section: who went on for longest after log-out.
pub(crate) fn lags(view: View<'_>) -> String {
    let outlived = arms_where(view, |arm| outlives(view, arm));
    let rows = view
        .record
        .revocations
        .iter()
        .filter(|row| row.event == LOGGED_OUT)
        .count();
    match (rows, outlived.is_empty()) {
        (0, _) => "How long an ended login still works".to_owned(),
        (_, true) => "Every log-out ended the login before its lifetime did".to_owned(),
        (_, false) => {
            format!(
                "Only time ended a logged-out login of {}",
                words::join(&outlived)
            )
        }
    }
}

/// The title of the matrix: how much of it was foreseen.
pub(crate) fn matrix(view: View<'_>) -> String {
    let record = view.record;
    let total = record.cells.len() + record.revocations.len();
    let met = record.cells.iter().filter(|cell| cell.as_expected).count()
        + record
            .revocations
            .iter()
            .filter(|row| row.as_expected)
            .count();
    match (total, total - met) {
        (0, _) => "No outcome was observed".to_owned(),
        (_, 0) => format!(
            "All {} outcomes were as computed beforehand",
            words::count(total as u64)
        ),
        (_, missed) => format!(
            "{} outcomes were not as computed beforehand",
            words::of(missed as u64, total as u64)
        ),
    }
}

/// The title of the cost section: the cheapest and the dearest check.
pub(crate) fn cost(view: View<'_>) -> String {
    if sweeps::searched(view) {
        return "How many requests a second were answered in time".to_owned();
    }
    let zero = cost::zero_line(view);
    let mut ratios: Vec<_> = view
        .run_arms()
        .into_iter()
        .filter_map(|arm| {
            Some((
                view.short_label(arm),
                cost::difference_from_zero(view, &arm.arm)?.ratio,
            ))
        })
        .collect();
    ratios.sort_by(|a, b| a.1.total_cmp(&b.1));
    match (ratios.first(), ratios.last(), zero) {
        (Some(least), Some(most), Some(zero)) if ratios.len() > 1 => format!(
            "A request took from {} ({}) to {} ({}) the CPU of {}",
            words::ratio(least.1),
            least.0,
            words::ratio(most.1),
            most.0,
            view.short_label_of(zero)
        ),
        _ => "What a request costs".to_owned(),
    }
}
