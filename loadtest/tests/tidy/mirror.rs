//! The two servers are read side by side: same files, same order, same questions.

use std::collections::BTreeSet;
use std::fs;

use crate::house::{assert_none, files, read, root};

/// What only a server that keeps records can have.
const ONLY_SESSION: [&str; 2] = ["record.rs", "store"];

/// What only a server that signs can have: the token, its keys, the means to take back what was
/// signed, what puts these together, and the tool that takes a token apart.
const ONLY_JWT: [&str; 6] = [
    "inspect",
    "keys",
    "refresh.rs",
    "revoke",
    "setup.rs",
    "token",
];

#[test]
fn the_two_source_folders_mirror_each_other() {
    let (session, jwt) = (entries("server-session/src"), entries("server-jwt/src"));
    let unlike =
        |here: &BTreeSet<String>, there: &BTreeSet<String>, only: &[&str]| -> Vec<String> {
            here.difference(there)
                .filter(|name| !only.contains(&name.as_str()))
                .cloned()
                .collect()
        };
    let mut problems = Vec::new();
    for name in unlike(&session, &jwt, &ONLY_SESSION) {
        problems.push(format!(
            "server-session/src/{name} has no sibling in server-jwt/src"
        ));
    }
    for name in unlike(&jwt, &session, &ONLY_JWT) {
        problems.push(format!(
            "server-jwt/src/{name} has no sibling in server-session/src"
        ));
    }
    assert!(!session.is_empty() && !jwt.is_empty());
    assert_none(
        "give it the sibling's name, or put it below what only this server has",
        &problems,
    );
}

#[test]
fn the_two_main_files_differ_in_a_name() {
    let code = |server: &str| -> Vec<String> {
        let text = read(&format!("{server}/src/main.rs"));
        let code = text.lines().filter(|line| !line.starts_with("//!"));
        code.map(|line| line.replace(&server.replace('-', "_"), "SERVER"))
            .collect()
    };
    assert_eq!(code("server-session"), code("server-jwt"));
}

#[test]
fn the_two_differences_tests_ask_the_same_questions() {
    let names = |server: &str| -> BTreeSet<String> {
        let text = read(&format!("{server}/tests/differences.rs"));
        let functions = text.lines().filter_map(|line| {
            let line = line.trim_start();
            let function = line
                .strip_prefix("async fn ")
                .or_else(|| line.strip_prefix("fn "))?;
            function.split_once("()").map(|(name, _)| name.to_owned())
        });
        functions.collect()
    };
    let (session, jwt) = (names("server-session"), names("server-jwt"));
    assert!(
        !session.is_empty(),
        "server-session/tests/differences.rs asks nothing"
    );
    let unlike: Vec<_> = session.symmetric_difference(&jwt).collect();
    assert_none("same names, opposite assertions", &unlike);
}

/// Long files are allowed elsewhere with a reason; here half a page is what a room can follow.
#[test]
fn no_file_of_a_server_is_long() {
    let mut problems = Vec::new();
    for server in ["server-session/src", "server-jwt/src"] {
        for path in files(server, "rs") {
            let lines = read(&path).lines().count();
            if lines > 300 {
                problems.push(format!("{path}: {lines} lines"));
            }
        }
    }
    assert_none("aim at 160 lines", &problems);
}

/// The names in a folder, one level deep.
fn entries(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
