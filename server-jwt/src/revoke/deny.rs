//! The deny-list in Redis: what was ended before its time, asked about on each request.
//!
//! Tokens are listed by issuer and `jti`, never by their text: an ECDSA signature can be
//! rewritten, and the rewritten token would pass. A user's logins are ended together by a
//! *not-before*: a moment, by the store's one clock, up to which everything issued is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use app::{Ended, Problem, Reason};
use http::Extensions;

use super::store::{Store, Unanswered};
use super::{Mark, SKEW_MAX_MS};

/// What happens to good tokens while the list cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Fail {
    /// Nobody is let in: 503.
    Closed,
    /// Everybody is let in, ended or not; it is counted, and the answer says so in a header.
    Open,
}

/// What both lists are told.
#[derive(Debug, Clone)]
pub struct ListSettings {
    /// Whose tokens these are.
    pub issuer: String,
    /// How long a revocation is kept: the longest life of a token, and the skew of clocks.
    pub retention_ms: u64,
    /// What happens while the list cannot be asked.
    pub fail: Fail,
    /// Refuse what is older than the store: a store that lost its list ends all logins instead
    /// of reviving those that were ended.
    pub store_epoch: bool,
}

/// The list, asked in Redis.
pub struct DenyList {
    pub(super) store: Arc<Store>,
    pub(super) settings: ListSettings,
    pub(super) unasked: AtomicU64,
}

/// In a request's extensions: set when its token was believed without asking.
#[derive(Debug, Clone, Default)]
pub struct Unasked(pub Arc<AtomicBool>);

/// The store's clock, in milliseconds: one clock for all instances. Every script begins with it.
macro_rules! with_now {
    ($script:literal) => {
        concat!(
            "local t = redis.call('TIME')\n",
            "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n",
            "local function ms(number) return string.format('%.0f', number) end\n",
            $script
        )
    };
}
pub(super) use with_now;

/// KEYS: not-before, epoch. ARGV: retention, 1 where the epoch counts.
const STAMP: &str = with_now!(
    "local before = tonumber(redis.call('GET', KEYS[1]) or 0)
if ARGV[2] == '1' then
  redis.call('SET', KEYS[2], ms(now), 'NX', 'PX', ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
  before = math.max(before, tonumber(redis.call('GET', KEYS[2])))
end
return math.max(now, before + 1)"
);

/// KEYS: not-before. ARGV: retention. Beyond an earlier one, even if both fall into one
/// millisecond: a login between the two was stamped right after the first.
const END_ALL: &str = with_now!(
    "local before = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0) + 1)
redis.call('SET', KEYS[1], ms(before), 'PX', ARGV[1])
return before"
);

/// KEYS: epoch. ARGV: retention. The first to look after the store was emptied sets it.
const EPOCH: &str = with_now!(
    "redis.call('SET', KEYS[1], ms(now), 'NX', 'PX', ARGV[1])
return tonumber(redis.call('GET', KEYS[1]))"
);

impl DenyList {
    /// The list in `store`.
    pub fn new(store: Arc<Store>, settings: ListSettings) -> Self {
        Self {
            store,
            settings,
            unasked: AtomicU64::new(0),
        }
    }

    /// One round trip for both questions: was this token ended, were all of this user's?
    pub(super) async fn ask(&self, request: &mut Extensions, mark: &Mark) -> Result<(), Problem> {
        let mut command = redis::cmd("MGET");
        command
            .arg(self.token_key(&mark.jti))
            .arg(self.user_key(&mark.user));
        if self.settings.store_epoch {
            command.arg(self.store.key(&["epoch"]));
        }
        let answer: Result<Vec<Option<u64>>, _> = self.store.ask(request, &command).await;
        let Ok(found) = answer else {
            return self.cannot_ask(request);
        };
        let [ended, not_before, rest @ ..] = &found[..] else {
            return self.cannot_ask(request);
        };
        if ended.is_some() || not_before.is_some_and(|before_ms| mark.iat_ms <= before_ms) {
            return Err(Reason::Revoked.into());
        }
        if let [epoch] = rest {
            let epoch_ms = match epoch {
                Some(epoch_ms) => *epoch_ms,
                None => match self.epoch(request).await {
                    Ok(epoch_ms) => epoch_ms,
                    Err(Unanswered) => return self.cannot_ask(request),
                },
            };
            if mark.iat_ms <= epoch_ms {
                return Err(Reason::Revoked.into());
            }
        }
        Ok(())
    }

    pub(super) async fn stamp(
        &self,
        request: &mut Extensions,
        user: &str,
        now_ms: u64,
    ) -> Result<u64, Unanswered> {
        let mut command = redis::cmd("EVAL");
        command.arg(STAMP).arg(2);
        command
            .arg(self.user_key(user))
            .arg(self.store.key(&["epoch"]));
        command.arg(self.settings.retention_ms);
        command.arg(u8::from(self.settings.store_epoch));
        match self.store.ask(request, &command).await {
            Err(Unanswered) if self.settings.fail == Fail::Open => {
                self.note_unasked(request);
                Ok(now_ms)
            }
            stamped => stamped,
        }
    }

    pub(super) async fn end(&self, request: &mut Extensions, mark: &Mark, now_ms: u64) -> Ended {
        let lives_ms = mark.expires_ms.saturating_sub(now_ms) + SKEW_MAX_MS;
        let mut command = redis::cmd("SET");
        command
            .arg(self.token_key(&mark.jti))
            .arg(1)
            .arg("PX")
            .arg(lives_ms);
        // Anything but OK, as when the store's memory is full, is no log-out.
        match self.store.ask::<()>(request, &command).await {
            Ok(()) => Ended::Everywhere,
            Err(Unanswered) => Ended::Unknown,
        }
    }

    pub(super) async fn end_all(&self, request: &mut Extensions, user: &str) -> Ended {
        let mut command = redis::cmd("EVAL");
        command.arg(END_ALL).arg(1).arg(self.user_key(user));
        command.arg(self.settings.retention_ms);
        match self.store.ask::<u64>(request, &command).await {
            Ok(_) => Ended::Everywhere,
            Err(Unanswered) => Ended::Unknown,
        }
    }

    /// The moment from which the store can be trusted to have forgotten nothing.
    pub(super) async fn epoch(&self, request: &mut Extensions) -> Result<u64, Unanswered> {
        let mut command = redis::cmd("EVAL");
        command.arg(EPOCH).arg(1).arg(self.store.key(&["epoch"]));
        command.arg(self.settings.retention_ms);
        self.store.ask(request, &command).await
    }

    /// What becomes of a token that nobody can say anything about.
    pub(super) fn cannot_ask(&self, request: &Extensions) -> Result<(), Problem> {
        match self.settings.fail {
            Fail::Closed => Err(Reason::StoreUnavailable.into()),
            Fail::Open => {
                self.note_unasked(request);
                Ok(())
            }
        }
    }

    fn note_unasked(&self, request: &Extensions) {
        self.unasked.fetch_add(1, Ordering::Relaxed);
        if let Some(Unasked(flag)) = request.get() {
            flag.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn user_key(&self, user: &str) -> String {
        self.store.key(&["not-before:", user])
    }

    fn token_key(&self, jti: &str) -> String {
        self.store.key(&["deny:", &self.settings.issuer, ":", jti])
    }
}
