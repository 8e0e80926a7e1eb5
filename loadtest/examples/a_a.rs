//! Whether `measure` calls a difference where there is none, and misses one that there is: an arm
//! against itself under another name, again and again, then with a cost injected of twice the
//! least that the runs before said they would show.
//!
//! `cargo build --release && cargo run --release -p loadtest --example a_a -- --runs 40`
//!
//! Each run is one of `measure`, as people start it, with a seed of its own. Exits 1 if more than a
//! tenth of the equal pairs are called different, or fewer than nine tenths of the unequal ones.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use loadtest::record::{Comparison, Record, Verdict};

/// The arm that stands for `trusting` under another name. Its own twin is in every run anyway; the
/// band comes from that one, and so it proves nothing about itself.
const ARM: &str = "jwt-hs256";

/// What every figure is compared with.
const ZERO: &str = "trusting";

const METRIC: &str = "cpu_ns_per_request";

#[derive(Parser)]
struct Args {
    /// Comparisons of either kind
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
    /// Blocks of each run
    #[arg(long, default_value_t = 8)]
    blocks: u32,
    /// Seconds that each turn is timed
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Requests a second
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// Seed of the first run; each takes the next
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let runs = Runs {
        executable: executable()?,
        folder: folder.path(),
        args: &args,
    };
    println!("An arm against itself, {} times:", args.runs);
    let equal = runs.all(0)?;
    let waste_ns = (2.0 * median(&equal, |run| run.least_ns)).round() as u64;
    println!("\nThe same with {waste_ns} ns wasted on each check, twice the median of the least:");
    let unequal = runs.all(waste_ns)?;

    let called = |runs: &[Run], is: fn(Verdict) -> bool| {
        runs.iter().filter(|run| is(run.verdict)).count() as u32
    };
    let false_calls = called(&equal, |verdict| verdict != Verdict::NoDifferenceShown);
    let hits = called(&unequal, |verdict| verdict == Verdict::More);
    let (most, fewest) = (args.runs / 10, args.runs - args.runs / 10);
    println!(
        "\nequal, called different:  {false_calls} of {} (at most {most})",
        args.runs
    );
    println!(
        "unequal, called more:     {hits} of {} (at least {fewest})",
        args.runs
    );
    Ok(match false_calls <= most && hits >= fewest {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}

/// What one run said of the pair.
struct Run {
    verdict: Verdict,
    /// The least difference that it would have shown more often than not.
    least_ns: f64,
}

struct Runs<'a> {
    executable: PathBuf,
    folder: &'a Path,
    args: &'a Args,
}

impl Runs<'_> {
    fn all(&self, waste_ns: u64) -> Result<Vec<Run>> {
        (0..self.args.runs).map(|n| self.one(n, waste_ns)).collect()
    }

    fn one(&self, n: u32, waste_ns: u64) -> Result<Run> {
        let (began, args) = (Instant::now(), self.args);
        let out = self.folder.join(format!("{waste_ns}-{n}"));
        let mut command = Command::new(&self.executable);
        command.arg("measure").arg("--out").arg(&out);
        for (flag, value) in [
            ("--arms", ARM.to_owned()),
            ("--swap", format!("{ARM}={ZERO}")),
            ("--waste-ns", waste_ns.to_string()),
            ("--blocks", args.blocks.to_string()),
            ("--seconds", args.seconds.to_string()),
            ("--warm-up", "0.2".to_owned()),
            ("--rate", args.rate.to_string()),
            ("--seed", (args.seed + u64::from(n)).to_string()),
        ] {
            command.args([flag, &value]);
        }
        let output = command.stdin(Stdio::null()).output()?;
        ensure!(
            output.status.success(),
            "run {n} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stdout)
        );
        let record = Record::load(&out)?;
        let pair = |one: &&Comparison| {
            let usual = one.variant.is_none() && one.against_variant.is_none();
            usual && one.metric == METRIC && (one.arm.as_str(), one.against.as_str()) == (ARM, ZERO)
        };
        let found = record.comparisons.iter().find(pair);
        let found = found.context("the pair was not compared")?;
        let share = found.minimum_detectable_share.context("too few blocks")?;
        let run = Run {
            verdict: found.verdict,
            least_ns: share * cost_of_zero_ns(&record).context("the zero line has no cost")?,
        };
        println!("{}", line(n, found, &run, began.elapsed().as_secs()));
        Ok(run)
    }
}

/// What a request cost of whom all are compared with, mean over blocks.
fn cost_of_zero_ns(record: &Record) -> Option<f64> {
    let measures = record.measures.iter();
    let zero = measures.filter(|one| one.arm == ZERO && one.variant.is_none());
    let costs: Option<Vec<f64>> = zero.map(|one| one.cpu_ns_per_request.server).collect();
    let costs = costs.filter(|costs| !costs.is_empty())?;
    Some(costs.iter().sum::<f64>() / costs.len() as f64)
}

fn line(n: u32, found: &Comparison, run: &Run, seconds: u64) -> String {
    let mut line = format!("{:3}  ratio {:.3}", n + 1, found.ratio);
    if let Some([low, high]) = found.interval {
        let _ = write!(line, " [{low:.3}, {high:.3}]");
    }
    let said = match run.verdict {
        Verdict::Less => "less",
        Verdict::More => "more",
        Verdict::NoDifferenceShown => "no difference shown",
    };
    let _ = write!(
        line,
        "  least {:.0} ns  {said}  ({seconds} s)",
        run.least_ns
    );
    line
}

fn median(runs: &[Run], figure: fn(&Run) -> f64) -> f64 {
    let mut figures: Vec<_> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The executable that was built with this example.
fn executable() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent);
    let executable = folder
        .context("an example lies in a folder")?
        .join("loadtest");
    match executable.exists() {
        true => Ok(executable),
        false => bail!("{} is missing; cargo build --release", executable.display()),
    }
}
