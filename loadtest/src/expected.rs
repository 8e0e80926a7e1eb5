//! What is to be expected of an arm, computed from what it declares and from nothing else.
//!
//! Two questions are answered here. Which instance knows which login ([`Properties::knows`], and
//! [`Visit`] for a visitor who moves between instances), and how long an ended login goes on
//! working ([`Properties::lag`]). What was observed is compared request by request with the first
//! and row by row with the second. What depends on more than that (keys that were replaced, clocks
//! that differ, records that two change at once) stands in [`circumstance`]. There are no
//! exceptions at present; one would stand here, with its reason.
//!
//! Long because the rules are believed only if all of them, and their tests, are read together.

pub mod circumstance;
pub mod store;
mod words;

use crate::arms::{Carried, Channel, Issuers, Lifetime, Properties, State};
use crate::record::Client;
use store::StoreEvent;

/// How far a time may be off on a machine whose cores are shared, in milliseconds.
const SLACK_MS: f64 = 300.0;

/// The longest life whose natural end is waited for, in milliseconds: a leeway of a minute and a
/// short lifetime.
pub const WAITED_FOR_MS: u64 = 75_000;

/// What happens in the middle of a survival cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Each visitor asks the instance that took the login.
    AskedSame,
    /// Each visitor asks the other instance.
    AskedOther,
    /// The balancer decides who is asked.
    Balanced,
    /// An instance is killed and stays dead.
    Killed {
        /// Whether it is one that can log people in.
        issuer: bool,
    },
    /// Each instance in turn is drained, ended and started again.
    Restarted,
    /// The credential is not what it claims to be.
    Forged,
    /// Something happens to the store.
    Store(StoreEvent),
    /// A third instance joins.
    Joined,
    /// Each request comes on a new connection from another address.
    Reconnected {
        /// Whether it is the address that decides who is asked.
        by_address: bool,
    },
    /// An instance does not answer for a while, and then does again.
    OutOfReach,
    /// The key that signs is replaced.
    KeysReplaced {
        /// Whether every instance knew the new one before any signed with it.
        in_two_phases: bool,
    },
    /// B checks with another secret than A.
    SecretsDiffer,
    /// B's clock is wrong.
    ClocksDiffer,
    /// The login is ended while a change to its record is under way.
    EndedMidway,
    /// Many change one record at once.
    WrittenAtOnce,
    /// The header of the request is large.
    Large,
    /// A refresh token is used a second time.
    Stolen,
    /// Far more people log in than can be served.
    Herd,
}

impl Happening {
    /// Whether a login that does not work when all is over was lost by it: there are those in
    /// which nobody had one, or in which it was ended on purpose.
    pub fn may_lose_logins(self) -> bool {
        !matches!(
            self,
            Self::Forged
                | Self::ClocksDiffer
                | Self::EndedMidway
                | Self::WrittenAtOnce
                | Self::Large
                | Self::Stolen
                | Self::Herd
        )
    }

    /// Whether turns are taken, so that about half of the requests must cross.
    pub fn takes_turns(self) -> bool {
        matches!(self, Self::Balanced | Self::SecretsDiffer)
    }
}

/// How long an ended login goes on working at one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// It never worked there.
    NeverKnown,
    /// The next request is refused.
    AtOnce,
    /// Refused within so many milliseconds.
    Within(u64),
    /// It works until it expires by itself.
    UntilExpiry,
    /// It works for ever: nothing ends it.
    ForEver,
}

/// Whose logins an order is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The login that gives the order.
    ThisLogin,
    /// Other logins of the same user.
    OtherLogins,
    /// The role noted in the logins of a user; the logins themselves go on.
    OldRole,
}

/// What was seen of one instance after an order to end a login.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Requests accepted before the order.
    pub accepted_before: u64,
    /// Requests accepted that were sent after its answer had come.
    pub accepted_after: u64,
    /// Time from the answer to the last accepted request, in milliseconds.
    pub lag_ms: f64,
    /// Whether it was still accepted when the observation ended.
    pub censored: bool,
    /// What was left of the credential's own life when the answer came, leeway included.
    pub remaining_ms: Option<f64>,
    /// Time between two polls, in milliseconds.
    pub resolution_ms: f64,
}

impl Properties {
    /// Whether `asked` knows a login that `taken_by` took. `restarted`: `asked` was started anew
    /// since.
    ///
    /// ```
    /// let knows = |arm: &str, taken_by: &str, asked: &str| {
    ///     let arm = loadtest::arms::find(arm).expect("one of `list`");
    ///     arm.properties.knows(taken_by, asked, false)
    /// };
    /// assert!(knows("session-memory", "a", "a"));
    /// assert!(!knows("session-memory", "a", "b"), "the problem");
    /// assert!(knows("session-redis", "a", "b"), "the usual fix");
    /// assert!(knows("jwt-hs256", "a", "b"), "the article's answer");
    /// assert!(!knows("jwt-hs256-split", "a", "b"), "how it breaks");
    /// ```
    pub fn knows(&self, taken_by: &str, asked: &str, restarted: bool) -> bool {
        match self.state {
            State::Nowhere | State::Store | State::Credential => true,
            State::Process => taken_by == asked && !restarted,
            // Keys come from files: they outlive the process.
            State::CredentialOfOne => taken_by == asked,
        }
    }

    /// Whether an instance that does not know a credential makes a browser drop it.
    pub fn removes_unknown(&self) -> bool {
        matches!(
            self.carried,
            Carried::SessionCookie {
                unknown_removed: true
            }
        )
    }

    /// Whether a credential that is not what it claims to be is believed.
    pub fn believes_forgeries(&self) -> bool {
        self.state == State::Nowhere
    }

    /// Whether somebody can log in while of the instances only these are alive.
    pub fn can_log_in(&self, mut alive: impl Iterator<Item = impl AsRef<str>>) -> bool {
        alive.any(|instance| self.can_issue(instance.as_ref()))
    }

    /// Whether this instance (`a`, or `<pool>-a`) can log somebody in.
    pub fn can_issue(&self, instance: &str) -> bool {
        match self.issuers {
            Issuers::All => true,
            Issuers::OnlyA => instance.rsplit('-').next() == Some("a"),
        }
    }

    /// How long `asked` goes on accepting a login that `taken_by` took, after `told` was ordered
    /// to end it.
    pub fn lag(&self, scope: Scope, taken_by: &str, told: &str, asked: &str) -> Lag {
        if !self.knows(taken_by, asked, false) {
            return Lag::NeverKnown;
        }
        match self.ended {
            Channel::Store => Lag::AtOnce,
            Channel::StoreWithin(_) if asked == told => Lag::AtOnce,
            Channel::StoreWithin(ms) => Lag::Within(ms),
            Channel::OwnProcess if taken_by == told => Lag::AtOnce,
            Channel::OwnProcessThisLogin if taken_by == told && scope == Scope::ThisLogin => {
                Lag::AtOnce
            }
            Channel::Nobody | Channel::OwnProcess | Channel::OwnProcessThisLogin => {
                match self.lifetime {
                    Lifetime::None => Lag::ForEver,
                    Lifetime::Session | Lifetime::AccessToken | Lifetime::TwoWeeks => {
                        Lag::UntilExpiry
                    }
                }
            }
        }
    }

    /// Whether what was `seen` is the `lag` that was expected.
    pub fn is_as_expected(&self, lag: Lag, seen: &Seen) -> bool {
        let known = seen.accepted_before > 0;
        match lag {
            Lag::NeverKnown => !known && seen.accepted_after == 0,
            Lag::AtOnce => known && seen.accepted_after == 0,
            Lag::Within(ms) => {
                known && !seen.censored && seen.lag_ms <= ms as f64 + seen.resolution_ms
            }
            Lag::UntilExpiry => seen.remaining_ms.is_some_and(|remaining_ms| {
                if remaining_ms > WAITED_FOR_MS as f64 {
                    // Nobody waits two weeks: that it still works is all there is to see.
                    return known && seen.censored;
                }
                let off_ms = seen.lag_ms - remaining_ms;
                let allowed_ms = SLACK_MS + seen.resolution_ms + self.expiry_step_ms as f64;
                known && !seen.censored && off_ms.abs() <= allowed_ms
            }),
            Lag::ForEver => known && seen.censored,
        }
    }
}

/// One visitor, as the properties of an arm say that the visit must go.
#[derive(Debug)]
pub struct Visit<'a> {
    properties: &'a Properties,
    client: Client,
    taken_by: &'a str,
    holds_credential: bool,
}

impl<'a> Visit<'a> {
    /// A visit that begins with a login that `taken_by` took.
    pub fn new(properties: &'a Properties, client: Client, taken_by: &'a str) -> Self {
        Self {
            properties,
            client,
            taken_by,
            holds_credential: true,
        }
    }

    /// Whether the next request, which `asked` answers, must be recognised.
    pub fn next_is_recognised(&mut self, asked: &str, restarted: bool) -> bool {
        if !self.holds_credential {
            return false;
        }
        let known = self.properties.knows(self.taken_by, asked, restarted);
        if !known && self.client == Client::Browser && self.properties.removes_unknown() {
            self.holds_credential = false;
        }
        known
    }
}

/// How a lag reads.
impl std::fmt::Display for Lag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeverKnown => f.write_str("never known there"),
            Self::AtOnce => f.write_str("refused at once"),
            Self::Within(ms) => write!(f, "refused within {ms} ms"),
            Self::UntilExpiry => f.write_str("works until it expires"),
            Self::ForEver => f.write_str("works for ever: nothing ends it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arms;

    fn properties(arm: &str) -> &'static Properties {
        &arms::find(arm).unwrap().properties
    }

    #[test]
    fn who_knows_a_login_follows_from_where_its_state_lives() {
        let cross = |arm| properties(arm).knows("x-a", "x-b", false);
        assert!(!cross("session-memory") && !cross("jwt-hs256-split"));
        assert!(cross("session-redis") && cross("jwt-hs256") && cross("trusting"));
        let after_restart = |arm| properties(arm).knows("x-a", "x-a", true);
        assert!(!after_restart("session-memory"));
        assert!(after_restart("jwt-hs256-split") && after_restart("session-redis"));
    }

    #[test]
    fn a_browser_loses_its_cookie_where_it_is_unknown_and_a_kept_cookie_goes_on_working() {
        let hops = ["x-a", "x-b", "x-a", "x-a"];
        let answers = |arm, client| {
            let mut visit = Visit::new(properties(arm), client, "x-a");
            hops.map(|asked| visit.next_is_recognised(asked, false))
        };
        assert_eq!(
            answers("session-memory", Client::Browser),
            [true, false, false, false]
        );
        assert_eq!(
            answers("session-memory", Client::KeepsCookie),
            [true, false, true, true]
        );
        assert_eq!(answers("session-redis", Client::Browser), [true; 4]);
        assert_eq!(
            answers("jwt-hs256-split", Client::Bearer),
            [true, false, true, true]
        );
    }

    /// Logged in at A, logged out at B: the rows of DESIGN's `logout-elsewhere`.
    #[test]
    fn the_lag_of_logging_out_elsewhere_follows_from_the_channel() {
        let lags = |arm| {
            let lag = |asked| properties(arm).lag(Scope::ThisLogin, "x-a", "x-b", asked);
            (lag("x-a"), lag("x-b"))
        };
        assert_eq!(lags("session-memory"), (Lag::UntilExpiry, Lag::NeverKnown));
        assert_eq!(lags("session-redis"), (Lag::AtOnce, Lag::AtOnce));
        assert_eq!(lags("session-cached"), (Lag::Within(2_000), Lag::AtOnce));
        assert_eq!(lags("jwt-hs256"), (Lag::UntilExpiry, Lag::UntilExpiry));
        assert_eq!(lags("jwt-denylist"), (Lag::AtOnce, Lag::AtOnce));
        assert_eq!(
            lags("jwt-denylist-synced"),
            (Lag::Within(1_000), Lag::AtOnce)
        );
        assert_eq!(lags("trusting"), (Lag::ForEver, Lag::ForEver));
    }

    #[test]
    fn a_memory_ends_its_own_records_and_stock_only_the_login_that_asks() {
        let own = |arm, scope| properties(arm).lag(scope, "x-a", "x-a", "x-a");
        assert_eq!(own("session-memory", Scope::OtherLogins), Lag::AtOnce);
        assert_eq!(own("session-memory-stock", Scope::ThisLogin), Lag::AtOnce);
        assert_eq!(
            own("session-memory-stock", Scope::OtherLogins),
            Lag::UntilExpiry
        );
    }

    #[test]
    fn a_lag_is_judged_with_its_resolution_and_the_step_of_the_expiry() {
        let seen = Seen {
            accepted_before: 5,
            accepted_after: 300,
            lag_ms: 3_100.0,
            censored: false,
            remaining_ms: Some(3_900.0),
            resolution_ms: 10.0,
        };
        // `exp` counts whole seconds, so a token may die up to one second early; a session may not.
        assert!(properties("jwt-hs256").is_as_expected(Lag::UntilExpiry, &seen));
        assert!(!properties("session-memory").is_as_expected(Lag::UntilExpiry, &seen));
        assert!(!properties("jwt-denylist").is_as_expected(Lag::AtOnce, &seen));
        assert!(!properties("session-cached").is_as_expected(Lag::Within(2_000), &seen));
        let refused = Seen {
            accepted_after: 0,
            lag_ms: 0.0,
            ..seen
        };
        assert!(properties("session-redis").is_as_expected(Lag::AtOnce, &refused));
        // One that was never recognised proves nothing about being refused.
        let unknown = Seen {
            accepted_before: 0,
            ..refused
        };
        assert!(!properties("session-redis").is_as_expected(Lag::AtOnce, &unknown));
        assert!(properties("session-memory").is_as_expected(Lag::NeverKnown, &unknown));
    }

    #[test]
    fn only_the_holder_of_the_private_key_logs_people_in() {
        let pair = properties("jwt-es256");
        assert!(pair.can_issue("jwt-es256-a") && !pair.can_issue("jwt-es256-b"));
        assert!(!pair.can_log_in(["jwt-es256-b"].iter()));
        assert!(properties("jwt-hs256").can_log_in(["jwt-b"].iter()));
    }

    #[test]
    fn words_for_the_headline_arms() {
        let mut lines = String::new();
        for arm in arms::ALL.iter().filter(|arm| arm.headline) {
            let client = match arm.properties.carried {
                Carried::SessionCookie { .. } | Carried::SealedCookie => Client::KeepsCookie,
                Carried::SignedToken | Carried::Claim => Client::Bearer,
            };
            for happening in [
                Happening::AskedOther,
                Happening::Balanced,
                Happening::Killed { issuer: true },
                Happening::Restarted,
            ] {
                let words = arm.properties.in_words(arm.policy, client, happening);
                lines += &format!("{}: {happening:?}: {words}\n", arm.name);
            }
        }
        insta::assert_snapshot!(lines);
    }
}
