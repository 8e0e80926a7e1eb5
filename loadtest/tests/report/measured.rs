//! What the report says of a run of `measure`: every figure with how sure it is, and nothing that
//! was not shown.

use loadtest::measure::compare::compare;
use loadtest::record::{
    Arm, ByProcess, Bytes, Latency, Measure, Measuring, Percentiles, Record, TWIN,
};
use loadtest::report::{self, Options, markdown};

use crate::reading::{page, words};

/// Eight blocks of three arms: Redis costs twice the zero line, JWT about the same, and reading
/// the user each time half as much again.
pub(crate) fn record() -> Record {
    let mut record = Record::new(7, "loadtest measure --seed 7");
    record.arms = [
        ("trusting", "no check at all", false),
        ("session-redis", "Session in Redis", true),
        ("jwt-hs256", "JWT, one shared secret", true),
    ]
    .map(|(arm, label, headline)| Arm {
        arm: arm.into(),
        label: label.into(),
        headline,
        instances: 2,
        ..Arm::default()
    })
    .into();
    record.measuring = Some(Measuring {
        preset: "plus-one-database-read".into(),
        blocks: 8,
        rate_rps: 2_000.0,
        timed_ms: 1_000,
        warm_up_ms: 500,
        shard: "1/1".into(),
        variants: vec!["the user read each time".into()],
        ..Measuring::default()
    });
    for block in 0..8 {
        for (arm, cost_ns) in [
            ("trusting", 30_000.0),
            ("session-redis", 60_000.0),
            ("jwt-hs256", 30_300.0),
        ] {
            // An arm differs from itself by up to 2 %.
            let noise = 1.0 + 0.02 * f64::from(block % 3 - 1);
            let twin = cost_ns * noise;
            for (variant, cost_ns) in [
                (None, cost_ns),
                (Some(TWIN), twin),
                (Some("the user read each time"), cost_ns * 1.5),
            ] {
                record
                    .measures
                    .push(measure(arm, variant, block as u32, cost_ns));
            }
        }
    }
    record.comparisons = compare(&record);
    record
}

fn measure(arm: &str, variant: Option<&str>, block: u32, cost_ns: f64) -> Measure {
    let percentiles = |p50| Percentiles {
        p50,
        p90: p50 * 2,
        p99: p50 * 3,
        p999: p50 * 4,
        max: p50 * 5,
    };
    Measure {
        arm: arm.into(),
        block,
        variant: variant.map(str::to_owned),
        rate_offered_rps: Some(2_000.0),
        rate_achieved_rps: 2_000.0,
        requests: 2_000,
        not_sent: 0,
        wrong_answers: 0,
        latency_ns: Some(Latency {
            intended: percentiles(222_000),
            service: percentiles(111_000),
        }),
        cpu_ns_per_request: ByProcess {
            server: Some(cost_ns),
            generator: Some(20_000.0),
            ..ByProcess::default()
        },
        run_queue_ns_per_request: ByProcess::default(),
        bytes_per_request: Bytes {
            sent: Some(93.0),
            received: Some(297.0),
        },
        store_commands_per_request: None,
        memory_bytes_per_login: Some(271.0),
        memory: None,
        hlog: None,
        repeated: false,
        capacity: None,
    }
}

/// Every form, as words.
fn forms(record: &Record) -> [String; 3] {
    [
        words(&page(record)),
        markdown(record, &Options::default()),
        report::cost_lines(record).join("\n"),
    ]
}

#[test]
fn a_difference_that_was_shown_has_its_ratio_and_one_that_was_not_has_none() {
    for text in forms(&record()) {
        assert!(
            text.contains("2.00\u{a0}×") || text.contains("2.00 ×"),
            "{text}"
        );
        assert!(text.contains("no difference shown"), "{text}");
        assert!(
            text.contains("An arm differed from itself by up to"),
            "{text}"
        );
    }
    let [_, markdown, terminal] = forms(&record());
    for text in [markdown, terminal] {
        assert!(!text.contains("1.01"), "a ratio that was not shown: {text}");
    }
}

#[test]
fn what_was_done_otherwise_stands_beside_the_same_arm_without() {
    for text in forms(&record()) {
        let text = text.to_lowercase().replace('\u{a0}', " ");
        assert!(text.contains("the user read each time"), "{text}");
        assert!(text.contains("1.50 ×"), "{text}");
        assert!(
            !text.contains(TWIN),
            "the twins are no arm of their own: {text}"
        );
    }
}

#[test]
fn latency_on_both_clocks_and_memory_are_shown_and_the_title_says_what_was_found() {
    let page = page(&record());
    let words = words(&page).replace('\u{a0}', " ");
    for figure in [
        "111 µs",
        "333 µs",
        "222 µs",
        "666 µs",
        "271 bytes",
        "93 / 297",
    ] {
        assert!(words.contains(figure), "{figure}: {words}");
    }
    assert!(
        report::title(&record()).contains("What a request costs"),
        "{words}"
    );
    assert!(
        !words.contains("Nothing was observed in this run"),
        "{words}"
    );
}
