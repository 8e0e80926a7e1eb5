//! Sleeping until an exact moment without spinning: one kernel timer per thread for all who wait.
//!
//! tokio's timers have a resolution of one millisecond, and a timer of its own for each connection
//! would cost two system calls a request. Here the sleepers stand in a heap, the timer is set to
//! the first of them, and its descriptor wakes the runtime as a socket does. On Linux that is a
//! timerfd, set to absolute time: it needs no read (setting it again resets it), and timer slack
//! does not apply to it.

use std::cell::{Cell, RefCell};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::io;
use std::task::{Poll, Waker};

use super::clock::Clock;

/// Everybody on this thread who waits for a moment.
pub(super) struct Pacer {
    clock: Clock,
    alarm: alarm::Alarm,
    /// When the alarm is set to go off.
    armed_ns: Cell<u64>,
    sleepers: RefCell<BinaryHeap<Reverse<Sleeper>>>,
}

/// What [`Pacer::armed_ns`] says if the alarm is not set.
const NEVER: u64 = u64::MAX;

struct Sleeper {
    due_ns: u64,
    waker: Waker,
}

impl Pacer {
    /// A pacer for the thread whose runtime is entered.
    pub(super) fn new(clock: Clock) -> io::Result<Pacer> {
        Ok(Pacer {
            clock,
            alarm: alarm::Alarm::new(clock)?,
            armed_ns: Cell::new(NEVER),
            sleepers: RefCell::default(),
        })
    }

    /// Returns at `due_ns` on the clock, or at once if that is over. Never early.
    pub(super) async fn sleep_until(&self, due_ns: u64) {
        let mut queued = false;
        poll_fn(|context| {
            if self.clock.now_ns() >= due_ns {
                return Poll::Ready(());
            }
            // A task keeps its waker, so standing in the heap once is enough.
            if !queued {
                queued = true;
                let waker = context.waker().clone();
                let sleeper = Sleeper { due_ns, waker };
                self.sleepers.borrow_mut().push(Reverse(sleeper));
                self.arm(due_ns);
            }
            Poll::Pending
        })
        .await;
    }

    /// Wakes who is due, for ever. Nobody wakes unless this runs.
    pub(super) async fn run(&self) -> io::Result<()> {
        loop {
            self.alarm.rang().await?;
            self.armed_ns.set(NEVER);
            let now_ns = self.clock.now_ns();
            let mut sleepers = self.sleepers.borrow_mut();
            while let Some(Reverse(first)) = sleepers.peek() {
                if first.due_ns > now_ns {
                    self.arm(first.due_ns);
                    break;
                }
                if let Some(Reverse(first)) = sleepers.pop() {
                    first.waker.wake();
                }
            }
        }
    }

    fn arm(&self, due_ns: u64) {
        if due_ns < self.armed_ns.get() {
            self.armed_ns.set(due_ns);
            self.alarm.set(due_ns);
        }
    }
}

/// Sleepers stand in the order of their moments alone.
impl Ord for Sleeper {
    fn cmp(&self, other: &Sleeper) -> Ordering {
        self.due_ns.cmp(&other.due_ns)
    }
}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Sleeper) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Sleeper) -> bool {
        self.due_ns == other.due_ns
    }
}

impl Eq for Sleeper {}

#[cfg(target_os = "linux")]
mod alarm {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, RawFd};
    use std::time::{Duration, Instant};

    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::Clock;

    /// One timerfd on the monotonic clock, the one that `Instant` reads.
    pub(super) struct Alarm {
        timer: AsyncFd<Timer>,
        /// The run's start on the monotonic clock, since `Instant` does not tell.
        start: Duration,
    }

    struct Timer(TimerFd);

    impl AsRawFd for Timer {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    impl Alarm {
        pub(super) fn new(clock: Clock) -> io::Result<Alarm> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = Timer(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?);
            let monotonic = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)?;
            let (now, monotonic) = (Instant::now(), Duration::from(monotonic));
            let start = (monotonic + clock.start().saturating_duration_since(now))
                .saturating_sub(now.saturating_duration_since(clock.start()));
            #[expect(
                deprecated,
                reason = "its successor is unsafe, for descriptors that others may close; this \
                          one belongs to the timer that is handed over with it"
            )]
            let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
            Ok(Alarm { timer, start })
        }

        pub(super) fn set(&self, due_ns: u64) {
            let due = TimeSpec::from_duration(self.start + Duration::from_nanos(due_ns));
            let once = Expiration::OneShot(due);
            let Timer(timer) = self.timer.get_ref();
            timer
                .set(once, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
                .expect("a timer of one's own takes any moment after the machine's start");
        }

        pub(super) async fn rang(&self) -> io::Result<()> {
            self.timer.readable().await?.clear_ready();
            Ok(())
        }
    }
}

/// Elsewhere tokio's timer does it, to the millisecond: such a run's latencies say so by their lag.
#[cfg(not(target_os = "linux"))]
mod alarm {
    use std::cell::Cell;
    use std::io;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::{Instant, sleep_until};

    use super::Clock;

    pub(super) struct Alarm {
        clock: Clock,
        due_ns: Cell<Option<u64>>,
        changed: Notify,
    }

    impl Alarm {
        pub(super) fn new(clock: Clock) -> io::Result<Alarm> {
            Ok(Alarm {
                clock,
                due_ns: Cell::new(None),
                changed: Notify::new(),
            })
        }

        pub(super) fn set(&self, due_ns: u64) {
            self.due_ns.set(Some(due_ns));
            self.changed.notify_one();
        }

        pub(super) async fn rang(&self) -> io::Result<()> {
            loop {
                let Some(due_ns) = self.due_ns.get() else {
                    self.changed.notified().await;
                    continue;
                };
                let due = self.clock.start() + Duration::from_nanos(due_ns);
                tokio::select! {
                    () = sleep_until(Instant::from_std(due)) => {
                        self.due_ns.set(None);
                        return Ok(());
                    }
                    () = self.changed.notified() => {}
                }
            }
        }
    }
}
