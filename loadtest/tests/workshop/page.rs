//! An exercise as its page is written: parts under fixed headings, commands in ```sh blocks, what
//! they print in ```text blocks, buttons as **[label]**. Who follows it is not known here.

use std::fs;
use std::path::{Path, PathBuf};

/// The headings of every exercise, in order.
pub(crate) const PARTS: [&str; 7] = [
    "The question",
    "Predict",
    "Do",
    "See",
    "Why",
    "The file",
    "Try",
];

/// One exercise.
pub(crate) struct Exercise {
    /// From the workspace's folder.
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) minutes: u32,
    pub(crate) parts: Vec<Part>,
}

/// What stands under one heading.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What is done on the board.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// A frame of the page: what stands behind `#`.
    Open(String),
    /// A list of the Lab, and what is chosen from it.
    Set(String, String),
    Press(String),
    WaitSeconds(u64),
}

/// A line of the table under *See*: what each lane says.
#[derive(Debug)]
pub(crate) struct Row {
    /// The button, or none for what stands under the lanes.
    pub(crate) pressed: Option<String>,
    pub(crate) lanes: [String; 2],
}

/// The folder of the pages.
pub(crate) fn folder() -> PathBuf {
    crate::root().join("docs/workshop")
}

/// Every page of the workshop.
pub(crate) fn documents() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "md"));
    paths.sort();
    paths
}

/// The exercises, in order.
pub(crate) fn all() -> Vec<Exercise> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(|first: char| first.is_ascii_digit())
    };
    documents()
        .into_iter()
        .filter(is_one)
        .map(|path| Exercise::read(&path))
        .collect()
}

/// The labels of the buttons and lists in a text.
pub(crate) fn labels(text: &str) -> Vec<String> {
    let marked = text.split("**[").skip(1);
    marked
        .map(|rest| rest.split_once("]**").unwrap().0.to_owned())
        .collect()
}

impl Exercise {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut parts = text.split("\n## ");
        let head = parts.next().unwrap();
        let title = head.lines().next().unwrap().trim_start_matches("# ");
        let minutes = head.lines().find_map(|line| line.split_once(" minutes, "));
        let part = |part: &str| {
            let (name, text) = part.split_once('\n').unwrap();
            Part {
                name: name.to_owned(),
                text: text.trim().to_owned(),
            }
        };
        Self {
            path: format!("docs/workshop/{name}"),
            title: title.to_owned(),
            minutes: minutes
                .expect("its second line says how long it takes")
                .0
                .parse()
                .unwrap(),
            parts: parts.map(part).collect(),
        }
    }

    pub(crate) fn part(&self, name: &str) -> &str {
        &self
            .parts
            .iter()
            .find(|part| part.name == name)
            .unwrap()
            .text
    }

    pub(crate) fn has_commands(&self) -> bool {
        self.parts.iter().any(|part| part.text.contains("```sh"))
    }

    /// Each block of commands, and what it is said to print.
    pub(crate) fn commands(&self) -> Vec<[String; 2]> {
        let mut pairs = Vec::new();
        for [done, seen] in [["Do", "See"], ["Try", "Try"]] {
            let commands = blocks(self.part(done), "sh");
            let printed = blocks(self.part(seen), "text");
            assert_eq!(
                commands.len(),
                printed.len(),
                "{}: every ```sh block under {done} has its ```text block under {seen}",
                self.path
            );
            pairs.extend(
                commands
                    .into_iter()
                    .zip(printed)
                    .map(|(sh, text)| [sh, text]),
            );
        }
        pairs
    }

    /// What is done on the board, in order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let lines = self.part("Do").lines();
        let numbered = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
        numbered.flat_map(steps_of).collect()
    }

    /// What the board then says.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let lines = self.part("See").lines();
        let rows = lines.filter(|line| line.contains("| “"));
        rows.map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [first, session, jwt] = cells[..] else {
                panic!("{}: three columns: {line}", self.path);
            };
            let said = |cell: &str| {
                let inner = cell
                    .strip_prefix('“')
                    .and_then(|cell| cell.strip_suffix('”'));
                inner
                    .unwrap_or_else(|| panic!("no quotation: {cell}"))
                    .to_owned()
            };
            Row {
                pressed: labels(first).pop(),
                lanes: [said(session), said(jwt)],
            }
        })
        .collect()
    }
}

/// The steps of one numbered line: an address to open, seconds to wait, lists and buttons.
fn steps_of(line: &str) -> Vec<Step> {
    if let Some((_, rest)) = line.split_once("<http://localhost:4401/#") {
        return vec![Step::Open(rest.split('>').next().unwrap().to_owned())];
    }
    if let Some((_, rest)) = line.split_once("Wait ") {
        let seconds = rest.split(' ').next().unwrap().parse().unwrap();
        return vec![Step::WaitSeconds(seconds)];
    }
    let step = |label: String| match label.split_once(": ") {
        Some((list, option)) => Step::Set(list.to_owned(), option.to_owned()),
        None => Step::Press(label),
    };
    labels(line).into_iter().map(step).collect()
}

/// The fenced blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fences = text.split("```").skip(1).step_by(2);
    fences
        .filter_map(|block| block.split_once('\n'))
        .filter(|(language_of, _)| *language_of == language)
        .map(|(_, block)| block.to_owned())
        .collect()
}
