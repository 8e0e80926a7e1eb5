//! What a request cost, as far as the record allows to say it.

use std::collections::BTreeSet;

use super::validity;
use super::view::View;
use super::words;
use crate::record::{Comparison, Measure, Section, TWIN, Validity, Verdict};

/// The figure that the headline compares: CPU of server, store and database together.
const METRIC: &str = "cpu_ns_per_request";

/// What one arm cost, blocks taken together by their median.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ArmCost {
    pub(crate) arm: String,
    pub(crate) blocks: usize,
    pub(crate) requests: u64,
    pub(crate) server_ns: Option<f64>,
    pub(crate) store_ns: Option<f64>,
    pub(crate) database_ns: Option<f64>,
    pub(crate) balancer_ns: Option<f64>,
    pub(crate) generator_ns: Option<f64>,
    pub(crate) store_commands: Option<f64>,
    pub(crate) bytes_sent: Option<f64>,
    pub(crate) bytes_received: Option<f64>,
    pub(crate) memory_bytes_per_login: Option<f64>,
    pub(crate) service_p50_ns: Option<f64>,
    pub(crate) service_p99_ns: Option<f64>,
    pub(crate) intended_p50_ns: Option<f64>,
    pub(crate) intended_p99_ns: Option<f64>,
    pub(crate) server_wait_ns: Option<f64>,
}

impl ArmCost {
    /// Server, store and database together; nothing if not even the server was measured.
    pub(crate) fn total_ns(&self) -> Option<f64> {
        Some(self.server_ns? + self.store_ns.unwrap_or(0.0) + self.database_ns.unwrap_or(0.0))
    }
}

/// Whether costs may be printed at all: an invalid run reports none.
pub(crate) fn may_be_shown(view: View<'_>) -> bool {
    let validity = validity::of(view, Section::Cost).validity;
    matches!(validity, Validity::Ok | Validity::HintOnly)
}

/// The variant that stands for the cost of an arm: the usual path if it was measured, else the
/// first.
pub(crate) fn variant<'a>(view: View<'a>) -> Option<&'a str> {
    let measures = &view.record.measures;
    match measures.iter().any(|measure| measure.variant.is_none()) {
        true => None,
        false => measures.first()?.variant.as_deref(),
    }
}

/// The cost of each arm that was measured so, in the order of the record.
pub(crate) fn by_arm(view: View<'_>) -> Vec<ArmCost> {
    by_arm_in(view, variant(view))
}

/// The cost of each arm that was measured in this variant, in the order of the record.
pub(crate) fn by_arm_in(view: View<'_>, variant: Option<&str>) -> Vec<ArmCost> {
    let measures = view.record.measures.iter();
    let measures: Vec<_> = measures
        .filter(|measure| measure.variant.as_deref() == variant)
        .collect();
    let mut arms: Vec<&str> = Vec::new();
    for measure in &measures {
        if !arms.contains(&measure.arm.as_str()) {
            arms.push(&measure.arm);
        }
    }
    // Blocks begin with another arm each time.
    arms.sort_by_key(|arm| view.record.arms.iter().position(|one| one.arm == *arm));
    let of_arm = |arm: &str| -> Vec<&Measure> {
        measures
            .iter()
            .copied()
            .filter(|measure| measure.arm == arm)
            .collect()
    };
    arms.into_iter()
        .map(|arm| arm_cost(arm, &of_arm(arm)))
        .collect()
}

fn arm_cost(arm: &str, measures: &[&Measure]) -> ArmCost {
    let of = |figure: fn(&Measure) -> Option<f64>| median(measures, figure);
    ArmCost {
        arm: arm.to_owned(),
        blocks: measures
            .iter()
            .map(|measure| measure.block)
            .collect::<BTreeSet<_>>()
            .len(),
        requests: measures.iter().map(|measure| measure.requests).sum(),
        server_ns: of(|measure| measure.cpu_ns_per_request.server),
        store_ns: of(|measure| measure.cpu_ns_per_request.store),
        database_ns: of(|measure| measure.cpu_ns_per_request.database),
        balancer_ns: of(|measure| measure.cpu_ns_per_request.balancer),
        generator_ns: of(|measure| measure.cpu_ns_per_request.generator),
        store_commands: of(|measure| measure.store_commands_per_request),
        bytes_sent: of(|measure| measure.bytes_per_request.sent),
        bytes_received: of(|measure| measure.bytes_per_request.received),
        memory_bytes_per_login: of(|measure| measure.memory_bytes_per_login),
        service_p50_ns: of(|measure| Some(measure.latency_ns.as_ref()?.service.p50 as f64)),
        service_p99_ns: of(|measure| Some(measure.latency_ns.as_ref()?.service.p99 as f64)),
        intended_p50_ns: of(|measure| Some(measure.latency_ns.as_ref()?.intended.p50 as f64)),
        intended_p99_ns: of(|measure| Some(measure.latency_ns.as_ref()?.intended.p99 as f64)),
        server_wait_ns: of(|measure| measure.run_queue_ns_per_request.server),
    }
}

/// The middle of what the blocks say; half-way between the two middle ones for an even number.
fn median(measures: &[&Measure], figure: fn(&Measure) -> Option<f64>) -> Option<f64> {
    let mut figures: Vec<_> = measures
        .iter()
        .filter_map(|measure| figure(measure))
        .collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        n if n.is_multiple_of(2) => Some(f64::midpoint(figures[middle - 1], figures[middle])),
        _ => Some(figures[middle]),
    }
}

/// The comparison of an arm with the zero line.
///
/// Which arm that is, is not known here: it is the one that most others are compared with.
pub(crate) fn against_zero<'a>(view: View<'a>, arm: &str) -> Option<&'a Comparison> {
    let zero = zero_line(view)?;
    usual(view).find(|one| one.arm == arm && one.against == zero)
}

/// Comparisons of what the headline compares, both arms as the cost table shows them.
fn usual(view: View<'_>) -> impl Iterator<Item = &Comparison> {
    let comparisons = view.record.comparisons.iter();
    comparisons.filter(|one| {
        one.metric == METRIC && one.variant.is_none() && one.against_variant.is_none()
    })
}

/// What was done otherwise than usual, in the order to show it.
pub(crate) fn variants<'a>(view: View<'a>) -> impl Iterator<Item = &'a str> {
    let asked = view.record.measuring.iter();
    let names = asked.flat_map(|asked| asked.variants.iter().map(String::as_str));
    // An interrupted run, or a cost that may not be shown, may have none of them.
    names.filter(move |name| !by_arm_in(view, Some(name)).is_empty())
}

/// The comparison of an arm in a variant with its usual one.
pub(crate) fn beside_usual<'a>(view: View<'a>, arm: &str, variant: &str) -> Option<&'a Comparison> {
    let mut comparisons = view.record.comparisons.iter();
    comparisons.find(|one| {
        let same_arm = one.arm == arm && one.against == arm && one.against_variant.is_none();
        one.metric == METRIC && same_arm && one.variant.as_deref() == Some(variant)
    })
}

/// Comparisons of arms with each other, the zero line aside.
pub(crate) fn pairs(view: View<'_>) -> Vec<&Comparison> {
    let zero = zero_line(view);
    let pairs = usual(view);
    pairs
        .filter(|one| Some(one.against.as_str()) != zero)
        .collect()
}

/// How sure the comparisons are, as a sentence; nothing where no arm was held against itself.
pub(crate) fn how_sure(view: View<'_>) -> Option<String> {
    let itself = words::percent(band(view)? - 1.0);
    let zero = zero_line(view)?;
    let with_zero = usual(view).filter(|one| one.against == zero);
    let least = with_zero.filter_map(|one| one.minimum_detectable_share);
    let seen = least.reduce(f64::max).map(words::percent);
    Some(match seen {
        Some(seen) => format!(
            "An arm differed from itself by up to {itself}, so nothing smaller is called a \
             difference; one of {seen} would have been shown more often than not."
        ),
        None => format!("An arm differed from itself by up to {itself}."),
    })
}

/// The ratio at the farthest bound of an arm's comparisons with itself, pools spawned separately.
fn band(view: View<'_>) -> Option<f64> {
    let comparisons = view.record.comparisons.iter();
    let twins = comparisons.filter(|one| {
        let again = one.arm == one.against && one.variant.as_deref() == Some(TWIN);
        one.metric == METRIC && again
    });
    let bounds = twins.filter_map(|one| one.interval).flatten();
    bounds
        .map(|bound| bound.ln().abs())
        .reduce(f64::max)
        .map(f64::exp)
}

/// The same, if it shows a difference: only then its ratio may be said.
pub(crate) fn difference_from_zero<'a>(view: View<'a>, arm: &str) -> Option<&'a Comparison> {
    against_zero(view, arm).filter(|one| one.verdict != Verdict::NoDifferenceShown)
}

/// The arm that the others' cost is a ratio to.
pub(crate) fn zero_line<'a>(view: View<'a>) -> Option<&'a str> {
    let against: Vec<_> = usual(view).map(|one| one.against.as_str()).collect();
    let uses = |name: &str| against.iter().filter(|other| **other == name).count();
    against.iter().copied().rev().max_by_key(|name| uses(name))
}

/// What a column of ratios is called, by the arm that they are ratios to.
pub(crate) fn ratio_heading(view: View<'_>) -> String {
    match zero_line(view) {
        Some(zero) => format!("ratio to {}", view.short_label_of(zero)),
        None => "ratio".to_owned(),
    }
}

/// `1.60 × [1.50, 1.81]`, or `1.60 ×` without an interval.
pub(crate) fn ratio_words(comparison: &Comparison) -> String {
    let ratio = words::ratio(comparison.ratio);
    match comparison.interval {
        Some([low, high]) => format!("{ratio} [{low:.2}, {high:.2}]"),
        None => ratio,
    }
}

/// The ratio in words where a difference was shown, and else that none was.
pub(crate) fn ratio_or_verdict(comparison: &Comparison) -> String {
    match comparison.verdict {
        // A ratio that the next run might turn round is no ratio.
        Verdict::NoDifferenceShown => verdict_words(comparison.verdict).to_owned(),
        Verdict::Less | Verdict::More => ratio_words(comparison),
    }
}

/// What the interval allows to say.
pub(crate) fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Less => "less",
        Verdict::More => "more",
        Verdict::NoDifferenceShown => "no difference shown",
    }
}
