//! The ladder of one record in the report of another.

use loadtest::record::{LadderRung, Record};
use loadtest::report::{self, Options};

use crate::reading::words;
use crate::sample;

fn rung(arm: &str, claims_bytes: u64, rung: &str, time_ns: f64) -> LadderRung {
    LadderRung {
        arm: arm.to_owned(),
        claims_bytes,
        rung: rung.to_owned(),
        time_ns,
        interval: (time_ns * 0.9, time_ns * 1.1),
    }
}

#[test]
fn a_ladder_that_was_measured_stands_beside_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let [run, rungs] = ["run", "rungs"].map(|name| folder.path().join(name));
    for dir in [&run, &rungs] {
        std::fs::create_dir(dir).unwrap();
    }
    sample::record().save(&run).unwrap();
    let ladder = vec![
        rung("jwt-hs256", 200, "3 verify it, or look it up", 1_234.0),
        rung("jwt-hs256", 4_096, "3 verify it, or look it up", 9_870.0),
        rung("session-memory", 200, "7 the whole request", 5_600.0),
    ];
    let record = Record {
        ladder,
        ..Record::new(0, "cargo bench --bench ladder")
    };
    record.save(&rungs).unwrap();

    let plain = report::html(&sample::record(), &Options::default());
    assert!(!plain.contains("rung by rung"), "none was measured");

    let options = Options {
        ladder: Some(rungs),
        ..Options::default()
    };
    report::run(std::slice::from_ref(&run), &options).unwrap();
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    let markdown = std::fs::read_to_string(run.join("report.md")).unwrap();
    for text in [words(&page), markdown] {
        let said = [
            "What one check costs, rung by rung",
            "4,096 bytes",
            "1.2 µs",
            "5.6 µs",
        ];
        for said in said {
            assert!(text.contains(said), "{said:?} is missing in {text}");
        }
    }
}

#[test]
fn a_record_without_a_ladder_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    sample::record().save(folder.path()).unwrap();
    let options = Options {
        ladder: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let error = report::run(&[folder.path().to_owned()], &options).unwrap_err();
    let line = format!("{error:#}");
    assert!(
        line.contains("--ladder") && line.contains("cargo bench --bench ladder"),
        "{line}"
    );
}
