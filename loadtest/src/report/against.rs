//! One run beside another: what came out otherwise, and what only looks so.
//!
//! Two runs have other neighbours, and perhaps other machines. So a share differs only if the two
//! intervals have nothing in common, a lag only if it is of another kind, and of costs only ratios
//! to each run's own zero line are compared, by their intervals.

use super::cost;
use super::lag;
use super::mark;
use super::view::{self, View, letter};
use super::words;
use crate::record::{Cell, Comparison, Measuring, Revocation, Verdict};

/// One thing in both runs: what it is, and what each says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// What is compared.
    pub(crate) what: String,
    /// What this run says.
    pub(crate) here: String,
    /// What the other run says.
    pub(crate) there: String,
    /// What may be concluded; empty where a difference is the conclusion.
    pub(crate) verdict: &'static str,
}

/// What two runs say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Against {
    /// Outcomes that differ.
    pub(crate) outcomes: Vec<Pair>,
    /// How many outcomes both runs have.
    pub(crate) compared: usize,
    /// Costs of the arms that both runs measured, differing or not.
    pub(crate) costs: Vec<Pair>,
    /// What else differs between the runs, and may be why.
    pub(crate) settings: Vec<Pair>,
}

/// Holds one run against another.
pub(crate) fn against(here: View<'_>, there: View<'_>) -> Against {
    let cells = here.record.cells.iter().filter_map(|cell| {
        let other = there
            .record
            .cells
            .iter()
            .find(|other| is_same(cell, other))?;
        Some(of_cells(here, cell, other))
    });
    let lags = here.record.revocations.iter().filter_map(|row| {
        let others = &there.record.revocations;
        let other = others.iter().find(|other| asked_the_same(row, other))?;
        Some(of_lags(here, row, other))
    });
    let outcomes: Vec<Option<Pair>> = cells.chain(lags).collect();
    Against {
        compared: outcomes.len(),
        outcomes: outcomes.into_iter().flatten().collect(),
        costs: costs(here, there),
        settings: settings(here, there),
    }
}

impl Against {
    /// What it comes to, in one line.
    pub(crate) fn title(&self) -> String {
        let differing = |pair: &&Pair| pair.verdict != cost::verdict_words(NOTHING);
        let costs = self.costs.iter().filter(differing).count();
        let of = |part: usize, whole: usize| words::of(part as u64, whole as u64);
        match (self.compared, self.costs.len()) {
            (0, 0) => "The two runs have nothing in common".to_owned(),
            (all, 0) => format!("{} outcomes differ", of(self.outcomes.len(), all)),
            (0, all) => format!("{} costs differ", of(costs, all)),
            (outcomes, all) => format!(
                "{} outcomes and {} costs differ",
                of(self.outcomes.len(), outcomes),
                of(costs, all)
            ),
        }
    }
}

const NOTHING: Verdict = Verdict::NoDifferenceShown;

fn is_same(one: &Cell, other: &Cell) -> bool {
    let who = |cell: &Cell| (cell.arm.clone(), cell.event.clone(), cell.variant.clone());
    who(one) == who(other) && one.client == other.client
}

fn asked_the_same(one: &Revocation, other: &Revocation) -> bool {
    let who = |row: &Revocation| {
        let Revocation {
            arm,
            event,
            variant,
            instance,
            ..
        } = row;
        (
            arm.clone(),
            event.clone(),
            variant.clone(),
            instance.clone(),
        )
    };
    who(one) == who(other)
}

/// A pair if the shares differ: if not, chance is enough to explain it.
fn of_cells(view: View<'_>, cell: &Cell, other: &Cell) -> Option<Pair> {
    let apart = match (cell.interval, other.interval) {
        (Some(one), Some(other)) => are_apart(one, other),
        _ => cell.recognised_share != other.recognised_share,
    };
    let event = view.event(&cell.event);
    let label = view.short_label_of(&cell.arm);
    let mut what = format!("{label}: {}, {}", event.label, view::client(cell.client));
    if let Some(variant) = &cell.variant {
        what += &format!(" ({variant})");
    }
    apart.then(|| Pair {
        what: words::capital(&what),
        here: mark::of_cell(cell, &event).line(),
        there: mark::of_cell(other, &event).line(),
        verdict: "",
    })
}

fn of_lags(view: View<'_>, row: &Revocation, other: &Revocation) -> Option<Pair> {
    let (here, there) = (lag::lag(row), lag::lag(other));
    let is_other = std::mem::discriminant(&here) != std::mem::discriminant(&there);
    let label = view.short_label_of(&row.arm);
    let (event, asked) = (view.event(&row.event).label, letter(&row.instance));
    is_other.then(|| Pair {
        what: words::capital(&format!("{label}: {event}, asked at {asked}")),
        here: here.statement(),
        there: there.statement(),
        verdict: "",
    })
}

/// The ratios to each run's own zero line. What may not be shown is not compared.
fn costs(here: View<'_>, there: View<'_>) -> Vec<Pair> {
    if !cost::may_be_shown(here) || !cost::may_be_shown(there) {
        return Vec::new();
    }
    // On a target there is no server without a check, so other arms stand in its place.
    if cost::zero_line(here) != cost::zero_line(there) {
        return Vec::new();
    }
    let pair = |arm: &crate::record::Arm| {
        let ours = cost::against_zero(here, &arm.arm)?;
        let theirs = cost::against_zero(there, &arm.arm)?;
        Some(Pair {
            what: words::capital(&here.short_label(arm)),
            here: cost::ratio_or_verdict(ours),
            there: cost::ratio_or_verdict(theirs),
            verdict: cost::verdict_words(verdict(ours, theirs)),
        })
    };
    here.record.arms.iter().filter_map(pair).collect()
}

/// Without intervals nothing can be shown.
fn verdict(here: &Comparison, there: &Comparison) -> Verdict {
    match here.interval.zip(there.interval) {
        Some((one, other)) if are_apart(one, other) && here.ratio > there.ratio => Verdict::More,
        Some((one, other)) if are_apart(one, other) => Verdict::Less,
        _ => NOTHING,
    }
}

fn are_apart([low, high]: [f64; 2], [other_low, other_high]: [f64; 2]) -> bool {
    high < other_low || other_high < low
}

fn settings(here: View<'_>, there: View<'_>) -> Vec<Pair> {
    let facts = |view: View<'_>| {
        let environment = &view.record.environment;
        let asked = view.record.measuring.as_ref();
        let of = |fact: fn(&Measuring) -> String| asked.map_or_else(String::new, fact);
        [
            ("processor", environment.cpu.clone()),
            ("cores", environment.cores.to_string()),
            ("system", environment.kernel.clone()),
            ("compiler", environment.rustc.clone()),
            ("build", environment.profile.clone()),
            ("commit", environment.commit.clone()),
            ("seed", view.record.seed.to_string()),
            ("preset", of(|asked| asked.preset.clone())),
            ("blocks", of(|asked| asked.blocks.to_string())),
            ("requests a second", of(|asked| asked.rate_rps.to_string())),
        ]
    };
    let both = facts(here).into_iter().zip(facts(there));
    let differing = both.filter(|((_, here), (_, there))| here != there);
    let pair = |((what, here), (_, there)): ((&str, String), (&str, String))| Pair {
        what: words::capital(what),
        here,
        there,
        verdict: "",
    };
    differing.map(pair).collect()
}
