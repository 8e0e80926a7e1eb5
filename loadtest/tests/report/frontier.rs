//! The frontier, and the costs of one run in the report of another.

use loadtest::record::{Record, Section, Validity};
use loadtest::report::cost_run::CostRun;
use loadtest::report::{self, Options};

use crate::reading::words;
use crate::sample;

/// A record of lags alone, and one of costs alone, each in a folder.
fn apart(folder: &std::path::Path) -> [std::path::PathBuf; 2] {
    let [run, costs] = ["run", "costs"].map(|name| folder.join(name));
    for dir in [&run, &costs] {
        std::fs::create_dir(dir).expect("a folder of its own");
    }
    let whole = sample::record();
    let mut measured = Record::new(0, "loadtest measure");
    measured.valid = true;
    measured.arms.clone_from(&whole.arms);
    measured.measures.clone_from(&whole.measures);
    measured.comparisons.clone_from(&whole.comparisons);
    measured.save(&costs).expect("a folder of its own");
    let mut watched = whole;
    watched.measures.clear();
    watched.comparisons.clear();
    watched.validity.retain(|row| row.section != Section::Cost);
    watched.save(&run).expect("a folder of its own");
    [run, costs]
}

#[test]
fn costs_of_a_run_of_their_own_stand_beside_the_lags_and_make_a_frontier() {
    let folder = tempfile::tempdir().unwrap();
    let [run, costs] = apart(folder.path());
    report::run(std::slice::from_ref(&run), &Options::default()).unwrap();
    let alone = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(!alone.contains("id=\"frontier\"") && !run.join("frontier.svg").exists());

    let options = Options {
        costs: Some(CostRun::load(&costs).unwrap()),
        ..Options::default()
    };
    report::run(std::slice::from_ref(&run), &options).unwrap();
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    let said = words(&page);
    assert!(said.contains("What forgetting at once costs"), "{said}");
    let named = format!("The costs are of a run of their own ({}", costs.display());
    assert!(said.contains(&named), "{said}");
    let drawing = std::fs::read_to_string(run.join("frontier.svg")).unwrap();
    assert!(page.contains("<svg") && drawing.starts_with("<svg xmlns"));
    // The plain token lives until it expires: a line from 1 to 60 minutes; who asks a store is a
    // mark at one poll.
    let line_of = |label: &str| {
        let line = drawing
            .split("<g ")
            .find(|part| part.contains(&format!(">{label}")));
        line.unwrap_or_else(|| panic!("no {label} in {drawing}"))
            .to_owned()
    };
    assert!(line_of("JWT, +").contains("until expiry"));
    let redis = line_of("Session in Redis, +");
    assert!(
        redis.contains("10 ms") && !redis.contains("until expiry"),
        "{redis}"
    );
}

#[test]
fn who_was_never_watched_or_never_measured_has_no_mark() {
    let folder = tempfile::tempdir().unwrap();
    let [_, costs] = apart(folder.path());
    report::run(std::slice::from_ref(&costs), &Options::default()).unwrap();
    assert!(!costs.join("frontier.svg").exists(), "no lag was observed");
}

#[test]
fn an_invalid_run_of_costs_stays_invalid_beside_another() {
    let whole = sample::record();
    let mut other = whole.clone();
    for measure in &mut other.measures {
        measure.wrong_answers = 1;
    }
    other.validity.clear();
    let costs = CostRun {
        record: other,
        dir: "runs/costs".to_owned(),
    };
    let text = "<!-- BEGIN: report -->\n<!-- END: report -->\n";
    let block = report::spliced(whole, "runs/1", Some(&costs), "README.md", text).unwrap();
    assert!(block.contains("loadtest report runs/1 --cost runs/costs --splice README.md"));
    let invalid = format!("{:?}", Validity::Invalid).to_lowercase();
    assert!(
        block
            .to_lowercase()
            .contains(&format!("**{invalid}**: cost")),
        "{block}"
    );
}

#[test]
fn a_folder_without_costs_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let [run, _] = apart(folder.path());
    let error = CostRun::load(&run).unwrap_err();
    let line = format!("{error:#}");
    assert!(
        line.starts_with("--cost ") && line.contains("loadtest measure"),
        "{line}"
    );
}
