//! What `soak` can be told.

use std::path::PathBuf;

use super::RunArgs;

/// What `soak` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct SoakArgs {
    /// What every command that runs arms can be told.
    #[command(flatten)]
    pub run: RunArgs,

    /// How long it goes on, in minutes
    #[arg(long, value_name = "N", default_value = "60", value_parser = minutes)]
    pub minutes: f64,

    /// Run nothing: check the history of an earlier soak again
    #[arg(long, value_name = "DIR", conflicts_with_all = ["arms", "out", "redis_url"])]
    pub replay: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    match (0.2..=1_440.0).contains(&minutes) {
        true => Ok(minutes),
        false => Err("it must be at least 0.2 and at most 1440".to_owned()),
    }
}
