//! `measure` on servers that somebody else has started. No test here says how fast anything is.

use std::path::Path;

use loadtest::record::{Record, Section, TWIN, Validity};

use super::loadtest;

/// Few requests, so that a debug build on a busy machine can send them.
const SMALL: [&str; 6] = ["--rate", "100", "--seconds", "0.3", "--blocks", "8"];

/// A pool of instances each, and those of them that ask a store.
const ARMS: [(&str, bool); 4] = [
    ("session-memory", false),
    ("session-redis", true),
    ("jwt-hs256", false),
    ("jwt-denylist", true),
];

pub(crate) fn are_what_the_servers_say(target: &Path, store: &str, out: &Path) {
    let record = measured(target, &["--target-store", store], out);
    for (arm, stored) in ARMS {
        let measures = record.measures.iter();
        let of_arm = measures.filter(|one| one.arm == arm && one.variant.is_none());
        let of_arm: Vec<_> = of_arm.collect();
        assert_eq!(of_arm.len(), 8, "{arm}");
        for one in of_arm {
            let cpu = &one.cpu_ns_per_request;
            assert!(cpu.server > Some(0.0), "{one:?}");
            assert_eq!(cpu.store.is_some(), stored, "{one:?}");
            let commands = one.store_commands_per_request;
            assert_eq!(commands.is_some_and(|each| each > 0.9), stored, "{one:?}");
            assert_eq!(one.wrong_answers, 0);
            assert_eq!(one.memory_bytes_per_login, None, "nobody states it");
        }
    }
    let twins = record.measures.iter();
    let twins = twins.filter(|one| one.variant.as_deref() == Some(TWIN));
    assert_eq!(
        twins.count(),
        2 * 8,
        "one that asks a store, one that does not"
    );
    // Six pairs of arms and two twins, three figures each.
    assert_eq!(record.comparisons.len(), 8 * 3);
    let report = std::fs::read_to_string(out.join("report.md")).unwrap();
    assert!(report.contains("ratio to session in memory"), "{report}");
    let text = std::fs::read_to_string(out.join("record.json")).unwrap();
    assert!(!text.contains(store), "a URL may hold a password");
}

pub(crate) fn of_what_asks_a_store_are_unknown_without_it(target: &Path, out: &Path) {
    let record = measured(target, &["--arms", "session-redis,jwt-hs256"], out);
    let why = |arm: &str| {
        let found = record.arms.iter().find(|one| one.arm == arm).unwrap();
        found.not_run_because.clone()
    };
    assert!(why("session-redis").unwrap().contains("--target-store"));
    assert_eq!(why("jwt-hs256"), None);
    assert!(record.measures.iter().all(|one| one.arm == "jwt-hs256"));
}

fn measured(target: &Path, more: &[&str], out: &Path) -> Record {
    let target = ["--target", target.to_str().unwrap()];
    let args = [&SMALL[..], &target, more].concat();
    let (output, told) = loadtest("measure", &args, out);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let record = Record::load(out).unwrap();
    assert!(record.valid && !record.measures.is_empty(), "{told}");
    let mut judged = record.validity.iter();
    let judged = judged.find(|one| one.section == Section::Cost).unwrap();
    assert_eq!(judged.validity, Validity::HintOnly);
    let because = judged.because.as_deref().unwrap();
    assert!(because.contains("say themselves"), "{because}");
    assert!(told.contains("A hint only"), "{told}");
    record
}
