//! Sessions as keys of a Redis: every command that is sent there.
//!
//! A session is a key that expires by itself: `<prefix>s:<name>`, where the name is the hash of
//! the id, never the id. Beside it stand the names of a user's sessions, `<prefix>u:<user>`, and
//! for a minute when they were ended, `<prefix>e:<user>`. Whatever two requests could interleave
//! is one Lua script. Lifetimes are counted by Redis alone, so instances whose clocks differ
//! agree about them.

use app::{Held, Login, Role, Status};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::Value;

use super::blob::{self, Blob};
use super::{Created, Lifetimes, Link, Name, Saved, Unanswered, notes};
use crate::record;

const CREATE: &str = include_str!("create.lua");
const SAVE: &str = include_str!("save.lua");
const END_ALL: &str = include_str!("end_all.lua");

/// For how long the end of all logins of a user concerns logins that began before: longer than a
/// request may take.
const OVERTAKES_FOR_MS: u64 = 60_000;
/// How often a record is read again when somebody else changes it at the same time.
const ATTEMPTS_MAX: u32 = 5;
/// So many keys of the store are looked at for what is shown of it.
const KEYS_LOOKED_AT: usize = 5_000;

/// All sessions of one pool.
#[derive(Debug, Clone)]
pub(super) struct Records {
    pub(super) link: Link,
    pub(super) lifetimes: Lifetimes,
}

impl Records {
    pub(super) fn new(link: Link, lifetimes: Lifetimes) -> Self {
        Self { link, lifetimes }
    }

    /// Reads and renews one record in one command.
    pub(super) async fn fetch(&self, name: &Name) -> Result<Option<Vec<u8>>, Unanswered> {
        let mut command = redis::cmd("GETEX");
        command
            .arg(self.session(name))
            .arg("PX")
            .arg(self.lifetimes.idle_ms);
        let Value::BulkString(bytes) = self.link.ask(&command).await? else {
            return Ok(None);
        };
        // Renewing it may have carried it past its end.
        if let Ok(blob) = Blob::read(&bytes)
            && self.is_over(&blob).await?
        {
            self.remove(name).await?;
            return Ok(None);
        }
        Ok(Some(bytes))
    }

    /// Whether a record is past its end, by the store's clock.
    pub(super) async fn is_over(&self, blob: &Blob<'_>) -> Result<bool, Unanswered> {
        Ok(self.link.now_ms().await? >= blob.ends_ms)
    }

    /// Writes a new record of `user`, in place of the one named `replaced`.
    pub(super) async fn create(
        &self,
        name: &Name,
        user: &str,
        data: &[u8],
        replaced: Option<Name>,
    ) -> Result<Created, Unanswered> {
        let mut command = redis::cmd("EVAL");
        command.arg(CREATE).arg(3 + usize::from(replaced.is_some()));
        command
            .arg(self.session(name))
            .arg(self.key("u:", user))
            .arg(self.key("e:", user));
        if let Some(replaced) = replaced {
            command.arg(self.session(&replaced));
        }
        command.arg(notes::began().map_or_else(String::new, |began| began.to_string()));
        command
            .arg(self.lifetimes.idle_ms)
            .arg(notes::shortened(self.lifetimes.absolute_ms));
        command.arg(data).arg(written(name));
        Ok(match self.link.ask(&command).await? {
            1 => Created::Yes,
            0 => Created::NameTaken,
            _ => Created::Overtaken,
        })
    }

    /// Saves a record that is still there, in the version that was read, and renews it.
    pub(super) async fn save(
        &self,
        name: &Name,
        version: Option<u64>,
        data: &[u8],
    ) -> Result<Saved, Unanswered> {
        let idle_ms = Some(self.lifetimes.idle_ms);
        self.write(&self.session(name), version, data, idle_ms)
            .await
    }

    async fn write(
        &self,
        key: &[u8],
        version: Option<u64>,
        data: &[u8],
        renewed_for_ms: Option<u64>,
    ) -> Result<Saved, Unanswered> {
        let mut command = redis::cmd("EVAL");
        command.arg(SAVE).arg(1).arg(key);
        command.arg(version.map_or_else(Vec::new, |version| version.to_le_bytes().into()));
        command.arg(data);
        command.arg(renewed_for_ms.map_or_else(String::new, |ms| ms.to_string()));
        let answer: i64 = self.link.ask(&command).await?;
        Ok(match u64::try_from(answer) {
            Ok(0) => Saved::Gone,
            Ok(version) => Saved::Version(version),
            Err(_) => Saved::Changed,
        })
    }

    /// Deletes one record. Its name stays with its user's until that ends: it is only a name.
    pub(super) async fn remove(&self, name: &Name) -> Result<(), Unanswered> {
        self.link
            .ask(redis::cmd("DEL").arg(self.session(name)))
            .await
    }

    /// Deletes all records of `user`, and answers their names.
    pub(super) async fn remove_all(&self, user: &str) -> Result<Vec<Name>, Unanswered> {
        self.overtake(user, &self.key("s:", "")).await
    }

    /// Rewrites the role in all records of `user`, and answers their names. Logins that are being
    /// made have read the old role: they are refused, as at an end.
    pub(super) async fn rewrite_all(
        &self,
        user: &str,
        role: Role,
    ) -> Result<Vec<Name>, Unanswered> {
        let names = self.overtake(user, "").await?;
        for name in &names {
            self.rewrite(&self.session(name), role).await?;
        }
        Ok(names)
    }

    async fn rewrite(&self, key: &[u8], role: Role) -> Result<(), Unanswered> {
        for _ in 0..ATTEMPTS_MAX {
            let Value::BulkString(bytes) = self.link.ask(redis::cmd("GET").arg(key)).await? else {
                return Ok(());
            };
            let Some((version, data)) = with_role(&bytes, role) else {
                return Ok(());
            };
            if self.write(key, Some(version), &data, None).await? != Saved::Changed {
                return Ok(());
            }
        }
        Err(Unanswered)
    }

    async fn overtake(&self, user: &str, ended: &str) -> Result<Vec<Name>, Unanswered> {
        let mut command = redis::cmd("EVAL");
        command
            .arg(END_ALL)
            .arg(2)
            .arg(self.key("u:", user))
            .arg(self.key("e:", user));
        command.arg(ended).arg(OVERTAKES_FOR_MS);
        let (moment, names): (u64, Vec<String>) = self.link.ask(&command).await?;
        // A login of this very request comes after (a changed password): it is not overtaken.
        notes::begin(moment);
        Ok(names.iter().filter_map(|name| as_written(name)).collect())
    }

    /// The newest of a first page of what is there, and never a scan of the whole store.
    pub(super) async fn held(&self) -> Result<Vec<Held>, Unanswered> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(0)
            .arg("MATCH")
            .arg(self.key("s:", "*"))
            .arg("COUNT")
            .arg(KEYS_LOOKED_AT);
        let (_, keys): (String, Vec<String>) = self.link.ask(&scan).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<Value> = self.link.ask(redis::cmd("MGET").arg(&keys)).await?;
        let names = keys.iter().map(|key| &key[self.link.prefix().len() + 2..]);
        let held = names.zip(&found).filter_map(|(name, value)| match value {
            Value::BulkString(bytes) => held(name, bytes),
            _ => None,
        });
        let mut held: Vec<Held> = held.collect();
        held.sort_by_key(|held| std::cmp::Reverse(held.since_ms));
        held.truncate(Status::HELD_MAX);
        Ok(held)
    }

    fn key(&self, kind: &str, rest: &str) -> String {
        [self.link.prefix(), kind, rest].concat()
    }

    fn session(&self, name: &Name) -> Vec<u8> {
        let prefix = self.link.prefix().as_bytes();
        [prefix, b"s:", written(name).as_bytes()].concat()
    }
}

/// A name as it stands in a key.
pub(super) fn written(name: &Name) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn as_written(text: &str) -> Option<Name> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// A record's version, and its data with another role.
fn with_role(bytes: &[u8], role: Role) -> Option<(u64, Vec<u8>)> {
    let blob = Blob::read(bytes).ok()?;
    let mut data = blob::unpack(blob.data).ok()?;
    record::set_role(&mut data, role);
    Some((blob.version, blob::pack(&data).ok()?))
}

/// What is shown of a record.
pub(super) fn held(name: &str, bytes: &[u8]) -> Option<Held> {
    let data = blob::unpack(Blob::read(bytes).ok()?.data).ok()?;
    let Login { user, since_ms, .. } = record::login_in(&data)?;
    let id = name.get(..4)?.to_owned();
    Some(Held { id, user, since_ms })
}
