//! The command line: what can be asked for, and how a mistake in it is answered.
//! Long because every flag of every command stands here with its help.

pub mod claims;
pub mod measure;
pub mod plan;
pub mod shell;
pub mod soak;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::arms;
use claims::ClaimsArgs;
use measure::{MeasureArgs, MergeArgs, SelfTestArgs};
use plan::PlanArgs;
use shell::{CompletionsArgs, ManArgs};
use soak::SoakArgs;

/// What is printed when nothing is asked for.
pub const FIVE_LINES: &str = "\
demo      the main job: two servers, one application, and who is still logged in
watch     the live board: log in, and watch two servers remember you or not
measure   what a request costs, with intervals, and when not to believe it
inspect   take a token apart
list      arms, events and presets, and what each one shows";

/// Two ways to remember a login, two servers each: what survives, what can be ended, what it costs.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, max_term_width = 100)]
pub struct Cli {
    /// What to do; without it, five lines say what there is
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The headline table row by row, then the other arms, a report, and the live board
    Demo(DemoArgs),
    /// The live board alone
    Watch(WatchArgs),
    /// Survival and revocation: arms × events
    Matrix(MatrixArgs),
    /// Cost of a request: interleaved blocks at one rate, A/A arms, intervals; exits 3 if invalid
    Measure(MeasureArgs),
    /// One record from the shards of one run, without loss
    Merge(MergeArgs),
    /// HTML, Markdown and CSV from the records of runs
    Report(ReportArgs),
    /// Cores, memory, nodes, bandwidth for your users, from what records measured
    Plan(PlanArgs),
    /// The instrument against a server with known delays, failures, hops and a stall
    SelfTest(SelfTestArgs),
    /// An hour of people and faults, and a checker that finds what nothing explains
    Soak(SoakArgs),
    /// Published numbers: their set-ups built again, and the same without what made them
    Claims(ClaimsArgs),
    /// Take a token apart: header, payload, signature, and whether it holds
    #[command(disable_help_flag = true)]
    Inspect {
        /// See `inspect --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Arms, events and presets, and what each one shows
    List,
    /// What a shell needs to complete these commands and their flags
    Completions(CompletionsArgs),
    /// Manual pages, one for each command
    Man(ManArgs),
}

/// What every command that runs arms can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// Only these arms, separated by commas; `list` names them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub arms: Vec<String>,

    /// Seed of every order that is drawn by lot
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,

    /// Where results land (default: runs/DATE-N, never overwritten)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print the record as JSON on standard output; what is for people goes to standard error
    #[arg(long)]
    pub json: bool,

    /// Redis for the arms that need one (default: one that is found and started here)
    #[arg(long, value_name = "URL")]
    pub redis_url: Option<String>,
}

/// What `demo` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// What every command that runs arms can be told.
    #[command(flatten)]
    pub run: RunArgs,

    /// End when the run has ended, instead of keeping the board open
    #[arg(long)]
    pub once: bool,

    /// Port of the board (default: 4401, or the next free one)
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
}

/// What `watch` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct WatchArgs {
    /// Port of the board (default: 4401, or the next free one)
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,

    /// Servers that somebody else has started, instead of own ones: a file that says where they
    /// are (docs/TARGETS.md)
    #[arg(long, value_name = "FILE", env = "SVJ_TARGET")]
    pub target: Option<PathBuf>,

    /// The folder that those servers share with the board: what holds them back from starting,
    /// and their keys
    #[arg(long, value_name = "DIR", requires = "target")]
    pub shared: Option<PathBuf>,

    /// Address to listen on
    #[arg(
        long,
        value_name = "IP",
        default_value = "127.0.0.1",
        conflicts_with = "room"
    )]
    pub listen: IpAddr,

    /// For a workshop: listen on the local network, print the address and a QR code, give every
    /// guest a user of their own; only the presenter's link breaks things
    #[arg(long)]
    pub room: bool,

    /// Lock the servers: nobody strikes one from the page; logging in is free
    #[arg(long)]
    pub read_only: bool,

    /// Redis for the pools that need one (default: one that is found and started here)
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
}

/// What `matrix` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct MatrixArgs {
    /// What every command that runs arms can be told.
    #[command(flatten)]
    pub run: RunArgs,

    /// All arms and all events, not only the headline's
    #[arg(long)]
    pub all: bool,

    /// Ask servers that are running already, as this file describes them (docs/TARGETS.md)
    #[arg(
        long,
        value_name = "FILE",
        env = "SVJ_TARGET",
        conflicts_with_all = ["redis_url", "swap"],
    )]
    pub target: Option<PathBuf>,

    /// Run an arm with the settings of another, to see that the matrix notices
    #[arg(long, value_name = "ARM=OTHER", hide = true, value_parser = parse_swap)]
    pub swap: Option<Swap>,
}

/// What `report` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    /// Folders of runs
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,

    /// Where to write (default: beside the record)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Your own handler's time, to set the cost beside, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5.0)]
    pub handler_ms: f64,

    /// A file whose block to replace: README.md's report, or docs/DECIDE.md's choice
    #[arg(long, value_name = "FILE")]
    pub splice: Option<PathBuf>,

    /// The ladder to show beside: `cargo bench --bench ladder` leaves one in target/ladder
    #[arg(long, value_name = "DIR")]
    pub ladder: Option<PathBuf>,

    /// A run of `measure` whose costs to show, instead of the run's own hint or of none
    #[arg(long, value_name = "DIR")]
    pub cost: Option<PathBuf>,

    /// Another run to hold this one against: what came out otherwise
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
}

/// An arm that is run with the settings of another.
#[derive(Debug, Clone, Copy)]
pub struct Swap {
    /// The arm.
    pub arm: &'static arms::Arm,
    /// Whose settings it gets.
    pub with: &'static arms::Arm,
}

fn parse_swap(text: &str) -> Result<Swap, String> {
    let arm = |name: &str| arms::find(name).ok_or_else(|| format!("there is no arm {name:?}"));
    let (name, with) = text.split_once('=').ok_or("write it as ARM=OTHER")?;
    Ok(Swap {
        arm: arm(name)?,
        with: arm(with)?,
    })
}

/// Reads the command line. An error is one line for the user, on standard error but for `--help`
/// and `--version`, and the exit code.
///
/// # Errors
/// When it asks for help, or for something that there is not.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, (String, u8)> {
    Cli::try_parse_from(args).map_err(|error| one_line("loadtest", &error))
}

/// A mistake in the command line of `program`, in one line with its remedy.
pub fn one_line(program: &str, error: &clap::Error) -> (String, u8) {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return (error.to_string().trim_end().to_owned(), 0);
    }
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let what = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let what = what
        .trim_start_matches("error: ")
        .trim_end_matches('.')
        .to_owned();
    let suggested = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(flag)) => format!("did you mean {flag}? "),
        _ => String::new(),
    };
    (
        format!("{program}: {what}; {suggested}`{program} --help` lists what there is"),
        2,
    )
}

/// The flags that take a URL.
const URLS: [&str; 2] = ["--redis-url", "--target-store"];

/// The command line as it was typed, as a record keeps it.
pub fn as_typed(args: &[OsString]) -> String {
    let mut words = vec![Cli::command().get_name().to_owned()];
    let mut secret = false;
    for arg in args.iter().skip(1) {
        let arg = arg.to_string_lossy();
        // A URL may hold a password, and records are published.
        let flag = arg.split('=').next().unwrap_or_default();
        let takes_url = URLS.contains(&flag);
        if secret {
            words.push("URL".to_owned());
        } else if takes_url && flag.len() < arg.len() {
            words.push(format!("{flag}=URL"));
        } else {
            words.push(arg.clone().into_owned());
        }
        secret = takes_url && flag.len() == arg.len();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Cli, (String, u8)> {
        parse(
            std::iter::once("loadtest")
                .chain(words.iter().copied())
                .map(OsString::from),
        )
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mistake_is_one_line_with_a_remedy_and_exit_code_2() {
        for words in [
            &["demo", "--onec"][..],
            &["matrix", "--seed", "many"],
            &["report"],
            &["masure"],
            &["matrix", "--swap", "jwt=trusting"],
            &["watch", "--port", "70000"],
        ] {
            let (line, code) = parsed(words).unwrap_err();
            assert_eq!(code, 2, "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
            assert!(
                line.starts_with("loadtest: ") && line.contains("--help"),
                "{line}"
            );
        }
        let (line, _) = parsed(&["demo", "--onec"]).unwrap_err();
        assert!(
            line.contains("--onec") && line.contains("did you mean --once?"),
            "{line}"
        );
    }

    #[test]
    fn help_is_no_mistake() {
        let (text, code) = parsed(&["--help"]).unwrap_err();
        assert_eq!(code, 0);
        assert!(text.contains("demo") && !text.contains("swap"), "{text}");
    }

    #[test]
    fn a_record_names_its_command_without_passwords() {
        let args = [
            "x",
            "matrix",
            "--redis-url",
            "redis://:secret@host",
            "--all",
        ];
        let typed = as_typed(&args.map(OsString::from));
        assert_eq!(typed, "loadtest matrix --redis-url URL --all");
        let args = ["x", "matrix", "--redis-url=redis://:secret@host"];
        assert_eq!(
            as_typed(&args.map(OsString::from)),
            "loadtest matrix --redis-url=URL"
        );
        let args = ["x", "measure", "--target-store", "redis://:secret@host"];
        assert_eq!(
            as_typed(&args.map(OsString::from)),
            "loadtest measure --target-store URL"
        );
    }
}
