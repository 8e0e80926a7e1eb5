//! The files that a report consists of: written where they should be, safe, and small.

use std::fs;
use std::path::PathBuf;

use loadtest::record::{CameOut, Record, Wish};
use loadtest::report::{self, Options, markdown};

use crate::reading::page;
use crate::sample;

/// `SAMPLE_DIR=somewhere cargo test -p loadtest --test report` leaves pages to look at.
#[test]
fn every_form_is_written_beside_the_record_or_where_it_is_told() {
    let kept = std::env::var_os("SAMPLE_DIR").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let dir = kept.unwrap_or_else(|| temporary.path().join("run"));
    fs::create_dir_all(&dir).unwrap();
    sample::record().save(&dir).unwrap();
    let written = report::run(std::slice::from_ref(&dir), &Options::default()).unwrap();

    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let names: Vec<_> = written.iter().map(name).collect();
    let wanted = [
        "report.html",
        "report.md",
        "arms.csv",
        "cells.csv",
        "hops.csv",
    ];
    assert!(
        wanted
            .iter()
            .all(|wanted| names.iter().any(|name| name == wanted)),
        "{names:?}"
    );
    assert!(
        written
            .iter()
            .all(|path| path.starts_with(&dir) && path.exists())
    );

    let elsewhere = temporary.path().join("elsewhere");
    let options = Options {
        out: Some(elsewhere.clone()),
        ..Options::default()
    };
    let written = report::run(&[dir.join("record.json")], &options).unwrap();
    assert!(written.iter().all(|path| path.starts_with(&elsewhere)));
    let same = fs::read(elsewhere.join("report.html")).unwrap();
    assert!(
        same == fs::read(dir.join("report.html")).unwrap(),
        "a report is a function of a record"
    );

    fs::write(
        dir.join("without-store.html"),
        page(&sample::without_store()),
    )
    .unwrap();
    fs::write(dir.join("empty.html"), page(&Record::default())).unwrap();
}

#[test]
fn names_are_escaped_in_every_form() {
    let mut record = sample::record();
    let evil = "<script>alert(1)</script>|`x`";
    record.arms[1].label = evil.into();
    record.doubts[0].text = evil.into();
    record.command = format!("loadtest \"{evil}\" --seed 7");
    record.environment.cpu = "=HYPERLINK(\"x\")".into();
    record.arms[1].teaches = "=1+1".into();
    let page = page(&record);
    assert!(!page.contains("<script"), "a tag got through");
    let markdown = markdown(&record, &Options::default());
    let outside_code = markdown.split("```").next().unwrap();
    assert!(
        !outside_code.contains("<script") && outside_code.contains("\\|"),
        "{markdown}"
    );
    let tables = report::csv::tables(&record).unwrap();
    let arms = &tables
        .iter()
        .find(|(name, _)| name == "arms.csv")
        .unwrap()
        .1;
    assert!(arms.contains("'=1+1"), "{arms}");
}

#[test]
fn the_page_needs_no_network_no_script_and_little_space() {
    let page = page(&sample::record());
    for forbidden in [
        "http://", "https://", "//", "<script", "<link", "@import", "url(", " src=",
    ] {
        assert!(!page.contains(forbidden), "{forbidden} in the page");
    }
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    assert!(page.len() < 120_000, "{} bytes", page.len());
    // Every table that may be wide scrolls in a frame of its own.
    let tables = page.matches("<table").count();
    let framed =
        page.matches("<section class=\"scroll\"").count() + page.matches("<figure>").count();
    assert_eq!(tables, framed);
}

#[test]
fn csv_has_a_row_for_each_row_and_says_what_the_record_says() {
    let record = sample::record();
    let tables = report::csv::tables(&record).unwrap();
    let text = |name: &str| {
        tables
            .iter()
            .find(|(file, _)| file == name)
            .unwrap()
            .1
            .clone()
    };
    for (name, rows) in [
        ("cells.csv", record.cells.len()),
        ("revocations.csv", record.revocations.len()),
    ] {
        assert_eq!(text(name).lines().count(), rows + 1, "{name}");
    }
    let cells = text("cells.csv");
    let head: Vec<_> = cells.lines().next().unwrap().split(',').collect();
    assert_eq!(head[..4], ["arm", "event", "variant", "client"], "{head:?}");
    let key = "session-memory,other-instance,,keeps-cookie,";
    let row = cells
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap();
    let field = |name: &str| {
        let at = head.iter().position(|column| *column == name).unwrap();
        row.split(',').nth(at - 4).unwrap()
    };
    assert_eq!(
        [field("requests"), field("recognised"), field("refused")],
        ["400", "0", "400"]
    );
    assert_eq!(field("as_expected"), "true");
}

#[test]
fn a_spliced_readme_carries_the_command_that_made_it() {
    let dir = tempfile::tempdir().unwrap();
    sample::record().save(dir.path()).unwrap();
    let readme = dir.path().join("README.md");
    fs::write(
        &readme,
        "# Title\n<!-- BEGIN: report -->\n<!-- END: report -->\nend\n",
    )
    .unwrap();
    let options = Options {
        splice: Some(readme.clone()),
        ..Options::default()
    };
    let runs = [dir.path().to_owned()];
    report::run(&runs, &options).unwrap();
    let once = fs::read_to_string(&readme).unwrap();
    assert!(
        once.starts_with("# Title\n<!-- BEGIN: report -->\n<!-- Do not edit: made by"),
        "{once}"
    );
    assert!(once.contains("--splice README.md") && once.ends_with("<!-- END: report -->\nend\n"));
    assert!(
        once.contains("| Session in memory | ○ none known"),
        "{once}"
    );
    report::run(&runs, &options).unwrap();
    assert_eq!(fs::read_to_string(&readme).unwrap(), once);
}

#[test]
fn a_wrong_use_is_one_line_that_names_it_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = [dir.path().to_owned()];
    let line = |dirs: &[PathBuf], options: Options| {
        let error = report::run(dirs, &options).unwrap_err();
        let line = format!("{error:#}");
        assert_eq!(line.lines().count(), 1, "{line}");
        line
    };
    let defaults = Options::default;
    assert!(line(&[], defaults()).contains("name one or more folders"));
    assert!(line(&dirs, defaults()).contains("record.json"));
    assert!(
        line(
            &dirs,
            Options {
                handler_ms: 0.0,
                ..defaults()
            }
        )
        .contains("--handler-ms 0")
    );
    sample::record().save(dir.path()).unwrap();
    let missing = Options {
        splice: Some(dir.path().join("none.md")),
        ..defaults()
    };
    assert!(line(&dirs, missing).contains("--splice"));
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let unwritable = Options {
        out: Some(file.join("below")),
        ..defaults()
    };
    assert!(line(&dirs, unwritable).contains("--out"));
}

#[test]
fn a_cell_may_have_words_of_its_own_for_what_came_out() {
    let mut record = sample::record();
    let cell = &mut record.cells[0];
    cell.as_expected = true;
    cell.detail.outcome = Some(CameOut {
        words: "one of 100 written".to_owned(),
        wish: Wish::Denied,
    });
    assert!(page(&record).contains("one of 100 written"));
    let text = markdown(&record, &Options::default());
    assert!(text.contains("○ one of 100 written ="), "{text}");
}
