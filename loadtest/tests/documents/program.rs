//! Our programs' words, given to the definitions that they are run with.

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use loadtest::cli::Cli;

/// Processes of a cluster, which nobody starts by hand; what they are told is not for people.
const HIDDEN: [&str; 6] = [
    "claims-server",
    "trusting",
    "supervisor",
    "balancer",
    "healthcheck",
    "exec-watched",
];

/// Words that stand for a value, and a value that fits.
const STAND_INS: [(&str, &str); 7] = [
    ("N", "1"),
    ("MS", "1"),
    ("BYTES", "1"),
    ("IP", "127.0.0.1"),
    ("I/N", "1/2"),
    ("SHELL", "bash"),
    ("URL", "redis://127.0.0.1:6379"),
];

/// What the program's own definition says of its words.
pub(crate) fn judged(program: &str, words: &[String], in_passing: bool) -> Result<(), String> {
    let (program, words) = match (program, words) {
        ("loadtest", [first, rest @ ..]) if first == "server-jwt" || first == "server-session" => {
            (first.as_str(), rest)
        }
        ("loadtest", [first, ..]) if HIDDEN.contains(&first.as_str()) => return Ok(()),
        ("loadtest", [first, ..]) if first == "inspect" => ("server-jwt", words),
        _ => (program, words),
    };
    let words = words.iter().map(|word| {
        let stand_in = STAND_INS.iter().find(|(name, _)| name == word);
        OsString::from(stand_in.map_or(word.as_str(), |(_, value)| value))
    });
    let args = std::iter::once(OsString::from(program)).chain(words);
    let outcome = match program {
        "server-jwt" => server_jwt::Args::try_parse_from(args).map(drop),
        "server-session" => server_session::Args::try_parse_from(args).map(drop),
        _ => Cli::try_parse_from(args).map(drop),
    };
    let Err(error) = outcome else { return Ok(()) };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(()),
        ErrorKind::MissingRequiredArgument if in_passing => Ok(()),
        ErrorKind::InvalidValue if in_passing && lacks_its_value(&error) => Ok(()),
        _ => Err(error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()),
    }
}

/// Whether a flag was named and its value was left out.
fn lacks_its_value(error: &clap::Error) -> bool {
    match error.get(ContextKind::InvalidValue) {
        None | Some(ContextValue::None) => true,
        Some(ContextValue::String(value)) => value.is_empty(),
        Some(_) => false,
    }
}
