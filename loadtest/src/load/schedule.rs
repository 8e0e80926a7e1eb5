//! What is to be sent when: a value, drawn from a seed before the first request.
//!
//! A [`Plan`] says it in a few words, a [`Schedule`] request by request. Sharding picks requests
//! from the one schedule and never draws anew, so the union of all shards is the same for any
//! number of them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::draws::{DrawPlan, Draws};
use super::request::CredentialKind;

/// How requests are spread over time and visitors. Two equal plans make equal schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Everything random is drawn from it.
    pub seed: u64,
    /// How requests of one rate follow each other.
    pub arrivals: Arrivals,
    /// The rate over time, one stretch after the other.
    pub steps: Vec<Step>,
    /// Whose credentials are sent and which, also in a closed loop.
    pub draws: DrawPlan,
}

/// How requests of one rate follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// As independent people come: exponential distances, so bursts and lulls.
    Poisson,
}

/// A stretch of time in which the rate stays, or changes evenly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Requests a second at its begin.
    pub from_rps: f64,
    /// Requests a second at its end.
    pub to_rps: f64,
    /// How long it takes.
    pub length: Duration,
}

impl Step {
    /// One rate throughout.
    pub fn constant(rps: f64, length: Duration) -> Step {
        Step::ramp(rps, rps, length)
    }

    /// From one rate evenly to another.
    pub fn ramp(from_rps: f64, to_rps: f64, length: Duration) -> Step {
        Step {
            from_rps,
            to_rps,
            length,
        }
    }

    /// Requests in this step, a fraction included: the next step goes on from there.
    fn requests(&self) -> f64 {
        (self.from_rps + self.to_rps) / 2.0 * self.length.as_secs_f64()
    }

    /// Seconds from its begin until `count` requests are due.
    ///
    /// The rate's integral from 0 to t is `from t + slope t²/2`, solved for t in the form that
    /// loses no digits when the slope is near zero.
    fn seconds_until(&self, count: f64) -> f64 {
        if count <= 0.0 {
            return 0.0;
        }
        let slope = (self.to_rps - self.from_rps) / self.length.as_secs_f64();
        let rate_then = (self.from_rps * self.from_rps + 2.0 * slope * count).max(0.0);
        2.0 * count / (self.from_rps + rate_then.sqrt())
    }
}

/// Why a plan makes no schedule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// Nobody to send a request.
    #[error("a plan needs at least one visitor")]
    NoVisitors,
    /// Nothing to send.
    #[error("a plan needs at least one kind of credential with a weight above 0")]
    NoCredentials,
    /// A rate that is no rate, or a step without length.
    #[error("step {0} needs a length above 0 and rates that are 0 or more")]
    BadStep(usize),
    /// More than fits into memory, and surely not what was meant.
    #[error("a plan of {0:.0} requests is too large; {max} are the most", max = REQUESTS_MAX)]
    TooLarge(f64),
    /// A shard that is not one of those there are.
    #[error("shard {0:?} is not i/n with i from 1 to n")]
    BadShard(String),
}

/// 2.4 GB of entries, an hour at 27,000 a second.
const REQUESTS_MAX: u32 = 100_000_000;

/// One request to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When it should be sent, in nanoseconds from the start of the run.
    pub intended_ns: u64,
    /// Its number in the whole schedule, whatever the shard.
    pub index: u32,
    /// Whose credential it carries.
    pub visitor: u32,
    /// Which credential.
    pub kind: CredentialKind,
}

/// Requests in the order in which they are to be sent.
///
/// ```
/// use std::time::Duration;
///
/// use loadtest::load::draws::DrawPlan;
/// use loadtest::load::schedule::{Arrivals, Plan, Shard, Step};
///
/// let plan = Plan {
///     seed: 7,
///     arrivals: Arrivals::Poisson,
///     steps: vec![Step::constant(2_000.0, Duration::from_secs(1))],
///     draws: DrawPlan::valid(20),
/// };
/// let whole = plan.schedule(Shard::WHOLE)?;
/// assert_eq!(whole, plan.schedule(Shard::WHOLE)?, "a seed draws the same again");
///
/// // Two machines send what one would have sent, at the same times.
/// let mut shards = plan.schedule("1/2".parse()?)?.entries;
/// shards.extend(plan.schedule("2/2".parse()?)?.entries);
/// shards.sort_by_key(|entry| entry.index);
/// assert_eq!(shards, whole.entries);
/// # Ok::<(), loadtest::load::schedule::PlanError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Every request of this shard.
    pub entries: Vec<Entry>,
    /// How long the plan takes, in nanoseconds; what has not been sent then never will be.
    pub length_ns: u64,
}

impl Schedule {
    /// How many requests come after a warm-up.
    pub fn planned_after(&self, warm_up: Duration) -> u64 {
        let warm_up_ns = nanoseconds(warm_up);
        let first = self
            .entries
            .partition_point(|entry| entry.intended_ns < warm_up_ns);
        (self.entries.len() - first) as u64
    }
}

/// A part of a schedule: every n-th request, beginning with the i-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// The part with this number, from 0, of `of`.
    pub fn new(index: u32, of: u32) -> Option<Shard> {
        (index < of).then_some(Shard { index, of })
    }

    /// Whether the request with this number belongs to it.
    pub fn holds(self, index: u32) -> bool {
        index % self.of == self.index
    }
}

/// As on the command line: `1/3` is the first of three.
impl FromStr for Shard {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Shard, PlanError> {
        let (index, of) = text.split_once('/').unwrap_or((text, ""));
        let (index, of) = (index.parse::<u32>(), of.parse::<u32>());
        index
            .ok()
            .zip(of.ok())
            .and_then(|(index, of)| Shard::new(index.checked_sub(1)?, of))
            .ok_or_else(|| PlanError::BadShard(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

impl Plan {
    /// How long it takes.
    pub fn length(&self) -> Duration {
        self.steps.iter().map(|step| step.length).sum()
    }

    /// Draws the schedule and keeps what belongs to `shard`.
    pub fn schedule(&self, shard: Shard) -> Result<Schedule, PlanError> {
        self.check()?;
        let mut root = Pcg64::seed_from_u64(self.seed);
        let mut gaps = Pcg64::from_rng(&mut root);
        let mut draws = Draws::new(&self.draws, &mut root);
        let mut gap = || match self.arrivals {
            Arrivals::Constant => 1.0,
            // 1 - u, since u may be 0 and the logarithm of 0 is no time to wait.
            Arrivals::Poisson => -(1.0 - gaps.random::<f64>()).ln(),
        };
        let mut entries = Vec::new();
        let (mut index, mut due, mut begin) = (0, 0.0, Duration::ZERO);
        if self.arrivals == Arrivals::Poisson {
            due = gap();
        }
        // `due` counts requests, not seconds: a process of rate 1, stretched by each step's rate.
        for step in &self.steps {
            while due < step.requests() {
                let after = (step.seconds_until(due) * 1e9).round();
                let (visitor, kind) = draws.draw();
                if shard.holds(index) {
                    entries.push(Entry {
                        intended_ns: nanoseconds(begin) + after as u64,
                        index,
                        visitor,
                        kind,
                    });
                }
                index += 1;
                due += gap();
            }
            due -= step.requests();
            begin += step.length;
        }
        Ok(Schedule {
            entries,
            length_ns: nanoseconds(begin),
        })
    }

    fn check(&self) -> Result<(), PlanError> {
        self.draws.check()?;
        let sound = |rps: f64| rps.is_finite() && rps >= 0.0;
        for (number, step) in self.steps.iter().enumerate() {
            if !sound(step.from_rps) || !sound(step.to_rps) || step.length.is_zero() {
                return Err(PlanError::BadStep(number));
            }
        }
        let requests: f64 = self.steps.iter().map(Step::requests).sum();
        if requests > f64::from(REQUESTS_MAX) {
            return Err(PlanError::TooLarge(requests));
        }
        Ok(())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
