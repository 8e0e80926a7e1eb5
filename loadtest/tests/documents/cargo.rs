//! Cargo's own words: that the packages, tests, examples and benches exist that they name.

use crate::program;
use crate::tree::Tree;

/// What cargo may be told in here.
pub(crate) const CARGO_FLAGS: [&str; 14] = [
    "--release",
    "--locked",
    "--workspace",
    "--test",
    "--example",
    "--bench",
    "--bin",
    "--lib",
    "--doc",
    "--no-deps",
    "--no-run",
    "--all-targets",
    "--package",
    "--quiet",
];

/// Cargo's words: that what they name exists, and what follows `--` is understood.
pub(crate) fn judged(words: &[String], tree: &Tree, in_passing: bool) -> Result<(), String> {
    let ends = words.iter().position(|word| word == "--");
    let (own, passed) = match ends {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (words, &[][..]),
    };
    let own: Vec<_> = own.iter().filter(|word| !word.starts_with('+')).collect();
    let Some((subcommand, own)) = own.split_first() else {
        return Ok(());
    };
    let builds = ["run", "build", "test", "bench", "check", "doc", "clippy"];
    if !builds.contains(&subcommand.as_str()) {
        return Ok(());
    }
    let mut runs = "loadtest";
    let mut own = own.iter();
    while let Some(flag) = own.next() {
        if !flag.starts_with('-') {
            continue;
        }
        if flag.as_str() != "-p" && !CARGO_FLAGS.contains(&flag.as_str()) {
            return Err(format!(
                "cargo is told {flag}, which this test does not know"
            ));
        }
        let folder = match flag.as_str() {
            "-p" | "--package" | "--bin" => "",
            "--test" => "tests",
            "--example" => "examples",
            "--bench" => "benches",
            _ => continue,
        };
        let name = own.next().map_or("", |name| name.as_str());
        if name.chars().all(|it| it.is_ascii_uppercase()) {
            continue;
        }
        let places = match folder {
            "" => vec![format!("{name}/Cargo.toml")],
            kind => vec![
                format!("{kind}/{name}.rs"),
                format!("{kind}/{name}/main.rs"),
            ],
        };
        if !places.iter().any(|place| tree.has_somewhere(place)) {
            return Err(format!("there is no {flag} {name}"));
        }
        runs = match folder {
            "" => name,
            _ => "another",
        };
    }
    match (subcommand.as_str(), runs) {
        ("run", "loadtest" | "server-jwt" | "server-session") => {
            program::judged(runs, passed, in_passing)
        }
        _ => Ok(()),
    }
}
