//! What `measure`, `merge` and `self-test` can be told.

use std::path::PathBuf;
use std::time::Duration;

use super::{RunArgs, Swap, parse_swap};
use crate::load::schedule::Shard;

/// What `measure` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct MeasureArgs {
    /// What every command that runs arms can be told.
    #[command(flatten)]
    pub run: RunArgs,

    /// What is varied; `list` names the presets
    #[arg(long, value_name = "NAME", default_value = "quick")]
    pub preset: String,

    /// How often each arm is measured; 8 are the least for an interval worth having
    #[arg(
        long,
        value_name = "N",
        default_value_t = 12,
        value_parser = clap::value_parser!(u32).range(8..=1_000)
    )]
    pub blocks: u32,

    /// Requests a second, the same for every arm, whatever the servers do
    #[arg(long, value_name = "N", default_value = "2000", value_parser = positive)]
    pub rate: f64,

    /// How long each turn is timed, in seconds
    #[arg(long, value_name = "S", default_value = "1", value_parser = positive)]
    pub seconds: f64,

    /// Send only part i of n of every schedule: one of several machines; `merge` puts them together
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE)]
    pub shard: Shard,

    /// Run an arm with the settings of another, to see that the instrument notices
    #[arg(long, value_name = "ARM=OTHER", hide = true, value_parser = parse_swap)]
    pub swap: Option<Swap>,
}

impl MeasureArgs {
    /// How long each turn is timed.
    pub fn timed(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// What `merge` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct MergeArgs {
    /// The folder of every shard, in any order
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,

    /// Where results land (default: runs/DATE-N, never overwritten)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print the record as JSON on standard output; what is for people goes to standard error
    #[arg(long)]
    pub json: bool,
}

/// What `self-test` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct SelfTestArgs {
    /// Seed of the send times
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
}

/// A number above 0 that is none of the absurd ones.
fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    match number > 0.0 && number <= 1e7 {
        true => Ok(number),
        false => Err("it must be above 0 and at most 10000000".to_owned()),
    }
}
