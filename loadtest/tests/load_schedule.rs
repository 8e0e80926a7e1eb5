//! The schedule as a value: the same for every number of shards, and as dense as the plan says.

use std::collections::BTreeMap;
use std::time::Duration;

use loadtest::load::draws::DrawPlan;
use loadtest::load::request::CredentialKind;
use loadtest::load::schedule::{Arrivals, Plan, PlanError, Shard, Step};
use proptest::prelude::*;

fn plan(arrivals: Arrivals, steps: Vec<Step>) -> Plan {
    Plan {
        seed: 7,
        arrivals,
        steps,
        draws: DrawPlan::valid(20),
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0.0..500.0, 0.0..500.0, 1_u64..1_500);
    let step = step.prop_map(|(from, to, ms)| Step::ramp(from, to, Duration::from_millis(ms)));
    prop::collection::vec(step, 1..4)
}

fn plans() -> impl Strategy<Value = Plan> {
    let arrivals = prop_oneof![Just(Arrivals::Constant), Just(Arrivals::Poisson)];
    (any::<u64>(), arrivals, steps(), 1_u32..50).prop_map(|(seed, arrivals, steps, visitors)| {
        Plan {
            seed,
            arrivals,
            steps,
            draws: DrawPlan {
                visitors,
                mix: vec![(CredentialKind::Valid, 9), (CredentialKind::Forged, 1)],
            },
        }
    })
}

proptest! {
    /// Goal: shards on any number of machines send together exactly what one would send alone.
    #[test]
    fn the_union_of_all_shards_is_the_whole_for_any_number(plan in plans(), of in 1_u32..9) {
        let whole = plan.schedule(Shard::WHOLE).unwrap();
        let mut union = Vec::new();
        for index in 0..of {
            let part = plan.schedule(Shard::new(index, of).unwrap()).unwrap();
            prop_assert_eq!(part.length_ns, whole.length_ns);
            prop_assert!(part.entries.len().abs_diff(whole.entries.len() / of as usize) <= 1);
            union.extend(part.entries);
        }
        union.sort_by_key(|entry| entry.index);
        prop_assert_eq!(union, whole.entries);
    }

    #[test]
    fn requests_come_in_order_and_within_the_plan(plan in plans()) {
        let schedule = plan.schedule(Shard::WHOLE).unwrap();
        for (number, pair) in schedule.entries.windows(2).enumerate() {
            prop_assert!(pair[0].intended_ns <= pair[1].intended_ns);
            prop_assert_eq!(pair[0].index as usize, number);
        }
        let last = schedule.entries.last().map_or(0, |entry| entry.intended_ns);
        prop_assert!(last <= schedule.length_ns);
    }

    /// What is sent must not change when the pace does, or two rates would compare different
    /// visitors.
    #[test]
    fn who_is_drawn_does_not_depend_on_arrivals(plan in plans()) {
        let mut other = plan.clone();
        other.arrivals = match plan.arrivals {
            Arrivals::Constant => Arrivals::Poisson,
            Arrivals::Poisson => Arrivals::Constant,
        };
        let one = plan.schedule(Shard::WHOLE).unwrap().entries;
        let other = other.schedule(Shard::WHOLE).unwrap().entries;
        for (one, other) in one.iter().zip(&other) {
            prop_assert_eq!((one.visitor, one.kind), (other.visitor, other.kind));
        }
    }
}

#[test]
fn a_constant_rate_is_exact_to_the_nanosecond() {
    let plan = plan(Arrivals::Constant, vec![Step::constant(3.0, seconds(2.0))]);
    let schedule = plan.schedule(Shard::WHOLE).unwrap();
    let times: Vec<u64> = schedule
        .entries
        .iter()
        .map(|entry| entry.intended_ns)
        .collect();
    assert_eq!(
        times,
        [
            0,
            333_333_333,
            666_666_667,
            1_000_000_000,
            1_333_333_333,
            1_666_666_667
        ]
    );
    assert_eq!(schedule.length_ns, 2_000_000_000);
}

/// From 0 to 100 a second in 2 s: t²·25 requests by t, so the k-th is due at √(k/25).
#[test]
fn a_ramp_follows_its_integral() {
    let plan = plan(
        Arrivals::Constant,
        vec![Step::ramp(0.0, 100.0, seconds(2.0))],
    );
    let schedule = plan.schedule(Shard::WHOLE).unwrap();
    assert_eq!(schedule.entries.len(), 100);
    for entry in &schedule.entries {
        let expected = (f64::from(entry.index) / 25.0).sqrt() * 1e9;
        assert!(
            (entry.intended_ns as f64 - expected).abs() < 2.0,
            "{entry:?}"
        );
    }
}

#[test]
fn steps_follow_each_other_without_a_gap() {
    let steps = [100.0, 200.0, 0.0, 50.0].map(|rps| Step::constant(rps, seconds(1.0)));
    let schedule = plan(Arrivals::Constant, steps.to_vec())
        .schedule(Shard::WHOLE)
        .unwrap();
    let mut in_second = BTreeMap::new();
    for entry in &schedule.entries {
        *in_second
            .entry(entry.intended_ns / 1_000_000_000)
            .or_insert(0) += 1;
    }
    assert_eq!(in_second, BTreeMap::from([(0, 100), (1, 200), (3, 50)]));
    assert_eq!(schedule.planned_after(seconds(1.0)), 250);
}

/// Goal: Poisson arrivals are what they are called. Method: 100,000 gaps have mean and deviation of
/// one mean gap, and as many as e⁻¹ are longer than it; each within five standard errors.
#[test]
fn poisson_gaps_are_exponential() {
    let plan = plan(
        Arrivals::Poisson,
        vec![Step::constant(1_000.0, seconds(100.0))],
    );
    let entries = plan.schedule(Shard::WHOLE).unwrap().entries;
    let gaps: Vec<f64> = entries
        .windows(2)
        .map(|pair| (pair[1].intended_ns - pair[0].intended_ns) as f64 / 1e6)
        .collect();
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n;
    let longer = gaps.iter().filter(|gap| **gap > 1.0).count() as f64 / n;
    assert!((n - 100_000.0).abs() < 5.0 * 100_000_f64.sqrt(), "{n}");
    assert!((mean - 1.0).abs() < 5.0 / n.sqrt(), "{mean}");
    assert!(
        (variance - 1.0).abs() < 5.0 * (8.0 / n).sqrt(),
        "{variance}"
    );
    assert!(
        (longer - (-1.0_f64).exp()).abs() < 5.0 * (0.24 / n).sqrt(),
        "{longer}"
    );
}

#[test]
fn every_visitor_comes_once_a_round_in_an_order_of_its_own() {
    let plan = plan(Arrivals::Constant, vec![Step::constant(60.0, seconds(1.0))]);
    let visitors: Vec<u32> = plan
        .schedule(Shard::WHOLE)
        .unwrap()
        .entries
        .iter()
        .map(|entry| entry.visitor)
        .collect();
    let rounds: Vec<&[u32]> = visitors.chunks(20).collect();
    for round in &rounds {
        let mut sorted = round.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
    assert_ne!(rounds[0], rounds[1]);
}

#[test]
fn credentials_are_drawn_by_weight() {
    let mut plan = plan(
        Arrivals::Constant,
        vec![Step::constant(10_000.0, seconds(1.0))],
    );
    plan.draws.mix = vec![
        (CredentialKind::Valid, 8),
        (CredentialKind::Revoked, 0),
        (CredentialKind::Forged, 2),
    ];
    let mut kinds = BTreeMap::new();
    for entry in plan.schedule(Shard::WHOLE).unwrap().entries {
        *kinds.entry(entry.kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 2);
    // Five standard errors of a share of 0.2 in 10,000 draws.
    assert!(
        (1_800..2_200).contains(&kinds[&CredentialKind::Forged]),
        "{kinds:?}"
    );
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_with_its_reason() {
    let steps = vec![Step::constant(1.0, seconds(1.0))];
    let sound = plan(Arrivals::Constant, steps);
    let refused = |change: fn(&mut Plan)| {
        let mut plan = sound.clone();
        change(&mut plan);
        plan.schedule(Shard::WHOLE).unwrap_err()
    };
    assert_eq!(
        refused(|plan| plan.draws.visitors = 0),
        PlanError::NoVisitors
    );
    assert_eq!(
        refused(|plan| plan.draws.mix[0].1 = 0),
        PlanError::NoCredentials
    );
    assert_eq!(
        refused(|plan| plan.steps[0].from_rps = -1.0),
        PlanError::BadStep(0)
    );
    assert_eq!(
        refused(|plan| plan.steps[0].to_rps = f64::NAN),
        PlanError::BadStep(0)
    );
    assert_eq!(
        refused(|plan| plan.steps[0].length = Duration::ZERO),
        PlanError::BadStep(0)
    );
    assert!(matches!(
        refused(|plan| plan.steps[0].to_rps = 1e12),
        PlanError::TooLarge(_)
    ));
}

#[test]
fn shards_are_written_as_people_count() {
    let third: Shard = "3/3".parse().unwrap();
    assert_eq!(third, Shard::new(2, 3).unwrap());
    assert_eq!(third.to_string(), "3/3");
    for wrong in ["", "1", "0/3", "4/3", "1/0", "-1/3", "a/b", "1/3/5"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}
