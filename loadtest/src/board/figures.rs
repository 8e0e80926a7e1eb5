//! What each side pays: the headline table of a record, for the last frame of the story.

use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use crate::record::Record;
use crate::report;

/// The run that is published with the project, for whoever has none of their own yet.
const PUBLISHED: &str = include_str!("../../../docs/results/2026-11-26/record.json");

/// A headline table, and which run it is of.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    /// When the run began, as its record says.
    started_at: String,
    /// Whether it is the published run, and not one of this machine.
    published: bool,
    cores: u32,
    columns: [&'static str; 5],
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Serialize)]
struct Row {
    arm: String,
    label: String,
    marks: Vec<String>,
}

impl Figures {
    /// The figures of a record.
    pub(super) fn of(record: &Record) -> Self {
        let rows = report::headline(record).into_iter().map(|row| Row {
            arm: row.arm,
            label: row.label,
            marks: row.marks.iter().map(|mark| mark.word.clone()).collect(),
        });
        Self {
            started_at: record.started_at.clone(),
            published: false,
            cores: record.environment.cores,
            columns: report::HEADLINE_COLUMNS,
            rows: rows.collect(),
        }
    }

    /// Those of the newest whole run below `folder`, or else the published ones.
    pub(super) fn newest(folder: &Path) -> Self {
        let runs = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut runs: Vec<(SystemTime, Record)> = runs
            .filter_map(|entry| {
                let changed = entry.path().join("record.json").metadata().ok()?;
                let record = Record::load(&entry.path()).ok()?;
                let told = !record.interrupted && !report::headline(&record).is_empty();
                told.then_some((changed.modified().ok()?, record))
            })
            .collect();
        runs.sort_by_key(|(changed, _)| *changed);
        runs.pop()
            .map_or_else(Self::published, |(_, record)| Self::of(&record))
    }

    /// Those of the run that is published with the project.
    pub(super) fn published() -> Self {
        let record: Record =
            serde_json::from_str(PUBLISHED).expect("a test reads the record that is built in");
        Self {
            published: true,
            ..Self::of(&record)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_run_there_are_the_published_figures() {
        let empty = tempfile::tempdir().unwrap();
        let figures = Figures::newest(empty.path());
        assert!(figures.published);
        assert_eq!(figures.rows.len(), 5, "the five headline arms");
        assert!(figures.rows.iter().all(|row| row.marks.len() == 5));
    }

    #[test]
    fn the_newest_whole_run_is_shown() {
        let runs = tempfile::tempdir().unwrap();
        let mut record: Record = serde_json::from_str(PUBLISHED).unwrap();
        for (name, started_at, interrupted) in [
            ("1", "first", false),
            ("2", "second", false),
            ("3", "cut", true),
        ] {
            let dir = runs.path().join(name);
            std::fs::create_dir(&dir).unwrap();
            started_at.clone_into(&mut record.started_at);
            record.interrupted = interrupted;
            record.save(&dir).unwrap();
        }
        std::fs::create_dir(runs.path().join("no-run")).unwrap();
        let figures = Figures::newest(runs.path());
        assert!(!figures.published);
        assert_eq!(figures.started_at, "second");
    }
}
