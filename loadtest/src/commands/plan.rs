//! The command `plan`: unit costs and needs in, cores and nodes out; or the model held against
//! what was measured at other sizes.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::book;
use crate::cli::plan::PlanArgs;
use crate::failure::{Failure, exit};
use crate::plan::{self, check::Check};
use crate::progress::Progress;
use crate::record::{Record, Section};
use crate::report;

/// What was asked for, in every form it has.
#[derive(Debug)]
pub struct Found {
    /// For programs.
    pub json: String,
    /// A page.
    pub html: String,
    /// A block of some other page.
    pub markdown: String,
    /// For a terminal.
    pub lines: Vec<String>,
    /// The name of that block.
    pub block: &'static str,
    /// The exit code.
    pub code: u8,
}

/// Plans, or checks the model, and writes it down.
///
/// # Errors
/// When the command line asks for what there is not, or a record cannot be planned from.
pub fn run(args: &PlanArgs, typed: &str) -> anyhow::Result<u8> {
    let found = find(args)?;
    write(args, typed, &found)?;
    Ok(found.code)
}

/// The same without writing anything.
///
/// # Errors
/// The same.
pub fn find(args: &PlanArgs) -> anyhow::Result<Found> {
    let records = args.dirs.iter().map(|dir| usable(dir));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    match args.check {
        true => checked(&records),
        false => planned(args, &records),
    }
}

fn planned(args: &PlanArgs, records: &[Record]) -> anyhow::Result<Found> {
    let needs = args.needs().map_err(Failure::Usage)?;
    let found = plan::plan(records, needs);
    if found.arms.is_empty() {
        let nothing = "no record of these has the cost of a request; name one of `measure`, such \
                       as one of --preset scale";
        return Err(Failure::Usage(nothing.to_owned()).into());
    }
    Ok(Found {
        json: serde_json::to_string_pretty(&found)?,
        html: report::plan_html(&found),
        markdown: report::plan_markdown(&found),
        lines: report::plan_lines(&found),
        block: "plan",
        code: exit::OK,
    })
}

fn checked(records: &[Record]) -> anyhow::Result<Found> {
    let found = Check::of(records).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Found {
        json: serde_json::to_string_pretty(&found)?,
        html: report::check_html(&found),
        markdown: report::check_markdown(&found),
        lines: report::check_lines(&found),
        block: "check",
        code: match found.holds() {
            true => exit::OK,
            false => exit::UNEXPECTED,
        },
    })
}

/// A record that may be planned from: an invalid one has no speeds.
fn usable(dir: &Path) -> Result<Record, Failure> {
    let record = Record::load(dir).map_err(|error| Failure::Usage(error.to_string()))?;
    match record.valid && !report::is_invalid(&record, Section::Cost) {
        true => Ok(record),
        false => Err(Failure::Usage(format!(
            "{}: that run is invalid, so no speed of it can be planned from; measure it again",
            dir.display()
        ))),
    }
}

/// Into a folder, into a block where one is named, and onto the terminal.
fn write(args: &PlanArgs, typed: &str, found: &Found) -> anyhow::Result<()> {
    let progress = Progress::new(args.json);
    if let Some(file) = &args.splice {
        report::splice_block(found.block, (typed, &found.markdown), file)
            .map_err(|error| Failure::Usage(format!("{error:#}")))?;
    }
    let dir = book::folder(args.out.as_deref())?;
    for (name, text) in [(plan::FILE_NAME, &found.json), (plan::PAGE, &found.html)] {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| {
            format!(
                "{}: cannot be written; name a folder with --out",
                path.display()
            )
        })?;
    }
    for line in &found.lines {
        progress.say(line);
    }
    progress.say(format!("Page  {}", dir.join(plan::PAGE).display()));
    if args.json {
        println!("{}", found.json);
    }
    Ok(())
}
