//! What all viewers see alike: the instances, what they hold, and what was done to them.
//!
//! One task looks at the instances and publishes a snapshot when it differs from the last one.
//! A viewer who is slow, or away, misses snapshots and never holds anything up: a `watch` channel
//! keeps the newest only, and each snapshot is the whole state. Looking costs the instances
//! something, so nobody looks while nobody watches.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_stream::wrappers::WatchStream;

use super::refusal::Refusal;
use super::stage::{Act, LaneView, Stage, StageError};

/// How often the instances are looked at while somebody watches and nothing happens: an expired
/// login or a crash shows up within this time.
const LOOK_EVERY: Duration = Duration::from_millis(1_000);
/// The least time between two looks, however much happens.
const LOOK_SPACING: Duration = Duration::from_millis(100);
/// How many open pages are streamed to.
const STREAMS_MAX: usize = 256;
/// How many deeds a snapshot lists: enough for a page that was away for a moment.
const DEEDS_MAX: usize = 16;
/// Proxies and browsers give up on a stream that is silent for long.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How soon a page that lost its stream asks for another.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// Looks, remembers what was done, and publishes both.
pub(super) struct Live {
    stage: Arc<dyn Stage>,
    newest: watch::Sender<Snapshot>,
    deeds: Mutex<VecDeque<Deed>>,
    deeds_done: AtomicU64,
    /// One act at a time: two viewers who press at once are served one after the other.
    acting: tokio::sync::Mutex<()>,
    streams: Arc<Semaphore>,
    look_now: Notify,
    quiet: AtomicBool,
    stopped: AtomicBool,
}

/// All that a page needs to draw what is not its own. Pages compare `boot` with their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Snapshot {
    lanes: Vec<LaneView>,
    deeds: Vec<Deed>,
}

/// Something a viewer did to an instance of both lanes.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Deed {
    /// Counts from 1, so that a page knows which ones it has shown.
    number: u64,
    act: Act,
    instance: String,
    /// How many logins each lane's instance held right before, in the order of the lanes.
    held_before: Vec<Option<u64>>,
}

impl Live {
    pub(super) fn start(stage: Arc<dyn Stage>) -> Arc<Self> {
        let live = Arc::new(Self {
            stage,
            newest: watch::Sender::new(Snapshot::default()),
            deeds: Mutex::default(),
            deeds_done: AtomicU64::new(0),
            acting: tokio::sync::Mutex::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            look_now: Notify::new(),
            quiet: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        tokio::spawn(Arc::clone(&live).keep_looking());
        live
    }

    /// Something may have changed: look soon.
    pub(super) fn poke(&self) {
        self.look_now.notify_one();
    }

    /// While quiet, looks only after a poke.
    pub(super) fn keep_quiet(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
        self.poke();
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.poke();
    }

    /// Does something to an instance and tells everybody.
    pub(super) async fn act(&self, act: Act, instance: &str) -> Result<(), StageError> {
        let _one_at_a_time = self.acting.lock().await;
        let before = self.stage.look().await;
        self.stage.act(act, instance).await?;
        let held_before = before
            .iter()
            .map(|lane| lane.instances.iter().find(|i| i.name == instance)?.logins)
            .collect();
        let number = self.deeds_done.fetch_add(1, Ordering::Relaxed) + 1;
        let instance = instance.to_owned();
        {
            let mut deeds = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
            deeds.push_back(Deed {
                number,
                act,
                instance,
                held_before,
            });
            if deeds.len() > DEEDS_MAX {
                deeds.pop_front();
            }
        }
        self.publish(self.stage.look().await);
        Ok(())
    }

    /// The stream of one open page.
    pub(super) fn stream(
        self: &Arc<Self>,
        boot: String,
    ) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Refusal> {
        #[derive(Serialize)]
        struct Sent<'a> {
            boot: &'a str,
            #[serde(flatten)]
            snapshot: Snapshot,
        }
        let place = Arc::clone(&self.streams)
            .try_acquire_owned()
            .map_err(|_| Refusal::TooManyStreams)?;
        let snapshots = WatchStream::new(self.newest.subscribe());
        self.poke();
        let events = snapshots.filter_map(move |snapshot| {
            let _held_while_open = &place;
            // The very first one, before anybody has looked, says nothing.
            let event = (!snapshot.lanes.is_empty()).then(|| {
                Event::default()
                    .retry(RECONNECT_AFTER)
                    .json_data(Sent {
                        boot: &boot,
                        snapshot,
                    })
                    .unwrap_or_default()
            });
            std::future::ready(event.map(Ok))
        });
        Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
    }

    async fn keep_looking(self: Arc<Self>) {
        while !self.stopped.load(Ordering::Relaxed) {
            let watched = self.newest.receiver_count() > 0;
            if watched && !self.quiet.load(Ordering::Relaxed) {
                let _ = tokio::time::timeout(LOOK_EVERY, self.look_now.notified()).await;
            } else {
                self.look_now.notified().await;
            }
            self.publish(self.stage.look().await);
            tokio::time::sleep(LOOK_SPACING).await;
        }
    }

    fn publish(&self, lanes: Vec<LaneView>) {
        let deeds = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = Snapshot {
            lanes,
            deeds: deeds.iter().cloned().collect(),
        };
        self.newest.send_if_modified(|newest| {
            let changed = *newest != snapshot;
            *newest = snapshot;
            changed
        });
    }
}
