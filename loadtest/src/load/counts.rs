//! The numbers of a run: how many requests met which fate, and which answers were wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::request::CredentialKind;

/// Wrong answers that are kept with all that is known of them; the others are counted.
const WRONG_KEPT: usize = 20;

/// Everything that is a number. All but `warm_up` and the wrong answers leave the warm-up out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that the schedule held; 0 in a closed loop.
    pub planned: u64,
    /// Requests sent, answered or not.
    pub sent: u64,
    /// Requests planned and not sent by the end.
    pub not_sent: u64,
    /// Requests of the warm-up, which nothing else counts.
    pub warm_up: u64,
    /// Answers for which the balancer had to try more than once.
    pub retried: u64,
    /// Connections opened, the warm-up's included.
    pub connections: u64,
    /// Bytes of answered requests.
    pub bytes_sent: u64,
    /// Bytes of their answers.
    pub bytes_received: u64,
    /// Let in, who should have been refused.
    pub wrong_accepts: Wrong,
    /// Other answers than deserved.
    pub wrong_answers: Wrong,
    /// Why there was no answer, by reason.
    pub broken: BTreeMap<String, u64>,
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.planned += other.planned;
        self.sent += other.sent;
        self.not_sent += other.not_sent;
        self.warm_up += other.warm_up;
        self.retried += other.retried;
        self.connections += other.connections;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.wrong_accepts += &other.wrong_accepts;
        self.wrong_answers += &other.wrong_answers;
        for (reason, count) in &other.broken {
            *self.broken.entry(reason.clone()).or_default() += count;
        }
    }
}

/// An answer that was not what its credential deserves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WrongAnswer {
    /// Number of the request in the schedule.
    pub index: u32,
    /// Whose credential it carried.
    pub visitor: u32,
    /// In which state.
    pub kind: CredentialKind,
    /// Who answered.
    pub instance: String,
    /// The status that was deserved.
    pub expected: u16,
    /// The status that came.
    pub got: u16,
}

impl fmt::Display for WrongAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "request {} of visitor {} with a credential that was {}: {} answered {} instead of {}",
            self.index, self.visitor, self.kind, self.instance, self.got, self.expected
        )
    }
}

/// Wrong answers of one sort: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// How many.
    pub count: u64,
    /// The first by number.
    pub first: Vec<WrongAnswer>,
}

impl Wrong {
    /// Counts one more.
    pub fn push(&mut self, answer: WrongAnswer) {
        self.count += 1;
        self.first.push(answer);
        self.keep();
    }

    fn keep(&mut self) {
        self.first.sort();
        self.first.truncate(WRONG_KEPT);
    }
}

impl AddAssign<&Wrong> for Wrong {
    fn add_assign(&mut self, other: &Wrong) {
        self.count += other.count;
        self.first.extend_from_slice(&other.first);
        self.keep();
    }
}
