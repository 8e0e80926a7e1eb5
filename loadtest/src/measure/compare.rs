//! What the measures say about pairs of arms: a pure function of the record, so that merged shards
//! and interrupted runs are compared in the same way.

use std::collections::BTreeMap;

use super::break_even::break_evens;
use crate::load::stats::{Band, Effect};
use crate::record::{Comparison, Measure, Percentiles, Record, TWIN};

/// The figures that are compared, by name.
const METRICS: [(&str, Figure); 4] = [
    ("cpu_ns_per_request", cpu_ns),
    ("service_p50_ns", |measure| {
        Some(service(measure)?.p50 as f64)
    }),
    ("service_p99_ns", |measure| {
        Some(service(measure)?.p99 as f64)
    }),
    (CAPACITY, |measure| {
        Some(measure.capacity.as_ref()?.rate_rps)
    }),
];

/// The highest rate that was in time.
pub const CAPACITY: &str = "capacity_rps";

type Figure = fn(&Measure) -> Option<f64>;

/// One arm in one variant.
type Who<'a> = (&'a str, Option<&'a str>);

/// Not where each arm was asked at a rate of its own: cost falls as the rate rises.
fn at_one_rate(measure: &Measure) -> Option<&Measure> {
    measure.capacity.is_none().then_some(measure)
}

fn service(measure: &Measure) -> Option<&Percentiles> {
    Some(&at_one_rate(measure)?.latency_ns.as_ref()?.service)
}

/// Server, store and database together.
fn cpu_ns(measure: &Measure) -> Option<f64> {
    let cpu = &at_one_rate(measure)?.cpu_ns_per_request;
    Some(cpu.server? + cpu.store.unwrap_or(0.0) + cpu.database.unwrap_or(0.0))
}

/// Writes down everything that may be said of pairs of arms; of an invalid run, nothing.
pub fn conclude(record: &mut Record) {
    record.comparisons.clear();
    record.break_evens.clear();
    if record.valid {
        record.comparisons = compare(record);
        record.break_evens = break_evens(record);
    }
}

/// Every arm with every other of the same variant, every variant with the arm's usual one.
///
/// Pairs are formed within a block, whose noise both have in common, and from the blocks that both
/// have: an interrupted run lacks some.
pub fn compare(record: &Record) -> Vec<Comparison> {
    let present = present(record);
    let mut comparisons = Vec::new();
    for (metric, figure) in METRICS {
        let effect = |one: Who<'_>, other: Who<'_>| {
            let (one, other) = pairs(record, figure, one, other);
            Effect::between(&one, &other, record.seed)
        };
        let twins: Vec<_> = present
            .iter()
            .filter(|(_, variant)| *variant == Some(TWIN))
            .filter_map(|twin| effect(*twin, (twin.0, None)))
            .collect();
        let band = Band::of(&twins);
        for (at, one) in present.iter().enumerate() {
            for other in &present[..at] {
                let comparable = match one.0 == other.0 {
                    true => other.1.is_none(),
                    false => one.1 == other.1 && one.1 != Some(TWIN),
                };
                if comparable && let Some(effect) = effect(*one, *other) {
                    comparisons.push(comparison(*one, *other, metric, &effect, &band));
                }
            }
        }
    }
    comparisons
}

/// Who was measured: arms in the record's order, the usual variant of all of them first.
fn present(record: &Record) -> Vec<Who<'_>> {
    let mut present: Vec<Who<'_>> = Vec::new();
    for measure in &record.measures {
        let who = (measure.arm.as_str(), measure.variant.as_deref());
        if !present.contains(&who) {
            present.push(who);
        }
    }
    let place = |arm: &str| record.arms.iter().position(|one| one.arm == arm);
    present.sort_by_key(|(arm, variant)| (variant.is_some(), place(arm), *variant));
    present
}

fn pairs(record: &Record, figure: Figure, one: Who<'_>, other: Who<'_>) -> (Vec<f64>, Vec<f64>) {
    let of = |who: Who<'_>| -> BTreeMap<u32, f64> {
        let measures = record.measures.iter();
        let measures =
            measures.filter(|measure| (measure.arm.as_str(), measure.variant.as_deref()) == who);
        let figures = measures.filter_map(|measure| Some((measure.block, figure(measure)?)));
        figures.collect()
    };
    let others = of(other);
    let both = of(one).into_iter();
    both.filter_map(|(block, figure)| Some((figure, *others.get(&block)?)))
        .unzip()
}

fn comparison(
    (arm, variant): Who<'_>,
    (against, against_variant): Who<'_>,
    metric: &str,
    effect: &Effect,
    band: &Band,
) -> Comparison {
    Comparison {
        arm: arm.to_owned(),
        against: against.to_owned(),
        metric: metric.to_owned(),
        ratio: effect.ratio,
        interval: effect.ratio_interval,
        difference_ns: effect.difference,
        difference_interval: effect.difference_interval,
        verdict: effect.verdict(band),
        variant: variant.map(str::to_owned),
        against_variant: against_variant.map(str::to_owned),
        minimum_detectable_share: effect.minimum_detectable(band),
    }
}
