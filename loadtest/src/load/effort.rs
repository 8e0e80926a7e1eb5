//! What the generator itself spends: its threads' CPU time, and their time waiting for a core.

use std::fs;
use std::ops::AddAssign;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// What the generator's threads spent on a run, the warm-up left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// CPU time, in nanoseconds.
    pub cpu_ns: u64,
    /// Time runnable and waiting for a core, in nanoseconds: a lower bound, where the system tells.
    pub run_queue_ns: Option<u64>,
    /// Time that passed, in nanoseconds, summed over the threads.
    pub passed_ns: u64,
}

impl Effort {
    /// CPU time as a share of what its threads could have had.
    pub fn cpu_share(&self) -> f64 {
        if self.passed_ns == 0 {
            return 0.0;
        }
        self.cpu_ns as f64 / self.passed_ns as f64
    }
}

impl AddAssign for Effort {
    fn add_assign(&mut self, other: Effort) {
        self.cpu_ns += other.cpu_ns;
        self.run_queue_ns = match (self.run_queue_ns, other.run_queue_ns) {
            (Some(ours), Some(theirs)) => Some(ours + theirs),
            (ours, theirs) => ours.or(theirs),
        };
        self.passed_ns += other.passed_ns;
    }
}

/// What one thread had spent by some moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    cpu_ns: u64,
    run_queue_ns: Option<u64>,
    at_ns: u64,
}

impl Mark {
    /// Up to now, for the calling thread.
    pub(super) fn now(at_ns: u64) -> Mark {
        // Can only fail where there is no such clock; then the gate sees a generator that did
        // nothing.
        let cpu = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
        let cpu = cpu.map_or(Duration::ZERO, Duration::from);
        Mark {
            cpu_ns: cpu.as_nanos() as u64,
            run_queue_ns: run_queue_ns(),
            at_ns,
        }
    }

    /// What was spent since an earlier mark of the same thread.
    pub(super) fn since(&self, earlier: &Mark) -> Effort {
        let waited = self.run_queue_ns.zip(earlier.run_queue_ns);
        Effort {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            run_queue_ns: waited.map(|(now, then)| now.saturating_sub(then)),
            passed_ns: self.at_ns.saturating_sub(earlier.at_ns),
        }
    }
}

/// The second field of the thread's schedstat.
fn run_queue_ns() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}
