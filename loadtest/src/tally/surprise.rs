//! Whether what was observed is what the properties of the arm say, request by request.

use cluster::Policy;
use tokio::time::Instant;

use super::{Observed, Visited};
use crate::answer::{Answer, NOBODY, Outcome};
use crate::arms::Arm;
use crate::expected::circumstance::Circumstance;
use crate::expected::{Happening, Visit};
use crate::record::Hop;

/// The balancer, when it answers itself.
const BALANCER: &str = "balancer";

impl Observed {
    /// The first thing that is not as it should be, in words.
    pub(super) fn surprise(&self, arm: &Arm, hops: &[Hop]) -> Option<String> {
        if self.visits.is_empty() {
            return Some("nobody could log in".to_owned());
        }
        let unexpected = self.visits.iter().find_map(|visited| match &self.outage {
            Some(outage) => outage.unexpected(arm, visited),
            None => self.unexpected(arm, visited),
        });
        unexpected
            .or_else(|| self.wrong.clone())
            .or_else(|| self.wrong_login(arm))
            .or_else(|| self.lopsided(arm, hops))
    }

    /// The first answer of this visit that differs from what the properties say.
    fn unexpected(&self, arm: &Arm, visited: &Visited) -> Option<String> {
        let mut visit = Visit::new(&arm.properties, self.client, &visited.taken_by);
        let usual = match self.happening {
            Happening::Forged => Circumstance::Forged,
            _ => Circumstance::Usual,
        };
        for (n, answer) in visited.answers.iter().enumerate() {
            let under = visited.under.get(n).unwrap_or(&usual);
            let who = format!(
                "{} answered {} to a login of {}",
                answer.served_by, answer.reason, visited.taken_by
            );
            if answer.outcome == Outcome::Failed {
                // A balancer's own answer, or none: it says nothing about the login.
                if self.was_struck(answer) {
                    continue;
                }
                return Some(format!("{who}, and nothing was being killed then"));
            }
            let by_balancer = answer.served_by == BALANCER && !under.may_end_at_the_balancer();
            if answer.served_by == NOBODY || by_balancer {
                return Some(format!("{who}, which is not for it to say"));
            }
            let recognised = match under {
                Circumstance::Usual => {
                    let restarted = match self.may_be_either(answer) {
                        true => answer.outcome == Outcome::Refused,
                        false => self.was_restarted(&answer.served_by, visited, answer),
                    };
                    visit.next_is_recognised(&answer.served_by, restarted)
                }
                under => {
                    let (taken_by, asked) = (&visited.taken_by, &answer.served_by);
                    match arm.properties.recognises(under, taken_by, asked) {
                        Some(recognised) => recognised,
                        // What it is to be judged by changed on its way.
                        None => continue,
                    }
                }
            };
            let wanted = if recognised {
                Outcome::Recognised
            } else {
                Outcome::Refused
            };
            if answer.outcome != wanted {
                return Some(format!("{who}; it should have been {wanted}"));
            }
        }
        None
    }

    fn was_struck(&self, answer: &Answer) -> bool {
        self.blows
            .iter()
            .any(|(from, to)| answer.sent <= *to && answer.answered >= *from)
    }

    /// Whether a server was started anew while this was on its way: then nobody can say which of
    /// the two processes answered.
    fn may_be_either(&self, answer: &Answer) -> bool {
        self.restarts.iter().any(|(name, at)| {
            *name == answer.served_by
                && self.was_struck(answer)
                && answer.sent <= *at
                && *at <= answer.answered
        })
    }

    fn was_restarted(&self, asked: &str, visited: &Visited, answer: &Answer) -> bool {
        let since_login = |(name, at): &&(String, Instant)| {
            name == asked && *at >= visited.logged_in && *at <= answer.answered
        };
        self.restarts.iter().any(|restart| since_login(&restart))
    }

    fn wrong_login(&self, arm: &Arm) -> Option<String> {
        let wrong = self.logins.iter().find(|login| {
            let succeeded = login.answer.outcome == Outcome::Recognised;
            login.must_succeed.is_some_and(|must| must != succeeded)
        })?;
        let should = if wrong.must_succeed == Some(true) {
            "succeeded"
        } else {
            "been refused"
        };
        let Answer {
            served_by, reason, ..
        } = &wrong.answer;
        Some(format!(
            "a login at {} was answered {reason} by {served_by}; it should have {should}",
            arm.name
        ))
    }

    /// Where the balancer decides, what it decided must fit its policy: a cell in which nobody
    /// crossed proves nothing about crossing.
    fn lopsided(&self, arm: &Arm, hops: &[Hop]) -> Option<String> {
        if !self.happening.takes_turns() {
            return None;
        }
        let asked = |cross: bool| -> u64 {
            hops.iter()
                .filter(|hop| (hop.login_instance != hop.answering_instance) == cross)
                .map(|hop| hop.recognised + hop.refused + hop.failed)
                .sum()
        };
        let (same, cross) = (asked(false), asked(true));
        match arm.policy {
            Policy::Sticky if cross > 0 => Some(format!(
                "{cross} requests left their server although the policy is sticky"
            )),
            Policy::RoundRobin if same.abs_diff(cross) > (same + cross) / 3 => Some(format!(
                "{same} requests stayed and {cross} crossed although turns are taken strictly"
            )),
            _ => None,
        }
    }
}
