//! Who takes turns, and what is said of figures whose truth is known.

use std::collections::BTreeSet;

use std::time::Duration;

use super::plan::{choose, choose_variants};
use super::presets::Variant;
use super::*;
use crate::arms;
use crate::describe::describe;
use crate::load::request::CredentialKind;
use crate::load::schedule::Shard;
use crate::record::{ByProcess, Comparison, Measure, Record, TWIN, Verdict};

fn plan(names: &[&str]) -> Plan {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let preset = presets::find("quick").unwrap();
    Plan {
        preset,
        variants: choose_variants(&[], preset).unwrap(),
        arms: choose(&names, preset).unwrap(),
        blocks: 8,
        rate_rps: 1_000.0,
        warm_up: Duration::from_millis(500),
        timed: Duration::from_secs(2),
        seed: 7,
        shard: Shard::WHOLE,
        waste_ns: 0,
        swapped: None,
        p99_bound: Duration::from_millis(10),
    }
}

fn names(cases: &[Case]) -> Vec<String> {
    cases.iter().map(ToString::to_string).collect()
}

#[test]
fn the_zero_line_and_the_twins_are_always_in() {
    let cases = plan(&["jwt-hs256"]).cases(|_| true);
    assert_eq!(
        names(&cases),
        ["trusting", "jwt-hs256", "trusting, the same again"]
    );
    let cases = plan(&["jwt-denylist", "session-redis"]).cases(|_| true);
    assert_eq!(
        names(&cases),
        [
            "trusting",
            "session-redis",
            "jwt-denylist",
            "trusting, the same again",
            "session-redis, the same again"
        ]
    );
}

#[test]
fn without_a_store_the_arms_that_need_one_are_left_out() {
    let can_run = |arm: &Arm| !arm.server.needs_store();
    let cases = plan(&["session-redis", "jwt-hs256"]).cases(can_run);
    assert_eq!(
        names(&cases),
        ["trusting", "jwt-hs256", "trusting, the same again"]
    );
}

/// Every sweep has the usual way in it, to compare the others with, and says what it shows.
#[test]
fn every_preset_begins_with_the_usual_variant_and_names_the_others_once() {
    let mut presets = BTreeSet::new();
    for preset in &presets::ALL {
        assert!(presets.insert(preset.name), "{} twice", preset.name);
        let usual = Variant {
            // Two presets ask for something in every variant of theirs.
            highest_rate: preset.name == "capacity",
            user_each: preset.name == "scale",
            ..presets::USUAL
        };
        assert_eq!(preset.variants[0], usual, "{}", preset.name);
        let names: BTreeSet<_> = preset.names().collect();
        assert_eq!(names.len(), preset.variants.len() - 1, "{}", preset.name);
        assert!(!preset.shows.is_empty() && !names.contains(TWIN));
        let plan = Plan {
            preset,
            variants: choose_variants(&[], preset).unwrap(),
            arms: choose(&[], preset).unwrap(),
            ..plan(&[])
        };
        let arms = plan.arms.len();
        let cases = plan.cases(|_| true);
        let for_tokens = preset
            .variants
            .iter()
            .filter(|one| one.token_in_cookie)
            .count();
        assert!(
            cases.len() > arms * (preset.variants.len() - for_tokens),
            "{}",
            preset.name
        );
        for case in cases.iter().filter(|case| case.name == Some("a login")) {
            assert!((case.rate_rps - 5.0).abs() < 1e-9, "{case}");
        }
    }
}

#[test]
fn a_preset_or_arm_that_is_not_there_is_answered_with_those_that_are() {
    let line = presets::find("quik").unwrap_err();
    assert!(
        line.starts_with("--preset: ") && line.contains("quick"),
        "{line}"
    );
    let line = choose(&["jwt".to_owned()], &presets::ALL[0]).unwrap_err();
    assert!(
        line.starts_with("--arms: ") && line.contains("jwt-hs256"),
        "{line}"
    );
}

#[test]
fn variants_are_chosen_by_name_beside_the_usual_one() {
    let preset = presets::find("claims-size").unwrap();
    let wanted = ["2 KB more", "a token in a cookie"].map(str::to_owned);
    let plan = Plan {
        preset,
        variants: choose_variants(&wanted, preset).unwrap(),
        ..plan(&["session-memory", "jwt-hs256", "jwt-refresh"])
    };
    let names = names(&plan.cases(|_| true));
    // Of those who have a token, the one whose refresh token cannot travel so is left out too.
    let in_a_cookie = names.iter().filter(|name| name.contains("in a cookie"));
    assert_eq!(
        in_a_cookie.collect::<Vec<_>>(),
        ["jwt-hs256, a token in a cookie"]
    );
    let larger = names
        .iter()
        .filter(|name| name.contains("2 KB more"))
        .count();
    assert_eq!((larger, names.len()), (4, 4 + 4 + 1 + 2));
    let line = choose_variants(&["2 MB more".to_owned()], preset).unwrap_err();
    assert!(
        line.starts_with("--variant: ") && line.contains("\"2 KB more\""),
        "{line}"
    );
    let none = presets::find("quick").unwrap();
    let line = choose_variants(&["2 KB more".to_owned()], none).unwrap_err();
    assert!(line.contains("leave it out"), "{line}");
}

/// Eight blocks whose noise all arms share, so that only pairs within a block show the truth.
fn record() -> Record {
    let mut record = Record::new(7, "loadtest measure");
    record.arms = ["trusting", "session-redis", "jwt-hs256"]
        .map(|name| describe(arms::find(name).unwrap(), None))
        .into();
    let costs = [
        ("trusting", None, 40_000.0),
        ("session-redis", None, 90_000.0),
        ("jwt-hs256", None, 44_000.0),
        ("trusting", Some(TWIN), 40_400.0),
        ("session-redis", Some(TWIN), 90_900.0),
    ];
    for block in 0..8 {
        let noise = 1.0 + f64::from(block % 4);
        let measures = costs.map(|(arm, variant, cost)| one(arm, variant, block, cost * noise));
        // Written in another order each time, as blocks are.
        let at = block as usize % costs.len();
        record.measures.extend_from_slice(&measures[at..]);
        record.measures.extend_from_slice(&measures[..at]);
    }
    record
}

fn one(arm: &str, variant: Option<&str>, block: u32, cost_ns: f64) -> Measure {
    Measure {
        arm: arm.to_owned(),
        block,
        variant: variant.map(str::to_owned),
        rate_offered_rps: Some(1_000.0),
        rate_achieved_rps: 1_000.0,
        requests: 2_000,
        cpu_ns_per_request: ByProcess {
            server: Some(cost_ns / 2.0),
            store: Some(cost_ns / 2.0),
            ..ByProcess::default()
        },
        ..Measure::default()
    }
}

fn find<'c>(found: &'c [Comparison], arm: &str, against: &str) -> &'c Comparison {
    let pair = |one: &&Comparison| one.arm == arm && one.against == against;
    found
        .iter()
        .find(pair)
        .unwrap_or_else(|| panic!("{arm}, {against}: {found:#?}"))
}

#[test]
fn arms_are_compared_within_blocks_and_with_what_an_arm_differs_from_itself() {
    let found = compare::compare(&record());
    // Three pairs of arms, two arms with themselves.
    assert_eq!(found.len(), 5, "{found:#?}");
    let redis = find(&found, "session-redis", "trusting");
    assert!((redis.ratio - 2.25).abs() < 1e-9 && redis.verdict == Verdict::More);
    let jwt = find(&found, "jwt-hs256", "session-redis");
    assert!((jwt.ratio - 44.0 / 90.0).abs() < 1e-9 && jwt.verdict == Verdict::Less);
    let itself = find(&found, "trusting", "trusting");
    assert_eq!(itself.variant.as_deref(), Some(TWIN));
    assert_eq!(itself.verdict, Verdict::NoDifferenceShown);
    let least = redis.minimum_detectable_share.unwrap();
    assert!((least - 0.01).abs() < 1e-6, "{least}");
}

#[test]
fn an_interrupted_block_is_compared_as_far_as_both_arms_have_it() {
    let mut record = record();
    record
        .measures
        .retain(|one| one.block < 7 || one.arm == "trusting");
    let found = compare::compare(&record);
    assert!((find(&found, "jwt-hs256", "trusting").ratio - 1.1).abs() < 1e-9);
    record.measures.clear();
    assert_eq!(compare::compare(&record), []);
}

/// What a store keeps of a user is kept as often as of a login only if nobody comes twice.
#[test]
fn where_each_login_is_of_another_user_nobody_comes_twice() {
    let preset = presets::find("scale").unwrap();
    let plan = Plan {
        preset,
        variants: choose_variants(&[], preset).unwrap(),
        ..plan(&["session-redis"])
    };
    let cases = plan.cases(|_| true);
    let case = cases.iter().find(|case| case.variant.live_logins == 10_000);
    let case = case.unwrap();
    let mut crowd = traffic::Crowd::of(case);
    let batches = (case.live_logins() + case.further_logins()) / traffic::LOGINS_AT_ONCE + 1;
    let all: Vec<_> = (0..batches).flat_map(|_| crowd.take()).collect();
    let users: BTreeSet<_> = all.iter().collect();
    assert_eq!(users.len(), all.len());
    // Visitors come first, and there are accounts for everybody.
    assert!(!users.contains(&app::users::load_user(traffic::VISITORS - 1)));
    assert_eq!(case.users(), traffic::VISITORS + all.len() as u32);
}

/// What a bad credential deserves is no opinion: it follows from what the arm declares.
#[test]
fn an_ended_token_is_refused_only_where_somebody_hears_of_it() {
    let preset = presets::find("mixed").unwrap();
    let plan = Plan {
        preset,
        variants: choose_variants(&[], preset).unwrap(),
        ..plan(&["session-memory", "jwt-hs256", "jwt-denylist"])
    };
    let cases = plan.cases(|_| true);
    let mixed = |arm: &str| {
        let mut cases = cases.iter().filter(|case| case.variant.mixed);
        cases.find(|case| case.arm.name == arm).unwrap()
    };
    let revoked = |arm: &str| mix::deserved(mixed(arm), CredentialKind::Revoked);
    assert_eq!(
        ["session-memory", "jwt-hs256", "jwt-denylist"].map(revoked),
        [401, 200, 401]
    );
    assert_eq!(
        mix::deserved(mixed("jwt-hs256"), CredentialKind::Forged),
        401
    );
    assert_eq!(mix::kinds(mixed("trusting")), [CredentialKind::Valid]);
    assert_eq!(mix::kinds(mixed("jwt-denylist")).len(), 5);
    assert_eq!(mix::kinds(mixed("session-memory")).len(), 4);
    let usual = cases
        .iter()
        .find(|case| case.arm.name == "jwt-hs256")
        .unwrap();
    assert_eq!(
        mix::draws(usual, 100),
        crate::load::draws::DrawPlan {
            visitors: 100,
            mix: vec![(CredentialKind::Valid, 12)],
        }
    );
}

#[test]
fn an_invalid_measure_keeps_its_counts_and_no_speed() {
    let mut measure = one("trusting", None, 0, 1.0);
    figures::forget_speed(&mut measure);
    assert_eq!(measure.cpu_ns_per_request, ByProcess::default());
    assert_eq!(measure.requests, 2_000);
}
