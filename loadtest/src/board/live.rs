//! What all viewers see alike: the instances, what they hold, what was done to them, and what
//! becomes of the background's visitors.
//!
//! One task looks at the instances and publishes a snapshot when it differs from the last one.
//! A viewer who is slow, or away, misses snapshots and never holds anything up: a `watch` channel
//! keeps the newest only, and each snapshot is the whole state. Looking costs the instances
//! something, so nobody looks while nobody watches.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_stream::wrappers::WatchStream;

use super::refusal::Refusal;
use super::room::Setting;
use super::stage::{Act, Pool, Stage, StageError, View};
use super::traffic::{Traffic, TrafficView};

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
    traffic: Arc<Traffic>,
    newest: watch::Sender<Snapshot>,
    told: Mutex<Told>,
    /// One act at a time: two viewers who press at once are served one after the other.
    acting: tokio::sync::Mutex<()>,
    looking: tokio::sync::Mutex<()>,
    streams: Arc<Semaphore>,
    look_now: Notify,
    quiet: AtomicBool,
    stopped: AtomicBool,
}

/// What viewers did that concerns everybody.
#[derive(Default)]
struct Told {
    deeds: VecDeque<Deed>,
    deeds_done: u64,
    setting: Option<Setting>,
}

/// All that a page needs to draw what is not its own. Pages compare `boot` with their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Snapshot {
    #[serde(flatten)]
    view: View,
    deeds: Vec<Deed>,
    /// Where the presenter of a room is.
    setting: Option<Setting>,
    traffic: TrafficView,
}

/// Something a viewer did to the servers of both lanes.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Deed {
    /// Counts from 1, so that a page knows which ones it has shown.
    number: u64,
    #[serde(flatten)]
    act: Act,
    /// How many logins the instance held right before, in each pool.
    held_before: BTreeMap<Pool, u64>,
}

impl Live {
    pub(super) fn start(stage: Arc<dyn Stage>, traffic: Arc<Traffic>) -> Arc<Self> {
        let live = Arc::new(Self {
            stage,
            traffic,
            newest: watch::Sender::new(Snapshot::default()),
            told: Mutex::default(),
            acting: tokio::sync::Mutex::default(),
            looking: tokio::sync::Mutex::default(),
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

    /// While quiet, looks only after a poke, and the background rests.
    pub(super) fn keep_quiet(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
        self.traffic.rest(quiet);
        self.poke();
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.traffic.stop();
        self.poke();
    }

    /// Does something to the servers and tells everybody.
    pub(super) async fn act(&self, act: Act) -> Result<(), StageError> {
        let _one_at_a_time = self.acting.lock().await;
        let before = self.stage.look().await;
        if !self.stage.act(&act).await? {
            return Ok(());
        }
        let held_before = act
            .instance()
            .map_or_else(BTreeMap::new, |instance| held_at(&before, instance));
        {
            let mut told = self.told();
            told.deeds_done += 1;
            let number = told.deeds_done;
            told.deeds.push_back(Deed {
                number,
                act,
                held_before,
            });
            if told.deeds.len() > DEEDS_MAX {
                told.deeds.pop_front();
            }
        }
        self.look_and_publish().await;
        Ok(())
    }

    /// Tells everybody where the presenter is.
    pub(super) fn set(&self, setting: Setting) {
        self.told().setting = Some(setting);
        self.poke();
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
            let event = (!snapshot.view.pools.is_empty()).then(|| {
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
            self.look_and_publish().await;
            tokio::time::sleep(LOOK_SPACING).await;
        }
    }

    /// One at a time, or what was seen before an act could be published after it.
    async fn look_and_publish(&self) {
        let _one_at_a_time = self.looking.lock().await;
        let view = self.stage.look().await;
        let told = self.told();
        let snapshot = Snapshot {
            view,
            deeds: told.deeds.iter().cloned().collect(),
            setting: told.setting.clone(),
            traffic: self.traffic.view(),
        };
        self.newest.send_if_modified(|newest| {
            let changed = *newest != snapshot;
            *newest = snapshot;
            changed
        });
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held_at(view: &View, instance: &str) -> BTreeMap<Pool, u64> {
    let held = view.pools.iter().filter_map(|seen| {
        let at = seen.instances.iter().find(|at| at.name == instance)?;
        Some((seen.pool, at.logins?))
    });
    held.collect()
}
