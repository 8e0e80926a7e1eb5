//! What every file has to look like.

use crate::house::{assert_none, files, read};

/// Two copies of this width fit side by side on a screen.
const COLUMNS_MAX: usize = 100;

/// Longer than this, a file says at its head why.
const LINES_MAX: usize = 300;

/// How many lines count as the head.
const HEAD_LINES: usize = 30;

const CODE: [&str; 9] = ["rs", "toml", "js", "css", "html", "sh", "py", "yml", "cfg"];

fn code() -> impl Iterator<Item = String> {
    // The workshop's pages are made from the Markdown beside them, which is looked at instead.
    let made = |path: &String| path.starts_with("docs/workshop/") && path.ends_with(".html");
    let files = CODE.iter().flat_map(|extension| files("", extension));
    files.filter(move |path| !made(path))
}

#[test]
fn lines_fit_a_hundred_columns() {
    let mut problems = Vec::new();
    for path in code() {
        for (at, line) in read(&path).lines().enumerate() {
            let columns = line.chars().count();
            // A link cannot be broken, nor can a dependency's line, nor a text in HAProxy's words.
            let text = path.ends_with(".cfg") && line.contains("application/problem+json");
            let breakable = !line.contains("://") && !path.ends_with(".toml") && !text;
            if columns > COLUMNS_MAX && breakable {
                problems.push(format!("{path}:{}: {columns} columns", at + 1));
            }
        }
    }
    assert_none("break the line, or the thought", &problems);
}

#[test]
fn long_files_say_why() {
    let mut problems = Vec::new();
    for path in code() {
        let text = read(&path);
        let lines = text.lines().count();
        let said = text
            .lines()
            .take(HEAD_LINES)
            .any(|line| line.contains("Long because"));
        if lines > LINES_MAX && !said {
            problems.push(format!("{path}: {lines} lines"));
        }
    }
    assert_none("split it, or say at its head \"Long because …\"", &problems);
}

#[test]
fn every_module_says_what_it_is() {
    let silent = |path: &String| {
        let text = read(path);
        let first = text
            .lines()
            .find(|line| !line.starts_with("#!"))
            .unwrap_or_default();
        !first.starts_with("//! ")
    };
    let problems: Vec<_> = files("", "rs").into_iter().filter(silent).collect();
    assert_none("begin it with //! and what it is", &problems);
}

#[test]
fn nothing_is_put_off() {
    // In two pieces, so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["X", "XX"],
        ["todo", "!("],
        ["unimple", "mented!("],
    ];
    let marks = marks.map(|[start, end]| format!("{start}{end}"));
    let found = everywhere(|line| marks.iter().any(|mark| line.contains(mark.as_str())));
    assert_none("do it, or open an issue", &found);
}

#[test]
fn every_exception_gives_its_reason_and_every_test_runs() {
    let marks = [["#[al", "low("], ["#[ig", "nore"], ["#![al", "low("]];
    let marks = marks.map(|[start, end]| format!("{start}{end}"));
    let mut found = Vec::new();
    for path in code() {
        let text = read(&path);
        let lines: Vec<_> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            // The attribute may be broken into lines.
            let attribute = lines[at..]
                .iter()
                .take(4)
                .take_while(|line| !line.is_empty());
            let excused = attribute.clone().any(|line| line.contains("reason = "));
            if marks.iter().any(|mark| line.contains(mark.as_str())) && !excused {
                found.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert_none(
        "use #[expect(…, reason = \"…\")]; a test that does not run is no test",
        &found,
    );
}

/// An example that does not run goes stale unseen.
#[test]
fn every_example_in_a_comment_runs() {
    let (mut examples, mut problems) = (0, Vec::new());
    for path in files("", "rs") {
        for (at, line) in read(&path).lines().enumerate() {
            let line = line.trim_start();
            let said = line
                .strip_prefix("/// ```")
                .or(line.strip_prefix("//! ```"));
            examples += usize::from(said == Some(""));
            if said.is_some_and(|said| said.contains("no_run") || said.contains("ignore")) {
                problems.push(format!("{path}:{}: {line}", at + 1));
            }
        }
    }
    assert!(examples >= 20, "only {examples} fences were found to check");
    assert_none("let it run, or write it as words", &problems);
}

/// A path of the machine on which something was written is wrong on every other.
#[test]
fn no_file_names_a_folder_of_one_machine() {
    let marks = [
        ["/ro", "ot/"],
        ["/wo", "rk/"],
        ["/ho", "me/"],
        ["/Us", "ers/"],
    ];
    let marks = marks.map(|[start, end]| format!("{start}{end}"));
    let found = everywhere(|line| marks.iter().any(|mark| line.contains(mark.as_str())));
    assert_none("say it relative to the repository", &found);
}

/// Every line of code and documents of which `is` holds.
fn everywhere(is: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in code().chain(files("", "md")) {
        let text = read(&path);
        let lines = text.lines().enumerate().filter(|(_, line)| is(line));
        found.extend(lines.map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim())));
    }
    found
}
