//! What SECURITY.md promises is shown by tests that exist.

use std::collections::BTreeSet;

use crate::house::{assert_none, read};

/// The requirements of OWASP ASVS 5.0.0, V7 and V9, by how many each section has.
const REQUIREMENTS: [(&str, u32); 8] = [
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 3),
    ("7.6", 2),
    ("9.1", 3),
    ("9.2", 4),
];

#[test]
fn every_test_that_security_names_exists() {
    let text = read("SECURITY.md");
    let named: BTreeSet<_> = text
        .split('`')
        .filter_map(|word| word.split_once(".rs::"))
        .collect();
    assert!(named.len() > 40, "SECURITY.md names only {}", named.len());
    let missing: Vec<_> = named
        .into_iter()
        .filter(|(file, test)| {
            let code = read(&format!("{file}.rs"));
            !code.contains(&format!("fn {test}("))
        })
        .map(|(file, test)| format!("{file}.rs::{test}"))
        .collect();
    assert_none("SECURITY.md names tests that do not exist", &missing);
}

#[test]
fn security_has_a_row_for_every_requirement() {
    let text = read("SECURITY.md");
    let mut missing = Vec::new();
    for (section, count) in REQUIREMENTS {
        for n in 1..=count {
            let row = format!("| {section}.{n} ");
            let line = text.lines().find(|line| line.starts_with(&row));
            let said = line.is_some_and(|line| {
                let shown = line.contains(".rs::") || line.contains("above");
                shown || line.contains("not applicable: ") || line.contains("not met: ")
            });
            if !said {
                missing.push(format!("{section}.{n}"));
            }
        }
    }
    assert_none(
        "name the test that shows it, or say why it does not apply",
        &missing,
    );
}

/// An exception without a reason is a hole that nobody dares to close.
#[test]
fn every_exception_in_deny_toml_has_its_reason() {
    let text = read("deny.toml");
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let mut problems = Vec::new();
    let mut exceptions = 0;
    for (at, line) in lines.iter().enumerate() {
        if !line.starts_with("{ crate = ") {
            continue;
        }
        exceptions += 1;
        let said = line.contains("reason = ")
            || lines[..at].last().is_some_and(|it| {
                // One comment may be about several crates in a row.
                it.starts_with("# ") || it.starts_with("{ crate = ")
            });
        if !said {
            problems.push(format!("deny.toml:{}: {line}", at + 1));
        }
    }
    assert!(exceptions > 0, "deny.toml has no exceptions any more");
    assert_none("say why, in a comment above it or as its reason", &problems);
}
