//! The connection to Redis: one, multiplexed, and quick to say that nobody answers.
//!
//! The redis crate's defaults are made for batch jobs: with Redis gone, a command waits up to
//! 9.4 s for a reconnection. A request has 200 ms for all its commands together. One connection
//! is enough: it carries the commands of all requests in one stream, which beat every pool.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use reach::{BadUrl, Reach, Wire};
use redis::{Cmd, FromRedisValue, RedisError};

use super::connect::LinkSettings;
use super::{Unanswered, notes};

/// How often a store that is down is asked whether it is back.
const PROBE_EVERY: Duration = Duration::from_millis(100);
/// How often a store that answers but refuses is complained about, and reconnected to.
const REFUSALS_EVERY: Duration = Duration::from_secs(1);
/// How long a reading of the store's clock is carried on by ours.
const CLOCK_READ_EVERY: Duration = Duration::from_secs(60);

/// The connection. Clones share it.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    reach: Reach,
    /// What keys start with.
    prefix: String,
    wire: RwLock<Wire>,
    settings: LinkSettings,
    up: AtomicBool,
    probing: AtomicBool,
    failures: AtomicU64,
    refused_at: Mutex<Option<Instant>>,
    clock: Mutex<Option<Reading>>,
}

/// The store's clock when it was read, and ours.
#[derive(Clone, Copy)]
struct Reading {
    store_us: u64,
    at: Instant,
}

impl Reading {
    fn now_us(self) -> u64 {
        self.store_us + u64::try_from(self.at.elapsed().as_micros()).unwrap_or(0)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the address: it may hold a password.
        f.debug_struct("Link")
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

impl Link {
    /// A connection to `url` for keys that start with `prefix`, made at its first use; a first
    /// probe of it is under way.
    ///
    /// # Errors
    /// When `url` is not the address of a Redis.
    pub fn new(url: &str, prefix: &str, settings: LinkSettings) -> Result<Self, BadUrl> {
        let reach = Reach::read(url, settings.nodelay)?;
        let prefix = reach.prefix(prefix);
        let inner = Arc::new(Inner {
            wire: RwLock::new(reach.wire(&prefix, settings.patience())?),
            reach,
            prefix,
            settings,
            up: AtomicBool::new(true),
            probing: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            refused_at: Mutex::new(None),
            clock: Mutex::new(None),
        });
        inner.watch();
        Ok(Self(inner))
    }

    /// What every key starts with.
    pub fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Sends one command within what is left of the request's time, and reads its answer.
    ///
    /// # Errors
    /// [`Unanswered`], whatever went wrong: the log says what.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unanswered> {
        // While the store is down, only the probe waits for it.
        if !self.is_up() {
            return Err(Unanswered);
        }
        let allowed = self.0.settings.deadline.map(notes::time_left);
        let sent_at = Instant::now();
        let answer = self.0.send(command, allowed).await;
        notes::spend(sent_at.elapsed());
        answer.map_err(|failed| {
            self.0.failures.fetch_add(1, Ordering::Relaxed);
            let down = match &failed {
                // A command that had less than all of the time proves nothing about the store.
                Failed::TooLate => allowed == self.0.settings.deadline,
                Failed::Refused(error) => reach::is_lost(error),
            };
            if down {
                self.0.set_up(false, Some(&failed));
                self.0.watch();
            } else {
                self.0.refused(&failed);
            }
            Unanswered
        })
    }

    /// The store's own time in microseconds: one clock for all instances, wherever theirs stand.
    ///
    /// # Errors
    /// [`Unanswered`] when it must be read and the store does not answer.
    pub async fn read_clock(&self) -> Result<u64, Unanswered> {
        let time = self.ask(&redis::cmd("TIME")).await?;
        Ok(self.0.note_clock(time))
    }

    /// About the same in milliseconds, read from the store once a minute.
    ///
    /// # Errors
    /// [`Unanswered`] when it was never read and the store does not answer.
    pub async fn now_ms(&self) -> Result<u64, Unanswered> {
        let known = *lock(&self.0.clock);
        match known {
            Some(reading) if reading.at.elapsed() < CLOCK_READ_EVERY => Ok(reading.now_us() / 1000),
            // An old reading is better than none: clocks do not drift that fast.
            Some(reading) => Ok(self.read_clock().await.unwrap_or(reading.now_us()) / 1000),
            None => Ok(self.read_clock().await? / 1000),
        }
    }

    /// Whether the store answered last.
    pub fn is_up(&self) -> bool {
        self.0.up.load(Ordering::Relaxed)
    }

    /// How many commands failed.
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no answer in time")]
    TooLate,
    #[error(transparent)]
    Refused(#[from] RedisError),
}

impl Inner {
    async fn send<T: FromRedisValue>(
        &self,
        command: &Cmd,
        allowed: Option<Duration>,
    ) -> Result<T, Failed> {
        let wire = self
            .wire
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let answer = wire.ask(command);
        match allowed {
            Some(allowed) => {
                let in_time = tokio::time::timeout(allowed, answer).await;
                Ok(in_time.map_err(|_| Failed::TooLate)??)
            }
            None => Ok(answer.await?),
        }
    }

    fn set_up(&self, up: bool, failed: Option<&Failed>) {
        // Said once for each change: under load every request would say it.
        match (self.up.swap(up, Ordering::Relaxed), up, failed) {
            (true, false, Some(why)) => tracing::warn!(%why, "the store does not answer"),
            (false, true, _) => tracing::warn!("the store answers again"),
            _ => {}
        }
    }

    /// From now on requests are refused at once, until the probe gets an answer. The first one is
    /// sent without delay, so a single slow command costs the others next to nothing.
    fn watch(self: &Arc<Self>) {
        if !self.probing.swap(true, Ordering::Relaxed) {
            tokio::spawn(probe(Arc::downgrade(self)));
        }
    }

    fn note_clock(&self, (seconds, micros): (u64, u64)) -> u64 {
        let store_us = seconds * 1_000_000 + micros;
        let at = Instant::now();
        *lock(&self.clock) = Some(Reading { store_us, at });
        store_us
    }

    /// The store answered, and refused: out of memory, or not the node we want. A node that was
    /// demoted or is loading is left, since its name may lead to another by now; the crate itself
    /// would stay on it.
    fn refused(&self, failed: &Failed) {
        let mut last = lock(&self.refused_at);
        if last.is_some_and(|at| at.elapsed() < REFUSALS_EVERY) {
            return;
        }
        *last = Some(Instant::now());
        drop(last);
        tracing::warn!(%failed, "the store refuses commands");
        if let Failed::Refused(error) = failed
            && reach::is_demoted(error)
        {
            self.start_afresh();
        }
    }

    fn start_afresh(&self) {
        let fresh = self.reach.wire(&self.prefix, self.settings.patience());
        if let Ok(fresh) = fresh {
            *self.wire.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the store for its time until it answers, or until nobody needs it any more. Reconnecting
/// is the crate's business, but it only does so when somebody asks, and only to the same node.
async fn probe(link: Weak<Inner>) {
    while let Some(inner) = link.upgrade() {
        let patience = inner.reach.patience(inner.settings.patience().connect);
        match inner.send(&redis::cmd("TIME"), Some(patience)).await {
            Ok(time) => {
                inner.note_clock(time);
                // In this order, or a failure in between would be left without a probe.
                inner.probing.store(false, Ordering::Relaxed);
                inner.set_up(true, None);
                return;
            }
            Err(failed) => inner.set_up(false, Some(&failed)),
        }
        if inner.reach.looks_again() {
            inner.start_afresh();
        }
        drop(inner);
        tokio::time::sleep(PROBE_EVERY).await;
    }
}
