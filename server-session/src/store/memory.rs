//! Sessions in this process: nobody else knows them, and they end with it.
//!
//! Beside tower-sessions' own `MemoryStore` (see [`super::stock`]) this one forgets what has
//! expired, never brings back what was ended, lets no save overwrite another, renews a session by
//! reading it, ends it when its time is over, and finds all sessions of a user.

use std::sync::Arc;
use std::time::Duration;

use app::{Clock, Ended, Reason, Role, Status};
use async_trait::async_trait;
use axum::Router;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use super::shards::SHARDS;
use super::table::Table;
use super::{CookieSettings, Created, Lifetimes, Saved, Store, Unanswered};
use super::{blob, notes, refused, user_of};
use crate::carry::CarryLayer;

/// How often one part of the store is swept; all of it once in about a minute. Sweeping the
/// whole at once would stop everybody: 93 ms for a million sessions.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The store. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<Table>);

impl MemoryStore {
    /// An empty store, swept by a task of the current runtime as long as it is used.
    pub fn new(clock: Clock, lifetimes: Lifetimes) -> Self {
        let table = Arc::new(Table::new(clock, lifetimes));
        let swept = Arc::downgrade(&table);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SWEEP_EVERY);
            for part in (0..SHARDS).cycle() {
                ticks.tick().await;
                let Some(table) = swept.upgrade() else { break };
                table.sweep(part);
            }
        });
        Self(table)
    }

    /// Sessions of the same user on other instances are out of reach; they end by themselves.
    fn here(&self) -> Ended {
        Ended::Here {
            elsewhere_at_ms: self.0.now_ms() + self.0.lifetimes.absolute_ms,
        }
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let user = user_of(record);
        loop {
            let data = blob::pack(&record.data)?;
            match self.0.create(record.id, &user, data, notes::replaced()) {
                Created::Yes => break,
                Created::NameTaken => record.id = Id::default(),
                Created::Overtaken => return Err(refused(Reason::Conflict)),
            }
        }
        notes::read(&record.id, 1);
        Ok(())
    }

    /// Saves what is present, in the version that was read: a log-out is never undone, and of
    /// two requests that change the same record one is told.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let version = notes::version_read(&record.id);
        match self.0.save(&record.id, version, blob::pack(&record.data)?) {
            Saved::Version(version) => notes::read(&record.id, version),
            Saved::Gone => return Err(refused(Reason::UnknownSession)),
            Saved::Changed => return Err(refused(Reason::Conflict)),
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.0.fetch(id)
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        if !notes::waits_for_its_replacement(id) {
            self.0.remove(id);
        }
        Ok(())
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn around(&self, routes: Router, cookie: &CookieSettings, carry: CarryLayer) -> Router {
        super::around(self.clone(), routes, cookie, carry)
    }

    async fn login_begins(&self) -> Result<(), Unanswered> {
        self.0.begin();
        Ok(())
    }

    /// Everywhere, since it was nowhere else. The client may have logged in on other instances
    /// as well; those are other logins.
    fn one_ended(&self) -> Ended {
        Ended::Everywhere
    }

    async fn end_all(&self, user: &str) -> Ended {
        self.0.remove_all(user);
        self.here()
    }

    async fn set_role(&self, user: &str, role: Role) -> Ended {
        let rewritten = self.0.rewrite_all(user, role);
        rewritten.map_or(Ended::Unknown, |()| self.here())
    }

    fn withholds_removals(&self) -> bool {
        false
    }

    fn is_up(&self) -> Option<bool> {
        None
    }

    async fn status(&self) -> Status {
        Status {
            logins: Some(self.0.len()),
            held: self.0.held(Status::HELD_MAX),
            counts: vec![("swept_total", self.0.swept())],
            ..Status::default()
        }
    }
}
