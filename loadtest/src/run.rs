//! What `demo` and `matrix` share: how a run begins, how it ends, and what happens if somebody
//! presses Ctrl-C in between.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cluster::Crash;
use tokio::signal::unix::{SignalKind, signal};

use crate::arms::Arm;
use crate::book::Book;
use crate::cli::RunArgs;
use crate::doubts::Doubt;
use crate::environment;
use crate::failure::exit;
use crate::progress::Progress;
use crate::record::Record;
use crate::report;
use crate::rig::Rig;

/// Nobody waits longer for processes to end; the supervisor sees to them anyway.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Starts what `arms` need.
///
/// # Errors
/// When a Redis that was named does not answer, or a process does not come up.
pub async fn raise(args: &RunArgs, arms: &[&Arm]) -> anyhow::Result<Arc<Rig>> {
    let executable = std::env::current_exe().context("cannot find this executable")?;
    let wants_redis = arms.iter().any(|arm| arm.server.needs_store());
    Rig::raise(&executable, args.redis_url.clone(), wants_redis, args.seed).await
}

/// Starts what `arms` need, and writes down the machine and who runs where; nothing if somebody
/// stopped it meanwhile, and then the book is closed.
///
/// # Errors
/// As those of [`raise`], or when the record cannot be written.
pub async fn raise_for(
    book: &Book,
    args: &RunArgs,
    arms: &[&Arm],
) -> anyhow::Result<Option<Arc<Rig>>> {
    let Some(rig) = unless_interrupted(raise(args, arms)).await else {
        book.close(true, Vec::new())?;
        return Ok(None);
    };
    let rig = rig?;
    note_environment(book, &rig);
    Ok(Some(rig))
}

/// What a run stands on, as far as its beginning and its end care.
pub trait Footing {
    /// Who runs where, in words.
    fn topology(&self) -> BTreeMap<String, String>;
    /// The versions that only the run can know, the store's above all.
    fn versions(&self) -> BTreeMap<String, String>;
    /// Every process that ended although nobody asked it to.
    fn crashes(&self) -> Vec<Crash>;
    /// Whether there is a store that this run did not start.
    fn store_is_foreign(&self) -> bool;
    /// Ends everything that this run started; fails when the supervisor does not end.
    fn strike(&self) -> impl Future<Output = anyhow::Result<()>>;
}

impl<T: Footing> Footing for Arc<T> {
    fn topology(&self) -> BTreeMap<String, String> {
        T::topology(self)
    }

    fn versions(&self) -> BTreeMap<String, String> {
        T::versions(self)
    }

    fn crashes(&self) -> Vec<Crash> {
        T::crashes(self)
    }

    fn store_is_foreign(&self) -> bool {
        T::store_is_foreign(self)
    }

    fn strike(&self) -> impl Future<Output = anyhow::Result<()>> {
        T::strike(self)
    }
}

/// Writes down the machine and who runs where.
pub fn note_environment(book: &Book, footing: &impl Footing) {
    let environment = environment::gather(footing.topology(), footing.versions());
    book.edit(|record| record.environment = environment);
}

/// Does `work` unless somebody stops it; `None` if somebody did.
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        result = work => Some(result),
        () = interrupted() => None,
    }
}

/// Waits for Ctrl-C, or for SIGTERM.
pub async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Closes the book and writes the report.
///
/// # Errors
/// When record or report cannot be written.
pub fn close(footing: &impl Footing, book: &Book, interrupted: bool) -> anyhow::Result<Record> {
    let crashes = footing.crashes().into_iter().map(|crash| Doubt::Crashed {
        what: format!("{}-{}, {}", crash.pool, crash.instance, crash.status),
    });
    let mut known: Vec<_> = crashes.collect();
    if footing.store_is_foreign() {
        known.push(Doubt::ForeignStore);
    }
    let record = book.close(interrupted, known)?;
    report::write(&record, book.dir(), &report::Options::default())?;
    Ok(record)
}

/// Ends every process.
///
/// # Errors
/// When the supervisor says that it could not.
pub async fn strike(footing: &impl Footing, progress: &Progress) -> anyhow::Result<()> {
    match tokio::time::timeout(END_PATIENCE, footing.strike()).await {
        Ok(struck) => struck,
        Err(_) => {
            progress.say("The cluster takes long to end; its supervisor sees to it.");
            Ok(())
        }
    }
}

/// What a finished run exits with.
pub fn verdict(record: &Record) -> u8 {
    let unexpected = record.cells.iter().any(|cell| !cell.as_expected)
        || record.revocations.iter().any(|row| !row.as_expected);
    match (record.interrupted, unexpected, record.valid) {
        (true, ..) => exit::INTERRUPTED,
        (_, true, _) => exit::UNEXPECTED,
        (.., false) => exit::INVALID,
        (.., true) => exit::OK,
    }
}

/// Where everything lies, for people, and the record itself if a machine asked for it.
///
/// # Errors
/// When the record cannot be printed.
pub fn tell_end(
    book: &Book,
    progress: &Progress,
    record: &Record,
    json: bool,
) -> anyhow::Result<()> {
    let dir = book.dir().display();
    progress.say(format!(
        "Report  {dir}/report.html   (record.json and tables beside it)"
    ));
    if json {
        println!("{}", serde_json::to_string_pretty(record)?);
    }
    Ok(())
}
