//! Every page is valid HTML, by a checker that is not ours.

use std::fs;
use std::path::Path;
use std::process::Command;

use loadtest::record::{NotRun, Record};

use crate::reading::page;
use crate::{measured, sample};

/// Where `.ci/set-up` puts it.
const CHECKER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/tools/html/node_modules/html-validate/bin/html-validate.mjs"
);

/// What the HTML standard asks and what keeps people with aids away; nothing of taste.
const RULES: &str = r#"{
    "root": true,
    "extends": ["html-validate:standard", "html-validate:a11y"]
}"#;

/// What the checker has to say of these pages, or nothing.
fn checked(pages: &[(&str, &str)]) -> String {
    assert!(
        Path::new(CHECKER).exists(),
        "html-validate is missing, .ci/set-up installs it"
    );
    let dir = tempfile::tempdir().expect("a folder can be made");
    fs::write(dir.path().join(".htmlvalidate.json"), RULES).expect("the rules are written");
    for (name, page) in pages {
        fs::write(dir.path().join(name), page).expect("a page is written");
    }
    let output = Command::new("node")
        .arg(CHECKER)
        .args(["--formatter", "text"])
        .args(pages.iter().map(|(name, _)| name))
        .current_dir(dir.path())
        .output()
        .expect("node is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => String::new(),
        _ => format!("{said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn every_form_of_the_report_and_the_page_of_the_board_are_valid_html() {
    let mut interrupted = sample::record();
    interrupted.interrupted = true;
    let mut refused = measured::record();
    refused.not_run.push(NotRun {
        arm: "jwt-hs256".into(),
        event: "measure".into(),
        variant: Some("8 KB more".into()),
        because: "a check was answered 431".into(),
    });
    let pages = [
        ("whole.html", page(&sample::record())),
        ("without-store.html", page(&sample::without_store())),
        ("interrupted.html", page(&interrupted)),
        ("measured.html", page(&refused)),
        ("empty.html", page(&Record::default())),
    ];
    let mut pages: Vec<_> = pages
        .iter()
        .map(|(name, page)| (*name, page.as_str()))
        .collect();
    // A lane's heading is empty in its template alone: the script fills it before it is shown.
    let named = "class=\"lane-name\">A</span>";
    let board = include_str!("../../src/board/page/index.html");
    let board = board.replace("class=\"lane-name\"></span>", named);
    assert!(board.contains(named));
    pages.push(("board.html", &board));
    let found = checked(&pages);
    assert!(found.is_empty(), "{found}");
}

/// The checker is at work: what is wrong is found.
#[test]
fn what_is_no_html_is_found() {
    let wrong = page(&Record::default()).replace("<main>", "<main><li>stray</li><b>");
    let found = checked(&[("wrong.html", &wrong)]);
    assert!(
        found.contains("wrong.html") && found.contains("<li>"),
        "{found}"
    );
}
