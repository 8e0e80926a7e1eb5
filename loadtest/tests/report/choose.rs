//! Which to choose: borne out, contradicted or not measured, as the record has it.

use loadtest::arms;
use loadtest::report::{self, Options, html, markdown};

use crate::reading::{behaves_like, page, words};
use crate::sample;

const OTHERWISE: &str = "≠ this run says otherwise";

/// The section of the page, without what comes before and after.
fn section(page: &str) -> &str {
    let from = page.find("<section id=\"choose\">").expect("it is there");
    let to = page[from..].find("<section id=\"matrix\">");
    &page[from..from + to.expect("the matrix follows")]
}

/// A page of that section alone.
fn body(section: &str) -> String {
    format!("<body>{section}</body>")
}

#[test]
fn a_run_that_bears_the_path_out_contradicts_nothing() {
    let page = page(&sample::record());
    let section = words(&body(section(&page)));
    assert!(!section.contains(OTHERWISE), "{section}");
    assert!(section.contains("every login is known"), "{section}");
    assert!(
        section.contains("works until expiry (4 s here)"),
        "{section}"
    );
}

/// In a world where a session in Redis is forgotten, the branch that leads there says so.
#[test]
fn a_run_that_contradicts_a_branch_is_believed() {
    let mut record = sample::record();
    behaves_like(&mut record, "session-redis", "session-memory");
    let page = page(&record);
    let html = words(&body(section(&page)));
    assert!(html.contains(OTHERWISE), "{html}");
    let markdown = markdown(&record, &Options::default());
    let row = markdown
        .lines()
        .find(|line| line.contains("each request may ask a store |"))
        .expect("the branch is there");
    assert_eq!(row.matches(OTHERWISE).count(), 4, "{row}");
}

#[test]
fn what_was_not_measured_is_called_so_with_the_command_for_an_arm_that_there_is() {
    let mut record = sample::record();
    record.cells.retain(|cell| cell.arm == "session-memory");
    record.revocations.clear();
    let page = markdown(&record, &Options::default());
    let named: Vec<_> = page
        .split("loadtest matrix --all --arms ")
        .skip(1)
        .filter_map(|rest| rest.split('`').next())
        .collect();
    assert!(named.len() > 10, "{page}");
    for name in named {
        assert!(arms::find(name).is_some(), "there is no arm {name}");
    }
}

#[test]
fn every_link_of_the_path_leads_somewhere_on_the_page() {
    let record = sample::record();
    let page = html(&record, &Options::default());
    let links: Vec<_> = section(&page)
        .split("href=\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for id in links {
        assert!(page.contains(&format!("id=\"{id}\"")), "there is no {id}");
    }
    let page = markdown(&record, &Options::default());
    let links: Vec<_> = page
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for id in links {
        let anchor = format!("<a id=\"{id}\"></a>");
        assert!(page.contains(&anchor), "there is no {id}");
    }
}

#[test]
fn costs_may_come_from_another_run() {
    let measured = sample::record();
    let mut watched = measured.clone();
    watched.measures.clear();
    watched.comparisons.clear();
    let page = "<!-- BEGIN: choose -->\n<!-- END: choose -->\n";
    let costs = report::cost_run::CostRun {
        dir: "runs/costs".to_owned(),
        record: measured,
    };
    let chosen = |costs| {
        report::chosen(&watched, "runs/one", costs, "docs/x.md", page).expect("it has its markers")
    };
    assert!(chosen(Some(&costs)).contains("(../runs/costs/report.md#cost)"));
    assert!(chosen(Some(&costs)).contains("(../runs/one/report.md#log-out)"));
    assert!(!chosen(None).contains("report.md#cost"));
}
