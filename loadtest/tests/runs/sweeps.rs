//! The sweeps of `measure`, from the command line to the record and the report: what is beyond a
//! limit, what goes through the balancer, the highest rate, a store far away. No test here says how
//! fast anything is.

use std::fs;

use loadtest::record::{Measure, NotRun, Record};

use super::{Run, text, told};

/// Few requests, so that a debug build on a busy machine can send them.
const SMALL: [&str; 9] = [
    "measure",
    "--rate",
    "200",
    "--warm-up",
    "0.1",
    "--seconds",
    "0.2",
    "--blocks",
    "8",
];

fn swept(run: &Run, args: &[&str]) -> (Record, String) {
    let output = run.command(&SMALL).args(args).output();
    let output = output.expect("the executable was built");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    (run.record(), text(&output.stdout))
}

fn measures<'r>(
    record: &'r Record,
    arm: &'r str,
    variant: Option<&'r str>,
) -> impl Iterator<Item = &'r Measure> {
    let wanted = move |one: &&Measure| (one.arm.as_str(), one.variant.as_deref()) == (arm, variant);
    record.measures.iter().filter(wanted)
}

/// Bytes that a request of this arm took to the server, on average.
fn bytes_sent(record: &Record, arm: &str, variant: Option<&str>) -> f64 {
    let sent = measures(record, arm, variant).map(|one| {
        assert_eq!(one.wrong_answers, 0);
        one.bytes_per_request.sent.expect("requests were answered")
    });
    let sent: Vec<_> = sent.collect();
    assert_eq!(sent.len(), 8, "{arm}, {variant:?}");
    sent.iter().sum::<f64>() / sent.len() as f64
}

/// A session's cookie does not grow with what is remembered; a token does, and where a header or a
/// cookie has its limit there is no speed, but what happened.
#[test]
fn what_is_beyond_a_limit_is_reported_as_what_happened() {
    let run = Run::new();
    let variants = [
        "8 KB more",
        "a token in a cookie, 3 KB more",
        "a token in a cookie",
    ];
    let mut args = vec!["--preset", "claims-size"];
    args.extend(["--arms", "session-memory,jwt-hs256"]);
    args.extend(variants.iter().flat_map(|name| ["--variant", name]));
    let (record, _) = swept(&run, &args);
    let grown = |arm, name| bytes_sent(&record, arm, Some(name)) - bytes_sent(&record, arm, None);
    assert!(grown("session-memory", variants[0]).abs() < 1.0);
    // "Authorization: Bearer " against "Cookie: sid-jwt=".
    assert!(grown("jwt-hs256", variants[2]).abs() < 10.0);

    let refused: Vec<_> = record.not_run.iter().collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    for (name, words) in [
        (variants[0], "was answered 431 header-too-large"),
        (variants[0], "through the balancer 431 header-too-large"),
        (variants[1], "longer than a cookie may be (4096 bytes)"),
    ] {
        let said = |one: &&&NotRun| one.variant.as_deref() == Some(name);
        let refused = refused.iter().find(said).expect("it is in the record");
        assert_eq!(refused.arm, "jwt-hs256");
        assert!(refused.because.contains(words), "{}", refused.because);
        assert_eq!(measures(&record, "jwt-hs256", Some(name)).count(), 0);
        let report = fs::read_to_string(run.out().join("report.html")).unwrap();
        assert!(report.contains(words), "the report does not say {words}");
    }
}

/// Through the balancer a session in memory is known at every second request, one behind a sticky
/// balancer at each, and the balancer's own CPU stands in a column of its own.
#[test]
fn through_the_balancer_each_answer_is_what_arm_hop_and_credential_deserve() {
    let run = Run::new();
    let arms = "session-memory,session-memory-sticky";
    let (record, _) = swept(&run, &["--preset", "balanced", "--arms", arms]);
    for arm in arms.split(',') {
        let mut refused = 0;
        for measure in measures(&record, arm, Some("through the balancer")) {
            assert_eq!(measure.wrong_answers, 0, "{arm}");
            assert!(measure.cpu_ns_per_request.balancer > Some(0.0), "{arm}");
            let file = measure.hlog.as_ref().expect("its file is named");
            let log = fs::read(run.out().join(file)).expect("its file is there");
            let tally = loadtest::load::hlog::read(&log).expect("it is a histogram log");
            refused += tally.count(loadtest::load::tally::Outcome::Refused);
        }
        assert_eq!(
            refused > 0,
            arm == "session-memory",
            "{arm}: {refused} refused"
        );
        let mut direct = measures(&record, arm, None);
        assert!(direct.all(|one| one.cpu_ns_per_request.balancer.is_none()));
    }
}

/// The highest rate lies between one that was in time and one that was not, and how it was found is
/// in the record. What it is on a busy machine proves nothing.
#[test]
fn the_highest_rate_is_found_between_one_in_time_and_one_too_high() {
    let run = Run::new();
    let args = [
        "--preset", "capacity", "--arms", "trusting", "--p99-ms", "40",
    ];
    let output = run.command(&SMALL).args(args).output().unwrap();
    let (record, told) = (run.record(), told(&output));
    // Where others take the machine away, the run may say that it is invalid; nothing else.
    match output.status.code() {
        Some(0) => assert!(told.contains("The highest rate at which 99 % were answered")),
        Some(3) => {
            let told_why = ["no highest rate was found", "the generator was the limit"];
            assert!(told_why.iter().any(|why| told.contains(why)), "{told}");
            assert!(record.measures.iter().all(|one| one.capacity.is_none()));
            return;
        }
        code => panic!("{code:?}: {told}"),
    }
    assert_eq!(record.measures.len(), 2 * 8);
    for measure in &record.measures {
        let found = measure.capacity.as_ref().expect("a rate was looked for");
        assert!(found.rate_rps < found.too_high_rps, "{found:?}");
        let tried = |rate: f64, in_time: bool| {
            let mut tries = found.tries.iter();
            tries.any(|one| one.rate_rps.total_cmp(&rate).is_eq() && one.in_time == in_time)
        };
        assert!(
            tried(found.rate_rps, true) && tried(found.too_high_rps, false),
            "{found:?}"
        );
        let latency = measure.latency_ns.as_ref().expect("latency was taken");
        assert!(latency.intended.p99 <= found.p99_bound_ns, "{found:?}");
    }
    let compared: Vec<_> = record
        .comparisons
        .iter()
        .map(|one| one.metric.as_str())
        .collect();
    assert_eq!(
        compared,
        ["capacity_rps"],
        "costs at different rates are not compared"
    );
}

#[test]
fn shards_of_a_search_are_refused() {
    let run = Run::new();
    let mut command = run.command(&["measure", "--preset", "capacity", "--shard", "1/2"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(
        text(&output.stderr).contains("--shard: "),
        "{}",
        told(&output)
    );
}

/// A millisecond of round trip is a millisecond of latency for each time a store is waited for: a
/// session asks once, so from some distance on, anything that asks nobody is quicker.
#[test]
fn the_distance_of_a_store_shows_once_for_each_trip() {
    let run = Run::new();
    let mut args = vec!["--preset", "store-distance", "--arms", "session-redis"];
    args.extend([
        "--variant",
        "a store 1 ms away",
        "--variant",
        "a store 20 ms away",
    ]);
    let (record, told) = swept(&run, &args);
    // Against the zero line.
    assert_eq!(record.break_evens.len(), 1, "{:?}", record.break_evens);
    for found in &record.break_evens {
        assert_eq!(found.arm, "session-redis");
        assert!((0.7..1.3).contains(&found.trips_per_request), "{found:?}");
        let [low, high] = found.interval.expect("eight blocks are enough");
        assert!(0.0 <= low && low <= high && high <= 20.0, "{found:?}");
        assert_eq!(
            found.round_trip_ms.is_none(),
            found.censored.is_some(),
            "{found:?}"
        );
    }
    assert!(told.contains("How far away a store may be"), "{told}");
}
