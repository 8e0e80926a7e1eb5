//! The generator: sends what a source hands out, over as many connections as it is given, and notes
//! what comes back. One engine for open and closed loops.
//!
//! Each thread has a runtime, connections, clock marks and a tally of its own, so nothing is shared
//! while a request is on its way. It blocks the calling thread until the last answer is in or given
//! up.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::clock::Clock;
use super::draws::{DrawPlan, Draws};
use super::effort::Effort;
use super::request::{CredentialKind, Request, Traffic};
use super::schedule::{PlanError, Schedule};
use super::source::Source;
use super::tally::Tally;
use super::worker::{Lane, Part, Work, work};

/// When requests are sent.
#[derive(Debug, Clone)]
pub enum Pacing {
    /// As the schedule says, whatever the server does.
    Open(Schedule),
    /// Each connection some time after its last answer.
    Closed(Closed),
}

/// A closed loop: the server sets the pace.
#[derive(Debug, Clone)]
pub struct Closed {
    /// Seed of the draws.
    pub seed: u64,
    /// Whose credentials are sent, and which.
    pub draws: DrawPlan,
    /// From an answer to the next request.
    pub think: Duration,
    /// How long it goes on.
    pub length: Duration,
}

/// How often a connection is used: keep-alive can hide from one visitor that there are two
/// instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// As long as it lasts.
    Kept,
    /// For one request.
    NewPerRequest,
    /// For so many requests.
    Recycled(u32),
}

impl Reuse {
    pub(super) fn requests(self) -> u64 {
        match self {
            Reuse::Kept => u64::MAX,
            Reuse::NewPerRequest => 1,
            Reuse::Recycled(requests) => u64::from(requests.max(1)),
        }
    }
}

/// How the generator works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads, each with a runtime of its own. Default 1.
    pub threads: usize,
    /// Connections to each address, shared out among the threads. Default 32.
    pub connections: usize,
    /// How often each is used. Default: as long as it lasts.
    pub reuse: Reuse,
    /// After which a request is given up. Default 10 s.
    pub timeout: Duration,
    /// Requests due before this are sent and judged, but not timed. Default none.
    pub warm_up: Duration,
    /// Set it to end the run early.
    pub stop: Arc<AtomicBool>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            threads: 1,
            connections: 32,
            reuse: Reuse::Kept,
            timeout: Duration::from_secs(10),
            warm_up: Duration::ZERO,
            stop: Arc::default(),
        }
    }
}

/// What a run brought in.
#[derive(Debug, Clone)]
pub struct Readings {
    /// What was noted of its requests.
    pub tally: Tally,
    /// What the generator itself spent on them.
    pub effort: Effort,
    /// What was timed: the planned length without the warm-up.
    pub window: Duration,
    /// Whether it was told to end early: then neither counts nor window are what was planned.
    pub interrupted: bool,
}

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The schedule draws what was not prepared.
    #[error("visitor {visitor} has no request with a credential that is {kind}")]
    NotPrepared {
        /// The visitor drawn.
        visitor: u32,
        /// The kind drawn.
        kind: CredentialKind,
    },
    /// A request to nowhere.
    #[error("a request goes to address {0}, which the traffic does not have")]
    NoTarget(usize),
    /// The system did not give what it takes.
    #[error("the generator cannot start")]
    System(#[from] io::Error),
}

/// Sends `traffic` as `pacing` says, from `start` on, and returns when all is over.
///
/// `start` should be some 100 ms away, so that connections are open by then.
pub fn run(
    traffic: Traffic,
    pacing: &Pacing,
    settings: &Settings,
    start: Instant,
) -> Result<Readings, Error> {
    let targets = used_targets(&traffic, pacing)?;
    let traffic = Arc::new(traffic);
    let threads = settings.threads.max(1);
    let parts: Vec<io::Result<Part>> = thread::scope(|scope| {
        let mut running = Vec::new();
        for thread in 0..threads {
            let (traffic, targets) = (Arc::clone(&traffic), &targets);
            let name = format!("generator-{thread}");
            running.push(
                thread::Builder::new()
                    .name(name)
                    .spawn_scoped(scope, move || {
                        let connections = share(settings.connections, thread, threads);
                        let lane = |&target| Lane {
                            target,
                            connections,
                            source: source(&traffic, pacing, target, (thread, threads)),
                        };
                        work(Work {
                            lanes: targets.iter().map(lane).collect(),
                            traffic: Arc::clone(&traffic),
                            clock: Clock::starting_at(start),
                            settings: settings.clone(),
                            think_ns: pacing.think_ns(),
                        })
                    }),
            );
        }
        let panicked = |_| io::Error::other("a thread of the generator panicked");
        let joined = running.into_iter();
        joined
            .map(|thread| thread?.join().map_err(panicked)?)
            .collect()
    });
    let mut readings = Readings {
        tally: Tally::default(),
        effort: Effort::default(),
        window: pacing.length().saturating_sub(settings.warm_up),
        interrupted: settings.stop.load(Ordering::Relaxed),
    };
    for part in parts {
        let part = part?;
        readings.tally.merge(&part.tally);
        readings.effort += part.effort;
    }
    if let Pacing::Open(schedule) = pacing {
        let counts = &mut readings.tally.counts;
        counts.planned = schedule.planned_after(settings.warm_up);
        counts.not_sent = counts.planned.saturating_sub(counts.sent);
    }
    Ok(readings)
}

impl Readings {
    /// Requests a second that were planned; none in a closed loop.
    pub fn offered_rps(&self) -> Option<f64> {
        let planned = self.tally.counts.planned;
        (planned > 0).then(|| planned as f64 / self.window.as_secs_f64())
    }

    /// Requests a second that were answered.
    pub fn achieved_rps(&self) -> f64 {
        if self.window.is_zero() {
            return 0.0;
        }
        self.tally.answered() as f64 / self.window.as_secs_f64()
    }
}

impl Pacing {
    /// How long it goes on sending.
    pub fn length(&self) -> Duration {
        match self {
            Pacing::Open(schedule) => Duration::from_nanos(schedule.length_ns),
            Pacing::Closed(closed) => closed.length,
        }
    }

    fn think_ns(&self) -> u64 {
        match self {
            Pacing::Open(_) => 0,
            Pacing::Closed(closed) => closed.think.as_nanos() as u64,
        }
    }

    /// Every visitor and kind of credential that can be drawn.
    fn pairs(&self) -> Box<dyn Iterator<Item = (u32, CredentialKind)> + '_> {
        match self {
            Pacing::Open(schedule) => {
                let entries = schedule.entries.iter();
                Box::new(entries.map(|entry| (entry.visitor, entry.kind)))
            }
            Pacing::Closed(closed) => Box::new(closed.draws.pairs()),
        }
    }
}

/// The addresses that get requests, after a look whether everything that can be drawn can be sent.
fn used_targets(traffic: &Traffic, pacing: &Pacing) -> Result<BTreeSet<usize>, Error> {
    if let Pacing::Closed(closed) = pacing {
        closed.draws.check()?;
    }
    let mut targets = BTreeSet::new();
    for (visitor, kind) in pacing.pairs() {
        let request =
            request(traffic, visitor, kind).ok_or(Error::NotPrepared { visitor, kind })?;
        if request.target >= traffic.targets.len() {
            return Err(Error::NoTarget(request.target));
        }
        targets.insert(request.target);
    }
    Ok(targets)
}

fn request(traffic: &Traffic, visitor: u32, kind: CredentialKind) -> Option<&Request> {
    traffic.visitors.get(visitor as usize)?.request(kind)
}

/// What one thread has to send to one address.
fn source(
    traffic: &Arc<Traffic>,
    pacing: &Pacing,
    target: usize,
    (thread, threads): (usize, usize),
) -> Source {
    let traffic = Arc::clone(traffic);
    let goes_here = move |visitor, kind| {
        request(&traffic, visitor, kind).is_some_and(|request| request.target == target)
    };
    match pacing {
        Pacing::Open(schedule) => {
            let entries = schedule.entries.iter().copied();
            let ours = entries.skip(thread).step_by(threads);
            let here = ours.filter(|entry| goes_here(entry.visitor, entry.kind));
            Source::open(here.collect(), schedule.length_ns)
        }
        Pacing::Closed(closed) => {
            let mut root = Pcg64::seed_from_u64(closed.seed);
            let mut draws = Draws::new(&closed.draws, &mut root);
            for _ in 0..thread {
                draws = Draws::new(&closed.draws, &mut root);
            }
            let length_ns = closed.length.as_nanos() as u64;
            Source::closed(draws, goes_here, pacing.think_ns(), length_ns)
        }
    }
}

/// One thread's share of all connections, at least one.
fn share(connections: usize, thread: usize, threads: usize) -> usize {
    let more = usize::from(thread < connections % threads);
    (connections / threads + more).max(1)
}
