//! The invariants of the house, checked like everything else.
//!
//! Most are absences: what a crate does not know, what a file does not contain. Each test names the
//! files that break its rule and says what to do; the rules and their reasons are in CONTRIBUTING.

mod house;
mod mirror;
mod security;
mod text;

use std::collections::BTreeSet;
use std::fs;

use loadtest::claims::catalogue::CLAIMS;
use loadtest::claims::{outcome, table};
use loadtest::report::cost_run::CostRun;
use loadtest::report::spliced;

use house::{Manifest, assert_none, files, read, root};

#[test]
fn the_application_knows_neither_way_of_remembering() {
    let mut problems = Vec::new();
    for library in [
        "redis",
        "jsonwebtoken",
        "tower-sessions",
        "server-session",
        "server-jwt",
        "sealed-cookie",
    ] {
        if Manifest::of("app").depends_on(library) {
            problems.push(format!("app/Cargo.toml: depends on {library}"));
        }
    }
    assert_none(
        "app is what both servers share; what differs stands behind its seam",
        &problems,
    );
}

#[test]
fn each_server_knows_one_way_only() {
    let mut problems = Vec::new();
    for (server, other) in [
        ("server-session", "jsonwebtoken"),
        ("server-jwt", "tower-sessions"),
        ("server-session", "server-jwt"),
        ("server-jwt", "server-session"),
    ] {
        if Manifest::of(server).depends_on(other) {
            problems.push(format!("{server}/Cargo.toml: depends on {other}"));
        }
    }
    assert_none("what both need belongs into app", &problems);
}

/// A plain JWT is checked without asking anybody: the store belongs to what takes that back.
#[test]
fn in_server_jwt_only_the_deny_list_and_the_refresh_family_speak_to_redis() {
    let may = |path: &str| path.contains("/revoke") || path.contains("/refresh");
    let speaks = |path: &String| !may(path) && mentions(path, &["redis::", "use redis"]);
    let problems: Vec<_> = files("server-jwt/src", "rs")
        .into_iter()
        .filter(speaks)
        .collect();
    assert_none(
        "move it into the deny-list or the refresh family",
        &problems,
    );
}

/// The instrument speaks HTTP: it must not be able to look into what it measures.
#[test]
fn in_loadtest_only_the_dispatcher_names_a_server() {
    let names = |path: &String| mentions(path, &["server_session", "server_jwt", "sealed_cookie"]);
    let paths = files("loadtest/src", "rs")
        .into_iter()
        .filter(|path| !path.ends_with("/dispatch.rs"));
    assert_none(
        "only dispatch.rs may name a server crate",
        &paths.filter(names).collect::<Vec<_>>(),
    );
}

/// Formatting never measures: a report can be made on another machine, years later.
#[test]
fn the_report_asks_nothing_but_the_record() {
    let asks = |path: &String| {
        mentions(
            path,
            &[
                "std::time",
                "tokio",
                "reqwest",
                "cluster::",
                "std::process",
                "crate::arms",
            ],
        )
    };
    let problems: Vec<_> = files("loadtest/src/report", "rs")
        .into_iter()
        .filter(asks)
        .collect();
    assert_none(
        "a report is a function of records: put what it needs into the record",
        &problems,
    );
}

#[test]
fn every_event_has_its_file_is_listed_and_is_explained() {
    let methodology = read("docs/METHODOLOGY.md");
    let listed: BTreeSet<_> = loadtest::events::ALL
        .iter()
        .map(|event| event.name)
        .collect();
    let mut problems = Vec::new();
    for event in &listed {
        let file = format!("loadtest/src/events/{}.rs", event.replace('-', "_"));
        if !root().join(&file).is_file() {
            problems.push(format!("{event}: {file} is missing"));
        }
        let heading = format!("### `{event}`");
        if !methodology.lines().any(|line| line == heading) {
            problems.push(format!(
                "{event}: docs/METHODOLOGY.md has no heading {heading}"
            ));
        }
    }
    for path in files("loadtest/src/events", "rs") {
        let name = path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs");
        if name != "mod" && !listed.contains(name.replace('_', "-").as_str()) {
            problems.push(format!("{path}: is in no list of events"));
        }
    }
    assert_none(
        "an event is a file, a line in events::ALL and a heading",
        &problems,
    );
}

/// The newest folder with a record directly in this one, by its name.
fn newest_results(within: &str) -> Option<String> {
    let folders = fs::read_dir(root().join(within))
        .into_iter()
        .flatten()
        .flatten();
    let runs = folders.filter(|entry| entry.path().join("record.json").exists());
    let newest = runs.map(|entry| entry.file_name()).max()?;
    Some(format!("{within}/{}", newest.to_string_lossy()))
}

/// The block says itself by which command it was made; this makes it again.
#[test]
fn the_block_in_the_readme_is_what_report_makes_of_the_newest_results() {
    let readme = read("README.md");
    let Some(dir) = newest_results("docs/results") else {
        let between = readme
            .split("<!-- BEGIN: report -->")
            .nth(1)
            .unwrap_or_default();
        let block = between
            .split("<!-- END: report -->")
            .next()
            .unwrap_or_default();
        assert_eq!(block.trim(), "", "README.md: a report without results");
        return;
    };
    let costs = newest_results("docs/results/cost").map(|name| {
        let record = loadtest::record::Record::load(&root().join(&name)).unwrap();
        CostRun { record, dir: name }
    });
    let cost = costs
        .as_ref()
        .map_or_else(String::new, |run| format!(" --cost {}", run.dir));
    let made_by = format!("loadtest report {dir}{cost} --splice README.md");
    assert!(
        readme.contains(&made_by),
        "README.md: its report is not made by `{made_by}`"
    );

    let record = loadtest::record::Record::load(&root().join(&dir)).unwrap();
    let drawing = format!("{dir}/frontier.svg");
    assert!(readme.contains(&drawing), "README.md: shows no {drawing}");
    let drawn = loadtest::report::frontier(record.clone(), costs.as_ref());
    assert!(
        drawn == Some(read(&drawing)),
        "{drawing}: run `{made_by}` again"
    );
    let again = spliced(record, &dir, costs.as_ref(), "README.md", &readme).unwrap();
    assert!(again == readme, "README.md: run `{made_by}` again");
}

/// The choice is filled from committed runs by the command that it names.
#[test]
fn the_choice_is_what_report_makes_of_the_runs_that_it_names() {
    let page = read("docs/DECIDE.md");
    let made_by = page
        .split("made by `")
        .nth(1)
        .and_then(|rest| rest.split_once('`'))
        .map_or("", |(command, _)| command);
    let words: Vec<_> = made_by.split(' ').collect();
    let ["loadtest", "report", dir, "--cost", costs, "--splice", file] = words[..] else {
        panic!("docs/DECIDE.md: made by `{made_by}`, which names no two runs");
    };
    let load = |dir: &str| loadtest::record::Record::load(&root().join(dir)).unwrap();
    let of_costs = CostRun {
        dir: costs.to_owned(),
        record: load(costs),
    };
    let again = loadtest::report::chosen(&load(dir), dir, Some(&of_costs), file, &page).unwrap();
    assert!(again == page, "docs/DECIDE.md: run `{made_by}` again");
}

/// The table of the claims page is that of the run that it names.
#[test]
fn the_table_of_claims_is_what_came_of_the_run_that_it_names() {
    let file = "docs/CLAIMS.md";
    let page = read(file);
    let made_by = page.split("made by `loadtest claims --replay ").nth(1);
    let dir = made_by
        .and_then(|rest| rest.split_once(' '))
        .map_or("", |(dir, _)| dir);
    let run = outcome::Run::load(&root().join(dir)).unwrap();
    let again = table::spliced(&run, dir, file, &page).unwrap();
    let command = format!("loadtest claims --replay {dir} --splice {file}");
    assert!(again == page, "{file}: run `{command}` again");
    let beside = format!("{dir}/{}", table::FILE_NAME);
    assert!(
        read(&beside) == table::markdown(&run),
        "{beside}: is another run's"
    );
    let all: Vec<_> = CLAIMS.iter().map(|claim| claim.id).collect();
    let ran: Vec<_> = run.outcomes.iter().map(|one| one.claim.as_str()).collect();
    assert_eq!(ran, all, "{file}: measure all claims again");
    let unnamed: Vec<_> = all
        .into_iter()
        .filter(|id| !page.contains(&format!("`{id}`")))
        .collect();
    assert_none("docs/CLAIMS.md: say what you make of it", &unnamed);
}

#[test]
fn whoever_comes_finds_the_documents() {
    let wanted = [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/ARCHITECTURE.md",
        "docs/METHODOLOGY.md",
        "docs/BIAS.md",
        "docs/CLAIMS.md",
        "docs/DECIDE.md",
        "deny.toml",
        ".ci/run",
        "loadtest/record.schema.json",
    ];
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|path| !root().join(path).is_file())
        .collect();
    assert_none("write it", &missing);
    let readme = read("README.md");
    for command in ["cargo run --release -- demo", ".ci/test"] {
        assert!(
            readme.contains(command),
            "README.md: does not say `{command}`"
        );
    }
}

fn mentions(path: &str, words: &[&str]) -> bool {
    let text = read(path);
    words.iter().any(|word| text.contains(word))
}
