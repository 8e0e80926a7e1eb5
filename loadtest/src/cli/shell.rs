//! What `completions` and `man` can be told.

use std::path::PathBuf;

use clap_complete::Shell;

/// What `completions` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct CompletionsArgs {
    /// The shell that is to read it
    #[arg(value_name = "SHELL")]
    pub shell: Shell,

    /// The program whose command line is to be completed
    #[arg(
        long,
        value_name = "NAME",
        default_value = "loadtest",
        value_parser = ["loadtest", "server-session", "server-jwt"]
    )]
    pub program: String,
}

/// What `man` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct ManArgs {
    /// A folder for all pages, one for each command of loadtest and of the two servers (default:
    /// the page of loadtest alone, on standard output)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
