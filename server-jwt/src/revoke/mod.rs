//! Taking back what was signed: where an instance looks before it believes a good token.
//!
//! A token says when it ends, and nothing that is said later changes it. A list of ended tokens
//! brings the state back that the token was to save: asked in Redis on each request ([`deny`]),
//! or kept in memory and fed through Redis ([`synced`]).

pub mod deny;
pub(crate) mod eviction;
pub mod store;
pub mod synced;

use std::sync::atomic::Ordering;
use std::time::Duration;

use app::{Ended, Problem};
use http::Extensions;

use deny::{DenyList, Fail};
use store::Unanswered;
use synced::SyncedList;

/// By how much the clocks of instances may differ at most. A revocation outlives its token by
/// this much, or the instance whose clock is behind would take the token up again.
pub const SKEW_MAX_MS: u64 = 120_000;

/// What a list must know of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Whose it is.
    pub user: String,
    /// Its name.
    pub jti: String,
    /// When it was issued, in milliseconds, by the store's clock.
    pub iat_ms: u64,
    /// The first millisecond at which every instance with a right clock refuses it.
    pub expires_ms: u64,
    /// The refresh family it belongs to.
    pub family: Option<String>,
}

/// Where ended tokens are noted.
pub enum Revocation {
    /// Nowhere: a token works until it expires.
    None,
    /// In Redis, asked on each request.
    Asked(DenyList),
    /// In memory, fed through Redis.
    Synced(SyncedList),
}

impl Revocation {
    /// Whether the token may still be believed.
    ///
    /// # Errors
    /// `Revoked`, or `StoreUnavailable` when nobody can say.
    pub async fn ask(&self, request: &mut Extensions, mark: &Mark) -> Result<(), Problem> {
        match self {
            Self::None => Ok(()),
            Self::Asked(list) => list.ask(request, mark).await,
            Self::Synced(list) => list.ask(request, mark),
        }
    }

    /// When a login of `user` is issued, in milliseconds: after every not-before of theirs. The
    /// token it replaces is ended on the way (OWASP ASVS 7.2.4).
    ///
    /// # Errors
    /// When the store does not answer and nothing may be issued without it.
    pub async fn stamp(
        &self,
        request: &mut Extensions,
        user: &str,
        replaced: Option<&Mark>,
        now_ms: u64,
    ) -> Result<u64, Unanswered> {
        if let Some(mark) = replaced
            && self.end(request, mark, now_ms).await == Ended::Unknown
        {
            return Err(Unanswered);
        }
        match self {
            Self::None => Ok(now_ms),
            Self::Asked(list) => list.stamp(request, user, now_ms).await,
            Self::Synced(list) => list.stamp(request, user, now_ms).await,
        }
    }

    /// Ends one token, or says when it expires.
    pub async fn end(&self, request: &mut Extensions, mark: &Mark, now_ms: u64) -> Ended {
        match self {
            Self::None => Ended::At {
                at_ms: mark.expires_ms,
            },
            Self::Asked(list) => list.end(request, mark, now_ms).await,
            Self::Synced(list) => list.end(request, mark, now_ms).await,
        }
    }

    /// Ends every token of `user` that was issued until now, or says when the last expires.
    pub async fn end_all(
        &self,
        request: &mut Extensions,
        user: &str,
        now_ms: u64,
        last_expiry_ms: u64,
    ) -> Ended {
        match self {
            Self::None => Ended::At {
                at_ms: last_expiry_ms,
            },
            Self::Asked(list) => list.end_all(request, user).await,
            Self::Synced(list) => list.end_all(request, user, now_ms).await,
        }
    }

    /// Whether tokens are believed while the list cannot be asked.
    pub fn fails_open(&self) -> bool {
        let fail = match self {
            Self::None => return false,
            Self::Asked(list) => list.settings.fail,
            Self::Synced(list) => list.deny().settings.fail,
        };
        fail == Fail::Open
    }

    /// Whether the list's feed is fresh enough to answer from; `None` where there is no feed.
    pub fn is_fed(&self) -> Option<bool> {
        match self {
            Self::None | Self::Asked(_) => None,
            Self::Synced(list) => {
                let (_, age) = list.size_and_age();
                Some(age.is_some_and(|age| age < synced::BOUND))
            }
        }
    }

    /// What it counts, by name.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let unasked = |list: &DenyList| {
            let count = list.unasked.load(Ordering::Relaxed);
            ("deny_list_unasked_total", count)
        };
        match self {
            Self::None => Vec::new(),
            Self::Asked(list) => vec![unasked(list)],
            Self::Synced(list) => {
                let (entries, age) = list.size_and_age();
                let ms = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                let mut counts = vec![unasked(list.deny()), ("deny_list_entries", entries as u64)];
                counts.extend(age.map(|age| ("deny_list_age_ms", ms(age))));
                counts
            }
        }
    }
}
