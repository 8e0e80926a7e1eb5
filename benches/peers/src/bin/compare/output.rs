//! What a run showed: as JSON, and as two tables for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::drive::Driven;
use crate::ratios::{Estimate, estimate};
use crate::start::Role;
use crate::subjects;

/// One block of one subject.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    subject: &'static str,
    round: u32,
    requests: u64,
    cpu_ns: BTreeMap<Role, u64>,
}

impl Sample {
    /// What `driven` showed of `subject` in `round`.
    pub(crate) fn new(subject: &'static str, round: u32, driven: Driven) -> Self {
        Self {
            subject,
            round,
            requests: driven.requests,
            cpu_ns: driven.cpu_ns.into_iter().collect(),
        }
    }

    /// CPU microseconds per request of one process, or of all together.
    fn cpu_us_per_request(&self, role: Option<Role>) -> f64 {
        let counted = |entry: &(&Role, &u64)| role.is_none_or(|role| role == *entry.0);
        let ns: u64 = self.cpu_ns.iter().filter(counted).map(|(_, ns)| ns).sum();
        ns as f64 / 1000.0 / self.requests as f64
    }
}

/// A run: its samples, and what follows from them.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    seed: u64,
    connections: u32,
    versions: BTreeMap<&'static str, String>,
    costs: Vec<Cost>,
    ratios: Vec<MeasuredRatio>,
    samples: Vec<Sample>,
}

#[derive(Debug, Serialize)]
struct Cost {
    subject: &'static str,
    label: &'static str,
    cpu_us_per_request: Estimate,
    by_process: BTreeMap<Role, Estimate>,
    requests: u64,
}

#[derive(Debug, Serialize)]
struct MeasuredRatio {
    ours: &'static str,
    theirs: &'static str,
    ratio: Estimate,
    at_most: Option<f64>,
    kept: Option<bool>,
}

impl Comparison {
    /// Costs and ratios of `samples`.
    pub(crate) fn new(seed: u64, connections: u32, samples: Vec<Sample>) -> Self {
        let costs = subjects::ALL
            .iter()
            .filter_map(|subject| cost(subject, &samples, seed));
        let ratios = subjects::RATIOS
            .iter()
            .filter_map(|ratio| measured(ratio, &samples, seed));
        Self {
            seed,
            connections,
            versions: versions(),
            costs: costs.collect(),
            ratios: ratios.collect(),
            samples,
        }
    }
}

fn cost(subject: &subjects::Subject, samples: &[Sample], seed: u64) -> Option<Cost> {
    let of: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.subject == subject.name)
        .collect();
    let estimated = |role: Option<Role>| {
        let values: Vec<f64> = of
            .iter()
            .map(|sample| sample.cpu_us_per_request(role))
            .collect();
        estimate(&values, seed)
    };
    let roles = of.first()?.cpu_ns.keys();
    Some(Cost {
        subject: subject.name,
        label: subject.label,
        cpu_us_per_request: estimated(None)?,
        by_process: roles
            .filter_map(|role| Some((*role, estimated(Some(*role))?)))
            .collect(),
        requests: of.iter().map(|sample| sample.requests).sum(),
    })
}

/// The ratio within each round, so that what disturbs a round stands above and below the line.
fn measured(ratio: &subjects::Ratio, samples: &[Sample], seed: u64) -> Option<MeasuredRatio> {
    let of = |name: &str| -> BTreeMap<u32, f64> {
        let named = samples.iter().filter(|sample| sample.subject == name);
        named
            .map(|sample| (sample.round, sample.cpu_us_per_request(None)))
            .collect()
    };
    let (ours, theirs) = (of(ratio.ours), of(ratio.theirs));
    let values = ours
        .iter()
        .filter_map(|(round, ours)| Some(ours / theirs.get(round)?));
    let estimated = estimate(&values.collect::<Vec<f64>>(), seed)?;
    Some(MeasuredRatio {
        ours: ratio.ours,
        theirs: ratio.theirs,
        ratio: estimated,
        at_most: ratio.at_most,
        kept: ratio.at_most.map(|at_most| estimated.median <= at_most),
    })
}

/// What the numbers belong to.
fn versions() -> BTreeMap<&'static str, String> {
    let first_line = |program: &str, flag: &str| {
        let output = std::process::Command::new(program)
            .arg(flag)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().next().map(str::to_owned)
    };
    let asked = [
        ("rustc", "--version"),
        ("redis-server", "--version"),
        ("haproxy", "-v"),
        ("node", "--version"),
    ];
    let found = asked.into_iter();
    found
        .filter_map(|(program, flag)| Some((program, first_line(program, flag)?)))
        .collect()
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:21} {:42} {:>8}  {:15}  by process",
            "CPU us per request", "", "median", "95 %"
        )?;
        for cost in &self.costs {
            let total = cost.cpu_us_per_request;
            write!(
                f,
                "{:21} {:42} {:8.2}  {:6.2} .. {:6.2}",
                cost.subject, cost.label, total.median, total.interval[0], total.interval[1]
            )?;
            for (role, part) in &cost.by_process {
                write!(f, "  {role:?} {:.2}", part.median)?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "\n{:44} {:>8}  {:15}  promised",
            "ratio of CPU per request", "median", "95 %"
        )?;
        for ratio in &self.ratios {
            let pair = format!("{} / {}", ratio.ours, ratio.theirs);
            let [low, high] = ratio.ratio.interval;
            write!(
                f,
                "{pair:44} {:8.3}  {low:6.3} .. {high:6.3}",
                ratio.ratio.median
            )?;
            if let (Some(at_most), Some(kept)) = (ratio.at_most, ratio.kept) {
                let word = if kept { "kept" } else { "MISSED" };
                write!(f, "  <= {at_most:.2} {word}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
