//! A first idea of what a check costs: CPU per request, asked directly, in a closed loop.
//!
//! It is a hint and says so: few blocks, one connection after the other, valid credentials only,
//! and the asking shares the cores. What is read is each process's own CPU clock, so the asking
//! itself is not in the figure. If the blocks disagree too much, nothing is shown.

use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::accounting::cpu_ns;
use futures_util::future::join_all;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;
use tokio::time::Instant;

use crate::answer::Outcome;
use crate::arms::{self, Arm};
use crate::pools::{INSTANCES, Lives};
use crate::record::{ByProcess, Comparison, Measure, Verdict};
use crate::rig::Rig;
use crate::scene::Scene;
use crate::ticket::Ticket;

/// What is measured: the zero line, and what people choose between.
const ARMS: [&str; 4] = ["trusting", "session-memory", "session-redis", "jwt-hs256"];

/// What everything is compared with.
const ZERO: &str = ARMS[0];

/// Blocks of each arm; too few for an interval, which is why this is a hint.
const BLOCKS: u32 = 5;

/// How long one block takes.
const BLOCK: Duration = Duration::from_millis(300);

/// How long each arm is asked beforehand, for nothing.
const WARM_UP: Duration = Duration::from_millis(300);

/// Connections at a time.
const CONNECTIONS: usize = 4;

/// If an arm's dearest block costs so much more than its median one, the machine was too busy.
const SPREAD_MAX: f64 = 1.6;

/// The figure that is compared.
const METRIC: &str = "cpu_ns_per_request";

/// What the hint found.
#[derive(Debug)]
pub struct Hint {
    /// One for each arm and block.
    pub measures: Vec<Measure>,
    /// Each arm against the zero line.
    pub comparisons: Vec<Comparison>,
}

struct Subject {
    arm: &'static Arm,
    scene: Scene,
    tickets: Vec<Ticket>,
    /// The store's process, where the arm asks one.
    store: Option<u32>,
}

/// Measures. An error is the reason why nothing can be shown.
///
/// # Errors
/// When the build is not optimised, an answer was wrong, or the blocks disagree too much.
pub async fn take(rig: &Rig, seed: u64) -> anyhow::Result<Hint> {
    if cfg!(debug_assertions) {
        bail!("this is a debug build, many times too slow; build with --release");
    }
    let mut subjects = Vec::new();
    for name in ARMS {
        subjects.extend(subject(rig, name).await?);
    }
    for subject in &subjects {
        load(&subject.tickets, WARM_UP).await?;
    }
    let mut random = Pcg64::seed_from_u64(seed);
    let mut measures = Vec::new();
    let mut order: Vec<_> = (0..subjects.len()).collect();
    for block in 0..BLOCKS {
        order.shuffle(&mut random);
        for &n in &order {
            measures.push(measure(&subjects[n], block).await?);
        }
    }
    for subject in subjects {
        subject.scene.clear().await?;
    }
    let comparisons = compare(&measures)?;
    Ok(Hint {
        measures,
        comparisons,
    })
}

/// The lines that show the hint.
pub fn lines(hint: &Hint) -> Vec<String> {
    let cost = |name: &str| median(&of_arm(&hint.measures, name)).unwrap_or_default() / 1_000.0;
    let label = |name: &str| arms::find(name).map_or("", |arm| arm.label);
    let heading = "Cost, a quick hint (CPU of server and store per request, asked directly):";
    let mut lines = vec![heading.to_owned()];
    lines.push(format!("  {:<25}{:>6.1} µs", label(ZERO), cost(ZERO)));
    for comparison in &hint.comparisons {
        // A ratio that the next run might turn round is no ratio.
        let compared = match comparison.verdict {
            Verdict::NoDifferenceShown => "no difference shown".to_owned(),
            Verdict::More | Verdict::Less => format!("{:.2} x", comparison.ratio),
        };
        lines.push(format!(
            "  {:<25}{:>6.1} µs  {compared}",
            label(&comparison.arm),
            cost(&comparison.arm),
        ));
    }
    lines
}

async fn subject(rig: &Rig, name: &str) -> anyhow::Result<Option<Subject>> {
    let arm = arms::find(name).context("an arm of the cost hint is gone")?;
    let store = match (arm.server.needs_store(), rig.redis()) {
        (false, _) => None,
        // Its CPU belongs to the figure; of a store that is not ours it cannot be read.
        (true, Ok(redis)) if redis.pid().is_some() => redis.pid(),
        (true, _) => return Ok(None),
    };
    let scene = rig.set_up(arm, Lives::USUAL, arm.server).await?;
    let users: Vec<_> = (0..CONNECTIONS).map(|_| rig.users.fresh()).collect();
    let at = scene.direct(INSTANCES[0]);
    let tickets = rig.lab().log_in(&at, &users).await?;
    Ok(Some(Subject {
        arm,
        scene,
        tickets,
        store,
    }))
}

async fn measure(subject: &Subject, block: u32) -> anyhow::Result<Measure> {
    let instance = subject.scene.instance(INSTANCES[0]);
    let server = instance
        .and_then(|instance| instance.pid())
        .context("an instance ended during the cost hint")?;
    let read = |pid: u32| cpu_ns(pid).context("the CPU clock of a process cannot be read here");
    let clocks = || -> anyhow::Result<(u64, u64)> {
        Ok((
            read(server)?,
            subject.store.map(read).transpose()?.unwrap_or(0),
        ))
    };
    let before = clocks()?;
    let begun = Instant::now();
    let requests = load(&subject.tickets, BLOCK).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let after = clocks()?;
    let per_request = |before: u64, after: u64| (after - before) as f64 / requests as f64;
    Ok(Measure {
        arm: subject.arm.name.to_owned(),
        block,
        variant: Some("quick hint, closed loop".to_owned()),
        rate_offered_rps: None,
        rate_achieved_rps: requests as f64 / seconds,
        requests,
        cpu_ns_per_request: ByProcess {
            server: Some(per_request(before.0, after.0)),
            store: subject.store.map(|_| per_request(before.1, after.1)),
            ..ByProcess::default()
        },
        ..Measure::default()
    })
}

/// Everybody shows their ticket again and again for so long; how often it was shown.
async fn load(tickets: &[Ticket], how_long: Duration) -> anyhow::Result<u64> {
    let end = Instant::now() + how_long;
    let shown = join_all(tickets.iter().map(async |ticket| {
        let mut shown = 0;
        while Instant::now() < end {
            let answer = ticket.show().await;
            if answer.outcome != Outcome::Recognised {
                bail!(
                    "{} answered {} to a good credential",
                    answer.served_by,
                    answer.reason
                );
            }
            shown += 1;
        }
        Ok(shown)
    }));
    shown.await.into_iter().sum()
}

/// Server and store together, per request.
fn cost(measure: &Measure) -> f64 {
    let ByProcess { server, store, .. } = &measure.cpu_ns_per_request;
    server.unwrap_or(0.0) + store.unwrap_or(0.0)
}

fn of_arm(measures: &[Measure], arm: &str) -> Vec<f64> {
    measures
        .iter()
        .filter(|measure| measure.arm == arm)
        .map(cost)
        .collect()
}

fn median(costs: &[f64]) -> Option<f64> {
    let mut sorted = costs.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

fn compare(measures: &[Measure]) -> anyhow::Result<Vec<Comparison>> {
    let zeros = of_arm(measures, ZERO);
    let zero = median(&zeros).context("the zero line was not measured")?;
    let mut comparisons = Vec::new();
    for arm in ARMS {
        let costs = of_arm(measures, arm);
        let Some(cost) = median(&costs) else { continue };
        let dearest = costs.iter().copied().fold(0.0, f64::max);
        if dearest > cost * SPREAD_MAX {
            bail!(
                "the machine was too busy: one block of {arm} cost {:.1} times the median one",
                dearest / cost
            );
        }
        if arm != ZERO {
            comparisons.push(Comparison {
                arm: arm.to_owned(),
                against: ZERO.to_owned(),
                metric: METRIC.to_owned(),
                ratio: cost / zero,
                interval: None,
                difference_ns: cost - zero,
                difference_interval: None,
                verdict: verdict(&costs, &zeros),
                variant: None,
                against_variant: None,
                minimum_detectable_share: None,
            });
        }
    }
    Ok(comparisons)
}

/// With so few blocks a difference is shown only if every block of the one lies beyond every
/// block of the other.
fn verdict(costs: &[f64], zeros: &[f64]) -> Verdict {
    let beyond = |costs: &[f64], others: &[f64]| {
        costs
            .iter()
            .all(|cost| others.iter().all(|other| cost > other))
    };
    if beyond(costs, zeros) {
        Verdict::More
    } else if beyond(zeros, costs) {
        Verdict::Less
    } else {
        Verdict::NoDifferenceShown
    }
}

#[cfg(test)]
mod tests;
