//! What a request must come to where that depends on more than who took the login and who is
//! asked: keys that were replaced, clocks that differ, a change that came late, a large header.
//!
//! Times are what makes this awkward: between sending and answering a key may change and a lifetime
//! may end. So a circumstance holds what was true at both ends, and where these disagree nothing is
//! said of the request.

#[cfg(test)]
mod tests;

use app::front::HEADER_MAX_BYTES;

use crate::arms::{Carried, CheckedWith, JudgedBy, Properties, Written};

/// What one request must be judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Circumstance {
    /// Who took the login and who is asked: nothing else.
    #[default]
    Usual,
    /// The credential is not what it claims to be.
    Forged,
    /// Keys are being replaced.
    Keys {
        /// The key that the token was signed with.
        signed_with: Key,
        /// What the one asked held when the request was sent.
        first: Held,
        /// What it held when the answer came.
        last: Held,
    },
    /// Clocks differ.
    Clocks(Clocks),
    /// It changes, or asks for, a record that was ended after it had been read for a change.
    LateWrite,
    /// Its whole header is so long.
    Header {
        /// In bytes, as the one asked counts them.
        bytes: usize,
        /// Whether the credential in it is good.
        good: bool,
    },
    /// It meets others that change the same thing: one of them wins, the others are told.
    Contended,
    /// It trades a refresh token.
    Refresh {
        /// Whether that was used before, or its family ended.
        spent: bool,
    },
}

/// Which of two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The one that was there before.
    Old,
    /// The one that replaces it.
    New,
}

/// Which keys an instance holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whether the old one.
    pub old: bool,
    /// Whether the new one.
    pub new: bool,
    /// Which of them it signs with, or would if it could sign.
    pub signs_with: Key,
}

impl Circumstance {
    /// Whether a balancer may refuse it by itself: it need not pass on what is too large for
    /// everybody behind it.
    pub fn may_end_at_the_balancer(&self) -> bool {
        matches!(self, Self::Header { bytes, .. } if *bytes > HEADER_MAX_BYTES)
    }
}

impl Held {
    /// The old one alone.
    pub const OLD: Held = Held {
        old: true,
        new: false,
        signs_with: Key::Old,
    };

    /// The new one alone.
    pub const NEW: Held = Held {
        old: false,
        new: true,
        signs_with: Key::New,
    };

    /// Both, signing with this one.
    pub const fn both(signs_with: Key) -> Held {
        Held {
            old: true,
            new: true,
            signs_with,
        }
    }
}

/// A login and a request, by clocks that differ. Spans are from the earliest to the latest that it
/// can have been, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// When the login was made, by the clock of the instance that took it.
    pub made_ms: (u64, u64),
    /// By how much that clock was ahead.
    pub taker_ahead_ms: i64,
    /// How long the login lives; nothing for ever.
    pub lives_ms: Option<u64>,
    /// When the request was answered, by a clock that is right.
    pub asked_ms: (u64, u64),
    /// By how much the clock of the instance asked was ahead.
    pub asked_ahead_ms: i64,
}

impl Properties {
    /// Whether `asked` must recognise a login that `taken_by` took; `None` where that is open.
    pub fn recognises(
        &self,
        circumstance: &Circumstance,
        taken_by: &str,
        asked: &str,
    ) -> Option<bool> {
        let known = self.knows(taken_by, asked, false);
        let more = match circumstance {
            Circumstance::Usual => Some(true),
            Circumstance::Forged => return Some(self.believes_forgeries()),
            Circumstance::Keys {
                signed_with,
                first,
                last,
            } => {
                let accepts = [first, last].map(|held| self.accepts_key(*signed_with, *held));
                (accepts[0] == accepts[1]).then_some(accepts[0])
            }
            Circumstance::Clocks(clocks) => self.is_in_time(clocks),
            Circumstance::LateWrite => Some(self.written == Written::Whatever),
            Circumstance::Header { bytes, good } => Some(*good && *bytes <= HEADER_MAX_BYTES),
            Circumstance::Contended => None,
            Circumstance::Refresh { spent } => return Some(self.refreshes && !spent),
        };
        if known { more } else { Some(false) }
    }

    /// Whether, of many changes to one record, some are lost that were answered with a yes.
    pub fn loses_changes(&self) -> bool {
        self.written == Written::Whatever
    }

    fn accepts_key(&self, signed_with: Key, held: Held) -> bool {
        match self.checked_with {
            CheckedWith::Nothing => true,
            CheckedWith::SigningKey | CheckedWith::OnlyKey => held.signs_with == signed_with,
            CheckedWith::EveryKey => match signed_with {
                Key::Old => held.old,
                Key::New => held.new,
            },
        }
    }

    /// Whether the login's time has come and is not over, by the clock that counts.
    fn is_in_time(&self, clocks: &Clocks) -> Option<bool> {
        if self.judged_by == JudgedBy::Nobody {
            return Some(true);
        }
        let by_the_one_asked = self.judged_by == JudgedBy::Instance;
        let asked_ahead_ms = if by_the_one_asked {
            clocks.asked_ahead_ms
        } else {
            0
        };
        // What is handed out whole says itself when it was made, by its issuer's clock; whoever
        // keeps a record counts from when it was written, by the clock that will judge it.
        let says_itself = matches!(self.carried, Carried::SignedToken | Carried::SealedCookie);
        let by_the_taker = by_the_one_asked || says_itself;
        let taker_ahead_ms = if by_the_taker {
            0
        } else {
            clocks.taker_ahead_ms
        };
        let made = moved(clocks.made_ms, -taker_ahead_ms);
        let asked = moved(clocks.asked_ms, asked_ahead_ms);
        let leeway_ms = signed(self.leeway_ms);

        let too_early = match self.not_before {
            true => decided(asked.1 + leeway_ms < made.0, asked.0 + leeway_ms >= made.1),
            false => Some(false),
        };
        let too_late = match clocks.lives_ms {
            Some(lives_ms) => {
                let life_ms = signed(lives_ms) + leeway_ms;
                let step_ms = signed(self.expiry_step_ms);
                decided(
                    asked.0 >= made.1 + life_ms + step_ms,
                    asked.1 < made.0 + life_ms,
                )
            }
            None => Some(false),
        };
        match (too_early, too_late) {
            (Some(true), _) | (_, Some(true)) => Some(false),
            (Some(false), Some(false)) => Some(true),
            _ => None,
        }
    }
}

/// Yes, no, or neither for certain.
fn decided(yes: bool, no: bool) -> Option<bool> {
    (yes || no).then_some(yes)
}

fn moved((from_ms, to_ms): (u64, u64), by_ms: i64) -> (i64, i64) {
    (signed(from_ms) + by_ms, signed(to_ms) + by_ms)
}

/// Milliseconds since the epoch are far from either end.
fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX / 4)
}
