//! The one clock of an instance, which a lab may set wrong on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Wall-clock time with an offset that `/lab/clock` can change while the instance runs.
///
/// Everything that decides about lifetimes asks this clock, so that two instances can disagree
/// about the time on one machine (time namespaces do not shift the real-time clock).
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The time, milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let real_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        let shown_ms = real_ms.saturating_add(self.offset_ms.load(Ordering::Relaxed));
        u64::try_from(shown_ms).unwrap_or(0)
    }

    /// How far this clock is ahead of the machine's, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// Sets how far this clock is ahead of the machine's.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}
