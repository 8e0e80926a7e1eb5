//! Blocks that agree, differ, or disagree too much.

use super::*;

fn measures(blocks: &[(&str, &[f64])]) -> Vec<Measure> {
    let one = |arm: &str, cost: f64| Measure {
        arm: arm.to_owned(),
        block: 0,
        variant: None,
        rate_offered_rps: None,
        rate_achieved_rps: 1.0,
        requests: 1,
        cpu_ns_per_request: ByProcess {
            server: Some(cost),
            ..ByProcess::default()
        },
        ..Measure::default()
    };
    blocks
        .iter()
        .flat_map(|(arm, costs)| costs.iter().map(move |cost| one(arm, *cost)))
        .collect()
}

#[test]
fn a_ratio_is_one_of_medians_and_a_difference_needs_separate_blocks() {
    let apart = measures(&[
        ("trusting", &[10.0, 11.0, 10.5]),
        ("jwt-hs256", &[14.0, 15.0, 13.0]),
    ]);
    let comparisons = compare(&apart).unwrap();
    assert_eq!(
        comparisons.len(),
        1,
        "an arm that was not measured is not compared"
    );
    assert!((comparisons[0].ratio - 14.0 / 10.5).abs() < 1e-9);
    assert_eq!(comparisons[0].verdict, Verdict::More);
    let mixed = measures(&[
        ("trusting", &[10.0, 12.0]),
        ("session-memory", &[11.0, 13.0]),
    ]);
    assert_eq!(
        compare(&mixed).unwrap()[0].verdict,
        Verdict::NoDifferenceShown
    );
}

#[test]
fn a_ratio_is_printed_only_where_a_difference_was_shown() {
    let measures = measures(&[
        ("trusting", &[10_000.0, 12_000.0]),
        ("session-memory", &[11_000.0, 13_000.0]),
        ("jwt-hs256", &[18_000.0, 18_000.0]),
    ]);
    let comparisons = compare(&measures).unwrap();
    let [_, _, memory, jwt] = &lines(&Hint {
        measures,
        comparisons,
    })[..] else {
        panic!("a heading, the zero line, and two arms")
    };
    assert!(memory.ends_with("13.0 µs  no difference shown"), "{memory}");
    assert!(jwt.ends_with("18.0 µs  1.50 x"), "{jwt}");
}

#[test]
fn blocks_that_disagree_too_much_show_nothing() {
    let busy = measures(&[("trusting", &[10.0, 10.0, 30.0])]);
    let why = compare(&busy).unwrap_err().to_string();
    assert!(
        why.contains("too busy") && why.contains("3.0 times"),
        "{why}"
    );
}
