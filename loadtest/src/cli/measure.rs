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

    /// Only this of what the preset varies, beside the usual way; may be given several times
    #[arg(long, value_name = "NAME")]
    pub variant: Vec<String>,

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

    /// How long the load goes on before that, in seconds
    #[arg(long, value_name = "S", default_value = "0.5", value_parser = positive)]
    pub warm_up: f64,

    /// With --preset capacity: 99 % must be answered within so many milliseconds, from the time
    /// at which they should have been sent
    #[arg(long, value_name = "MS", default_value = "10", value_parser = positive)]
    pub p99_ms: f64,

    /// Send only part i of n of every schedule: one of several machines; `merge` puts them together
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE)]
    pub shard: Shard,

    /// Ask servers that are running already, as this file describes them (docs/TARGETS.md); they
    /// say themselves what they used, which is a hint only
    #[arg(
        long,
        value_name = "FILE",
        env = "SVJ_TARGET",
        conflicts_with_all = ["redis_url", "swap", "waste_ns"],
    )]
    pub target: Option<PathBuf>,

    /// With --target: the Redis behind those servers, which is asked what it used
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    pub target_store: Option<String>,

    /// Run an arm with the settings of another, to see that the instrument notices
    #[arg(long, value_name = "ARM=OTHER", hide = true, value_parser = parse_swap)]
    pub swap: Option<Swap>,

    /// CPU time that an arm swapped with `trusting` wastes on each check, in nanoseconds
    #[arg(long, value_name = "NS", hide = true, default_value_t = 0)]
    pub waste_ns: u64,
}

impl MeasureArgs {
    /// How long each turn is timed.
    pub fn timed(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Within how much 99 % must be answered, where the highest rate is looked for.
    pub fn p99_bound(&self) -> Duration {
        Duration::from_secs_f64(self.p99_ms / 1e3)
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
