//! What is to be expected of an arm when something happens to its store: computed from the same
//! properties, of which two say it all. Where its state lives says what is lost with the store, and
//! who hears of a log-out says who asks the store, and how long an answer is remembered.

use crate::arms::{Channel, Properties, State};

/// How soon a request that waits for a store in vain must be answered, in milliseconds: its
/// commands have 200 together, and what is left is for everything else.
pub const ANSWERED_WITHIN_MS: u64 = 300;

/// How soon after a store's return everybody must be served again, in milliseconds.
pub const WELL_WITHIN_MS: u64 = 1_000;

/// What happens to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreEvent {
    /// It ends, and comes back with what it held.
    Stopped,
    /// It says nothing for a while.
    Frozen,
    /// It takes commands and answers none for a while.
    Paused,
    /// Now and then it says nothing for longer than a request waits.
    Stutters,
    /// Every command takes longer.
    Slow,
    /// It is full, and refuses what would need more memory.
    Full,
    /// It is full, and throws away what it holds.
    Evicts,
    /// It ends, and comes back with nothing.
    Emptied {
        /// Whether instances refuse what is older than their store.
        epoch: bool,
    },
    /// A replica takes its place that has not heard of the last changes.
    FailedOver,
}

/// What becomes of a request whose store says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// It fails: nobody can say who this is.
    Fails,
    /// It is answered from memory for so many milliseconds at most, then it fails.
    FailsWithin(u64),
    /// It is answered: no store is asked.
    Works,
}

/// How many commands a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trips {
    /// This many.
    Exactly(u32),
    /// At most one, and at times none.
    UpToOne,
}

impl Properties {
    /// What becomes of a request whose store says nothing.
    pub fn without_store(&self) -> Without {
        match (self.state, self.ended) {
            (_, Channel::StoreWithin(ms)) => Without::FailsWithin(ms),
            (State::Store, _) | (_, Channel::Store) => Without::Fails,
            _ => Without::Works,
        }
    }

    /// How many commands a request waits for that asks who one is.
    pub fn trips(&self) -> Trips {
        match (self.state, self.ended) {
            // A copy of records is refreshed by whoever asks; one of a list refreshes itself.
            (State::Store, Channel::StoreWithin(_)) => Trips::UpToOne,
            (State::Store, _) | (_, Channel::Store) => Trips::Exactly(1),
            _ => Trips::Exactly(0),
        }
    }

    /// Whether a login leaves something in the store.
    pub fn login_writes(&self) -> bool {
        self.state == State::Store || self.refreshes
    }

    /// Whether a log-out adds something to the store, instead of deleting what is there.
    pub fn log_out_adds(&self) -> bool {
        self.state != State::Store && self.ends_logins()
    }

    /// Whether every login ends when the store has lost what it held. With the `epoch` rule,
    /// instances refuse what is older than the store.
    pub fn ends_with_store(&self, epoch: bool) -> bool {
        self.state == State::Store || (epoch && self.log_out_adds())
    }

    /// Whether logins that were ended work again when the store has forgotten that. Instances
    /// that keep a copy of the list do not forget.
    pub fn revives(&self, epoch: bool) -> bool {
        !epoch && self.log_out_adds() && self.ended == Channel::Store
    }

    /// Whether a login that was ended is refused by itself, wherever it is shown.
    pub fn ends_logins(&self) -> bool {
        matches!(self.ended, Channel::Store | Channel::StoreWithin(_))
    }

    /// What is expected of an arm that needs a store, in words.
    pub(super) fn store_words(&self, event: StoreEvent) -> String {
        match event {
            StoreEvent::Stopped | StoreEvent::Frozen | StoreEvent::Paused => match self
                .without_store()
            {
                Without::Works => "known throughout; no new login, no renewal meanwhile".to_owned(),
                Without::Fails => "503 while it is away, then all known again".to_owned(),
                Without::FailsWithin(ms) => {
                    format!("503 after {ms} ms at most while it is away, then all known again")
                }
            },
            StoreEvent::Slow => match self.trips() {
                Trips::Exactly(0) => "all known, no slower: the store is not asked".to_owned(),
                Trips::Exactly(n) => format!("all known, {n} round trip slower"),
                Trips::UpToOne => "all known, at most one round trip slower".to_owned(),
            },
            StoreEvent::Stutters => match self.without_store() {
                Without::Works => "all known: the store is not asked".to_owned(),
                Without::Fails | Without::FailsWithin(_) => {
                    "known, or 503 while it says nothing; nobody is logged out".to_owned()
                }
            },
            StoreEvent::Full => {
                let login = if self.login_writes() { "no" } else { "every" };
                let out = if self.log_out_adds() { "no" } else { "every" };
                format!("all known; {login} login and {out} log-out succeeds")
            }
            StoreEvent::Evicts if self.state == State::Store => {
                "those are logged out whose record was thrown away".to_owned()
            }
            StoreEvent::Evicts if self.revives(false) => {
                "all known, and logins that were ended come back".to_owned()
            }
            StoreEvent::Evicts => "all known".to_owned(),
            StoreEvent::Emptied { epoch } if self.ends_with_store(epoch) => {
                "everybody is logged out once".to_owned()
            }
            StoreEvent::Emptied { epoch } if self.revives(epoch) => {
                "all kept, and logins that were ended come back".to_owned()
            }
            StoreEvent::Emptied { .. } => "all kept".to_owned(),
            StoreEvent::FailedOver if self.state == State::Store => {
                "old logins kept; the last changes are undone, log-ins and log-outs".to_owned()
            }
            StoreEvent::FailedOver if self.revives(false) => {
                "all kept, and logins come back that were ended last".to_owned()
            }
            StoreEvent::FailedOver => "all kept".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arms;

    fn of<T>(property: impl Fn(&Properties) -> T) -> Vec<(&'static str, T)> {
        let needing = arms::ALL.iter().filter(|arm| arm.server.needs_store());
        needing
            .map(|arm| (arm.name, property(&arm.properties)))
            .collect()
    }

    /// The rows F4, F6, F7a and F8 of the table of faults by arm.
    #[test]
    fn what_a_store_takes_with_it_follows_from_state_and_channel() {
        assert_eq!(
            of(Properties::without_store),
            [
                ("session-redis", Without::Fails),
                ("session-cached", Without::FailsWithin(2_000)),
                ("jwt-denylist", Without::Fails),
                ("jwt-denylist-synced", Without::FailsWithin(1_000)),
                ("jwt-refresh", Without::Works),
            ]
        );
        let trips: Vec<_> = of(Properties::trips).into_iter().map(|(_, k)| k).collect();
        let [none, one] = [0, 1].map(Trips::Exactly);
        assert_eq!(trips, [one, Trips::UpToOne, one, none, none]);
        let bits = |property: fn(&Properties) -> bool| -> Vec<bool> {
            of(property).into_iter().map(|(_, is)| is).collect()
        };
        let (yes, no) = (true, false);
        assert_eq!(bits(Properties::login_writes), [yes, yes, no, no, yes]);
        assert_eq!(bits(Properties::log_out_adds), [no, no, yes, yes, no]);
        assert_eq!(bits(|p| p.ends_with_store(false)), [yes, yes, no, no, no]);
        assert_eq!(bits(|p| p.ends_with_store(true)), [yes, yes, yes, yes, no]);
        assert_eq!(bits(|p| p.revives(false)), [no, no, yes, no, no]);
        assert_eq!(bits(|p| p.revives(true)), [no; 5]);
    }

    #[test]
    fn an_arm_without_a_store_is_untouched() {
        for arm in arms::ALL.iter().filter(|arm| !arm.server.needs_store()) {
            assert_eq!(
                arm.properties.without_store(),
                Without::Works,
                "{}",
                arm.name
            );
            assert!(!arm.properties.ends_with_store(true), "{}", arm.name);
        }
    }
}
