//! What `claims` can be told.

use std::path::PathBuf;

/// What `claims` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct ClaimsArgs {
    /// Only these claims, separated by commas; --list names them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Run nothing: say which claims there are, who published them, and what
    #[arg(long, conflicts_with_all = ["only", "replay", "splice", "out", "json"])]
    pub list: bool,

    /// Turns of each side; an interval needs 5
    #[arg(
        long,
        value_name = "N",
        default_value_t = 6,
        value_parser = clap::value_parser!(u32).range(1..=100)
    )]
    pub blocks: u32,

    /// Length of one turn, in seconds
    #[arg(long, value_name = "S", default_value = "1.5", value_parser = seconds)]
    pub seconds: f64,

    /// Seed of every order that is drawn by lot
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,

    /// Where results land (default: runs/DATE-N, never overwritten)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print the outcomes as JSON on standard output; what is for people goes to standard error
    #[arg(long)]
    pub json: bool,

    /// Redis for the sides that need one (default: one that is found and started here)
    #[arg(long, value_name = "URL")]
    pub redis_url: Option<String>,

    /// The folder of Node scripts, after `npm ci` there
    #[arg(long, value_name = "DIR", default_value = "benches/claims/node")]
    pub node: PathBuf,

    /// A file, such as docs/CLAIMS.md, whose table to replace
    #[arg(long, value_name = "FILE")]
    pub splice: Option<PathBuf>,

    /// Run nothing: take the outcomes of an earlier run
    #[arg(long, value_name = "DIR", conflicts_with_all = ["only", "out", "redis_url"])]
    pub replay: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    match (0.2..=60.0).contains(&seconds) {
        true => Ok(seconds),
        false => Err("it must be at least 0.2 and at most 60".to_owned()),
    }
}
