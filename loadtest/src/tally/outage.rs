//! A time in which the store could not be asked: which answers are right before it, in it and
//! after it, by what the arm's properties say.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Visited;
use crate::answer::{Answer, Outcome};
use crate::arms::{Arm, Properties, State};
use crate::expected::store::{ANSWERED_WITHIN_MS, Without};

/// What a server says whose store does not answer.
pub const UNAVAILABLE: &str = "503 store-unavailable";

/// Half of the time that a store has.
const SLOW: Duration = Duration::from_millis(100);

/// A time in which the store could not be asked, and what it held afterwards.
#[derive(Debug, Clone)]
pub struct Outage {
    /// From the first moment at which it may be gone to the one at which it surely is.
    pub goes: (Instant, Instant),
    /// From the first moment at which it may be back to the one from which it must be well.
    pub returns: (Instant, Instant),
    /// What it held afterwards.
    pub then: Then,
    /// By how much an answer may be late on this machine without any store.
    pub noise: Duration,
}

/// What a store holds afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// What it held before.
    Kept,
    /// Nothing.
    Emptied {
        /// Whether instances refuse what is older than their store.
        epoch: bool,
    },
    /// Only some of it, and nobody knows beforehand what.
    Thinned,
}

/// Which answers are right at a moment.
#[derive(Debug, Clone, Copy, Default)]
struct Right {
    known: bool,
    refused: bool,
    unavailable: bool,
}

const KNOWN: Right = Right {
    known: true,
    refused: false,
    unavailable: false,
};

impl Outage {
    /// A time in which nothing is away: requests that were sent later meet what is left.
    pub fn none_but(then: Then) -> Outage {
        let now = Instant::now();
        Outage {
            goes: (now, now),
            returns: (now, now),
            then,
            noise: Duration::ZERO,
        }
    }

    /// Whether the store was surely away for as long as this was on its way.
    pub fn covers(&self, answer: &Answer) -> bool {
        answer.sent >= self.goes.1 && answer.answered <= self.returns.0
    }

    /// Whether a login must succeed; `None` where either is right.
    pub fn login_succeeds(&self, answer: &Answer) -> Option<bool> {
        if answer.answered <= self.goes.0 || answer.sent > self.returns.1 {
            (!self.machine_is_slow()).then_some(true)
        } else {
            self.covers(answer).then_some(false)
        }
    }

    /// Whether this machine is so slow by itself that a store may miss its deadline, of which half
    /// goes by without it: then 503 proves nothing.
    fn machine_is_slow(&self) -> bool {
        self.noise > SLOW
    }

    fn right(&self, properties: &Properties, answer: &Answer) -> Right {
        let after = match self.then {
            Then::Kept => KNOWN,
            Then::Emptied { epoch } if properties.ends_with_store(epoch) => Right {
                refused: true,
                ..Right::default()
            },
            Then::Emptied { .. } => KNOWN,
            Then::Thinned => Right {
                refused: properties.state == State::Store,
                ..KNOWN
            },
        };
        let without = properties.without_store();
        let works = without == Without::Works;
        let or_slow = |right: Right| Right {
            unavailable: !works && self.machine_is_slow(),
            ..right
        };
        if answer.answered <= self.goes.0 {
            return or_slow(KNOWN);
        }
        if answer.sent > self.returns.1 {
            return or_slow(after);
        }
        if !self.covers(answer) {
            return Right {
                known: true,
                refused: after.refused,
                unavailable: !works,
            };
        }
        match without {
            Without::Works => KNOWN,
            Without::Fails => Right {
                unavailable: true,
                ..Right::default()
            },
            Without::FailsWithin(ms) => Right {
                known: answer.sent <= self.goes.1 + Duration::from_millis(ms) + self.noise,
                refused: false,
                unavailable: true,
            },
        }
    }

    /// The first answer of a visit that differs from what the properties say.
    pub(super) fn unexpected(&self, arm: &Arm, visited: &Visited) -> Option<String> {
        let within = Duration::from_millis(ANSWERED_WITHIN_MS) + self.noise;
        visited.answers.iter().find_map(|answer| {
            let who = format!(
                "{} answered {} to a login of {}",
                answer.served_by, answer.reason, visited.taken_by
            );
            let right = self.right(&arm.properties, answer);
            let is_right = match answer.outcome {
                Outcome::Recognised => right.known,
                Outcome::Refused => right.refused,
                Outcome::Failed => right.unavailable && answer.reason == UNAVAILABLE,
            };
            if !is_right {
                return Some(format!("{who} {}", self.when(answer)));
            }
            let took = answer.answered - answer.sent;
            let late = self.covers(answer) && took > within;
            late.then(|| format!("{who} after {took:.0?}, which should take {within:.0?} at most"))
        })
    }

    fn when(&self, answer: &Answer) -> String {
        if answer.answered <= self.goes.0 {
            return "before anything had happened".to_owned();
        }
        if answer.sent < self.goes.1 {
            return "when it happened".to_owned();
        }
        if answer.sent > self.returns.1 {
            let after = answer.sent - self.returns.0;
            return format!("{after:.0?} after the store was back");
        }
        format!("{:.0?} after the store was gone", answer.sent - self.goes.1)
    }

    /// What the answers say about it, for the record.
    pub(super) fn details(&self, visits: &[Visited]) -> BTreeMap<String, Value> {
        let answers = || visits.iter().flat_map(|visited| &visited.answers);
        let away: Vec<_> = answers().filter(|answer| self.covers(answer)).collect();
        if away.is_empty() {
            return BTreeMap::new();
        }
        let count = |outcome| away.iter().filter(|a| a.outcome == outcome).count();
        let took = away.iter().map(|answer| answer.answered - answer.sent);
        let slowest = took.clone().max().unwrap_or_default();
        let late = took.filter(|took| took.as_millis() > u128::from(ANSWERED_WITHIN_MS));
        let known = away.iter().filter(|a| a.outcome == Outcome::Recognised);
        let known_for = known.map(|answer| answer.sent - self.goes.1).max();
        let failed_later = answers()
            .filter(|answer| answer.outcome == Outcome::Failed && answer.sent > self.returns.0)
            .map(|answer| answer.answered - self.returns.0)
            .max();
        let facts = [
            (
                "while_away",
                json!({
                    "requests": away.len(),
                    "recognised": count(Outcome::Recognised),
                    "refused": count(Outcome::Refused),
                    "failed": count(Outcome::Failed),
                    "recognised_for_ms": known_for.map(millis),
                    "slowest_ms": millis(slowest),
                    "later_than_300_ms": late.count(),
                }),
            ),
            ("away_ms", json!(millis(self.returns.0 - self.goes.1))),
            ("well_after_ms", json!(failed_later.map_or(0.0, millis))),
        ];
        let facts = facts.map(|(name, fact)| (name.to_owned(), fact));
        BTreeMap::from(facts)
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}

#[cfg(test)]
mod tests;
