//! Sessions in Redis behind a short memory of what was read: fewer round trips, and a lag.
//!
//! For so long as a record is remembered here, nobody asks whether it still holds: a login that
//! another instance ended goes on working, and so does one whose Redis is gone. What is ended
//! through this instance is forgotten here at once. So sessions get what JWTs have, in small.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::{Clock, Ended, Held, Role, Status};
use async_trait::async_trait;
use axum::Router;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use super::redis::{RedisStore, not_read, read};
use super::shards::{SHARDS, Shards, Spread};
use super::{CookieSettings, Name, Store, Unanswered, name_of, notes, records};
use crate::carry::CarryLayer;

/// How often one part of what is remembered is swept of what is out of date.
const SWEEP_EVERY: Duration = Duration::from_millis(50);

/// The store. Clones share it.
#[derive(Debug, Clone)]
pub struct CachedStore {
    redis: RedisStore,
    cache: Arc<Shards<Name, Remembered>>,
    kept: Duration,
    clock: Clock,
}

/// What was last heard of a session.
#[derive(Debug)]
struct Remembered {
    /// When it was asked for: nothing that happened later is in it.
    at: Instant,
    /// The record, or `None` when it was changed or ended through this instance: whoever asked
    /// before must not put the old one back.
    bytes: Option<Vec<u8>>,
}

impl Spread for Name {
    fn spread(&self) -> usize {
        usize::from(self[0])
    }
}

impl CachedStore {
    /// Remembers what `redis` answers for `cache_ms`, but for no more than half of the idle time:
    /// reading here does not renew a session there.
    pub fn new(redis: RedisStore, clock: Clock, cache_ms: u64) -> Self {
        let cache = Arc::new(Shards::new());
        let kept = Duration::from_millis(cache_ms.min(redis.records.lifetimes.idle_ms / 2));
        let swept = Arc::downgrade(&cache);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SWEEP_EVERY);
            for part in (0..SHARDS).cycle() {
                ticks.tick().await;
                let Some(cache) = swept.upgrade() else { break };
                cache
                    .part(part)
                    .retain(|_, known: &mut Remembered| known.at.elapsed() < kept);
            }
        });
        Self {
            redis,
            cache,
            kept,
            clock,
        }
    }

    fn recalled(&self, id: &Id, name: &Name) -> Option<session_store::Result<Record>> {
        let part = self.cache.of(name);
        let known = part
            .get(name)
            .filter(|known| known.at.elapsed() < self.kept)?;
        Some(read(id, known.bytes.as_deref()?))
    }

    fn remember(&self, name: Name, asked_at: Instant, bytes: Vec<u8>) {
        let mut part = self.cache.of(&name);
        // Something newer is known: another read, or that this one is out of date.
        if part.get(&name).is_some_and(|known| known.at > asked_at) {
            return;
        }
        let (at, bytes) = (asked_at, Some(bytes));
        part.insert(name, Remembered { at, bytes });
    }

    /// To be called after Redis was told, so that what is read from now on is new.
    fn forget(&self, name: Name) {
        let (at, bytes) = (Instant::now(), None);
        self.cache.of(&name).insert(name, Remembered { at, bytes });
    }

    /// Other instances may have read what was ended just before.
    fn here(&self) -> Ended {
        let kept_ms = u64::try_from(self.kept.as_millis()).unwrap_or(u64::MAX);
        Ended::Here {
            elsewhere_at_ms: self.clock.now_ms() + kept_ms,
        }
    }

    fn forgotten(&self, names: Result<Vec<Name>, Unanswered>) -> Ended {
        let Ok(names) = names else {
            return Ended::Unknown;
        };
        names.into_iter().for_each(|name| self.forget(name));
        self.here()
    }

    fn held(&self) -> Vec<Held> {
        let mut held = Vec::new();
        for part in 0..SHARDS {
            let part = self.cache.part(part);
            let known = part
                .iter()
                .filter(|(_, known)| known.at.elapsed() < self.kept);
            held.extend(known.filter_map(|(name, known)| {
                records::held(&records::written(name), known.bytes.as_deref()?)
            }));
            if held.len() >= Status::HELD_MAX {
                break;
            }
        }
        held.sort_by_key(|held| std::cmp::Reverse(held.since_ms));
        held.truncate(Status::HELD_MAX);
        held
    }
}

#[async_trait]
impl SessionStore for CachedStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.redis.create(record).await?;
        if let Some(old) = notes::replaced() {
            self.forget(name_of(&old));
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let saved = self.redis.save(record).await;
        self.forget(name_of(&record.id));
        saved
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let name = name_of(id);
        if let Some(record) = self.recalled(id, &name) {
            return record.map(Some);
        }
        let asked_at = Instant::now();
        let Some(bytes) = self.redis.records.fetch(&name).await.map_err(not_read)? else {
            return Ok(None);
        };
        let record = read(id, &bytes)?;
        self.remember(name, asked_at, bytes);
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let deleted = self.redis.delete(id).await;
        self.forget(name_of(id));
        deleted
    }
}

#[async_trait]
impl Store for CachedStore {
    fn around(&self, routes: Router, cookie: &CookieSettings, carry: CarryLayer) -> Router {
        super::around(self.clone(), routes, cookie, carry)
    }

    async fn login_begins(&self) -> Result<(), Unanswered> {
        self.redis.login_begins().await
    }

    async fn reached(&self) -> Result<(), Unanswered> {
        self.redis.reached().await
    }

    fn one_ended(&self) -> Ended {
        self.here()
    }

    async fn end_all(&self, user: &str) -> Ended {
        self.forgotten(self.redis.records.remove_all(user).await)
    }

    async fn set_role(&self, user: &str, role: Role) -> Ended {
        self.forgotten(self.redis.records.rewrite_all(user, role).await)
    }

    fn withholds_removals(&self) -> bool {
        true
    }

    fn is_up(&self) -> Option<bool> {
        self.redis.is_up()
    }

    async fn status(&self) -> Status {
        Status {
            store_up: self.is_up(),
            logins: Some(self.cache.len()),
            held: self.held(),
            counts: vec![("store_failures_total", self.redis.records.link.failures())],
            ..Status::default()
        }
    }
}
