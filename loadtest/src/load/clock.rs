//! The run's clock: nanoseconds since its start, the same on every thread of the generator.

use std::time::Instant;

/// Time since the run's start; before it, 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that reads 0 until `start`.
    pub(super) fn starting_at(start: Instant) -> Clock {
        Clock { start }
    }

    /// Nanoseconds since the start. A run of 500 years would overflow it.
    pub(super) fn now_ns(self) -> u64 {
        Instant::now()
            .saturating_duration_since(self.start)
            .as_nanos() as u64
    }

    /// The start.
    pub(super) fn start(self) -> Instant {
        self.start
    }
}
