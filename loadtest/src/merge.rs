//! The shards of one run as one: counts are summed, histograms added, and everything that was said
//! of pairs of arms is said anew.
//!
//! Each shard sent its part of one schedule, so nothing is estimated: percentiles are those of all
//! requests together. What is no shard of the same run is refused, by the name of what differs.

mod turns;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, ensure};

use crate::load::hlog;
use crate::load::schedule::Shard;
use crate::load::tally::Tally;
use crate::measure::compare::conclude;
use crate::record::{Measure, Measuring, Record, Section, SectionValidity, Validity};

/// All shards of one run.
#[derive(Debug)]
pub struct Shards {
    parts: Vec<Part>,
}

/// One shard: where it lies, and what it says.
#[derive(Debug)]
struct Part {
    dir: PathBuf,
    record: Record,
    measuring: Measuring,
}

impl Shards {
    /// Reads the shards that lie in these folders.
    ///
    /// # Errors
    /// When a record cannot be read, or they are not all the shards of one run.
    pub fn read(dirs: &[PathBuf]) -> anyhow::Result<Shards> {
        let parts = dirs.iter().map(|dir| Part::read(dir));
        let parts: Vec<Part> = parts.collect::<anyhow::Result<_>>()?;
        let (first, others) = parts.split_first().context("merge: no shard is named")?;
        for other in others {
            same_run(first, other)?;
        }
        all_there(&parts)?;
        Ok(Shards { parts })
    }

    /// Their common seed.
    pub fn seed(&self) -> u64 {
        self.parts[0].record.seed
    }

    /// Adds their histograms into the folder `out`, and answers their common record, which is not
    /// written yet.
    ///
    /// # Errors
    /// When a histogram cannot be read or written.
    pub fn merge(&self, out: &Path) -> anyhow::Result<Record> {
        let parts = &self.parts;
        let first = &parts[0];
        let mut record = first.record.clone();
        record.measuring = Some(Measuring {
            shard: Shard::WHOLE.to_string(),
            ..first.measuring.clone()
        });
        record.interrupted = parts.iter().any(|part| part.record.interrupted);
        record.valid = parts.iter().all(|part| part.record.valid);
        record.validity = judged(parts).into_iter().collect();
        let topology = &mut record.environment.topology;
        let each = format!("{}, each with servers of its own", parts.len());
        topology.insert("shards".to_owned(), each);
        for doubt in parts.iter().flat_map(|part| &part.record.doubts) {
            if record.doubts.iter().all(|one| one.kind != doubt.kind) {
                record.doubts.push(doubt.clone());
            }
        }
        record.measures = turns::measures(parts, out)?;
        conclude(&mut record);
        Ok(record)
    }
}

impl Part {
    fn read(dir: &Path) -> anyhow::Result<Part> {
        let record = Record::load(dir)?;
        let measuring = record.measuring.clone();
        let measuring = measuring.with_context(|| {
            format!("{}: is no run of `measure`; name its shards", dir.display())
        })?;
        Ok(Part {
            dir: dir.to_owned(),
            record,
            measuring,
        })
    }

    fn measure(&self, like: &Measure) -> Option<&Measure> {
        let same = |one: &&Measure| {
            (&one.arm, &one.variant, one.block) == (&like.arm, &like.variant, like.block)
        };
        self.record.measures.iter().find(same)
    }

    fn tally(&self, measure: &Measure) -> anyhow::Result<Tally> {
        let name = measure.hlog.as_ref();
        let name = name.with_context(|| {
            let dir = self.dir.display();
            format!(
                "{dir}: {} has no histogram in block {}",
                measure.arm, measure.block
            )
        })?;
        let path = turns::inside(&self.dir, name)?;
        let read = || fs::read(&path).map_err(anyhow::Error::from);
        let tally = read().and_then(|log| Ok(hlog::read(&log)?));
        tally.with_context(|| format!("{}: cannot be read", path.display()))
    }
}

/// Refuses what is of another run, or was asked for otherwise.
fn same_run(first: &Part, other: &Part) -> anyhow::Result<()> {
    let arms = |part: &Part| {
        let arms = part
            .record
            .arms
            .iter()
            .filter(|arm| arm.not_run_because.is_none());
        arms.map(|arm| arm.arm.clone())
            .collect::<Vec<_>>()
            .join(",")
    };
    let fields = |part: &Part| {
        let Measuring {
            preset,
            blocks,
            rate_rps,
            timed_ms,
            warm_up_ms,
            shard: _,
            variants,
            store_round_trips_ms,
            p99_bound_ms,
        } = &part.measuring;
        [
            ("seed", part.record.seed.to_string()),
            ("preset", preset.clone()),
            ("variants", variants.join(", ")),
            ("arms", arms(part)),
            ("blocks", blocks.to_string()),
            ("rate_rps", rate_rps.to_string()),
            ("timed_ms", timed_ms.to_string()),
            ("warm_up_ms", warm_up_ms.to_string()),
            ("store_round_trips_ms", format!("{store_round_trips_ms:?}")),
            ("p99_bound_ms", format!("{p99_bound_ms:?}")),
            ("commit", part.record.environment.commit.clone()),
            ("profile", part.record.environment.profile.clone()),
        ]
    };
    for ((name, ours), (_, theirs)) in fields(first).into_iter().zip(fields(other)) {
        ensure!(
            ours == theirs,
            "merge: {name} is {ours} in {} and {theirs} in {}; name shards of one run",
            first.dir.display(),
            other.dir.display(),
        );
    }
    Ok(())
}

/// Refuses a shard that stands for two, and a set that is not whole.
fn all_there(parts: &[Part]) -> anyhow::Result<()> {
    let mut there = BTreeSet::new();
    for part in parts {
        let (dir, shard) = (part.dir.display(), &part.measuring.shard);
        Shard::from_str(shard).with_context(|| format!("{dir}: shard {shard:?} is none"))?;
        let (number, of) = shard.split_once('/').context("a shard is i/n")?;
        let (number, of) = (number.parse::<usize>()?, of.parse::<usize>()?);
        ensure!(
            of == parts.len(),
            "merge: {dir} is shard {shard}, but {} folders are named; name every shard once",
            parts.len()
        );
        ensure!(
            there.insert(number),
            "merge: {dir} is shard {shard}, and so is another; name every shard once"
        );
    }
    Ok(())
}

/// How far the cost may be believed: as far as that of the worst shard.
fn judged(parts: &[Part]) -> Option<SectionValidity> {
    let rows = parts.iter().flat_map(|part| {
        let rows = part.record.validity.iter();
        rows.map(move |row| (&part.measuring.shard, row))
    });
    let (shard, row) = rows
        .filter(|(_, row)| row.section == Section::Cost && row.validity != Validity::Ok)
        .max_by_key(|(_, row)| row.validity == Validity::Invalid)?;
    let because = row.because.as_deref().unwrap_or("it says so");
    Some(SectionValidity {
        because: Some(format!("shard {shard}: {because}")),
        ..row.clone()
    })
}
