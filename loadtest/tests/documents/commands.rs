//! Commands: those of this repository are given to the same definitions that run them.
//!
//! What other programs are told is theirs to say; cargo's and Docker's words are read only as far
//! as they lead to ours.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use loadtest::cli::Cli;

use crate::cargo::{self, CARGO_FLAGS};
use crate::page::Page;
use crate::program;
use crate::shell;
use crate::tree::{Tree, resolved};

/// Packages with command lines of their own, outside the workspace.
const OTHER_PACKAGES: [&str; 3] = ["benches/peers", "benches/rust-crypto", "fuzz"];

/// A command as it stands on a page.
struct Said<'a> {
    words: &'a [String],
    /// The folder it is typed in.
    folder: &'a str,
    /// Named in a sentence, so it may leave out what every reader would add.
    in_passing: bool,
}

/// How many commands were checked, and every one that would not be understood.
pub(crate) fn faults(pages: &[Page], tree: &Tree) -> (usize, Vec<String>) {
    let flags = known_flags();
    let mut checked = 0;
    let mut faults = Vec::new();
    for page in pages {
        let mut note = |line, said: &str, outcome: Option<Result<(), String>>| {
            checked += usize::from(outcome.is_some());
            if let Some(Err(fault)) = outcome {
                faults.push(format!("{}: `{said}`: {fault}", page.at(line)));
            }
        };
        for block in &page.blocks {
            if block.language.is_empty() {
                let fault = "a block says what it is: sh, text, json …";
                note(block.line, "```", Some(Err(fault.to_owned())));
            }
            if block.language != "sh" {
                continue;
            }
            for line in shell::commands(&block.text) {
                let said = Said {
                    words: &line.words,
                    folder: line.folder.trim_start_matches('/'),
                    in_passing: false,
                };
                let at = block.line + 1 + line.at;
                note(at, &line.words.join(" "), judged(&said, page, tree));
            }
        }
        for (line, span) in &page.spans {
            note(*line, span, mentioned(span, page, tree, &flags));
        }
    }
    (checked, faults)
}

/// Words in a sentence: a command, one of our subcommands with its flags, or flags alone.
fn mentioned(
    span: &str,
    page: &Page,
    tree: &Tree,
    flags: &BTreeSet<String>,
) -> Option<Result<(), String>> {
    let mut words = shell::commands(span).into_iter().next()?.words;
    let first = words.first()?.clone();
    if is_other_package(page.folder()) {
        return None;
    }
    if let Some(flag) = first.strip_prefix("--").filter(|flag| !flag.is_empty()) {
        let flag = flag.split(['=', ':']).next().unwrap_or(flag);
        let known = flags.contains(flag) || CARGO_FLAGS.contains(&format!("--{flag}").as_str());
        let here = || uses_flag(page, flag);
        return Some(match known || here() {
            true => Ok(()),
            false => Err("nothing has this flag".to_owned()),
        });
    }
    let is_ours = Cli::command()
        .get_subcommands()
        .any(|one| one.get_name() == first);
    if is_ours {
        // One word is a word; with a flag or a stand-in after it, it is a command.
        let next = words.get(1)?;
        if !next.starts_with('-') && next.chars().any(|it| it.is_ascii_lowercase()) {
            return None;
        }
        words.insert(0, "loadtest".to_owned());
    }
    let said = Said {
        words: &words,
        folder: "",
        in_passing: true,
    };
    judged(&said, page, tree)
}

/// Whether a command on this page, of whatever program, has that flag.
fn uses_flag(page: &Page, flag: &str) -> bool {
    let flag = format!("--{flag}");
    let blocks = page.blocks.iter().filter(|block| block.language == "sh");
    let lines = blocks.flat_map(|block| shell::commands(&block.text));
    lines.into_iter().any(|line| line.words.contains(&flag))
}

/// Whether it would be understood; nothing if it is no command of ours.
fn judged(said: &Said<'_>, page: &Page, tree: &Tree) -> Option<Result<(), String>> {
    let (program, rest) = said.words.split_first()?;
    let folder = resolved(page.folder(), said.folder).unwrap_or_default();
    if is_other_package(&folder) || is_other_package(said.folder) {
        return None;
    }
    if program.starts_with(".ci/") {
        return Some(match tree.has_file(program) {
            true => Ok(()),
            false => Err("there is no such file".to_owned()),
        });
    }
    let name = program.rsplit('/').next().unwrap_or(program);
    match name {
        "loadtest" | "server-jwt" | "server-session" => {
            Some(program::judged(name, rest, said.in_passing))
        }
        "cargo" => Some(cargo::judged(rest, tree, said.in_passing)),
        "docker" => {
            let at = rest.iter().position(|word| word == "run")?;
            let mut words = rest[at + 1..]
                .iter()
                .skip_while(|word| word.starts_with('-'));
            let is_ours = words.next().is_some_and(|service| service == "loadtest");
            let words: Vec<_> = words.cloned().collect();
            is_ours.then(|| program::judged("loadtest", &words, said.in_passing))
        }
        _ => None,
    }
}

/// Every long flag of every program, hidden ones too.
fn known_flags() -> BTreeSet<String> {
    let mut flags = BTreeSet::from(["help".to_owned(), "version".to_owned()]);
    let mut commands = vec![
        Cli::command(),
        server_jwt::Args::command(),
        server_session::Args::command(),
    ];
    while let Some(command) = commands.pop() {
        let long = command.get_arguments().filter_map(|one| one.get_long());
        flags.extend(long.map(str::to_owned));
        commands.extend(command.get_subcommands().cloned());
    }
    flags
}

fn is_other_package(folder: &str) -> bool {
    OTHER_PACKAGES
        .iter()
        .any(|package| folder == *package || folder.starts_with(&format!("{package}/")))
}
