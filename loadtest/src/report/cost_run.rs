//! Costs of another run: `measure` runs alone and asks nobody who is still logged in, `matrix` asks
//! that and measures nothing. Here the one's figures take their place beside the other's.

use std::path::Path;

use anyhow::{Context as _, ensure};

use super::validity;
use super::view::View;
use crate::record::{Doubt, Record, Section};

/// Another run, and the name of its folder.
#[derive(Debug, Clone)]
pub struct CostRun {
    /// What it measured.
    pub record: Record,
    /// Its folder, as it was named.
    pub dir: String,
}

impl CostRun {
    /// The run in this folder.
    ///
    /// # Errors
    /// When there is no such record, or it has no costs.
    pub fn load(dir: &Path) -> anyhow::Result<CostRun> {
        let record = Record::load(dir).context("--cost")?;
        ensure!(
            !record.measures.is_empty(),
            "--cost {}: that record has no costs; `loadtest measure` measures them",
            dir.display()
        );
        let dir = dir.display().to_string();
        Ok(CostRun { record, dir })
    }
}

/// This record with the costs of the other run, with what that run says of them, and with a doubt
/// that names it.
pub(super) fn with_costs_of(mut record: Record, run: &CostRun) -> Record {
    let other = run.record.clone();
    let judged = validity::of(View::new(&other), Section::Cost);
    record.validity.retain(|row| row.section != Section::Cost);
    record.validity.push(judged);
    record.doubts.retain(|doubt| doubt.about != "cost");
    let told = doubt(&record, run);
    record.doubts.push(told);
    let theirs = other
        .doubts
        .into_iter()
        .filter(|doubt| doubt.about == "cost");
    record.doubts.extend(theirs);
    for arm in other.arms {
        if !record.arms.iter().any(|one| one.arm == arm.arm) {
            record.arms.push(arm);
        }
    }
    record.measures = other.measures;
    record.comparisons = other.comparisons;
    record.break_evens = other.break_evens;
    record.measuring = other.measuring;
    record
}

fn doubt(record: &Record, run: &CostRun) -> Doubt {
    let (here, there) = (&record.environment, &run.record.environment);
    let mut differs = Vec::new();
    for (what, same) in [
        (
            "machine",
            here.cpu == there.cpu && here.cores == there.cores,
        ),
        ("build", here.commit == there.commit),
    ] {
        if !same {
            differs.push(what);
        }
    }
    let differs = match differs[..] {
        [] => "on the same machine, with the same build".to_owned(),
        _ => format!("with another {}", differs.join(" and another ")),
    };
    Doubt {
        kind: "costs-of-another-run".to_owned(),
        text: format!(
            "The costs are of a run of their own ({}, {differs}); its report has the details.",
            run.dir
        ),
        about: "cost".to_owned(),
    }
}
