//! The connection to Redis, tuned to fail fast, and one deadline for all commands of a request.
//!
//! With the redis crate's defaults a dead Redis makes requests wait for over nine seconds: every
//! command joins the same reconnecting, which has six tries and no deadline. Here there is one
//! retry, and whatever is slow ends at the deadline with a 503.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use app::{Problem, Reason, StartError};
use http::Extensions;
use reach::{Reach, Wire};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);
/// The time limit of a command where the deadline is switched off.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a store that is down is asked whether it is back.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// Redis, as this instance's lists and families use it.
pub struct Store {
    reach: Reach,
    /// What every key starts with.
    prefix: String,
    wire: RwLock<Wire>,
    deadline: Option<Duration>,
    up: AtomicBool,
    /// Told whenever a command got no answer.
    down: Arc<Notify>,
    /// How many keys Redis threw away because its memory was full, when last asked.
    pub(crate) evicted: AtomicU64,
}

/// The store did not answer in time, or not with what was asked. What was ordered may have
/// happened or not.
#[derive(Debug, thiserror::Error)]
#[error("the store did not answer")]
pub struct Unanswered;

impl From<Unanswered> for Problem {
    fn from(Unanswered: Unanswered) -> Self {
        Reason::StoreUnavailable.into()
    }
}

/// How long one request may still wait for the store, all its commands together.
#[derive(Clone, Copy)]
struct Patience(Duration);

impl Store {
    /// A store at `url`, not yet connected: an instance starts without it and says 503.
    ///
    /// # Errors
    /// When `url` has none of the forms that there are.
    pub fn open(
        url: &str,
        prefix: &str,
        deadline: Option<Duration>,
        nodelay: Option<bool>,
    ) -> Result<Self, StartError> {
        let wrong = |error| StartError::Usage(format!("--redis-url: {error}"));
        let reach = Reach::read(url, nodelay).map_err(wrong)?;
        let prefix = reach.prefix(prefix);
        let wire = reach.wire(&prefix, patience(deadline));
        Ok(Self {
            wire: RwLock::new(wire.map_err(|error| wrong(error.into()))?),
            reach,
            prefix,
            deadline,
            up: AtomicBool::new(true),
            down: Arc::default(),
            evicted: AtomicU64::new(0),
        })
    }

    /// A key of ours: every key starts with the prefix.
    pub fn key(&self, parts: &[&str]) -> String {
        let length = self.prefix.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut key = String::with_capacity(length);
        key.push_str(&self.prefix);
        parts.iter().for_each(|part| key.push_str(part));
        key
    }

    /// Sends one command within what is left of the request's deadline.
    ///
    /// # Errors
    /// [`Unanswered`], whatever went wrong.
    pub async fn ask<T: FromRedisValue>(
        &self,
        request: &mut Extensions,
        command: &Cmd,
    ) -> Result<T, Unanswered> {
        let wire = self
            .wire
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let answer = wire.ask(command);
        match self.in_time(request, answer).await {
            Some(Ok(value)) => {
                self.note(true);
                Ok(value)
            }
            Some(Err(error)) => {
                // A refusal is an answer, as when its memory is full; a lost connection is none.
                self.note(matches!(error.kind(), ErrorKind::Server(_)));
                tracing::debug!(%error, "store command failed");
                // A node that was demoted or is loading answers, but not as the one we want.
                if reach::is_demoted(&error) {
                    self.note(false);
                    self.start_afresh();
                }
                Err(Unanswered)
            }
            None => {
                self.note(false);
                Err(Unanswered)
            }
        }
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// When there is none.
    pub async fn reached(&self) -> Result<(), Unanswered> {
        let request = &mut Extensions::new();
        self.ask::<()>(request, &redis::cmd("PING")).await
    }

    async fn in_time<F: Future>(&self, request: &mut Extensions, answer: F) -> Option<F::Output> {
        let Some(allowed) = self.deadline else {
            return Some(answer.await);
        };
        // What the request's first command leaves is for the others. Only waiting for the store
        // counts: a password check between two commands takes longer than either may.
        let Patience(left) = *request.get_or_insert_with(|| Patience(allowed));
        let asked_at = Instant::now();
        let answer = tokio::time::timeout(left, answer).await.ok();
        request.insert(Patience(left.saturating_sub(asked_at.elapsed())));
        answer
    }

    fn note(&self, up: bool) {
        if !up {
            self.doubt();
        }
        if self.up.swap(up, Ordering::Relaxed) != up {
            // Once for each change: under load every request would say it.
            tracing::warn!(up, "the store's state changed");
        }
    }

    /// Its name may lead to another node by now.
    fn start_afresh(&self) {
        let fresh = self.reach.wire(&self.prefix, patience(self.deadline));
        if let Ok(fresh) = fresh {
            *self.wire.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    /// Whether it answered last.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Has somebody look whether it is still there.
    pub(crate) fn doubt(&self) {
        self.down.notify_one();
    }

    /// Asks a store that is down again and again, until it is back.
    /// The crate reconnects only when somebody asks, and whoever asks first is told of the failure
    /// before: an instance that seldom needs its store would answer 503 long after its return.
    pub(crate) async fn look_after(store: Weak<Self>) {
        let Some(down) = store.upgrade().map(|store| Arc::clone(&store.down)) else {
            return;
        };
        loop {
            down.notified().await;
            while let Some(store) = store.upgrade() {
                if store.reached().await.is_ok() {
                    break;
                }
                if store.reach.looks_again() {
                    store.start_afresh();
                }
                drop(store);
                tokio::time::sleep(PROBE_EVERY).await;
            }
        }
    }

    /// A connection of one's own, for a read that waits so long at most.
    ///
    /// # Errors
    /// When nobody is there.
    pub(crate) async fn own(&self, response: Duration) -> RedisResult<Wire> {
        let patience = reach::Patience {
            response: Some(response),
            ..patience(None)
        };
        self.reach.own(&self.prefix, patience).await
    }
}

fn patience(deadline: Option<Duration>) -> reach::Patience {
    reach::Patience {
        connect: CONNECT_TIMEOUT,
        response: Some(deadline.unwrap_or(RESPONSE_TIMEOUT)),
        // The default of 50 makes a busy instance wait for its own queue.
        queue: Some(1024),
    }
}
