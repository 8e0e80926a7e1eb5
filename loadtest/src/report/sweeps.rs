//! What the sweeps of `measure` found beside costs, as tables for every form of the report: the
//! highest rates, how far a store may be, and what happened where there is no speed.

use super::cost;
use super::view::View;
use super::words;
use crate::measure::EVENT;
use crate::measure::compare::CAPACITY;
use crate::record::{BreakEven, Capacity, Censored, Comparison, TWIN};

/// A table with what is to be known of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// What it shows.
    pub(crate) title: String,
    /// Its columns; the first names the row.
    pub(crate) head: Vec<&'static str>,
    /// Its rows.
    pub(crate) rows: Vec<Vec<String>>,
    /// How to read it.
    pub(crate) foot: String,
}

/// Every table that has a row; those with speeds only where speeds may be shown.
pub(crate) fn tables(view: View<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    if cost::may_be_shown(view) {
        tables.extend(capacities(view));
        tables.extend(break_evens(view));
    }
    tables.extend(no_speed(view));
    tables
}

/// Whether the highest rate was looked for: then every arm was asked at a rate of its own, and
/// costs are not to be held against each other.
pub(crate) fn searched(view: View<'_>) -> bool {
    let mut measures = view.record.measures.iter();
    measures.any(|measure| measure.capacity.is_some())
}

/// The highest rate of each arm that was in time.
fn capacities(view: View<'_>) -> Option<Table> {
    let bound_ms = view.record.measuring.as_ref()?.p99_bound_ms?;
    let rows: Vec<_> = view
        .run_arms()
        .into_iter()
        .filter_map(|arm| capacity(view, &arm.arm))
        .collect();
    (!rows.is_empty()).then(|| Table {
        title: format!(
            "The highest rate at which 99 % were answered within {}",
            words::duration_ms(bound_ms)
        ),
        head: vec![
            "arm",
            "requests a second",
            "too high",
            "ratio to zero line",
            "blocks",
            "rates tried",
            "generator busy",
        ],
        rows,
        foot: "Medians over blocks. Counted from the time at which a request should have been \
               sent. Servers, store and generator shared this machine's cores: a ratio is worth \
               more than a rate. The generator was never busy enough to be the limit, or the run \
               would be invalid."
            .to_owned(),
    })
}

fn capacity(view: View<'_>, arm: &str) -> Option<Vec<String>> {
    let usual = |one: &&crate::record::Measure| one.arm == arm && one.variant.is_none();
    let measures = view.record.measures.iter().filter(usual);
    let found: Vec<_> = measures.filter_map(|one| one.capacity.as_ref()).collect();
    let median = |figure: fn(&Capacity) -> f64| {
        let mut figures: Vec<_> = found.iter().map(|one| figure(one)).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    };
    let rate = |rate: f64| words::count(rate.round() as u64);
    let ratio = against_zero(view, arm).map_or_else(|| "–".to_owned(), cost::ratio_or_verdict);
    let tries: usize = found.iter().map(|one| one.tries.len()).sum();
    let busiest = |one: &Capacity| {
        let shares = one.tries.iter().map(|one| one.generator_cpu_share);
        shares.fold(0.0, f64::max)
    };
    Some(vec![
        words::capital(&view.short_label_of(arm)),
        rate(median(|one| one.rate_rps)?),
        rate(median(|one| one.too_high_rps)?),
        ratio,
        found.len().to_string(),
        tries.to_string(),
        words::percent(found.iter().map(|one| busiest(one)).fold(0.0, f64::max)),
    ])
}

/// The comparison of an arm's highest rate with that of the arm that most others are compared with.
fn against_zero<'a>(view: View<'a>, arm: &str) -> Option<&'a Comparison> {
    let comparisons = view.record.comparisons.iter();
    let mut of_rates = comparisons.filter(|one| {
        let twin = one.variant.as_deref() == Some(TWIN);
        one.metric == CAPACITY && !twin
    });
    let zero = view.record.arms.first()?;
    of_rates.find(|one| one.arm == arm && one.against == zero.arm)
}

/// How far away a store may be.
fn break_evens(view: View<'_>) -> Option<Table> {
    let rows = view.record.break_evens.iter();
    let rows: Vec<_> = rows.map(|one| break_even(view, one)).collect();
    (!rows.is_empty()).then(|| Table {
        title: "How far away a store may be until another way is quicker".to_owned(),
        head: vec![
            "asks a store",
            "asks none",
            "break-even round trip",
            "95 % of resamples",
            "trips a request",
        ],
        rows,
        foot: "The round trip at which half of the requests take as long either way, from the \
               times next door and from how much longer they take with a farther store. Ends of an \
               interval at 0 or at the farthest store measured mean that, or beyond."
            .to_owned(),
    })
}

fn break_even(view: View<'_>, one: &BreakEven) -> Vec<String> {
    let ms = |ms: f64| format!("{ms:.2} ms");
    let found = match (one.censored, one.round_trip_ms) {
        (Some(Censored::Below), _) => "none: slower even next door".to_owned(),
        (Some(Censored::Above), _) | (None, None) => {
            format!(
                "beyond the {} measured",
                words::duration_ms(one.farthest_ms)
            )
        }
        (None, Some(round_trip_ms)) => ms(round_trip_ms),
    };
    let interval = one.interval.map_or_else(
        || "–".to_owned(),
        |[low, high]| format!("[{}, {}]", ms(low), ms(high)),
    );
    vec![
        words::capital(&view.short_label_of(&one.arm)),
        words::capital(&view.short_label_of(&one.against)),
        found,
        interval,
        format!("{:.2}", one.trips_per_request),
    ]
}

/// What was asked for and has no speed, and what happened instead.
fn no_speed(view: View<'_>) -> Option<Table> {
    let rows = view.record.not_run.iter().filter(|row| row.event == EVENT);
    let rows: Vec<_> = rows
        .map(|row| {
            vec![
                words::capital(&view.short_label_of(&row.arm)),
                words::capital(row.variant.as_deref().unwrap_or("as usual")),
                row.because.clone(),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        title: "What has no speed, and what happened instead".to_owned(),
        head: vec!["arm", "what is done otherwise", "what happened"],
        rows,
        foot: "Tried once, before anything was timed. Servers here take 8 KiB of header on every \
               way to them; a browser keeps no cookie of more than 4,096 bytes."
            .to_owned(),
    })
}
