//! Revocation lag: for how long one instance goes on accepting what was ended.
//!
//! The lag runs from the receipt of the order's answer to the *send* time of the last later-sent
//! request that was accepted. A [`Watcher`] asks one instance over a connection of its own every
//! 10 ms; what it saw is a list of [`Poll`]s, and all arithmetic is done on that list, without a
//! clock.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::answer::{Answer, Outcome};
use crate::ticket::Ticket;

/// Time between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// For how long a refusal must have held before the watch may end.
const REFUSED_ENOUGH: Duration = Duration::from_millis(1_000);

/// One request of a watcher: when it was sent, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// When it was sent.
    pub sent: Instant,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a list of polls says about an order whose answer came at a certain time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Accepted requests that were sent before the answer came.
    pub accepted_before: u64,
    /// Accepted requests that were sent after it came.
    pub accepted_after: u64,
    /// Refused requests that were sent after it came.
    pub refused_after: u64,
    /// Failed requests that were sent after it came.
    pub failed_after: u64,
    /// From the answer to the send time of the last accepted request; 0 without one.
    pub lag: Duration,
    /// Whether the last one that was answered was still accepted.
    pub censored: bool,
    /// The gap in which the truth lies: from the last accepted request (or the answer) to the
    /// first later one that was refused; at least the interval of the polls.
    pub resolution: Duration,
}

/// Read the lag off the polls.
///
/// ```
/// use loadtest::answer::Outcome::{Recognised, Refused};
/// use tokio::time::{Duration, Instant};
/// // Logged out now, and let in for the last time 30 ms later.
/// let answered = Instant::now();
/// let polls = [(10, Recognised), (30, Recognised), (40, Refused)].map(|(ms, outcome)| {
///     loadtest::lag::Poll { sent: answered + Duration::from_millis(ms), outcome }
/// });
/// let reading = loadtest::lag::read(&polls, answered);
/// assert_eq!(reading.lag, Duration::from_millis(30));
/// ```
pub fn read(polls: &[Poll], answered: Instant) -> Reading {
    let (before, after): (Vec<&Poll>, Vec<&Poll>) =
        polls.iter().partition(|poll| poll.sent <= answered);
    let count = |polls: &[&Poll], outcome| {
        polls.iter().filter(|poll| poll.outcome == outcome).count() as u64
    };
    let judged: Vec<_> = after
        .iter()
        .filter(|poll| poll.outcome != Outcome::Failed)
        .collect();
    let last_accepted = judged
        .iter()
        .rposition(|poll| poll.outcome == Outcome::Recognised);
    let (from, next) = match last_accepted {
        Some(at) => (judged[at].sent, judged.get(at + 1)),
        None => (answered, judged.first()),
    };
    let gap = next.map_or(POLL_INTERVAL, |next| next.sent - from);
    Reading {
        accepted_before: count(&before, Outcome::Recognised),
        accepted_after: count(&after, Outcome::Recognised),
        refused_after: count(&after, Outcome::Refused),
        failed_after: count(&after, Outcome::Failed),
        lag: from - answered,
        censored: last_accepted.is_some_and(|at| at + 1 == judged.len()),
        resolution: gap.max(POLL_INTERVAL),
    }
}

/// Whether a watch has seen enough at `now`: the refusal has held for a while, or the credential
/// should long have died by itself.
pub fn is_enough(polls: &[Poll], answered: Instant, natural_end: Instant, now: Instant) -> bool {
    if now >= natural_end {
        return true;
    }
    let last_accepted = polls
        .iter()
        .rev()
        .find(|poll| poll.outcome == Outcome::Recognised);
    let quiet_since = last_accepted.map_or(answered, |poll| poll.sent.max(answered));
    // Silence is not refusal: an instance that does not answer may still accept.
    let refused_last = polls
        .last()
        .is_some_and(|poll| poll.outcome == Outcome::Refused);
    refused_last && now.duration_since(quiet_since) >= REFUSED_ENOUGH
}

/// Asks one instance over and over with one credential, until it is told what to wait for.
#[derive(Debug)]
pub struct Watcher {
    order: tokio::sync::watch::Sender<Option<Order>>,
    progress: tokio::sync::watch::Receiver<Option<Instant>>,
    task: JoinHandle<Vec<Poll>>,
}

/// When the order was answered, and by when the credential must have died by itself.
#[derive(Debug, Clone, Copy)]
struct Order {
    answered: Instant,
    natural_end: Instant,
}

impl Watcher {
    /// Begins to ask.
    pub fn start(ticket: Ticket) -> Self {
        let (order, orders) = tokio::sync::watch::channel(None);
        let (seen, progress) = tokio::sync::watch::channel(None);
        let task = tokio::spawn(async move {
            let mut polls = Vec::new();
            let mut ticks = tokio::time::interval(POLL_INTERVAL);
            // A late poll is not made up for: a burst would ask the same question twice.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Answer { sent, outcome, .. } = ticket.show().await;
                polls.push(Poll { sent, outcome });
                if outcome == Outcome::Recognised {
                    seen.send_replace(Some(sent));
                }
                let order: Option<Order> = *orders.borrow();
                let Some(Order {
                    answered,
                    natural_end,
                }) = order
                else {
                    continue;
                };
                if is_enough(&polls, answered, natural_end, Instant::now()) {
                    return polls;
                }
            }
        });
        Self {
            order,
            progress,
            task,
        }
    }

    /// Tells it that the order was answered then, and that the credential dies at `natural_end`.
    pub fn order_answered(&self, answered: Instant, natural_end: Instant) {
        self.order.send_replace(Some(Order {
            answered,
            natural_end,
        }));
    }

    /// Waits until the first request was accepted, or `patience` is over.
    pub async fn accepted_once(&mut self, patience: Duration) {
        let accepted = self.progress.wait_for(Option::is_some);
        // Not every instance knows every login: then there is nothing to wait for.
        let _ = tokio::time::timeout(patience, accepted).await;
    }

    /// The send time of the last accepted request so far.
    pub fn last_accepted(&self) -> Option<Instant> {
        *self.progress.borrow()
    }

    /// Waits for the end of the watch and reads the lag.
    pub async fn finish(mut self, answered: Instant) -> Reading {
        let polls = (&mut self.task).await.unwrap_or_default();
        read(&polls, answered)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Failed, Recognised, Refused};

    /// A clock of the test's own: polls at given milliseconds after `start`.
    fn polls(start: Instant, list: &[(u64, Outcome)]) -> Vec<Poll> {
        list.iter()
            .map(|&(ms, outcome)| Poll {
                sent: start + Duration::from_millis(ms),
                outcome,
            })
            .collect()
    }

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn refused_from_the_first_later_request_on_is_a_lag_of_zero() {
        let start = Instant::now();
        let seen = polls(
            start,
            &[
                (0, Recognised),
                (10, Recognised),
                (20, Refused),
                (30, Refused),
            ],
        );
        let reading = read(&seen, at(start, 12));
        assert_eq!(reading.lag, Duration::ZERO);
        assert_eq!((reading.accepted_before, reading.accepted_after), (2, 0));
        assert_eq!(reading.refused_after, 2);
        assert!(!reading.censored);
        assert_eq!(reading.resolution, POLL_INTERVAL);
    }

    #[test]
    fn the_lag_ends_at_the_last_accepted_request_even_after_a_refusal() {
        let start = Instant::now();
        let list = [
            (20, Recognised),
            (30, Refused),
            (40, Recognised),
            (95, Refused),
        ];
        let reading = read(&polls(start, &list), at(start, 10));
        assert_eq!(reading.lag, Duration::from_millis(30));
        assert_eq!(reading.accepted_after, 2);
        // The truth lies somewhere in the 55 ms before the next poll.
        assert_eq!(reading.resolution, Duration::from_millis(55));
    }

    /// Sent before the answer came, answered after it: the order may not have taken effect yet.
    #[test]
    fn a_request_sent_before_the_answer_does_not_count() {
        let start = Instant::now();
        let seen = polls(start, &[(10, Recognised), (20, Refused)]);
        assert_eq!(read(&seen, at(start, 10)).accepted_after, 0);
    }

    #[test]
    fn still_accepted_at_the_end_is_censored_and_failures_say_nothing() {
        let start = Instant::now();
        let list = [(20, Recognised), (30, Recognised), (40, Failed)];
        let reading = read(&polls(start, &list), at(start, 10));
        assert!(reading.censored);
        assert_eq!(reading.lag, Duration::from_millis(20));
        assert_eq!(reading.failed_after, 1);
        let nothing = read(&[], at(start, 10));
        assert!(!nothing.censored && nothing.accepted_before == 0);
    }

    #[test]
    fn a_watch_ends_when_the_refusal_has_held_or_the_credential_must_be_dead() {
        let start = Instant::now();
        let seen = polls(start, &[(20, Recognised), (30, Recognised), (40, Refused)]);
        let (answered, natural_end) = (at(start, 10), at(start, 5_000));
        let enough = |now_ms| is_enough(&seen, answered, natural_end, at(start, now_ms));
        assert!(!enough(1_029));
        assert!(enough(1_030), "a second after the last accepted request");
        let still: Vec<_> = (0..500).map(|n| (n * 10, Recognised)).collect();
        let still = polls(start, &still);
        assert!(!is_enough(&still, answered, natural_end, at(start, 4_999)));
        assert!(is_enough(&still, answered, natural_end, at(start, 5_000)));
    }

    #[test]
    fn what_was_refused_from_the_start_is_watched_for_as_long() {
        let start = Instant::now();
        let seen = polls(start, &[(0, Refused), (10, Refused)]);
        let enough = |now_ms| is_enough(&seen, at(start, 5), at(start, 9_000), at(start, now_ms));
        assert!(!enough(900));
        assert!(enough(1_005));
        let silent = polls(start, &[(0, Refused), (10, Failed)]);
        assert!(!is_enough(
            &silent,
            at(start, 5),
            at(start, 9_000),
            at(start, 1_005)
        ));
    }
}
