//! What is known about one request while it is answered, for the stores.
//!
//! tower-sessions asks its store to load, save, create and delete, and says no more. Some things
//! a store must know beyond that: which version of a record this request has read, whether a
//! delete is half of a new id for the same session, how much time is left. They stand here, in a
//! task-local value, since there is no other way through the library's interface.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use app::Reason;
use tokio::task::futures::TaskLocalFuture;
use tower_sessions::session::Id;

use crate::carry::Sent;

tokio::task_local! {
    static NOTES: Notes;
}

/// The notes of one request. Outside one there are none, and every question has a plain answer.
#[derive(Default)]
pub struct Notes {
    sent: Cell<Sent>,
    began: Cell<Option<u64>>,
    lifetime_max_ms: Cell<Option<u64>>,
    read: Cell<Option<(Id, u64)>>,
    replacing: Cell<bool>,
    replaced: Cell<Option<Id>>,
    failure: Cell<Option<Reason>>,
    ended: Cell<bool>,
    spent: Cell<Duration>,
}

fn ask<T>(question: impl FnOnce(&Notes) -> T) -> Option<T> {
    NOTES.try_with(question).ok()
}

/// A request that is answered with notes of its own.
pub(crate) type During<F> = TaskLocalFuture<Notes, F>;

/// Answers one request, which sent `sent`, with notes of its own.
pub(crate) fn during<F: Future>(sent: Sent, answer: F) -> During<F> {
    let notes = Notes {
        sent: Cell::new(sent),
        ..Notes::default()
    };
    NOTES.scope(notes, answer)
}

/// Which cookie of ours the request sent.
pub(crate) fn sent() -> Sent {
    ask(|notes| notes.sent.get()).unwrap_or(Sent::One)
}

/// Notes the moment, by the store's own count, from which on a login may have been overtaken by
/// the order to end all logins of its user.
pub(super) fn begin(moment: u64) {
    ask(|notes| notes.began.set(Some(moment)));
}

/// Whether a login of this request was overtaken by an order given at `ended`.
pub(super) fn began() -> Option<u64> {
    ask(|notes| notes.began.get()).flatten()
}

/// Notes the longest that a login of this request may live, where a laboratory asked for it.
pub(crate) fn shorten(lifetime_max_ms: Option<u64>) {
    ask(|notes| notes.lifetime_max_ms.set(lifetime_max_ms));
}

/// How long a login of this request lives, if it usually lives for `absolute_ms`.
pub(super) fn shortened(absolute_ms: u64) -> u64 {
    let max_ms = ask(|notes| notes.lifetime_max_ms.get()).flatten();
    max_ms.map_or(absolute_ms, |max_ms| max_ms.min(absolute_ms))
}

/// Notes that this request knows the record of `id` in this version.
pub(super) fn read(id: &Id, version: u64) {
    ask(|notes| notes.read.set(Some((*id, version))));
}

/// The version in which this request knows the record of `id`. It saves what it made of that
/// version, so it must not overwrite another one.
pub(super) fn version_read(id: &Id) -> Option<u64> {
    let (read, version) = ask(|notes| notes.read.get()).flatten()?;
    (read == *id).then_some(version)
}

/// Runs tower-sessions' `cycle_id`, which deletes the old record long before it creates the new
/// one. What it deletes is kept until then: an error, a panic or a client that leaves in
/// between must not cost the login that is there.
pub(crate) async fn replacing<F: Future>(cycle: F) -> F::Output {
    ask(|notes| notes.replacing.set(true));
    let done = cycle.await;
    ask(|notes| notes.replacing.set(false));
    done
}

/// Whether the delete of `id` waits for the record that replaces it.
pub(super) fn waits_for_its_replacement(id: &Id) -> bool {
    ask(|notes| {
        let replacing = notes.replacing.get();
        // Without a cookie the old record is one that was never written.
        if replacing && notes.sent.get() == Sent::One {
            notes.replaced.set(Some(*id));
        }
        replacing
    })
    .unwrap_or(false)
}

/// The id that a new record replaces; it is deleted together with the creation.
pub(super) fn replaced() -> Option<Id> {
    ask(|notes| notes.replaced.get()).flatten()
}

/// Notes why a record could not be written: tower-sessions would answer an empty 500.
pub(super) fn fail(reason: Reason) {
    ask(|notes| notes.failure.set(Some(reason)));
}

/// Why a record could not be written.
pub(crate) fn failure() -> Option<Reason> {
    ask(|notes| notes.failure.get()).flatten()
}

/// Notes that this request ends its own login: the client is to give its cookie up.
pub(crate) fn end() {
    ask(|notes| notes.ended.set(true));
}

/// Whether this request ended its own login.
pub(crate) fn ended() -> bool {
    ask(|notes| notes.ended.get()).unwrap_or(false)
}

/// What is left of the `deadline` for all store commands of one request. Only time spent waiting
/// for the store counts: a login spends much more of it on its password.
pub(super) fn time_left(deadline: Duration) -> Duration {
    deadline.saturating_sub(ask(|notes| notes.spent.get()).unwrap_or_default())
}

/// Notes time spent waiting for the store.
pub(super) fn spend(time: Duration) {
    ask(|notes| notes.spent.set(notes.spent.get() + time));
}
