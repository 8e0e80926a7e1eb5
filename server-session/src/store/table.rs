//! Sessions as entries of a table in this process. Its verbs are those of [`super::records`],
//! which does the same in Redis.

use std::sync::atomic::{AtomicU64, Ordering};

use app::{Clock, Held, Login, Role};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use super::shards::{Shards, Spread};
use super::users::{User, Users};
use super::{Created, Lifetimes, Saved, blob, notes};
use crate::record;

/// All sessions of one instance.
#[derive(Debug)]
pub(super) struct Table {
    /// Locked after `users`, never before: who holds a part asks for nothing else.
    sessions: Shards<Id, Entry>,
    users: Users,
    clock: Clock,
    pub(super) lifetimes: Lifetimes,
    swept: AtomicU64,
}

/// One session. With a million of them every field counts.
#[derive(Debug)]
struct Entry {
    data: Box<[u8]>,
    version: u64,
    /// When it ends unless it is read before.
    idle_at_ms: u64,
    /// When it ends.
    ends_ms: u64,
    user: User,
}

impl Entry {
    fn is_alive(&self, now_ms: u64) -> bool {
        now_ms < self.idle_at_ms.min(self.ends_ms)
    }
}

impl Spread for Id {
    fn spread(&self) -> usize {
        usize::from(self.0.to_le_bytes()[0])
    }
}

impl Table {
    pub(super) fn new(clock: Clock, lifetimes: Lifetimes) -> Self {
        Self {
            sessions: Shards::new(),
            users: Users::new(),
            clock,
            lifetimes,
            swept: AtomicU64::new(0),
        }
    }

    /// Reads and renews one record, in place: no write, and no second lock.
    pub(super) fn fetch(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let now_ms = self.now_ms();
        let mut part = self.sessions.of(id);
        let Some(entry) = part.get_mut(id).filter(|entry| entry.is_alive(now_ms)) else {
            return Ok(None);
        };
        entry.idle_at_ms = now_ms + self.lifetimes.idle_ms;
        notes::read(id, entry.version);
        blob::record(id, &entry.data).map(Some)
    }

    /// Writes a new record of `user`, in place of `replaced`.
    pub(super) fn create(
        &self,
        id: Id,
        user: &str,
        data: Vec<u8>,
        replaced: Option<Id>,
    ) -> Created {
        let (now_ms, user) = (self.now_ms(), self.users.named(user));
        let entry = Entry {
            data: data.into(),
            version: 1,
            idle_at_ms: now_ms + self.lifetimes.idle_ms,
            ends_ms: now_ms + notes::shortened(self.lifetimes.absolute_ms),
            user,
        };
        // Held until it stands in both places: who ends all logins finds this one or stops it.
        let mut known = self.users.lock();
        if known.has_overtaken(user, notes::began()) {
            return Created::Overtaken;
        }
        let mut part = self.sessions.of(&id);
        if part.contains_key(&id) {
            return Created::NameTaken;
        }
        part.insert(id, entry);
        drop(part);
        known.add(user, id);
        drop(known);
        if let Some(old) = replaced {
            self.remove(&old);
        }
        Created::Yes
    }

    /// Saves a record that is still there, in the version that was read, and renews it.
    pub(super) fn save(&self, id: &Id, version: Option<u64>, data: Vec<u8>) -> Saved {
        let now_ms = self.now_ms();
        let mut part = self.sessions.of(id);
        let Some(entry) = part.get_mut(id).filter(|entry| entry.is_alive(now_ms)) else {
            return Saved::Gone;
        };
        if version.is_some_and(|read| read != entry.version) {
            return Saved::Changed;
        }
        entry.data = data.into();
        entry.version += 1;
        entry.idle_at_ms = now_ms + self.lifetimes.idle_ms;
        Saved::Version(entry.version)
    }

    /// Deletes one record.
    pub(super) fn remove(&self, id: &Id) {
        let removed = self.sessions.of(id).remove(id);
        if let Some(entry) = removed {
            self.users.lock().remove(entry.user, *id);
        }
    }

    /// Deletes all records of `user`, and stops logins of theirs that are being made.
    pub(super) fn remove_all(&self, user: &str) {
        let user = self.users.named(user);
        let mut known = self.users.lock();
        known.end(user, self.begin());
        for id in known.sessions_of(user) {
            known.remove(user, id);
            self.sessions.of(&id).remove(&id);
        }
    }

    /// Rewrites the role in all records of `user`. Logins that are being made have read the old
    /// one: they are stopped, as at an end.
    pub(super) fn rewrite_all(&self, user: &str, role: Role) -> session_store::Result<()> {
        let user = self.users.named(user);
        let mut known = self.users.lock();
        known.end(user, self.begin());
        for id in known.sessions_of(user) {
            if let Some(entry) = self.sessions.of(&id).get_mut(&id) {
                let mut data = blob::unpack(&entry.data)?;
                record::set_role(&mut data, role);
                entry.data = blob::pack(&data)?.into();
                entry.version += 1;
            }
        }
        Ok(())
    }

    /// Notes that a login of this request begins now, and answers when that is.
    pub(super) fn begin(&self) -> u64 {
        let moment = self.users.moment();
        notes::begin(moment);
        moment
    }

    /// The newest records, to look at.
    pub(super) fn held(&self, at_most: usize) -> Vec<Held> {
        let newest = self.users.lock().newest();
        newest
            .iter()
            .filter_map(|id| self.held_as(id))
            .take(at_most)
            .collect()
    }

    fn held_as(&self, id: &Id) -> Option<Held> {
        let now_ms = self.now_ms();
        let part = self.sessions.of(id);
        let entry = part.get(id).filter(|entry| entry.is_alive(now_ms))?;
        let Login { user, since_ms, .. } = record::login_in(&blob::unpack(&entry.data).ok()?)?;
        let id = super::shown(&super::name_of(id));
        Some(Held { id, user, since_ms })
    }

    /// How many records there are, those included that are over and not swept yet.
    pub(super) fn len(&self) -> u64 {
        self.sessions.len()
    }

    /// How many were swept since the start.
    pub(super) fn swept(&self) -> u64 {
        self.swept.load(Ordering::Relaxed)
    }

    /// Frees what is over in one part.
    pub(super) fn sweep(&self, part: usize) {
        let now_ms = self.now_ms();
        let over: Vec<_> = {
            let mut part = self.sessions.part(part);
            let over = part.extract_if(|_, entry| !entry.is_alive(now_ms));
            over.map(|(id, entry)| (entry.user, id)).collect()
        };
        self.swept.fetch_add(over.len() as u64, Ordering::Relaxed);
        let mut known = self.users.lock();
        over.into_iter()
            .for_each(|(user, id)| known.remove(user, id));
        drop(known);
        self.users.sweep();
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}
