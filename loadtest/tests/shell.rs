//! Completions, asked for in a real shell, and manual pages, read by the program that sets them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it stands"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory as _;
use loadtest::cli::Cli;
use loadtest::dispatch;
use loadtest::failure::exit;

const LOADTEST: &str = env!("CARGO_BIN_EXE_loadtest");
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

fn run(args: &[&str]) -> Output {
    Command::new(LOADTEST).args(args).output().unwrap()
}

fn printed(args: &[&str]) -> String {
    let output = run(args);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(told, "");
    String::from_utf8(output.stdout).unwrap()
}

/// What bash offers for the last of `words`, by the function that it says it would ask.
fn offered(program: &str, words: &str) -> Vec<String> {
    let script = format!(
        "source <('{LOADTEST}' completions bash --program {program}) || exit 9
         asked=$(complete -p {program})
         asked=${{asked##* -F }} && asked=${{asked%% *}}
         COMP_LINE='{words}' COMP_POINT=${{#COMP_LINE}}
         read -ra COMP_WORDS <<< \"$COMP_LINE\"
         [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
         \"$asked\" {program} \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && told.is_empty(), "{told}");
    let offered = String::from_utf8(output.stdout).unwrap();
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_their_values() {
    for (program, words, offers) in [
        ("loadtest", "loadtest ma", &["matrix", "man"][..]),
        ("loadtest", "loadtest measure --bl", &["--blocks"]),
        ("loadtest", "loadtest completions z", &["zsh"]),
        ("loadtest", "loadtest inspect --verify", &["--verify-only"]),
        ("server-session", "server-session --store c", &["cached"]),
        ("server-jwt", "server-jwt keygen --alg Ed", &["EdDSA"]),
        (
            "server-jwt",
            "server-jwt --revoke deny-list-",
            &["deny-list-synced"],
        ),
    ] {
        assert_eq!(offered(program, words), offers, "{words}");
    }
    let commands = offered("loadtest", "loadtest ");
    for command in Cli::command().get_subcommands() {
        let name = command.get_name().to_owned();
        assert!(commands.contains(&name), "{name}: {commands:?}");
    }
    assert!(!commands.contains(&"supervisor".to_owned()));
}

#[test]
fn every_shell_gets_every_command_and_its_flags() {
    for shell in SHELLS {
        let text = printed(&["completions", shell]);
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(text.contains(name), "{shell}: no {name}");
        }
        for flag in ["warm-up", "read-only", "redis-url", "verify-only"] {
            assert!(text.contains(flag), "{shell}: no --{flag}");
        }
    }
}

#[test]
fn a_shell_that_there_is_not_is_one_line_with_those_that_there_are() {
    for (args, names) in [
        (&["completions", "tcsh"][..], &["tcsh", "bash", "fish"][..]),
        (&["completions"], &["SHELL", "--help"]),
        (
            &["completions", "bash", "--program", "redis"],
            &["--program", "redis", "server-jwt"],
        ),
        (
            &["man", "--out", "/dev/null/pages"],
            &["--out", "/dev/null/pages", "name a folder"],
        ),
    ] {
        let output = run(args);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        for name in names {
            assert!(line.contains(name), "{name:?} is not in: {line}");
        }
    }
}

/// A page as `man` shows it. Fails where groff has anything to say of it.
fn set(page: &Path) -> String {
    let output = Command::new("groff")
        .args([
            "-man",
            "-Tutf8",
            "-Kutf8",
            "-ww",
            "-P-c",
            "-P-u",
            "-P-b",
            "-rLL=100n",
        ])
        .arg(page)
        .output()
        .expect("groff sets manual pages; on Debian: apt-get install groff-base");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && told.is_empty(), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_a_page_without_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    let said = printed(&["man", "--out", pages.to_str().unwrap()]);
    let mut expected = Vec::new();
    for program in dispatch::programs() {
        let name = program.get_name();
        expected.push(format!("{name}.1"));
        let inner = program.get_subcommands().map(|one| one.get_name());
        expected.extend(inner.map(|one| format!("{name}-{one}.1")));
    }
    assert!(
        said.starts_with(&format!("{} pages in ", expected.len())),
        "{said}"
    );
    assert_eq!(fs::read_dir(&pages).unwrap().count(), expected.len());
    for name in expected {
        let text = set(&pages.join(&name));
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            let is_there = text.lines().any(|line| line == heading);
            assert!(is_there, "{name} has no {heading}:\n{text}");
        }
    }
}

#[test]
fn the_pages_say_what_the_command_line_says() {
    let folder = tempfile::tempdir().unwrap();
    printed(&["man", "--out", folder.path().to_str().unwrap()]);
    let measure = set(&folder.path().join("loadtest-measure.1"));
    assert!(
        measure.contains("How often each arm is measured"),
        "{measure}"
    );
    assert!(!measure.contains("--swap"), "hidden flags stay hidden");
    let inspect = set(&folder.path().join("loadtest-inspect.1"));
    assert!(inspect.contains("--verify-only"), "{inspect}");

    let main = printed(&["man"]);
    assert_eq!(
        main,
        fs::read_to_string(folder.path().join("loadtest.1")).unwrap()
    );
    let main = set(&folder.path().join("loadtest.1"));
    for (code, meaning) in exit::ALL {
        let line = main
            .lines()
            .find(|line| line.trim_start().starts_with(&code.to_string()));
        assert!(
            line.is_some() && main.contains(meaning),
            "{code} {meaning}:\n{main}"
        );
    }
}
