//! The book of a run: its folder, and its record, written anew after each group of cells so that
//! nothing that was observed can be lost.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::claims::outcome;
use crate::doubts::{self, Doubt};
use crate::failure::Failure;
use crate::record::{
    self, Cell, Hop, Measure, NotRun, Record, Revocation, Section, SectionValidity, Validity,
};

/// Where runs land that nobody gave a folder.
pub const RUNS: &str = "runs";

/// The record so far, and where it is kept.
#[derive(Debug)]
pub struct Book {
    dir: PathBuf,
    record: Mutex<Record>,
}

impl Book {
    /// Makes a folder for the run: the one that was asked for, which must not hold a run yet, or
    /// the next free `runs/<date>-<n>`.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds a run already.
    pub fn open(out: Option<&Path>, seed: u64, command: String) -> Result<Book, Failure> {
        let dir = folder(out)?;
        let record = Record {
            started_at: now(),
            ..Record::new(seed, command)
        };
        let book = Book {
            dir,
            record: Mutex::new(record),
        };
        // Now, not after a minute of work: a folder that cannot be written is found at once.
        book.save()
            .map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(book)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Changes the record in memory.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut Record) -> T) -> T {
        edit(
            &mut self
                .record
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    /// Adds what was observed together, and writes the record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(
        &self,
        cells: Vec<Cell>,
        hops: Vec<Hop>,
        revocations: Vec<Revocation>,
    ) -> Result<(), record::Error> {
        self.edit(|record| {
            record.cells.extend(cells);
            record.hops.extend(hops);
            record.revocations.extend(revocations);
        });
        self.save()
    }

    /// Adds what a request cost in one turn, and writes the record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_cost(&self, measure: Measure) -> Result<(), record::Error> {
        self.edit(|record| record.measures.push(measure));
        self.save()
    }

    /// Notes what was asked for and not run.
    pub fn note_not_run(&self, arm: &str, event: &str, because: impl Into<String>) {
        let not_run = NotRun {
            arm: arm.to_owned(),
            event: event.to_owned(),
            variant: None,
            because: because.into(),
        };
        self.edit(|record| record.not_run.push(not_run));
    }

    /// Notes how far a section may be believed, and why. Its first judgement stays.
    pub fn judge(&self, section: Section, validity: Validity, because: &str) {
        self.edit(|record| {
            if record.validity.iter().all(|row| row.section != section) {
                record.validity.push(SectionValidity {
                    section,
                    validity,
                    because: Some(because.to_owned()),
                });
            }
        });
    }

    /// Notes that a section may not be believed, and so neither may the run.
    pub fn invalidate(&self, section: Section, because: &str) {
        self.edit(|record| record.valid = false);
        self.judge(section, Validity::Invalid, because);
    }

    /// Looks for doubts, adds those that only the run knows, and writes the record for the last
    /// time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn close(&self, interrupted: bool, known: Vec<Doubt>) -> Result<Record, record::Error> {
        let record = self.edit(|record| {
            record.interrupted = interrupted;
            record.finished_at = now();
            let found = doubts::find(record).into_iter().chain(known);
            record.doubts = found.map(record::Doubt::from).collect();
            record.clone()
        });
        record.save(&self.dir)?;
        Ok(record)
    }

    fn save(&self) -> Result<(), record::Error> {
        self.edit(|record| record.save(&self.dir)).map(|_| ())
    }
}

/// A folder for a run: the one that was asked for, which must not hold a run yet, or the next free
/// `runs/<date>-<n>`.
///
/// # Errors
/// When it cannot be written, or holds a run already.
pub fn folder(out: Option<&Path>) -> Result<PathBuf, Failure> {
    match out {
        Some(dir) => named(dir),
        None => next_free(Path::new(RUNS)),
    }
}

fn named(dir: &Path) -> Result<PathBuf, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        let dir = dir.display();
        Failure::Usage(format!(
            "--out {dir}: {why}; name a folder that can be written"
        ))
    };
    std::fs::create_dir_all(dir).map_err(|error| unusable(&error))?;
    let results = [record::FILE_NAME, outcome::FILE_NAME];
    if results.iter().any(|name| dir.join(name).exists()) {
        return Err(unusable(
            &"it holds a run already, and no run is ever overwritten",
        ));
    }
    Ok(dir.to_owned())
}

fn next_free(runs: &Path) -> Result<PathBuf, Failure> {
    let unwritable = |error: std::io::Error| {
        let runs = runs.display();
        Failure::Usage(format!(
            "{runs}: {error}; name a folder that can be written with --out"
        ))
    };
    std::fs::create_dir_all(runs).map_err(unwritable)?;
    let date = OffsetDateTime::now_utc().date();
    let date = date
        .format(format_description!("[year]-[month]-[day]"))
        .unwrap_or_default();
    for n in 1_u32.. {
        let dir = runs.join(format!("{date}-{n}"));
        match std::fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            // Another run has it, perhaps since a moment ago: creating is also asking.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(error)),
        }
    }
    Err(Failure::Usage(format!(
        "{}: there is no free name left",
        runs.display()
    )))
}

/// Now, in UTC.
fn now() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_written_at_once_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("deep/run");
        let book = Book::open(Some(&out), 7, "loadtest matrix".to_owned()).unwrap();
        assert!(out.join("record.json").exists());
        book.note_not_run("jwt-hs256", "balanced", "for a test");
        book.invalidate(Section::Survival, "the first reason");
        book.invalidate(Section::Survival, "what came of it");
        let record = book.close(true, vec![]).unwrap();
        assert!(record.interrupted && record.not_run.len() == 1);
        assert!(!record.valid && record.validity.len() == 1);
        let because = record.validity[0].because.as_deref();
        assert_eq!(because, Some("the first reason"));
        assert_eq!(record.doubts[0].kind, "interrupted");

        let again = Book::open(Some(&out), 7, String::new())
            .unwrap_err()
            .to_string();
        assert!(
            again.starts_with("--out ") && again.contains("holds a run already"),
            "{again}"
        );
        assert_eq!(again.lines().count(), 1);
    }

    #[test]
    fn runs_of_one_day_are_numbered() {
        let dir = tempfile::tempdir().unwrap();
        let first = next_free(dir.path()).unwrap();
        let second = next_free(dir.path()).unwrap();
        assert!(
            first.to_string_lossy().ends_with("-1"),
            "{}",
            first.display()
        );
        assert!(
            second.to_string_lossy().ends_with("-2"),
            "{}",
            second.display()
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_its_flag() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Book::open(Some(&file.join("run")), 7, String::new()).unwrap_err();
        assert!(error.to_string().starts_with("--out "), "{error}");
    }
}
