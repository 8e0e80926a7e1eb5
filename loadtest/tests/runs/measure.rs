//! What a request costs, from the command line to the record: a small run, one that is beyond the
//! generator's means, and one that is stopped. No test here says how fast anything is.

use std::fs;
use std::time::Duration;

use loadtest::load::draws::DrawPlan;
use loadtest::load::hlog;
use loadtest::load::schedule::{Arrivals, Plan, Shard, Step};
use loadtest::load::tally::Outcome;
use loadtest::measure::turn::{PAUSE, seed_of_block};
use loadtest::record::{Measure, Record, TWIN, Verdict};
use nix::sys::signal::Signal;

use super::processes::{assert_gone, descendants, send};
use super::{Run, executable, text, told};

/// Few requests, so that a debug build on a busy machine can send them.
const SMALL: [&str; 7] = [
    "measure",
    "--rate",
    "100",
    "--seconds",
    "0.3",
    "--blocks",
    "8",
];

fn measures<'r>(record: &'r Record, arm: &str, variant: Option<&str>) -> Vec<&'r Measure> {
    let wanted = |one: &&Measure| (one.arm.as_str(), one.variant.as_deref()) == (arm, variant);
    record.measures.iter().filter(wanted).collect()
}

#[test]
fn every_arm_is_measured_in_every_block_beside_the_zero_line_and_its_twin() {
    let run = Run::new();
    let mut command = run.command(&SMALL);
    let output = command
        .args(["--arms", "session-redis,jwt-es256"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let record = run.record();
    for (arm, variant) in [
        ("trusting", None),
        ("session-redis", None),
        ("jwt-es256", None),
        ("trusting", Some(TWIN)),
        ("session-redis", Some(TWIN)),
    ] {
        let of_arm = measures(&record, arm, variant);
        assert_eq!(of_arm.len(), 8, "{arm}, {variant:?}");
        for measure in of_arm {
            well_measured(&run, measure, arm == "session-redis");
        }
    }
    assert_eq!(record.measures.len(), 5 * 8);
    // Three pairs of arms and two twins, three figures each.
    assert_eq!(record.comparisons.len(), 5 * 3);
    for one in &record.comparisons {
        let [low, high] = one
            .interval
            .expect("eight blocks are enough for an interval");
        assert!(low <= one.ratio && one.ratio <= high, "{one:?}");
        assert!(one.minimum_detectable_share > Some(0.0), "{one:?}");
        let itself = one.arm == one.against;
        assert!(
            !itself || one.verdict == Verdict::NoDifferenceShown,
            "{one:?}"
        );
    }
    assert!(text(&output.stdout).contains("CPU of server, store and database"));
    assert!(run.out().join("report.html").exists());
}

fn well_measured(run: &Run, measure: &Measure, stored: bool) {
    let cpu = &measure.cpu_ns_per_request;
    assert!(
        cpu.server > Some(0.0) && cpu.generator > Some(0.0),
        "{measure:?}"
    );
    assert_eq!(cpu.balancer, None, "cost is measured direct");
    assert_eq!(cpu.store.is_some(), stored);
    assert_eq!(measure.wrong_answers, 0);
    let sent = measure.bytes_per_request.sent;
    assert!(sent > Some(50.0) && measure.bytes_per_request.received > Some(50.0));
    if stored {
        let commands = measure.store_commands_per_request.expect("it asks a store");
        assert!((0.9..1.2).contains(&commands), "{commands}");
    }
    let latency = measure.latency_ns.as_ref().expect("latency was taken");
    for clock in [&latency.intended, &latency.service] {
        assert!(
            clock.p50 <= clock.p99 && clock.p99 <= clock.max,
            "{clock:?}"
        );
    }
    assert!(latency.intended.p50 >= latency.service.p50);
    let file = measure.hlog.as_ref().expect("histograms were written");
    let log = fs::read(run.out().join(file)).expect("its file is there");
    let tally = hlog::read(&log).expect("it is a histogram log");
    assert_eq!(tally.latency().1.len(), measure.requests);
    assert_eq!(tally.latency().1.max(), latency.service.max);
}

#[test]
fn a_rate_beyond_the_generators_means_is_invalid_and_shows_no_speed() {
    let run = Run::new();
    let args = [
        "measure",
        "--arms",
        "jwt-hs256",
        "--rate",
        "300000",
        "--seconds",
        "0.3",
    ];
    let output = run.command(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    let record = run.record();
    assert!(!record.valid && record.comparisons.is_empty());
    let tried = &record.measures[0];
    assert!(tried.repeated && tried.not_sent > 0);
    assert!(tried.latency_ns.is_none() && tried.cpu_ns_per_request.server.is_none());
    let histograms = fs::read_dir(run.out().join("hlog")).expect("the turn made a folder");
    assert_eq!(histograms.count(), 0);
    let report = fs::read_to_string(run.out().join("report.md")).unwrap();
    for told in [text(&output.stdout), report] {
        assert!(
            told.contains("INVALID") && told.contains("were not sent in time"),
            "{told}"
        );
        assert!(
            !told.contains("µs") && !told.contains('×'),
            "a speed is shown: {told}"
        );
    }
}

#[test]
fn a_run_that_is_stopped_keeps_what_was_measured_and_leaves_no_process() {
    let run = Run::new();
    let mut args = SMALL.to_vec();
    args.extend(["--arms", "jwt-hs256"]);
    let child = run.start_until(&args, |record| record.measures.len() >= 2);
    let processes = descendants(child.id());
    send(child.id() as i32, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(130), "{}", told(&output));
    let record = run.record();
    assert!(record.interrupted && record.measures.len() >= 2);
    assert!(
        record
            .measures
            .iter()
            .all(|measure| measure.cpu_ns_per_request.server.is_some())
    );
    assert_gone(&processes, Duration::from_millis(100));
}

/// Two machines would each have one; here they run one after the other, and their union is what one
/// would have sent.
#[test]
fn shards_are_merged_into_one_run() {
    let run = Run::new();
    let shard = |name: &str| {
        let dir = run.dir.path().join(name.replace('/', "-"));
        let mut command = executable(&SMALL);
        command.args(["--arms", "trusting", "--shard", name, "--out"]);
        let output = command
            .arg(&dir)
            .output()
            .expect("the executable was built");
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        dir
    };
    let dirs = [shard("1/2"), shard("2/2")];
    let mut merge = run.command(&["merge"]);
    let output = merge.args(&dirs).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let parts = dirs.map(|dir| Record::load(&dir).unwrap());
    let merged = run.record();
    assert_eq!(merged.measures.len(), 2 * 8);
    assert_eq!(merged.comparisons.len(), 3);
    for measure in &merged.measures {
        let planned = |one: &Measure| one.requests + one.not_sent;
        let of_parts = parts.iter().flat_map(|part| {
            let of_arm = measures(part, &measure.arm, measure.variant.as_deref());
            of_arm.into_iter().filter(|one| one.block == measure.block)
        });
        assert_eq!(planned(measure), of_parts.map(planned).sum::<u64>());
        assert_eq!(planned(measure), in_schedule(&merged, measure.block));
    }

    let mut merge = executable(&["merge", "--out"]);
    let output = merge
        .arg(run.dir.path().join("half"))
        .arg(run.dir.path().join("1-2"));
    let output = output.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(
        !run.dir.path().join("half").exists(),
        "nothing is left of a refusal"
    );
}

/// How many requests the whole schedule of a block times.
fn in_schedule(record: &Record, block: u32) -> u64 {
    let asked = record.measuring.as_ref().expect("it was measured");
    let ms = Duration::from_millis;
    let plan = Plan {
        seed: seed_of_block(record.seed, block),
        arrivals: Arrivals::Poisson,
        steps: vec![
            Step::constant(asked.rate_rps, ms(asked.warm_up_ms)),
            Step::constant(0.0, PAUSE),
            Step::constant(asked.rate_rps, ms(asked.timed_ms)),
        ],
        draws: DrawPlan::valid(100),
    };
    let whole = plan.schedule(Shard::WHOLE).expect("it was sent");
    whole.planned_after(ms(asked.warm_up_ms) + PAUSE)
}

/// Bad credentials flow among the good ones, and each gets what it deserves; a server that believes
/// everybody, under the name of one that checks, fails the run at the first that it lets in.
#[test]
fn a_credential_that_is_let_in_wrongly_fails_the_run_and_is_named() {
    let run = Run::new();
    let mixed = ["--preset", "mixed", "--arms", "jwt-hs256"];
    let swapped = ["--swap", "jwt-hs256=trusting"];
    let mut command = run.command(&SMALL);
    let output = command.args(mixed).args(swapped).output().unwrap();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("were let in that should have been refused, the first: "),
        "{told}"
    );
    assert!(told.contains("answered 200 instead of 401"), "{told}");
    let record = run.record();
    assert!(
        !record.valid
            && record
                .measures
                .iter()
                .any(|measure| measure.wrong_answers > 0)
    );
}

#[test]
fn bad_credentials_get_what_they_deserve() {
    let run = Run::new();
    let mut command = run.command(&SMALL);
    command.args(["--preset", "mixed", "--arms", "session-redis,jwt-denylist"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let record = run.record();
    let name = "bad credentials among the good ones";
    for arm in ["session-redis", "jwt-denylist"] {
        let outcomes = measures(&record, arm, Some(name))
            .into_iter()
            .map(|measure| {
                assert_eq!(measure.wrong_answers, 0);
                let file = measure.hlog.as_ref().expect("its file is named");
                let log = fs::read(run.out().join(file)).expect("its file is there");
                let tally = hlog::read(&log).expect("it is a histogram log");
                (
                    tally.count(Outcome::Refused),
                    tally.count(Outcome::Recognised),
                )
            });
        let (refused, recognised): (Vec<_>, Vec<_>) = outcomes.unzip();
        let (refused, recognised) = (refused.iter().sum::<u64>(), recognised.iter().sum::<u64>());
        assert!(
            0 < refused && refused < recognised,
            "{arm}: {refused} of {recognised}"
        );
    }
}
