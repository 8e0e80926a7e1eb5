//! The rungs as they were measured, as a table and as a record.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use loadtest::record::{LadderRung, Record};
use serde::Deserialize;

/// Where criterion keeps what it measured.
pub(crate) fn measured() -> PathBuf {
    target().join("ladder/criterion")
}

fn target() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}

/// What criterion says of one benchmark, as far as it is needed here.
#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: String,
    value_str: String,
}

/// Prints what was measured and writes it to `target/ladder`. In a test run nothing was.
pub(crate) fn print_and_record() {
    let ladder = read(&measured());
    if ladder.is_empty() {
        return;
    }
    print(&ladder);
    let dir = target().join("ladder");
    let record = Record {
        ladder,
        ..Record::new(0, "cargo bench --bench ladder")
    };
    match record.save(&dir) {
        Ok(path) => println!("\nThe record: {}", path.display()),
        Err(error) => eprintln!("{error}"),
    }
}

/// Everything below `folder` that this run, or an earlier one, measured.
fn read(folder: &Path) -> Vec<LadderRung> {
    let mut rungs = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if !path.is_dir() {
            continue;
        }
        match path.file_name().is_some_and(|name| name == "new") {
            true => rungs.extend(rung(&path)),
            false => rungs.extend(read(&path)),
        }
    }
    rungs.sort_by(|a, b| (&a.arm, a.claims_bytes, &a.rung).cmp(&(&b.arm, b.claims_bytes, &b.rung)));
    rungs
}

fn rung(folder: &Path) -> Option<LadderRung> {
    let json = |name: &str| fs::read(folder.join(name)).ok();
    let benchmark: Benchmark = serde_json::from_slice(&json("benchmark.json")?).ok()?;
    let Estimates { mean } = serde_json::from_slice(&json("estimates.json")?).ok()?;
    Some(LadderRung {
        arm: benchmark.group_id,
        claims_bytes: benchmark.value_str.parse().ok()?,
        rung: benchmark.function_id,
        time_ns: mean.point_estimate,
        interval: (
            mean.confidence_interval.lower_bound,
            mean.confidence_interval.upper_bound,
        ),
    })
}

/// A block for each size: a row for each rung, a column for each arm, in microseconds.
fn print(ladder: &[LadderRung]) {
    let arms: BTreeSet<&str> = ladder.iter().map(|rung| rung.arm.as_str()).collect();
    let mut sizes: BTreeMap<u64, BTreeMap<&str, BTreeMap<&str, f64>>> = BTreeMap::new();
    for rung in ladder {
        let rows = sizes.entry(rung.claims_bytes).or_default();
        let row = rows.entry(&rung.rung).or_default();
        row.insert(&rung.arm, rung.time_ns / 1_000.0);
    }
    for (bytes, rows) in sizes {
        println!("\nMicroseconds, with claims of about {bytes} bytes");
        print!("{:28}", "");
        arms.iter().for_each(|arm| print!("{arm:>16}"));
        println!();
        for (rung, row) in rows {
            print!("{rung:28}");
            for arm in &arms {
                match row.get(arm) {
                    Some(us) => print!("{us:>16.3}"),
                    None => print!("{:>16}", "–"),
                }
            }
            println!();
        }
    }
}
