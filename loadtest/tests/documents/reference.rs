//! The tables of docs/REFERENCE.md that are made from the code.
//!
//! Each stands between two marks. `UPDATE_REFERENCE=1` writes them anew.

use std::fmt::Write as _;
use std::fs;

use clap::Command;
use loadtest::failure::exit;
use loadtest::{arms, dispatch, events};

use crate::tree::Tree;

const PAGE: &str = "docs/REFERENCE.md";

#[test]
fn the_reference_says_what_the_code_says() {
    let path = Tree::of_the_repository().root().join(PAGE);
    let page = fs::read_to_string(&path).expect("the page is there");
    let mut wanted = page.clone();
    for (name, table) in [
        ("commands", commands()),
        ("exit-codes", exit_codes()),
        ("environment", environment()),
        ("arms", arms()),
        ("events", events()),
    ] {
        wanted = with_block(&wanted, name, &table);
    }
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, &wanted).expect("the page can be written");
        return;
    }
    let stale = page
        .lines()
        .zip(wanted.lines())
        .find(|(is, to_be)| is != to_be);
    assert!(page == wanted, "{PAGE} is stale, first here: {stale:#?}");
}

/// `page` with `table` between the marks of that name.
fn with_block(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (
        format!("<!-- BEGIN: {name} -->\n"),
        format!("<!-- END: {name} -->"),
    );
    let (before, rest) = page.split_once(&begin).expect("the page has this mark");
    let (_, after) = rest.split_once(&end).expect("the block ends");
    format!("{before}{begin}\n{table}\n{end}{after}")
}

fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = String::new();
    let mut line = |cells: &str| writeln!(text, "|{cells}|").expect("memory takes it");
    line(&format!(" {} ", head.join(" | ")));
    line(&["---"; N].join("|"));
    for row in rows {
        line(&format!(
            " {} ",
            row.map(|cell| cell.replace('|', "\\|")).join(" | ")
        ));
    }
    text
}

/// Every command with its name in full, those of a program right after it.
fn all_commands() -> Vec<(String, Command)> {
    let mut all = Vec::new();
    for program in dispatch::programs() {
        let name = program.get_name().to_owned();
        let inner: Vec<_> = program.get_subcommands().cloned().collect();
        all.push((name.clone(), program));
        let inner = inner.into_iter().filter(|it| !it.is_hide_set());
        all.extend(inner.map(|it| (format!("{name} {}", it.get_name()), it)));
    }
    all
}

fn commands() -> String {
    let rows = all_commands().into_iter().map(|(name, command)| {
        let about = command
            .get_about()
            .expect("every command says what it does");
        [
            format!("`{name}`"),
            about.to_string().trim_end_matches('.').to_owned(),
        ]
    });
    table(["command", "what it does"], rows)
}

fn exit_codes() -> String {
    let rows = exit::ALL.map(|(code, meaning)| [code.to_string(), meaning.to_owned()]);
    table(["code", "meaning"], rows)
}

/// What stands in for flags, with the commands that have the flag.
fn environment() -> String {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (name, command) in all_commands() {
        for argument in command.get_arguments() {
            let variable = argument.get_env().map(|it| format!("`{}`", it.display()));
            let (Some(variable), Some(flag)) = (variable, argument.get_long()) else {
                continue;
            };
            let (flag, command) = (format!("`--{flag}`"), format!("`{name}`"));
            let same = rows
                .iter_mut()
                .find(|row| row[0] == variable && row[1] == flag);
            match same {
                Some(row) => row[2] = format!("{}, {command}", row[2]),
                None => rows.push([variable, flag, command]),
            }
        }
    }
    rows.sort();
    table(["variable", "instead of", "read by"], rows)
}

fn arms() -> String {
    let rows = arms::ALL.iter().map(|arm| {
        let star = if arm.headline { " ★" } else { "" };
        let name = format!("`{}`{star}", arm.name);
        [name, arm.label.to_owned(), arm.teaches.to_owned()]
    });
    table(["arm", "in plain words", "what it shows"], rows)
}

fn events() -> String {
    let rows = events::ALL.iter().map(|event| {
        let link = format!("[`{0}`](METHODOLOGY.md#{0})", event.name);
        [link, event.label.to_owned(), event.story.to_owned()]
    });
    table(
        ["event", "in plain words", "who acts, and who is asked"],
        rows,
    )
}

#[test]
fn a_table_that_is_stale_is_found() {
    let page = "a\n<!-- BEGIN: x -->\n\nold\n\n<!-- END: x -->\nb\n";
    let again = with_block(page, "x", &table(["n"], [["a|b".to_owned()]]));
    let wanted = "a\n<!-- BEGIN: x -->\n\n| n |\n|---|\n| a\\|b |\n\n<!-- END: x -->\nb\n";
    assert_eq!(again, wanted);
    assert_eq!(with_block(&again, "x", "| n |\n|---|\n| a\\|b |\n"), wanted);
}
