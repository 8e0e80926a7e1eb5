//! What is noted down of each request: counts that add up, and latencies on both clocks.
//!
//! Tallies of threads, shards and blocks merge without loss: histograms all have the same bounds,
//! so the sum of two is the histogram of all.

use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::counts::Counts;

/// Latencies in nanoseconds, exact to 0.1 %, up to an hour.
pub type Latencies = Histogram<u64>;

/// An hour: no timeout is longer.
const LATENCY_NS_MAX: u64 = 3_600_000_000_000;

/// An empty histogram with the bounds that all of them have.
///
/// ```
/// use loadtest::load::tally::{add, latencies};
///
/// let (mut one, mut other) = (latencies(), latencies());
/// one.record_n(10_000, 98)?;
/// other.record_n(5_000_000, 2)?;
/// add(&mut one, &other);
/// assert_eq!(one.len(), 100);
/// assert_eq!(one.value_at_quantile(0.98) / 1_000, 10);
/// let p99_ns = one.value_at_quantile(0.99);
/// assert!(p99_ns.abs_diff(5_000_000) <= 5_000, "exact to 0.1 %");
/// # Ok::<(), hdrhistogram::RecordError>(())
/// ```
pub fn latencies() -> Latencies {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("these bounds are within its limits")
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// 2xx.
    Recognised,
    /// 400, 401 or 403.
    Refused,
    /// Any other status.
    Failed,
    /// No answer within the timeout.
    TimedOut,
    /// No connection, or one that ended before the answer did.
    Broken,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 5] = [
        Outcome::Recognised,
        Outcome::Refused,
        Outcome::Failed,
        Outcome::TimedOut,
        Outcome::Broken,
    ];

    /// What an answer with this status is.
    pub fn of_status(status: u16) -> Outcome {
        match status {
            200..300 => Outcome::Recognised,
            400 | 401 | 403 => Outcome::Refused,
            _ => Outcome::Failed,
        }
    }

    /// Whether there was an answer.
    pub fn answered(self) -> bool {
        !matches!(self, Outcome::TimedOut | Outcome::Broken)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Recognised => "recognised",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::TimedOut => "timed-out",
            Outcome::Broken => "broken",
        })
    }
}

/// Requests with one outcome at one instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What came of them.
    pub outcome: Outcome,
    /// Who answered, as `x-served-by` has it; `-` if nobody did or signed.
    pub instance: String,
    /// From the time at which they should have been sent.
    pub intended: Latencies,
    /// From the time at which the client turned to them, connecting included where it had to.
    pub service: Latencies,
}

impl Series {
    fn new(outcome: Outcome, instance: String) -> Series {
        Series {
            outcome,
            instance,
            intended: latencies(),
            service: latencies(),
        }
    }
}

/// When the three moments of a request were.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When it should have been sent.
    pub due_ns: u64,
    /// When the client turned to it.
    pub began_ns: u64,
    /// When its answer was whole, or given up.
    pub ended_ns: u64,
}

/// All that was noted of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// Numbers.
    pub counts: Counts,
    /// Latencies, by outcome and instance.
    pub series: Vec<Series>,
    /// How late requests were begun: the generator's own lateness, or no free connection.
    pub lag: Latencies,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            counts: Counts::default(),
            series: Vec::new(),
            lag: latencies(),
        }
    }
}

impl Tally {
    /// Notes the latencies of one request.
    pub fn record(&mut self, outcome: Outcome, served_by: &[u8], times: Times) {
        let series = self.series(outcome, served_by);
        series
            .intended
            .saturating_record(times.ended_ns.saturating_sub(times.due_ns));
        series
            .service
            .saturating_record(times.ended_ns.saturating_sub(times.began_ns));
        self.lag
            .saturating_record(times.began_ns.saturating_sub(times.due_ns));
    }

    /// There are few, so looking through them is faster than hashing.
    pub(super) fn series(&mut self, outcome: Outcome, served_by: &[u8]) -> &mut Series {
        let known = self.series.iter().position(|series| {
            series.outcome == outcome && series.instance.as_bytes() == served_by
        });
        let at = known.unwrap_or_else(|| {
            let instance = String::from_utf8_lossy(served_by).into_owned();
            self.series.push(Series::new(outcome, instance));
            self.series.len() - 1
        });
        &mut self.series[at]
    }

    /// Requests with this outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        let series = self.series.iter();
        let series = series.filter(|series| series.outcome == outcome);
        series.map(|series| series.service.len()).sum()
    }

    /// Requests that got an answer.
    pub fn answered(&self) -> u64 {
        let outcomes = Outcome::ALL.into_iter();
        let outcomes = outcomes.filter(|outcome| outcome.answered());
        outcomes.map(|outcome| self.count(outcome)).sum()
    }

    /// Latencies of all requests sent, on the intended and on the service clock. Those that were
    /// given up count with the time until then.
    pub fn latency(&self) -> (Latencies, Latencies) {
        let (mut intended, mut service) = (latencies(), latencies());
        for series in &self.series {
            add(&mut intended, &series.intended);
            add(&mut service, &series.service);
        }
        (intended, service)
    }

    /// Adds what another tally noted.
    pub fn merge(&mut self, other: &Tally) {
        self.counts += &other.counts;
        for theirs in &other.series {
            let ours = self.series(theirs.outcome, theirs.instance.as_bytes());
            add(&mut ours.intended, &theirs.intended);
            add(&mut ours.service, &theirs.service);
        }
        add(&mut self.lag, &other.lag);
        self.series
            .sort_by(|a, b| (a.outcome, &a.instance).cmp(&(b.outcome, &b.instance)));
    }
}

/// Adds one histogram to another with the same bounds.
pub fn add(sum: &mut Latencies, part: &Latencies) {
    sum.add(part).expect("all histograms have the same bounds");
}
