//! The deny-list in memory, fed through Redis: no round trip on a request, and a bound instead
//! of "at once".
//!
//! Revocations are appended to a stream. Every instance reads it from its beginning and then
//! waits at its end; an answer that brings nothing new is the heartbeat. What was asked at one
//! moment and answered is complete up to that moment, so an instance that has heard nothing
//! asked within [`BOUND`] stops answering: it would not know.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use app::{Clock, Ended, Problem, Reason};
use http::Extensions;
use reach::Wire;
use redis::RedisResult;

use super::deny::{DenyList, ListSettings, with_now};
use super::store::{Store, Unanswered};
use super::{Mark, SKEW_MAX_MS};

/// How old the list may be before nobody is believed any more: the arm's bound.
pub const BOUND: Duration = Duration::from_secs(1);
/// How long a read waits for news before it answers that there are none.
const HEARTBEAT_MS: u64 = 250;
/// The time limit for such a read.
const READ_TIMEOUT: Duration = Duration::from_millis(750);
const PAUSE: Duration = Duration::from_millis(50);
/// How many revocations one read brings at most.
const PAGE: usize = 1000;
/// How often what has expired is thrown out.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How long a starting instance waits for its first complete list.
const FIRST_LIST: Duration = Duration::from_millis(500);

/// The list, kept in memory.
pub struct SyncedList(Arc<Inner>);

struct Inner {
    /// The store's side: its clock stamps logins, and its settings are ours.
    deny: DenyList,
    clock: Clock,
    known: RwLock<Known>,
}

/// What is known of ended tokens. Nothing is ever taken back, so a list that is read again is
/// added to what is known; a store that lost its memory does not make ours worse.
#[derive(Default)]
struct Known {
    /// `jti` to when it can be forgotten.
    tokens: HashMap<String, u64>,
    /// User to their not-before, and when that can be forgotten.
    users: HashMap<String, (u64, u64)>,
    epoch_ms: u64,
    /// Complete up to here.
    complete_at: Option<Instant>,
    swept_at: Option<Instant>,
}

/// What one read brings: the stream by its key, each entry with its id.
type News = Option<HashMap<String, Vec<(String, HashMap<String, String>)>>>;

/// KEYS: stream. ARGV: retention, issuer, jti, until.
const END: &str = with_now!(
    "redis.call('XADD', KEYS[1], 'MINID', '~', ms(now - ARGV[1]), '*',
  'iss', ARGV[2], 'jti', ARGV[3], 'until', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return now"
);

/// KEYS: not-before, stream. ARGV: retention, user.
const END_ALL: &str = with_now!(
    "local before = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0) + 1)
redis.call('SET', KEYS[1], ms(before), 'PX', ARGV[1])
redis.call('XADD', KEYS[2], 'MINID', '~', ms(now - ARGV[1]), '*',
  'user', ARGV[2], 'before', ms(before), 'until', ms(now + ARGV[1]))
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return before"
);

impl SyncedList {
    /// The list in `store`, with its feed. Waits a moment for the first complete list.
    pub async fn start(store: Arc<Store>, settings: ListSettings, clock: Clock) -> Self {
        let inner = Arc::new(Inner {
            deny: DenyList::new(store, settings),
            clock,
            known: RwLock::default(),
        });
        tokio::spawn(feed(Arc::downgrade(&inner)));
        let until = Instant::now() + FIRST_LIST;
        while inner.age().is_none() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self(inner)
    }

    pub(super) fn ask(&self, request: &Extensions, mark: &Mark) -> Result<(), Problem> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        // What is known is known, however old.
        if known.has_ended(mark) {
            return Err(Reason::Revoked.into());
        }
        match known.complete_at {
            Some(at) if at.elapsed() < BOUND => Ok(()),
            _ => self.0.deny.cannot_ask(request),
        }
    }

    pub(super) async fn stamp(
        &self,
        request: &mut Extensions,
        user: &str,
        now_ms: u64,
    ) -> Result<u64, Unanswered> {
        self.0.deny.stamp(request, user, now_ms).await
    }

    pub(super) async fn end(&self, request: &mut Extensions, mark: &Mark, now_ms: u64) -> Ended {
        let (deny, until_ms) = (&self.0.deny, mark.expires_ms + SKEW_MAX_MS);
        let mut command = redis::cmd("EVAL");
        command.arg(END).arg(1).arg(self.0.stream());
        command
            .arg(deny.settings.retention_ms)
            .arg(&deny.settings.issuer);
        command.arg(&mark.jti).arg(until_ms);
        match deny.store.ask::<u64>(request, &command).await {
            Ok(_) => {
                self.0.write().tokens.insert(mark.jti.clone(), until_ms);
                ended_here(now_ms)
            }
            Err(Unanswered) => Ended::Unknown,
        }
    }

    pub(super) async fn end_all(&self, request: &mut Extensions, user: &str, now_ms: u64) -> Ended {
        let deny = &self.0.deny;
        let mut command = redis::cmd("EVAL");
        command
            .arg(END_ALL)
            .arg(2)
            .arg(deny.user_key(user))
            .arg(self.0.stream());
        command.arg(deny.settings.retention_ms).arg(user);
        match deny.store.ask::<u64>(request, &command).await {
            Ok(before_ms) => {
                let until_ms = now_ms + deny.settings.retention_ms;
                self.0.write().end_all(user.to_owned(), before_ms, until_ms);
                ended_here(now_ms)
            }
            Err(Unanswered) => Ended::Unknown,
        }
    }

    /// How many revocations are known, and how long ago the list was complete.
    pub(super) fn size_and_age(&self) -> (usize, Option<Duration>) {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let age = known.complete_at.map(|at| at.elapsed());
        (known.tokens.len() + known.users.len(), age)
    }

    pub(super) fn deny(&self) -> &DenyList {
        &self.0.deny
    }
}

fn ended_here(now_ms: u64) -> Ended {
    let bound_ms = u64::try_from(BOUND.as_millis()).unwrap_or(u64::MAX);
    Ended::Here {
        elsewhere_at_ms: now_ms + bound_ms,
    }
}

impl Known {
    fn has_ended(&self, mark: &Mark) -> bool {
        let not_before = self.users.get(&mark.user);
        mark.iat_ms <= self.epoch_ms
            || self.tokens.contains_key(&mark.jti)
            || not_before.is_some_and(|(before_ms, _)| mark.iat_ms <= *before_ms)
    }

    fn end_all(&mut self, user: String, before_ms: u64, until_ms: u64) {
        let known = self.users.entry(user).or_default();
        *known = (known.0.max(before_ms), known.1.max(until_ms));
    }

    fn learn(&mut self, mut fields: HashMap<String, String>, issuer: &str) {
        let number = |text: Option<&String>| text.and_then(|text| text.parse().ok());
        let until_ms: u64 = number(fields.get("until")).unwrap_or(u64::MAX);
        if let (Some(user), Some(before_ms)) = (fields.remove("user"), number(fields.get("before")))
        {
            self.end_all(user, before_ms, until_ms);
        } else if fields.get("iss").is_some_and(|iss| iss == issuer)
            && let Some(jti) = fields.remove("jti")
        {
            self.tokens.insert(jti, until_ms);
        }
    }

    fn sweep(&mut self, now_ms: u64) {
        if self.swept_at.is_some_and(|at| at.elapsed() < SWEEP_EVERY) {
            return;
        }
        self.swept_at = Some(Instant::now());
        self.tokens.retain(|_, until_ms| *until_ms > now_ms);
        self.users.retain(|_, (_, until_ms)| *until_ms > now_ms);
    }
}

impl Inner {
    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn age(&self) -> Option<Duration> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.complete_at.map(|at| at.elapsed())
    }

    fn stream(&self) -> String {
        self.deny.store.key(&["revocations"])
    }
}

/// Reads the stream until nobody holds the list any more, reconnecting as often as it takes.
async fn feed(list: Weak<Inner>) {
    while let Some(inner) = list.upgrade() {
        let connected = inner.deny.store.own(READ_TIMEOUT).await;
        drop(inner);
        if let Ok(wire) = connected
            && let Err(error) = follow(&list, &wire).await
        {
            tracing::debug!(%error, "the deny-list's feed broke off");
        }
        // Log-outs go over another connection, and nobody may have needed that one meanwhile.
        if let Some(inner) = list.upgrade() {
            inner.deny.store.doubt();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads all of the stream, then what is added to it.
async fn follow(list: &Weak<Inner>, wire: &Wire) -> RedisResult<()> {
    let (mut last, mut loaded, mut epoch_known) = ("0".to_owned(), false, false);
    while let Some(inner) = list.upgrade() {
        if inner.deny.settings.store_epoch && !epoch_known {
            let epoch = inner.deny.epoch(&mut Extensions::new()).await;
            let Ok(epoch_ms) = epoch else { break };
            inner.write().epoch_ms = epoch_ms;
            epoch_known = true;
        }
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(PAGE);
        if loaded {
            command.arg("BLOCK").arg(HEARTBEAT_MS);
        }
        command.arg("STREAMS").arg(inner.stream()).arg(&last);
        // Not held while waiting: the list may be dropped meanwhile.
        drop(inner);

        let asked_at = Instant::now();
        let news: News = wire.ask(&command).await?;
        let Some(inner) = list.upgrade() else { break };
        let entries: Vec<_> = news
            .into_iter()
            .flat_map(HashMap::into_values)
            .flatten()
            .collect();
        loaded = entries.len() < PAGE;
        let mut known = inner.write();
        for (id, fields) in entries {
            known.learn(fields, &inner.deny.settings.issuer);
            last = id;
        }
        if loaded {
            known.complete_at = Some(asked_at);
        }
        known.sweep(inner.clock.now_ms());
    }
    Ok(())
}
