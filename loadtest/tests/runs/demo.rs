//! The main job on a machine without Redis.

use std::time::{Duration, Instant};

use super::{Run, told};

/// Nothing but the arms that need a Redis is missing, and it is said how to get one.
#[test]
fn demo_once_without_redis_runs_the_other_arms_and_says_how_to_get_it() {
    let run = Run::new();
    let empty = run.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let begin = Instant::now();
    let output = run
        .command(&["demo", "--once"])
        .env("PATH", &empty)
        .output()
        .unwrap();
    let took = begin.elapsed();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    // 60 s are promised for a release build on two quiet cores.
    assert!(took < Duration::from_secs(180), "{took:?}");

    let record = run.record();
    let missing: Vec<_> = record
        .arms
        .iter()
        .filter_map(|arm| Some((arm.arm.as_str(), arm.not_run_because.as_deref()?)))
        .collect();
    let names: Vec<_> = missing.iter().map(|(arm, _)| *arm).collect();
    assert_eq!(
        names,
        [
            "session-redis",
            "session-cached",
            "jwt-denylist",
            "jwt-denylist-synced",
            "jwt-refresh"
        ]
    );
    for (_, why) in &missing {
        assert!(
            why.contains("no Redis found") && why.contains("redis-server"),
            "{why}"
        );
    }
    for arm in record
        .arms
        .iter()
        .filter(|arm| arm.not_run_because.is_none())
    {
        assert!(
            record.cells.iter().any(|cell| cell.arm == arm.arm),
            "{} is missing",
            arm.arm
        );
    }
    table(&told);
}

/// The first minute, as the terminal shows it.
fn table(told: &str) {
    let lines: Vec<_> = told.lines().collect();
    // All but the last one, which names a folder of the reader's choice.
    let too_long = |line: &&&str| line.chars().count() > 80 && !line.starts_with("Report ");
    assert_eq!(lines.iter().find(too_long), None);
    let row = |label: &str| {
        let row = lines
            .iter()
            .find(|line| line.trim_start().starts_with(label));
        row.unwrap_or_else(|| panic!("no row {label} in {told}"))
            .to_string()
    };
    let board = lines.iter().position(|line| line.starts_with("Board "));
    let head = lines
        .iter()
        .position(|line| line.starts_with("Log in on A"));
    assert!(board < head && board.is_some(), "{told}");
    let memory = row("Session in memory");
    for words in ["FORGOTTEN", "A's LOST", "works on A, unknown to B"] {
        assert!(memory.contains(words), "{words:?} is not in {memory:?}");
    }
    assert!(row("+ sticky balancer").contains("not sent"));
    assert!(row("JWT, one shared secret").contains("WORKS until it expires*"));
    assert!(row("Session in Redis").contains("not run"));
    let debug_build = told.contains("cost: not shown, because this is a debug build");
    assert_eq!(debug_build, cfg!(debug_assertions), "{told}");
}
