//! Timeouts without a timer for each request: one look at all connections now and then.
//!
//! Setting and removing a timer would be paid by every request; hardly any of them needs it. A
//! timeout may therefore come one interval late, and the latency noted is the time it really took.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};

/// What one connection is waiting for, if for anything.
#[derive(Debug, Default)]
pub(super) struct Watch {
    began_ns: Cell<Option<u64>>,
    overdue: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Waited for long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimedOut;

impl Watch {
    /// Awaits `work`, which began at `began_ns`, until somebody calls [`Watch::look`] too late for
    /// it.
    pub(super) async fn over<F: Future>(
        &self,
        began_ns: u64,
        work: F,
    ) -> Result<F::Output, TimedOut> {
        self.began_ns.set(Some(began_ns));
        let mut work = pin!(work);
        let result = poll_fn(|context| {
            if self.overdue.get() {
                return Poll::Ready(Err(TimedOut));
            }
            let mut waker = self.waker.borrow_mut();
            if !waker
                .as_ref()
                .is_some_and(|waker| waker.will_wake(context.waker()))
            {
                *waker = Some(context.waker().clone());
            }
            drop(waker);
            work.as_mut().poll(context).map(Ok)
        })
        .await;
        self.began_ns.set(None);
        self.overdue.set(false);
        result
    }

    /// Ends the work that began before `latest_ns`, and says whether there was any work.
    pub(super) fn look(&self, latest_ns: Option<u64>) -> bool {
        let began_ns = self.began_ns.get();
        if began_ns.is_some() && began_ns < latest_ns {
            self.overdue.set(true);
            if let Some(waker) = self.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
        began_ns.is_some()
    }
}
