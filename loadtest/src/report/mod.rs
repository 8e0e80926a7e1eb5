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
mod choose;
mod cost;
pub mod cost_run;
pub mod csv;
mod findings;
mod frontier;
pub mod headline;
mod html;
mod ladder;
pub(crate) mod lag;
pub mod list;
mod mark;
mod markdown;
mod observed;
mod plan;
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

use crate::plan::{Plan, check::Check};
use crate::record::{self, LadderRung, Record, Section, Validity};
use cost_run::CostRun;
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
    /// A run of `measure`, whose costs to show instead of the run's own.
    pub costs: Option<CostRun>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            handler_ms: 5.0,
            out: None,
            splice: None,
            ladder: None,
            against: None,
            costs: None,
        }
    }
}

impl Options {
    fn is_about_one_run(&self) -> bool {
        let beside = self.against.is_some() || self.costs.is_some();
        self.out.is_some() || self.splice.is_some() || beside
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
        if let Some(costs) = &options.costs {
            record = cost_run::with_costs_of(record, costs);
        }
        let beside = if dir.is_dir() {
            dir.as_path()
        } else {
            dir.parent().unwrap_or(dir)
        };
        let out = options.out.as_deref().unwrap_or(beside);
        written.extend(write(&record, out, options)?);
        if let Some(file) = &options.splice {
            splice::into_file(&record, dir, options.costs.as_ref(), file)?;
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
    let frontier = html::frontier::file(View::new(record));
    files.extend(frontier.map(|drawing| ("frontier.svg".to_owned(), drawing)));
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

/// An arm's label on its own, completed by the arm that it varies.
pub fn full_label(record: &Record, arm: &record::Arm) -> String {
    View::new(record).full_label(arm).into_owned()
}

/// Whether a section of this record may not be believed at all.
pub fn is_invalid(record: &Record, section: Section) -> bool {
    validity::of(View::new(record), section).validity == Validity::Invalid
}

/// A plan as one HTML file.
pub fn plan_html(found: &Plan) -> String {
    html::plan::render(found)
}

/// The model against what was measured, as one HTML file.
pub fn check_html(found: &Check) -> String {
    html::plan::render_check(found)
}

/// A plan in lines for a terminal.
pub fn plan_lines(found: &Plan) -> Vec<String> {
    let mut lines = plan::asked(&found.needs);
    lines.extend(plan::tables(found).iter().flat_map(terminal::table));
    lines.extend(plan::missing(found));
    lines.extend(plan::sources(&found.sources));
    lines
}

/// The model against what was measured, in lines for a terminal.
pub fn check_lines(found: &Check) -> Vec<String> {
    let mut lines = terminal::table(&plan::checked(&found.points));
    lines.extend(plan::sources(&found.sources));
    lines
}

/// A plan as a block of Markdown.
pub fn plan_markdown(found: &Plan) -> String {
    let mut page = markdown::lines(&plan::asked(&found.needs));
    for table in plan::tables(found) {
        page += &markdown::block(&table);
    }
    page += &markdown::points(&plan::missing(found));
    page + &markdown::lines(&plan::sources(&found.sources))
}

/// The model against what was measured, as a block of Markdown.
pub fn check_markdown(found: &Check) -> String {
    let table = markdown::block(&plan::checked(&found.points));
    table + &markdown::lines(&plan::sources(&found.sources))
}

/// `text` with `body`, which `made_by` made, in its block of that name.
///
/// # Errors
/// If there is no such block, or more than one.
pub fn block_spliced(name: &str, made_by: (&str, &str), text: &str) -> anyhow::Result<String> {
    splice::block_spliced(name, made_by, text)
}

/// The same in a file.
///
/// # Errors
/// The same, or when it cannot be read or written.
pub fn splice_block(name: &str, made_by: (&str, &str), file: &Path) -> anyhow::Result<()> {
    splice::block_into_file(name, made_by, file)
}

/// The text of `file`, a README, with what the record of `dir` says between its report markers,
/// with the costs of another run if there is one.
///
/// # Errors
/// If there are no such markers, or too many.
pub fn spliced(
    record: Record,
    dir: &str,
    costs: Option<&CostRun>,
    file: &str,
    text: &str,
) -> anyhow::Result<String> {
    let record = match costs {
        Some(costs) => cost_run::with_costs_of(record, costs),
        None => record,
    };
    splice::spliced(&record, dir, costs, file, text)
}

/// The frontier as a drawing; nothing where no arm's cost and lag are both known.
pub fn frontier(record: Record, costs: Option<&CostRun>) -> Option<String> {
    let record = match costs {
        Some(costs) => cost_run::with_costs_of(record, costs),
        None => record,
    };
    html::frontier::file(View::new(&record))
}

/// The text of `file`, a page on which way to choose, with the path filled from the record of `dir`
/// and from `costs` between its markers.
///
/// # Errors
/// If there are no such markers, or too many.
pub fn chosen(
    record: &Record,
    dir: &str,
    costs: Option<&CostRun>,
    file: &str,
    text: &str,
) -> anyhow::Result<String> {
    splice::chosen(record, dir, costs, file, text)
}
