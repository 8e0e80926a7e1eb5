//! Where a soak writes down what happens: in memory, to be checked, and in a file line by line, so
//! that nothing is lost whatever becomes of the run.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use tokio::time::Instant;

use super::history::{Asked, Came, Line, Moment, Struck, What};
use crate::answer::Answer;
use crate::failure::Failure;

/// The name of the file in a run's folder: one [`Line`] of JSON in each line.
pub const FILE_NAME: &str = "history.jsonl";

/// The history so far.
#[derive(Debug)]
pub struct Notes {
    began: Instant,
    next: AtomicU32,
    /// The arm that is being struck.
    struck_now: Mutex<Option<&'static str>>,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    lines: Vec<Line>,
    file: BufWriter<File>,
}

impl Notes {
    /// An empty history, which begins now.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn begin(dir: &Path) -> anyhow::Result<Notes> {
        let path = dir.join(FILE_NAME);
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        Ok(Notes {
            began: Instant::now(),
            next: AtomicU32::new(1),
            struck_now: Mutex::default(),
            kept: Mutex::new(Kept {
                lines: Vec::new(),
                file: BufWriter::new(file),
            }),
        })
    }

    /// A number for a login, used once.
    pub fn next_login(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// From now on this arm is being struck, or none.
    pub fn set_struck_now(&self, arm: Option<&'static str>) {
        *self
            .struck_now
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = arm;
    }

    /// Whether this arm is being struck.
    pub fn is_struck_now(&self, arm: &str) -> bool {
        let now = self.struck_now.lock();
        *now.unwrap_or_else(PoisonError::into_inner) == Some(arm)
    }

    /// Now, in microseconds since the soak began.
    pub fn now_us(&self) -> Moment {
        self.at(Instant::now())
    }

    /// Writes down what came of a request.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn asked(&self, arm: &str, login: u32, what: What, answer: &Answer) -> anyhow::Result<()> {
        self.note(Line::Asked(Asked {
            arm: arm.to_owned(),
            login,
            what,
            sent_us: self.at(answer.sent),
            answered_us: self.at(answer.answered),
            came: Came::from(answer),
            reason: answer.reason.clone(),
            served_by: answer.served_by.clone(),
        }))
    }

    /// Writes down what struck.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn struck(&self, struck: Struck) -> anyhow::Result<()> {
        self.note(Line::Struck(struck))
    }

    /// The whole history; the file has all of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end(self) -> anyhow::Result<Vec<Line>> {
        let kept = self.kept.into_inner();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        kept.file.flush().context(FILE_NAME)?;
        Ok(kept.lines)
    }

    fn note(&self, line: Line) -> anyhow::Result<()> {
        let text = serde_json::to_string(&line)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(kept.file, "{text}").context(FILE_NAME)?;
        kept.lines.push(line);
        Ok(())
    }

    fn at(&self, moment: Instant) -> Moment {
        moment.saturating_duration_since(self.began).as_micros() as Moment
    }
}

/// The history of an earlier soak.
///
/// # Errors
/// One line that names the file, and the line in it that cannot be read.
pub fn read(dir: &Path) -> Result<Vec<Line>, Failure> {
    let path = dir.join(FILE_NAME);
    let wrong = |why: &dyn std::fmt::Display| {
        let path = path.display();
        Failure::Usage(format!(
            "--replay {path}: {why}; name the folder of a soak that has ended"
        ))
    };
    let file = File::open(&path).map_err(|error| wrong(&error))?;
    let lines = BufReader::new(file).lines().enumerate();
    let parsed = lines.map(|(n, line)| {
        let line = line.map_err(|error| wrong(&error))?;
        serde_json::from_str(&line).map_err(|error| wrong(&format!("line {}: {error}", n + 1)))
    });
    parsed.collect()
}
