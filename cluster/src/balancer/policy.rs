//! How the next instance is picked: one small type for each policy, behind one trait.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::control::Policy;
use super::upstream::Upstream;

/// What a policy may go by.
pub(super) struct Choice<'a> {
    pub(super) upstreams: &'a [Arc<Upstream>],
    /// Where this request has failed already.
    pub(super) tried: Tried,
    pub(super) client: IpAddr,
    /// The instance that the visitor's cookie names.
    pub(super) pinned: Option<usize>,
}

impl Choice<'_> {
    fn open(&self, index: usize) -> bool {
        self.upstreams[index].takes_new() && !self.tried.has(index)
    }

    fn all_open(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.upstreams.len()).filter(|&index| self.open(index))
    }
}

/// A set of indices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tried(u64);

impl Tried {
    /// Indices above 63 count as tried: no pool has that many instances, and a request that
    /// failed at 64 of them may fail.
    pub(super) fn has(self, index: usize) -> bool {
        index >= 64 || self.0 & (1 << index) != 0
    }

    pub(super) fn add(&mut self, index: usize) {
        if index < 64 {
            self.0 |= 1 << index;
        }
    }
}

/// Picks the instance for a request's next attempt; `None` if there is none left.
pub(super) trait Pick: Send + Sync {
    fn pick(&self, choice: &Choice<'_>) -> Option<usize>;
}

pub(super) fn picker(policy: Policy) -> Box<dyn Pick> {
    match policy {
        Policy::RoundRobin => Box::<RoundRobin>::default(),
        Policy::Sticky => Box::<Sticky>::default(),
        Policy::LeastConnections => Box::<LeastConnections>::default(),
        Policy::SourceHash => Box::new(SourceHash),
    }
}

/// Strictly in turn. A failed attempt has had its turn.
#[derive(Default)]
struct RoundRobin {
    next: AtomicUsize,
}

impl Pick for RoundRobin {
    fn pick(&self, choice: &Choice<'_>) -> Option<usize> {
        // Load and store need not be one step: the balancer has one thread.
        let next = self.next.load(Ordering::Relaxed);
        let count = choice.upstreams.len();
        let mut turns = (next..next + count).map(|turn| turn % count);
        let picked = turns.find(|&index| choice.open(index))?;
        self.next.store(picked + 1, Ordering::Relaxed);
        Some(picked)
    }
}

/// The instance that the visitor was given first, as long as it lives; else in turn.
#[derive(Default)]
struct Sticky {
    others: RoundRobin,
}

impl Pick for Sticky {
    fn pick(&self, choice: &Choice<'_>) -> Option<usize> {
        let pinned = choice
            .pinned
            .filter(|&index| choice.upstreams[index].keeps_its_own() && !choice.tried.has(index));
        pinned.or_else(|| self.others.pick(choice))
    }
}

/// The one with the fewest requests in flight; among equals, in turn.
#[derive(Default)]
struct LeastConnections {
    next: AtomicUsize,
}

impl Pick for LeastConnections {
    fn pick(&self, choice: &Choice<'_>) -> Option<usize> {
        let count = choice.upstreams.len();
        let next = self.next.load(Ordering::Relaxed);
        let picked = choice.all_open().min_by_key(|&index| {
            let turns_until = (index + count - next % count) % count;
            (choice.upstreams[index].in_flight(), turns_until)
        })?;
        self.next.store(picked + 1, Ordering::Relaxed);
        Some(picked)
    }
}

/// The client's address decides, by rendezvous: each instance draws a number for each client and
/// the highest wins, so that when an instance goes only its own clients move.
struct SourceHash;

impl Pick for SourceHash {
    fn pick(&self, choice: &Choice<'_>) -> Option<usize> {
        choice.all_open().max_by_key(|&index| {
            // Its keys are fixed: a client finds its instance again after a restart of ours.
            let mut hasher = DefaultHasher::new();
            choice.client.hash(&mut hasher);
            choice.upstreams[index].name.hash(&mut hasher);
            hasher.finish()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::UpstreamHealth;
    use super::super::upstream::tests::upstreams;
    use super::*;

    fn choice(upstreams: &[Arc<Upstream>]) -> Choice<'_> {
        Choice {
            upstreams,
            tried: Tried::default(),
            client: IpAddr::from([127, 0, 0, 1]),
            pinned: None,
        }
    }

    fn picks(policy: &dyn Pick, choice: &Choice<'_>, times: usize) -> Vec<usize> {
        (0..times).filter_map(|_| policy.pick(choice)).collect()
    }

    #[test]
    fn round_robin_takes_strict_turns() {
        let upstreams = upstreams(&["a", "b", "c"]);
        let policy = picker(Policy::RoundRobin);
        let all = choice(&upstreams);
        assert_eq!(picks(&*policy, &all, 7), [0, 1, 2, 0, 1, 2, 0]);
        upstreams[1].set_health(UpstreamHealth::Down);
        assert_eq!(picks(&*policy, &all, 4), [2, 0, 2, 0]);
        upstreams[2].set_health(UpstreamHealth::Draining);
        assert_eq!(picks(&*policy, &all, 3), [0, 0, 0]);
        upstreams[0].set_health(UpstreamHealth::Down);
        assert_eq!(policy.pick(&all), None);
    }

    #[test]
    fn no_policy_tries_the_same_instance_twice() {
        let upstreams = upstreams(&["a", "b"]);
        for policy in [
            Policy::RoundRobin,
            Policy::Sticky,
            Policy::LeastConnections,
            Policy::SourceHash,
        ] {
            let picker = picker(policy);
            let mut choice = choice(&upstreams);
            choice.pinned = Some(1);
            let first = picker.pick(&choice).unwrap();
            choice.tried.add(first);
            assert_eq!(picker.pick(&choice), Some(1 - first), "{policy:?}");
            choice.tried.add(1 - first);
            assert_eq!(picker.pick(&choice), None, "{policy:?}");
            assert_eq!(picker.pick(&super::tests::choice(&[])), None, "{policy:?}");
        }
    }

    #[test]
    fn sticky_stays_while_its_instance_drains_and_leaves_when_it_is_down() {
        let upstreams = upstreams(&["a", "b"]);
        let policy = picker(Policy::Sticky);
        let mut choice = choice(&upstreams);
        choice.pinned = Some(1);
        assert_eq!(picks(&*policy, &choice, 3), [1, 1, 1]);
        upstreams[1].set_health(UpstreamHealth::Draining);
        assert_eq!(picks(&*policy, &choice, 3), [1, 1, 1]);
        upstreams[1].set_health(UpstreamHealth::Down);
        assert_eq!(picks(&*policy, &choice, 3), [0, 0, 0]);
    }

    #[test]
    fn least_connections_goes_where_least_is_going_on() {
        let upstreams = upstreams(&["a", "b", "c"]);
        let policy = picker(Policy::LeastConnections);
        let choice = choice(&upstreams);
        assert_eq!(
            picks(&*policy, &choice, 4),
            [0, 1, 2, 0],
            "equals take turns"
        );
        let _busy = (upstreams[0].lease(), upstreams[1].lease());
        assert_eq!(picks(&*policy, &choice, 3), [2, 2, 2]);
    }

    #[test]
    fn source_hash_moves_only_the_clients_of_the_instance_that_went() {
        let upstreams = upstreams(&["a", "b", "c"]);
        let policy = picker(Policy::SourceHash);
        let at = |client: u8| {
            let mut choice = choice(&upstreams);
            choice.client = IpAddr::from([127, 0, 0, client]);
            policy.pick(&choice).unwrap()
        };
        let before: Vec<_> = (1..=200).map(at).collect();
        assert_eq!(before, (1..=200).map(at).collect::<Vec<_>>());
        for index in 0..3 {
            let share = before.iter().filter(|&&picked| picked == index).count();
            assert!(
                (30..=110).contains(&share),
                "instance {index} has {share} of 200"
            );
        }
        upstreams[2].set_health(UpstreamHealth::Down);
        let after: Vec<_> = (1..=200).map(at).collect();
        for (before, after) in before.into_iter().zip(after) {
            assert!(before == after || before == 2);
        }
    }
}
