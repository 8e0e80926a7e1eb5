//! Whose sessions are whose, in this process, and whose were ended just now.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::Status;
use tower_sessions::session::Id;

/// How long the end of all logins of a user concerns logins that were being made meanwhile:
/// longer than a request may take.
const OVERTAKES_FOR: Duration = Duration::from_secs(60);
/// How many of the newest sessions can be shown.
const RECENT_MAX: usize = 4 * Status::HELD_MAX;

/// A user's name, hashed with a key that only this process knows: names that collide cannot be
/// found on purpose, and by chance not in the lifetime of this machine.
pub(super) type User = u64;

/// All users with sessions here.
#[derive(Debug)]
pub(super) struct Users {
    known: Mutex<Known>,
    hasher: RandomState,
    /// Moments are counted from here, in microseconds: no clock that is set wrong moves them.
    started: Instant,
}

/// What is known of them, while nobody else changes it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// All sessions of all users: those of one stand together.
    sessions: BTreeSet<(User, i128)>,
    /// When all logins of a user were ended, or their role was changed.
    ended: HashMap<User, u64>,
    /// The newest sessions, oldest first.
    recent: VecDeque<Id>,
}

impl Users {
    pub(super) fn new() -> Self {
        Self {
            known: Mutex::default(),
            hasher: RandomState::new(),
            started: Instant::now(),
        }
    }

    pub(super) fn named(&self, name: &str) -> User {
        self.hasher.hash_one(name)
    }

    /// This moment, to be compared with others.
    pub(super) fn moment(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets ends that no running request can have overtaken.
    pub(super) fn sweep(&self) {
        let overtakes_for_us = u64::try_from(OVERTAKES_FOR.as_micros()).unwrap_or(u64::MAX);
        let long_ago = self.moment().saturating_sub(overtakes_for_us);
        self.lock().ended.retain(|_, ended| *ended >= long_ago);
    }
}

impl Known {
    /// Whether all logins of `user` were ended after a login `began`.
    pub(super) fn has_overtaken(&self, user: User, began: Option<u64>) -> bool {
        let ended = self.ended.get(&user).zip(began);
        ended.is_some_and(|(ended, began)| *ended > began)
    }

    /// Notes that all logins of `user` end at `moment`.
    pub(super) fn end(&mut self, user: User, moment: u64) {
        self.ended.insert(user, moment);
    }

    pub(super) fn add(&mut self, user: User, id: Id) {
        self.sessions.insert((user, id.0));
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(id);
    }

    pub(super) fn remove(&mut self, user: User, id: Id) {
        self.sessions.remove(&(user, id.0));
    }

    pub(super) fn sessions_of(&self, user: User) -> Vec<Id> {
        let own = self.sessions.range((user, i128::MIN)..=(user, i128::MAX));
        own.map(|(_, id)| Id(*id)).collect()
    }

    /// The newest sessions, newest first; some may be over.
    pub(super) fn newest(&self) -> Vec<Id> {
        self.recent.iter().rev().copied().collect()
    }
}
