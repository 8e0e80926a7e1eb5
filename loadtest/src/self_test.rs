//! The instrument held against a server whose behaviour is known: what it reads must be what was
//! set, and what the server counted by itself.
//!
//! Counts must agree to the last request; times within what scheduling on a busy machine may add.
//! At the end it looks for its own ceiling, which is no check: it says which rates to ask for.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::load::draws::DrawPlan;
use crate::load::gate::{self, Facts};
use crate::load::generator::{self, Closed, Pacing, Readings, Settings};
use crate::load::known::{Behaviour, Known};
use crate::load::request::CredentialKind;
use crate::load::schedule::{Arrivals, Plan, Shard, Step};
use crate::load::tally::{Latencies, Outcome};

/// One thing that was set, and what the instrument read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub about: &'static str,
    /// What was set, or what the server counted.
    pub set: String,
    /// What the instrument read.
    pub read: String,
    /// Whether the two agree.
    pub holds: bool,
}

/// How much the generator can do on this machine, beside a server that does next to nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    /// Answers a second in a closed loop.
    pub closed_rps: f64,
    /// The generator's CPU time for one of them, in nanoseconds.
    pub closed_cpu_ns: f64,
    /// The highest rate up to which runs were valid; none if not even the lowest was.
    pub open_rps: Option<f64>,
}

/// One server whose behaviour is set, and what is read of it, with this seed.
pub type Trial = fn(u64) -> anyhow::Result<Vec<Check>>;

/// The trials, in the order to run them. Each may take some seconds.
pub const TRIALS: [Trial; 4] = [answers, forgers, delay, stall];

const VISITORS: u32 = 10;

/// Time without a request at the end, so that a machine that is busy just then leaves none unsent.
const QUIET: Duration = Duration::from_millis(500);

/// What scheduling may add to a delay at the median. On a quiet machine it is a tenth of it.
const DELAY_MORE_MAX: Duration = Duration::from_millis(5);

/// How far the two sides of Little's law may be apart, as a share.
const LITTLE_OFF_MAX: f64 = 0.1;

/// Failures and hops: every seventh request fails, and of two instances one knows nobody.
fn answers(seed: u64) -> anyhow::Result<Vec<Check>> {
    let server = Known::start(Behaviour {
        instances: vec!["known-a".into(), "known-b".into()],
        strangers: vec![1],
        fails_every: Some(7),
        ..Behaviour::default()
    })?;
    let readings = constant(&server, seed, 1_000.0, Duration::from_secs(2))?;
    let tally = &readings.tally;
    let received = server.seen.requests.load(Relaxed);
    let failed = server.seen.failed.load(Relaxed);
    // Of those that did not fail, whoever has an odd number reached the stranger.
    let refused = (0..received).filter(|n| n % 7 != 6 && n % 2 == 1).count() as u64;
    let at_stranger = |outcome| {
        let series = tally
            .series
            .iter()
            .filter(move |one| one.outcome == outcome);
        series
            .filter(|one| one.instance == "known-b")
            .map(|one| one.service.len())
            .sum::<u64>()
    };
    let mut checks = vec![
        counted("requests", received, tally.counts.sent),
        counted("failed, 1 of 7", failed, tally.count(Outcome::Failed)),
        counted("refused at B", refused, at_stranger(Outcome::Refused)),
        counted("let in at B", 0, at_stranger(Outcome::Recognised)),
    ];
    checks.push(in_order(&readings));
    Ok(checks)
}

/// Every tenth forged credential is let in, among as many valid ones.
fn forgers(seed: u64) -> anyhow::Result<Vec<Check>> {
    let server = Known::start(Behaviour {
        lets_in_every: Some(10),
        ..Behaviour::default()
    })?;
    let mix = vec![(CredentialKind::Valid, 1), (CredentialKind::Forged, 1)];
    let pacing = planned(seed, 1_000.0, Duration::from_secs(1), mix)?;
    let readings = go(&server, &pacing, &Settings::default())?;
    let found = readings.tally.counts.wrong_accepts.count;
    let code = gate::exit_code(&gate::judge(&Facts::from(&readings)));
    Ok(vec![
        counted("forgers let in", server.seen.let_in.load(Relaxed), found),
        counted("exit code for that", 1, code.into()),
    ])
}

/// A delay of 20 ms, and Little's law: requests in the server, as it counted them by itself, are
/// the rate times the latency that was read.
fn delay(seed: u64) -> anyhow::Result<Vec<Check>> {
    let delay = Duration::from_millis(20);
    let server = Known::start(Behaviour {
        delay,
        ..Behaviour::default()
    })?;
    let readings = constant(&server, seed, 500.0, Duration::from_secs(2))?;
    let (_, service) = readings.tally.latency();
    let (least, half) = (service.min(), service.value_at_quantile(0.5));
    let delay_ns = delay.as_nanos() as u64;
    // The histogram is exact to 0.1 %.
    let undercut = least < delay_ns - delay_ns / 1_000;
    let late = half > delay_ns + DELAY_MORE_MAX.as_nanos() as u64;
    let in_server = server.seen.busy_ns.load(Relaxed) as f64 / readings.window.as_nanos() as f64;
    let little = readings.achieved_rps() * service.mean() / 1e9;
    let mut checks = vec![
        Check {
            about: "delay",
            set: ms(delay_ns),
            read: format!("{} at least, {} at the median", ms(least), ms(half)),
            holds: !undercut && !late,
        },
        Check {
            about: "Little's law",
            set: format!("{in_server:.2} requests in the server"),
            read: format!("{little:.2} = rate times latency"),
            holds: (in_server / little - 1.0).abs() < LITTLE_OFF_MAX,
        },
    ];
    checks.push(in_order(&readings));
    Ok(checks)
}

/// wrk2's own example: a server that answers nothing for 1.4 s. Whoever should have asked meanwhile
/// has waited; a clock that starts at the sending sees only the few requests that were under way.
fn stall(seed: u64) -> anyhow::Result<Vec<Check>> {
    let (length, stall) = (Duration::from_secs(30), Duration::from_millis(1_400));
    let start = Instant::now() + Duration::from_millis(100);
    let server = Known::start(Behaviour {
        stall: Some((start + Duration::from_secs(3), stall)),
        ..Behaviour::default()
    })?;
    let settings = Settings {
        connections: 8,
        ..Settings::default()
    };
    let pacing = planned(seed, 400.0, length, vec![(CredentialKind::Valid, 1)])?;
    let readings = generator::run(server.traffic(VISITORS), &pacing, &settings, start)?;
    let (intended, service) = readings.tally.latency();
    let p99 = |clock: &Latencies| clock.value_at_quantile(0.99);
    let mut checks = vec![
        Check {
            about: "stall, from the plan",
            set: "1.4 s of 30 s: 99 % within more than 1 s".to_owned(),
            read: ms(p99(&intended)),
            holds: (1_000_000_000..1_600_000_000).contains(&p99(&intended)),
        },
        Check {
            about: "stall, from the sending",
            set: "hardly anybody was under way: far less".to_owned(),
            read: ms(p99(&service)),
            holds: p99(&service) < p99(&intended) / 5,
        },
        counted(
            "sent in spite of it",
            entries(&pacing),
            readings.tally.counts.sent,
        ),
    ];
    checks.push(in_order(&readings));
    Ok(checks)
}

/// What the generator can do. Rates are doubled until one is more than it can.
///
/// # Errors
/// When the system gives no thread or socket.
pub fn ceiling(seed: u64) -> anyhow::Result<Ceiling> {
    let second = Duration::from_secs(1);
    let settings = Settings {
        warm_up: Duration::from_millis(200),
        ..Settings::default()
    };
    let closed = Pacing::Closed(Closed {
        seed,
        draws: DrawPlan::valid(VISITORS),
        think: Duration::ZERO,
        length: second * 2,
    });
    let readings = go(&Known::start(Behaviour::default())?, &closed, &settings)?;
    let mut ceiling = Ceiling {
        closed_rps: readings.achieved_rps(),
        closed_cpu_ns: readings.effort.cpu_ns as f64 / readings.tally.counts.sent.max(1) as f64,
        open_rps: None,
    };
    let mut rps = 1_000.0;
    // More than the closed loop did it cannot do.
    while rps < 2.0 * ceiling.closed_rps {
        let pacing = planned(seed, rps, second, vec![(CredentialKind::Valid, 1)])?;
        let readings = go(&Known::start(Behaviour::default())?, &pacing, &settings)?;
        if !gate::judge(&Facts::from(&readings)).is_empty() {
            break;
        }
        ceiling.open_rps = Some(rps);
        rps *= 2.0;
    }
    Ok(ceiling)
}

fn constant(server: &Known, seed: u64, rps: f64, length: Duration) -> anyhow::Result<Readings> {
    let pacing = planned(seed, rps, length, vec![(CredentialKind::Valid, 1)])?;
    go(server, &pacing, &Settings::default())
}

fn planned(
    seed: u64,
    rps: f64,
    length: Duration,
    mix: Vec<(CredentialKind, u16)>,
) -> anyhow::Result<Pacing> {
    let plan = Plan {
        seed,
        arrivals: Arrivals::Constant,
        steps: vec![Step::constant(rps, length), Step::constant(0.0, QUIET)],
        draws: DrawPlan {
            visitors: VISITORS,
            mix,
        },
    };
    Ok(Pacing::Open(plan.schedule(Shard::WHOLE)?))
}

fn go(server: &Known, pacing: &Pacing, settings: &Settings) -> anyhow::Result<Readings> {
    let start = Instant::now() + Duration::from_millis(100);
    Ok(generator::run(
        server.traffic(VISITORS),
        pacing,
        settings,
        start,
    )?)
}

fn entries(pacing: &Pacing) -> u64 {
    match pacing {
        Pacing::Open(schedule) => schedule.entries.len() as u64,
        Pacing::Closed(_) => 0,
    }
}

/// Percentiles that are not in order, or a histogram that lost somebody, would be a fault of ours.
fn in_order(readings: &Readings) -> Check {
    let (intended, service) = readings.tally.latency();
    let sound = |clock: &Latencies| {
        let at = |quantile| clock.value_at_quantile(quantile);
        let in_order = at(0.5) <= at(0.9) && at(0.9) <= at(0.99) && at(0.99) <= clock.max();
        in_order && clock.len() == readings.tally.counts.sent
    };
    let [half, most] = [0.5, 0.99].map(|quantile| service.value_at_quantile(quantile));
    Check {
        about: "percentiles",
        set: "50 % ≤ 90 % ≤ 99 % ≤ the slowest".to_owned(),
        read: format!("{}, {}, {}", ms(half), ms(most), ms(service.max())),
        holds: sound(&intended) && sound(&service),
    }
}

fn counted(about: &'static str, set: u64, read: u64) -> Check {
    Check {
        about,
        set: set.to_string(),
        read: read.to_string(),
        holds: set == read,
    }
}

fn ms(ns: u64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}
