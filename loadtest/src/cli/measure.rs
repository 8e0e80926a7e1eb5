//! What `measure` can be asked for.

use std::time::Duration;

use super::RunArgs;

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
        default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(8..=1_000)
    )]
    pub blocks: u32,

    /// Requests a second, the same for every arm, whatever the servers do
    #[arg(long, value_name = "N", default_value = "2000", value_parser = positive)]
    pub rate: f64,

    /// How long each turn is timed, in seconds
    #[arg(long, value_name = "S", default_value = "2", value_parser = positive)]
    pub seconds: f64,
}

impl MeasureArgs {
    /// How long each turn is timed.
    pub fn timed(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// A number above 0 that is none of the absurd ones.
fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    match number > 0.0 && number <= 1e7 {
        true => Ok(number),
        false => Err("it must be above 0 and at most 10000000".to_owned()),
    }
}
