//! From answers to a cell: counts, hops, and whether each answer was the one to expect.
//!
//! Every request is compared with what the arm's properties say about this visitor at this
//! instance, so an outcome cannot look right by accident: half refused is not enough, it must be
//! the right half.

pub mod outage;
mod surprise;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answer::{Answer, Outcome};
use crate::arms::Arm;
use crate::expected::Happening;
use crate::expected::circumstance::Circumstance;
use crate::record::{CameOut, Cell, Client, Detail, Hop};
use crate::statistics::{share, wilson};
use outage::Outage;

/// One visitor's part in a cell.
#[derive(Debug)]
pub struct Visited {
    /// The instance that took the login, as in `x-served-by`.
    pub taken_by: String,
    /// When it took it.
    pub logged_in: Instant,
    /// What was answered, in the order of asking.
    pub answers: Vec<Answer>,
    /// What each answer is to be judged by, in the same order; the usual where nothing is said.
    pub under: Vec<Circumstance>,
    /// Whether the login still worked when all was over, at the instance that took it or, if that
    /// was dead, behind the balancer. Asked once more, and not counted as a request.
    pub kept: bool,
}

impl Visited {
    /// The part of a visitor whose login this instance took just now, and who has not asked yet.
    pub fn of(taken_by: &str) -> Visited {
        Visited {
            taken_by: taken_by.to_owned(),
            logged_in: Instant::now(),
            answers: Vec::new(),
            under: Vec::new(),
            kept: false,
        }
    }

    /// Notes an answer, and what it is to be judged by.
    pub fn note(&mut self, answer: Answer, under: Circumstance) {
        self.under.resize(self.answers.len(), Circumstance::Usual);
        self.answers.push(answer);
        self.under.push(under);
    }
}

/// Everything that was observed for one cell.
#[derive(Debug)]
pub struct Observed {
    /// The event.
    pub event: &'static str,
    /// The variant of the event.
    pub variant: Option<String>,
    /// What happened in the middle.
    pub happening: Happening,
    /// What kind of client asked.
    pub client: Client,
    /// The visitors.
    pub visits: Vec<Visited>,
    /// Time spans in which a process was being killed: a request in flight then may fail.
    pub blows: Vec<(Instant, Instant)>,
    /// Instances that were started anew, and when.
    pub restarts: Vec<(String, Instant)>,
    /// Logins that were tried while the event went on.
    pub logins: Vec<LoginTried>,
    /// When the store could not be asked, and what it held afterwards.
    pub outage: Option<Outage>,
    /// What came out, where "recognised" and "refused" are not the words for it.
    pub outcome: Option<CameOut>,
    /// What the event itself saw that should not be although no answer shows it, in words.
    pub wrong: Option<String>,
    /// What else is worth knowing.
    pub more: BTreeMap<String, Value>,
}

/// A login that was tried while the event went on.
#[derive(Debug)]
pub struct LoginTried {
    /// What was answered.
    pub answer: Answer,
    /// Whether it had to succeed; `None` while the balancer may not yet know who is alive.
    pub must_succeed: Option<bool>,
}

impl Observed {
    /// Nothing yet.
    pub fn new(event: &'static str, happening: Happening, client: Client) -> Observed {
        Observed {
            event,
            variant: None,
            happening,
            client,
            visits: Vec::new(),
            blows: Vec::new(),
            restarts: Vec::new(),
            logins: Vec::new(),
            outage: None,
            outcome: None,
            wrong: None,
            more: BTreeMap::new(),
        }
    }

    /// The cell and its hops.
    pub fn tally(&self, arm: &Arm) -> (Cell, Vec<Hop>) {
        let hops = self.hops(arm);
        let sum = |count: fn(&Hop) -> u64| hops.iter().map(count).sum::<u64>();
        let recognised = sum(|hop| hop.recognised);
        let (refused, failed) = (sum(|hop| hop.refused), sum(|hop| hop.failed));
        let requests = recognised + refused + failed;
        let visitors = self.visits.len() as u64;
        let may_lose = self.happening.may_lose_logins();
        let kept = self.kept();
        let recognised_share = share(recognised, requests);
        let surprise = self.surprise(arm, &hops);
        let cell = Cell {
            arm: arm.name.to_owned(),
            event: self.event.to_owned(),
            variant: self.variant.clone(),
            client: self.client,
            visitors,
            requests,
            recognised,
            refused,
            failed,
            logins_lost: if may_lose { visitors - kept } else { 0 },
            expected: arm
                .properties
                .in_words(arm.policy, self.client, self.happening),
            as_expected: surprise.is_none(),
            recognised_share,
            interval: recognised_share.and_then(|share| wilson(share, visitors)),
            detail: self.detail(may_lose.then_some(kept), surprise),
        };
        (cell, hops)
    }

    fn answers(&self) -> impl Iterator<Item = (&Visited, &Answer)> {
        self.visits
            .iter()
            .flat_map(|visited| visited.answers.iter().map(move |answer| (visited, answer)))
    }

    fn hops(&self, arm: &Arm) -> Vec<Hop> {
        let mut hops = BTreeMap::<(&str, &str), [u64; 3]>::new();
        for (visited, answer) in self.answers() {
            let counts = hops
                .entry((&visited.taken_by, &answer.served_by))
                .or_default();
            counts[answer.outcome as usize] += 1;
        }
        hops.into_iter()
            .map(|((login, answering), [recognised, refused, failed])| Hop {
                arm: arm.name.to_owned(),
                event: self.event.to_owned(),
                variant: self.variant.clone(),
                client: self.client,
                login_instance: login.to_owned(),
                answering_instance: answering.to_owned(),
                recognised,
                refused,
                failed,
            })
            .collect()
    }

    fn lost_by_login_instance(&self) -> BTreeMap<&str, u64> {
        let mut lost = BTreeMap::new();
        for visited in &self.visits {
            *lost.entry(visited.taken_by.as_str()).or_default() += u64::from(!visited.kept);
        }
        lost
    }

    fn kept(&self) -> u64 {
        self.visits.iter().filter(|visited| visited.kept).count() as u64
    }

    fn detail(&self, kept: Option<u64>, surprise: Option<String>) -> Detail {
        let mut reasons = BTreeMap::new();
        for (_, answer) in self.answers() {
            *reasons.entry(answer.reason.clone()).or_default() += 1;
        }
        let retried = self
            .answers()
            .map(|(_, answer)| answer.attempts.saturating_sub(1))
            .sum();
        let tried = self.logins.iter().map(|login| login.answer.outcome);
        let logins_refused = tried
            .filter(|outcome| *outcome != Outcome::Recognised)
            .count();
        let mut more = self.more.clone();
        if let Some(outage) = &self.outage {
            more.extend(outage.details(&self.visits));
        }
        if kept.is_some_and(|kept| kept < self.visits.len() as u64) {
            more.insert(
                "lost_by_login_instance".to_owned(),
                json!(self.lost_by_login_instance()),
            );
        }
        if !self.logins.is_empty() {
            more.insert("logins_tried".to_owned(), self.logins.len().into());
        }
        Detail {
            recognised_at_end: kept,
            retried: Some(retried),
            logins_refused: (!self.logins.is_empty()).then_some(logins_refused as u64),
            reasons,
            note: surprise,
            outcome: self.outcome.clone(),
            more,
        }
    }
}
