//! The command `merge`: one record and one report from all shards of a run.

use crate::book::Book;
use crate::cli::measure::MergeArgs;
use crate::failure::Failure;
use crate::merge::Shards;
use crate::progress::Progress;
use crate::record::Record;
use crate::report;
use crate::run;

/// Merges, writes the report, and says what came out.
///
/// # Errors
/// When the folders do not hold all shards of one run: it is named what differs.
pub fn run(args: &MergeArgs, typed: String) -> anyhow::Result<u8> {
    let usage = |error: anyhow::Error| Failure::Usage(format!("{error:#}"));
    let shards = Shards::read(&args.dirs).map_err(usage)?;
    let book = Book::open(args.out.as_deref(), shards.seed(), typed)?;
    let merged = shards.merge(book.dir()).map_err(usage)?;
    let noted = merged.doubts.clone();
    let interrupted = merged.interrupted;
    book.edit(|record| {
        *record = Record {
            command: record.command.clone(),
            ..merged
        };
    });
    let mut record = book.close(interrupted, Vec::new())?;
    // What only the shards could know.
    for doubt in noted {
        if record.doubts.iter().all(|one| one.kind != doubt.kind) {
            record.doubts.push(doubt);
        }
    }
    record.save(book.dir())?;
    report::write(&record, book.dir(), &report::Options::default())?;
    let progress = Progress::new(args.json);
    for line in report::cost_lines(&record) {
        progress.say(line);
    }
    run::tell_end(&book, &progress, &record, args.json)?;
    Ok(run::verdict(&record))
}
