//! The events: the columns of the matrix, one file each.
//!
//! Each file says in its story who acts, on which instance, and who is asked, and then does just
//! that. What is to be expected of it stands in no event: it is computed from the arm's properties.

pub mod balanced;
pub mod client_reconnects;
pub mod clock_skewed;
pub mod concurrent_writes;
pub mod different_secrets;
pub mod instance_frozen;
pub mod instance_killed;
pub mod instance_partitioned;
pub mod key_rotated;
pub mod login_herd;
pub mod logout_elsewhere;
pub mod logout_everywhere;
pub mod logout_race;
pub mod other_instance;
pub mod oversize;
pub mod password_changed;
pub mod role_changed;
pub mod rolling_restart;
pub mod same_instance;
pub mod scale_out;
pub mod session_fixation;
pub mod stolen_refresh_token;
pub mod store_failover;
pub mod store_frozen;
pub mod store_full;
pub mod store_restarted_empty;
pub mod store_slow;
pub mod store_stopped;
pub mod tampered;
pub mod user_disabled;

use futures_util::future::LocalBoxFuture;

use crate::arms::Arm;
use crate::crowd::Company;
use crate::record::{EventStory, Group, Wanted};
use crate::revocation::Order;
use crate::tally::Observed;

/// One event.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// A few plain words.
    pub label: &'static str,
    /// Who acts, on which instance, and who is asked: one line.
    pub story: &'static str,
    /// The group it stands in.
    pub group: Group,
    /// What one would want to see.
    pub wanted: Wanted,
    /// What it needs of whom it is played on.
    pub needs: Needs,
    /// How it is played.
    pub play: Play,
}

/// What an event needs of whom it is played on. A cluster of our own has everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The requests that any application has: log in, who am I, log out.
    Requests,
    /// Further requests of this project's servers.
    OurServers,
    /// An instance that ends without warning.
    Exit,
    /// Processes to send signals to, and to start again.
    Processes,
    /// A store that is the arm's own.
    OwnStore,
    /// The same, and that it comes back with what it held.
    StoreThatKeeps,
    /// A way into the lab of the servers.
    Lab,
    /// What only whoever has started them has: key files, the balancer's addresses.
    Backstage,
}

/// How an event is played.
#[derive(Debug)]
pub enum Play {
    /// On an arm's visitors, who are asked before, during and after.
    Visitors(for<'a> fn(&'a mut Company) -> LocalBoxFuture<'a, anyhow::Result<Vec<Observed>>>),
    /// The same, on the arms that it concerns.
    SomeVisitors {
        /// Why it does not concern an arm, if it does not.
        why_not: fn(&Arm) -> Option<&'static str>,
        /// How it is played.
        play: for<'a> fn(&'a mut Company) -> LocalBoxFuture<'a, anyhow::Result<Vec<Observed>>>,
    },
    /// By an order to end logins; all orders to an arm share one wait for the expiry.
    Order(Order),
}

impl Event {
    /// As it stands in a record.
    pub fn to_record(&self) -> EventStory {
        EventStory {
            event: self.name.to_owned(),
            label: self.label.to_owned(),
            story: self.story.to_owned(),
            group: self.group,
            wanted: self.wanted,
        }
    }

    /// Why it does not concern this arm, if it does not.
    pub fn why_not(&self, arm: &Arm) -> Option<&'static str> {
        match self.play {
            Play::SomeVisitors { why_not, .. } => why_not(arm),
            Play::Visitors(_) | Play::Order(_) => None,
        }
    }

    /// Whether `demo`, which has a minute, plays it too.
    pub fn is_short(&self) -> bool {
        let others = [tampered::EVENT.name, rolling_restart::EVENT.name];
        let basic = self.is_basic() && self.name != client_reconnects::EVENT.name;
        basic || others.contains(&self.name)
    }

    /// Whether `matrix` plays it without `--all`.
    pub fn is_basic(&self) -> bool {
        matches!(self.group, Group::Plain | Group::Revocation)
            || self.name == instance_killed::EVENT.name
    }
}

/// Every event, in the order to show them. An arm plays its visitors' events in this order: what
/// ends logins comes late, and what ends a process last.
pub static ALL: [&Event; 30] = [
    &same_instance::EVENT,
    &other_instance::EVENT,
    &balanced::EVENT,
    &client_reconnects::EVENT,
    &tampered::EVENT,
    &session_fixation::EVENT,
    &stolen_refresh_token::EVENT,
    &concurrent_writes::EVENT,
    &logout_race::EVENT,
    &oversize::EVENT,
    &login_herd::EVENT,
    &clock_skewed::EVENT,
    &different_secrets::EVENT,
    &key_rotated::EVENT,
    &instance_frozen::EVENT,
    &instance_partitioned::EVENT,
    &rolling_restart::EVENT,
    &instance_killed::EVENT,
    &store_stopped::EVENT,
    &store_frozen::EVENT,
    &store_slow::EVENT,
    &store_full::EVENT,
    &store_restarted_empty::EVENT,
    &store_failover::EVENT,
    &scale_out::EVENT,
    &logout_elsewhere::EVENT,
    &logout_everywhere::EVENT,
    &role_changed::EVENT,
    &user_disabled::EVENT,
    &password_changed::EVENT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_tells_its_story_in_one_line() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|event| event.name).collect();
        assert_eq!(names.len(), ALL.len());
        for event in ALL {
            assert!(
                event.story.ends_with('.') && !event.story.contains('\n'),
                "{}",
                event.name
            );
            assert!(
                !event.label.is_empty() && event.label.len() <= 24,
                "{}",
                event.name
            );
        }
    }
}
