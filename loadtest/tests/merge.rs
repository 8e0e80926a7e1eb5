//! Shards of one run are merged without loss, and nothing else is merged at all.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use loadtest::load::hlog;
use loadtest::load::tally::{Outcome, Tally, Times};
use loadtest::measure::figures::percentiles;
use loadtest::merge::Shards;
use loadtest::record::{
    Arm, ByProcess, Bytes, Latency, Measure, Measuring, Record, Section, SectionValidity, Validity,
};

const BLOCKS: u32 = 8;

/// The latency of request `n` of a block, anything but even.
fn service_ns(block: u32, n: u64) -> u64 {
    (n * 7_919 + u64::from(block) * 104_729) % 50_000_000 + 1_000
}

/// Requests `first`, `first + step`, … of a block of 1,000.
fn tally(block: u32, first: u64, step: usize) -> Tally {
    let mut tally = Tally::default();
    for n in (first..1_000).step_by(step) {
        let times = Times {
            due_ns: 0,
            began_ns: n,
            ended_ns: n + service_ns(block, n),
        };
        let instance: &[u8] = if n % 2 == 0 { b"jwt-a" } else { b"jwt-b" };
        tally.record(Outcome::Recognised, instance, times);
    }
    tally
}

fn measure(arm: &str, block: u32, tally: &Tally, cost_ns: f64) -> Measure {
    let (intended, service) = tally.latency();
    Measure {
        arm: arm.into(),
        block,
        variant: None,
        rate_offered_rps: Some(service.len() as f64 / 2.0),
        rate_achieved_rps: service.len() as f64 / 2.0,
        requests: service.len(),
        not_sent: 0,
        wrong_answers: 0,
        latency_ns: Some(Latency {
            intended: percentiles(&intended),
            service: percentiles(&service),
        }),
        cpu_ns_per_request: ByProcess {
            server: Some(cost_ns),
            ..ByProcess::default()
        },
        run_queue_ns_per_request: ByProcess::default(),
        bytes_per_request: Bytes::default(),
        store_commands_per_request: None,
        memory_bytes_per_login: Some(100.0),
        memory: None,
        hlog: Some(format!("hlog/{arm}-{block}.hlog")),
        repeated: false,
        capacity: None,
    }
}

/// Shard `number` of `of` of one run, in a folder of that name.
fn shard(below: &Path, number: u64, of: usize) -> PathBuf {
    let dir = below.join(format!("{number}-{of}"));
    fs::create_dir_all(dir.join("hlog")).unwrap();
    let mut record = Record::new(7, "loadtest measure");
    record.arms = ["trusting", "jwt-hs256"]
        .map(|arm| Arm {
            arm: arm.into(),
            ..Arm::default()
        })
        .into();
    record.measuring = Some(Measuring {
        preset: "quick".into(),
        blocks: BLOCKS,
        rate_rps: 500.0,
        timed_ms: 2_000,
        warm_up_ms: 500,
        shard: format!("{number}/{of}"),
        variants: Vec::new(),
        ..Measuring::default()
    });
    for block in 0..BLOCKS {
        let tally = tally(block, number - 1, of);
        // Every shard read another cost, as machines do.
        for (arm, cost_ns) in [("trusting", 10_000.0), ("jwt-hs256", 15_000.0)] {
            let measure = measure(arm, block, &tally, cost_ns + number as f64);
            let file = File::create(dir.join(measure.hlog.as_ref().unwrap())).unwrap();
            hlog::write(&tally, SystemTime::now(), Duration::from_secs(2), file).unwrap();
            record.measures.push(measure);
        }
    }
    record.save(&dir).unwrap();
    dir
}

fn change(dir: &Path, change: impl FnOnce(&mut Record)) {
    let mut record = Record::load(dir).unwrap();
    change(&mut record);
    record.save(dir).unwrap();
}

fn refused(dirs: &[PathBuf]) -> String {
    format!("{:#}", Shards::read(dirs).unwrap_err())
}

/// Goal: no request is lost or counted twice. Method: three shards of requests that are known, and
/// all of them in one histogram; counts are the sum, percentiles those of the whole, exactly.
#[test]
fn merged_percentiles_are_those_of_all_requests() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = [2, 3, 1].map(|number| shard(dir.path(), number, 3));
    let out = dir.path().join("merged");
    let merged = Shards::read(&dirs).unwrap().merge(&out).unwrap();
    assert_eq!(merged.measures.len(), 2 * BLOCKS as usize);
    for measure in &merged.measures {
        let whole = tally(measure.block, 0, 1);
        let (intended, service) = whole.latency();
        assert_eq!(measure.requests, 1_000);
        let latency = measure.latency_ns.as_ref().unwrap();
        assert_eq!(latency.intended, percentiles(&intended));
        assert_eq!(latency.service, percentiles(&service));
        let log = fs::read(out.join(measure.hlog.as_ref().unwrap())).unwrap();
        let again = hlog::read(&log).unwrap();
        assert_eq!(again.latency(), whole.latency());
        assert_eq!(again.lag, whole.lag);
        assert!((measure.rate_offered_rps.unwrap() - 500.0).abs() < 1e-9);
        // 334, 333 and 333 requests at 1, 2 and 3 ns more.
        let base = if measure.arm == "trusting" {
            10_000.0
        } else {
            15_000.0
        };
        let mean = base + (334.0 + 2.0 * 333.0 + 3.0 * 333.0) / 1_000.0;
        assert!((measure.cpu_ns_per_request.server.unwrap() - mean).abs() < 1e-6);
    }
    assert_eq!(merged.measuring.unwrap().shard, "1/1");
    let cost = &merged.comparisons[0];
    assert_eq!(
        (cost.arm.as_str(), cost.metric.as_str()),
        ("jwt-hs256", "cpu_ns_per_request")
    );
    assert!((cost.ratio - 1.5).abs() < 1e-3, "{cost:?}");
}

#[test]
fn what_differs_is_refused_by_its_name() {
    type Change = fn(&mut Record);
    let changes: [(&str, Change); 6] = [
        ("seed is 7", |record| record.seed = 8),
        ("blocks is 8", |record| {
            record.measuring.as_mut().unwrap().blocks = 9
        }),
        ("rate_rps is 500", |record| {
            record.measuring.as_mut().unwrap().rate_rps = 501.0
        }),
        ("preset is quick", |record| {
            record.measuring.as_mut().unwrap().preset = "rates".into()
        }),
        ("arms is trusting,jwt-hs256", |record| {
            record.arms.truncate(1)
        }),
        ("commit is ", |record| {
            record.environment.commit = "other".into()
        }),
    ];
    for (words, differ) in changes {
        let dir = tempfile::tempdir().unwrap();
        let dirs = [1, 2].map(|number| shard(dir.path(), number, 2));
        change(&dirs[1], differ);
        let line = refused(&dirs);
        assert!(
            line.starts_with("merge: ") && line.contains(words),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn a_set_that_is_not_whole_or_no_run_of_measure_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two] = [1, 2].map(|number| shard(dir.path(), number, 2));
    let line = refused(std::slice::from_ref(&one));
    assert!(
        line.contains("is shard 1/2, but 1 folders are named"),
        "{line}"
    );
    let line = refused(&[two.clone(), two.clone()]);
    assert!(line.contains("is shard 2/2, and so is another"), "{line}");
    change(&one, |record| record.measuring = None);
    let line = refused(&[one, two]);
    assert!(line.contains("is no run of `measure`"), "{line}");
}

#[test]
fn an_invalid_shard_makes_the_whole_invalid() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = [1, 2].map(|number| shard(dir.path(), number, 2));
    change(&dirs[1], |record| {
        record.valid = false;
        record.validity.push(SectionValidity {
            section: Section::Cost,
            validity: Validity::Invalid,
            because: Some("9 of 500 requests were not sent in time".into()),
        });
    });
    let merged = Shards::read(&dirs)
        .unwrap()
        .merge(&dir.path().join("merged"))
        .unwrap();
    assert!(!merged.valid && merged.comparisons.is_empty());
    let because = merged.validity[0].because.as_deref().unwrap();
    assert_eq!(
        because,
        "shard 2/2: 9 of 500 requests were not sent in time"
    );
}

/// Records come from other machines: none of them may have a file written or read elsewhere.
#[test]
fn a_histogram_outside_the_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = [1, 2].map(|number| shard(dir.path(), number, 2));
    for dir in &dirs {
        change(dir, |record| {
            record.measures[0].hlog = Some("../elsewhere.hlog".into())
        });
    }
    let error = Shards::read(&dirs)
        .unwrap()
        .merge(&dir.path().join("merged"))
        .unwrap_err();
    assert!(
        format!("{error:#}").contains("no file of that folder"),
        "{error:#}"
    );
}
