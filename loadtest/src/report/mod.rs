//! Reports: pure functions of records.
//!
//! A record goes in, text comes out: [`mod@html`] for the room, [`mod@markdown`] for a README or a
//! review, [`csv`] for a spreadsheet. Nothing here measures, waits or asks a system anything, and
//! nothing here knows what the outcome should be: every sentence is chosen by the data.
//!
//! [`view`] answers questions about a record, [`mark`], [`lag`], [`cost`] and [`validity`] judge
//! one observation, [`mod@headline`] and [`findings`] say what it comes to, the rest puts it on a
//! page.

mod advice;
mod against;
mod cost;
pub mod csv;
mod findings;
pub mod headline;
mod html;
mod ladder;
mod lag;
pub mod list;
mod mark;
mod markdown;
mod observed;
mod splice;
mod sweeps;
mod terminal;
mod titles;
mod validity;
mod view;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

pub use headline::COLUMNS as HEADLINE_COLUMNS;
pub use mark::{Expectation, Mark, Tone};
pub(crate) use splice::between;

use crate::record::{LadderRung, Record};
use view::View;

/// What a reader may choose about a report.
#[derive(Debug, Clone)]
pub struct Options {
    /// The reader's own handler time, to set the cost beside, in milliseconds.
    pub handler_ms: f64,
    /// Where to write; beside the record if nothing is said.
    pub out: Option<PathBuf>,
    /// A file, such as README.md, whose report block to replace.
    pub splice: Option<PathBuf>,
    /// The folder of a record whose ladder to show as well.
    pub ladder: Option<PathBuf>,
    /// Another run to hold this one against.
    pub against: Option<Record>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            handler_ms: 5.0,
            out: None,
            splice: None,
            ladder: None,
            against: None,
        }
    }
}

impl Options {
    fn is_about_one_run(&self) -> bool {
        self.out.is_some() || self.splice.is_some() || self.against.is_some()
    }
}

/// The command `report`: for each run's folder write HTML, Markdown and CSV; splice if asked to.
///
/// Answers the files written, for the command line to name.
pub fn run(dirs: &[PathBuf], options: &Options) -> anyhow::Result<Vec<PathBuf>> {
    ensure!(
        !dirs.is_empty(),
        "report: no run is named; name one or more folders, such as runs/*"
    );
    ensure!(
        options.handler_ms > 0.0,
        "--handler-ms {}: must be more than 0; 5 is usual",
        options.handler_ms
    );
    ensure!(
        dirs.len() == 1 || !options.is_about_one_run(),
        "--out, --splice and --against take one run; name one folder"
    );
    let ladder = options.ladder.as_deref().map(measured_ladder).transpose()?;
    let mut written = Vec::new();
    for dir in dirs {
        let mut record = Record::load(dir)?;
        if let Some(ladder) = &ladder {
            record.ladder.clone_from(ladder);
        }
        let beside = if dir.is_dir() {
            dir.as_path()
        } else {
            dir.parent().unwrap_or(dir)
        };
        let out = options.out.as_deref().unwrap_or(beside);
        written.extend(write(&record, out, options)?);
        if let Some(file) = &options.splice {
            splice::into_file(&record, dir, file)?;
            written.push(file.clone());
        }
    }
    Ok(written)
}

/// The rungs in the record of that folder.
fn measured_ladder(dir: &Path) -> anyhow::Result<Vec<LadderRung>> {
    let ladder = Record::load(dir)?.ladder;
    ensure!(
        !ladder.is_empty(),
        "--ladder {}: that record has no ladder; `cargo bench --bench ladder` measures one",
        dir.display()
    );
    Ok(ladder)
}

/// Write every form of one record into a folder, which is made if need be.
pub fn write(record: &Record, dir: &Path, options: &Options) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || {
        format!(
            "{}: cannot be written; name a folder that can be, with --out",
            dir.display()
        )
    };
    fs::create_dir_all(dir).with_context(cannot)?;
    let mut files = vec![
        ("report.html".to_owned(), html(record, options)),
        ("report.md".to_owned(), markdown(record, options)),
    ];
    files.extend(csv::tables(record)?);
    let mut written = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        fs::write(&path, text).with_context(cannot)?;
        written.push(path);
    }
    Ok(written)
}

/// The record as one HTML file.
pub fn html(record: &Record, options: &Options) -> String {
    html::render(View::new(record), options)
}

/// The record as Markdown.
pub fn markdown(record: &Record, options: &Options) -> String {
    markdown::render(View::new(record), options)
}

/// The rows of the headline table, for a terminal or a page.
pub fn headline(record: &Record) -> Vec<headline::Row> {
    headline::rows(View::new(record))
}

/// What a request cost, in lines for a terminal; why it is not shown, if it may not be.
pub fn cost_lines(record: &Record) -> Vec<String> {
    terminal::cost(View::new(record))
}

/// The title of the report: what the run found, in one line.
pub fn title(record: &Record) -> String {
    titles::page(View::new(record))
}

/// The text of `file`, a README, with what the record of `dir` says between its report markers.
///
/// # Errors
/// If there are no such markers, or too many.
pub fn spliced(record: &Record, dir: &str, file: &str, text: &str) -> anyhow::Result<String> {
    splice::spliced(record, dir, file, text)
}
