//! Sessions in Redis: every instance knows them, and all depend on it.
//!
//! What is ended here is ended everywhere at once, because nobody remembers anything. The price
//! is a round trip on each request, and that without Redis nobody can say who is logged in:
//! then the answer is 503, never 401, and the client keeps its cookie.

use app::{Ended, Reason, Role, Status};
use async_trait::async_trait;
use axum::Router;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, Error};

use super::blob::{self, Blob};
use super::records::Records;
use super::{CookieSettings, Created, Lifetimes, Link, Saved, Store, Unanswered};
use super::{name_of, notes, refused, user_of};
use crate::carry::CarryLayer;

/// The store. Clones share its connection.
#[derive(Debug, Clone)]
pub struct RedisStore {
    pub(super) records: Records,
}

impl RedisStore {
    /// Sessions behind `link`.
    pub fn new(link: Link, lifetimes: Lifetimes) -> Self {
        Self {
            records: Records::new(link, lifetimes),
        }
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let user = user_of(record);
        let data = blob::pack(&record.data)?;
        let replaced = notes::replaced().map(|id| name_of(&id));
        loop {
            let created = self
                .records
                .create(&name_of(&record.id), &user, &data, replaced)
                .await;
            match created.map_err(not_written)? {
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
        let (name, data) = (name_of(&record.id), blob::pack(&record.data)?);
        let version = notes::version_read(&record.id);
        let saved = self.records.save(&name, version, &data).await;
        match saved.map_err(not_written)? {
            Saved::Version(version) => notes::read(&record.id, version),
            Saved::Gone => return Err(refused(Reason::UnknownSession)),
            Saved::Changed => return Err(refused(Reason::Conflict)),
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = self.records.fetch(&name_of(id)).await.map_err(not_read)?;
        found.map(|bytes| read(id, &bytes)).transpose()
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        if notes::waits_for_its_replacement(id) {
            return Ok(());
        }
        self.records.remove(&name_of(id)).await.map_err(not_read)
    }
}

#[async_trait]
impl Store for RedisStore {
    fn around(&self, routes: Router, cookie: &CookieSettings, carry: CarryLayer) -> Router {
        super::around(self.clone(), routes, cookie, carry)
    }

    async fn login_begins(&self) -> Result<(), Unanswered> {
        notes::begin(self.records.link.read_clock().await?);
        Ok(())
    }

    async fn reached(&self) -> Result<(), Unanswered> {
        self.records.link.ask::<()>(&redis::cmd("PING")).await
    }

    fn one_ended(&self) -> Ended {
        Ended::Everywhere
    }

    async fn end_all(&self, user: &str) -> Ended {
        let ended = self.records.remove_all(user).await;
        ended.map_or(Ended::Unknown, |_| Ended::Everywhere)
    }

    async fn set_role(&self, user: &str, role: Role) -> Ended {
        let rewritten = self.records.rewrite_all(user, role).await;
        rewritten.map_or(Ended::Unknown, |_| Ended::Everywhere)
    }

    fn withholds_removals(&self) -> bool {
        true
    }

    fn is_up(&self) -> Option<bool> {
        Some(self.records.link.is_up())
    }

    /// This process holds nothing; what it shows lies in Redis.
    async fn status(&self) -> Status {
        Status {
            held: self.records.held().await.unwrap_or_default(),
            store_up: self.is_up(),
            counts: vec![("store_failures_total", self.records.link.failures())],
            ..Status::default()
        }
    }
}

/// A record as tower-sessions wants it, noted as read by this request.
pub(super) fn read(id: &Id, bytes: &[u8]) -> session_store::Result<Record> {
    let blob = Blob::read(bytes)?;
    notes::read(id, blob.version);
    blob::record(id, blob.data)
}

/// A read failed: whoever asked answers 503.
pub(super) fn not_read(unanswered: Unanswered) -> Error {
    Error::Backend(unanswered.to_string())
}

fn not_written(unanswered: Unanswered) -> Error {
    refused(unanswered.into())
}
