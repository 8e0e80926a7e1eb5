//! Compares our servers with their peers: CPU per request, all in one run, in interleaved blocks
//! of random order, every answer checked.
//!
//! `cargo run --release` in this folder, after `cargo build --release` in the project's. What is
//! compared stands in [`subjects`], how it is started in [`start`], how it is driven in [`drive`].

mod drive;
mod output;
mod ratios;
mod start;
mod subjects;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;

use crate::output::Sample;
use crate::start::Started;
use crate::subjects::Subject;

/// Where `cargo build --release` leaves our executable.
const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/loadtest");

/// Compares our servers with their peers: CPU per request, interleaved, answers checked
#[derive(Debug, Parser)]
struct Args {
    /// Rounds; each drives every subject once, in an order of its own
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(3..))]
    rounds: u32,
    /// How long each subject is driven in a round, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 400)]
    block_ms: u64,
    /// Connections, each with a login of its own and one request at a time
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Decides the order of the blocks and the resampling
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Only these subjects, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// The Node peers too; needs `npm ci` in node/
    #[arg(long)]
    node: bool,
    /// Our executable
    #[arg(long, value_name = "FILE", default_value = OURS)]
    loadtest: PathBuf,
    /// Write samples and ratios to this file, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let subjects = chosen(&args)?;
    let folder = tempfile::tempdir()?;
    let cluster = start::cluster(&args.loadtest, folder.path()).await?;
    let mut started = Vec::new();
    for subject in subjects {
        let started_subject = start::start(&cluster, folder.path(), subject, args.connections)
            .await
            .with_context(|| format!("{} did not start", subject.name))?;
        started.push(started_subject);
    }
    let samples = rounds(&args, &mut started).await?;
    drop(started);
    cluster.stop().await?;
    let comparison = output::Comparison::new(args.seed, args.connections, samples);
    print!("{comparison}");
    if let Some(file) = &args.out {
        std::fs::write(file, serde_json::to_vec_pretty(&comparison)?)
            .with_context(|| format!("--out {}", file.display()))?;
    }
    Ok(())
}

fn chosen(args: &Args) -> Result<Vec<&'static Subject>> {
    for name in &args.only {
        ensure!(
            subjects::ALL.iter().any(|subject| subject.name == name),
            "--only {name}: no such subject; there are {}",
            subjects::ALL.map(|subject| subject.name).join(", ")
        );
    }
    let wanted = |subject: &&Subject| match args.only.is_empty() {
        true => args.node || !subject.is_node(),
        false => args.only.iter().any(|name| name == subject.name),
    };
    Ok(subjects::ALL.iter().filter(wanted).collect())
}

async fn rounds(args: &Args, started: &mut [Started]) -> Result<Vec<Sample>> {
    let mut random = rand_pcg::Pcg64::seed_from_u64(args.seed);
    let block = Duration::from_millis(args.block_ms);
    let mut samples = Vec::new();
    for round in 0..args.rounds {
        started.shuffle(&mut random);
        for subject in started.iter_mut() {
            eprint!(
                "\rround {} of {}: {:24}",
                round + 1,
                args.rounds,
                subject.name()
            );
            subject.log_in_again_when_old().await?;
            let driven = drive::drive(subject, block)
                .await
                .with_context(|| format!("{} in round {round}", subject.name()))?;
            samples.push(Sample::new(subject.name(), round, driven));
        }
    }
    eprint!("\r{:60}\r", "");
    Ok(samples)
}
