//! `store-slow`: how often a request waits for its store, seen from how much longer it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use cluster::Fault;
use futures_util::future::LocalBoxFuture;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Event, Needs, Play};
use crate::arms::Properties;
use crate::crowd::{Company, VISITORS};
use crate::expected::Happening;
use crate::expected::store::{ANSWERED_WITHIN_MS, StoreEvent, Trips, WELL_WITHIN_MS};
use crate::record::{Group, Wanted};
use crate::store::yardstick::Yardstick;
use crate::store::{Store, alone};
use crate::tally::outage::{Outage, Then};
use crate::tally::{Observed, Visited};

/// The event.
pub static EVENT: Event = Event {
    name: "store-slow",
    label: "the store is far away",
    story: "Each visitor asks twice through the balancer, in an order drawn by lot, while every \
            byte between instances and store takes 25 ms longer each way; in another run nothing \
            passes there for 400 ms now and then.",
    group: Group::Store,
    wanted: Wanted::Recognised,
    needs: Needs::OwnStore,
    play: Play::Visitors(play),
};

/// How much longer a byte takes on its way.
const WAY: Duration = Duration::from_millis(25);

/// How often each visitor asks.
const ROUNDS: usize = 2;

/// How far a median may be off, in milliseconds: half of a trip, so that trips can be counted.
const OFF_MS: f64 = 25.0;

/// How far commands per request may be off: now and then an instance reads the store's clock.
const COMMANDS_OFF: f64 = 0.1;

/// What no request waits for: a list that feeds itself, and the reading of a clock.
const NOT_WAITED_FOR: [&str; 2] = ["xread", "time"];

/// No deadline, or a busy machine would carry requests past it.
const FLAGS: [&str; 2] = ["--store-deadline-ms", "0"];

/// How often nothing passes, and for how long: longer than a request waits for its store.
const STALLS: u32 = 5;
const STALL: Duration = Duration::from_millis(400);

/// How long it does between two of these, more or less.
const BETWEEN_STALLS: Duration = Duration::from_millis(400);

/// How long everybody goes on asking when it passes again.
const AND_THEN: Duration = Duration::from_millis(500);

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        let _alone = alone().await;
        let mut beside = company.beside(&FLAGS, true).await?;
        let cells = near_and_far(&mut beside).await;
        beside.scene.clear().await?;
        let mut cells = cells?;
        let mut beside = company.beside(&[], true).await?;
        let stuttered = stuttering(&mut beside).await;
        beside.scene.clear().await?;
        cells.extend(stuttered?);
        Ok(cells)
    })
}

/// Everybody asks while nothing passes between instances and store now and then.
async fn stuttering(company: &mut Company) -> anyhow::Result<Vec<Observed>> {
    company.make_whole().await?;
    let mut yardstick = Yardstick::default();
    let mut random = Pcg64::seed_from_u64(company.scene.random.random());
    let proxy = &store(company)?.proxy;
    let from = Instant::now();
    let stalls = async {
        for _ in 0..STALLS {
            sleep(BETWEEN_STALLS.mul_f64(random.random_range(0.5..1.5))).await;
            proxy.set(Fault::Stall);
            sleep(STALL).await;
            proxy.clear();
        }
        sleep(AND_THEN).await;
        Ok(Instant::now())
    };
    let happening = company.ask_while(stalls);
    let (to, visits) = tokio::select! {
        result = happening => result?,
        never = yardstick.measure(&company.scene.balanced) => never,
    };
    // At any moment of it, either answer may be right.
    let outage = Outage {
        goes: (from, to),
        returns: (to, to + Duration::from_millis(WELL_WITHIN_MS)),
        then: Then::Kept,
        noise: yardstick.noise(),
    };
    let slowest = slowest(&visits);
    let within = Duration::from_millis(ANSWERED_WITHIN_MS) + yardstick.noise();
    let late = (slowest > within)
        .then(|| format!("an answer took {slowest:.0?}; it should take {within:.0?} at most"));
    let facts = [
        ("stalls", json!(STALLS)),
        ("stall_ms", json!(STALL.as_millis() as u64)),
        ("slowest_ms", json!(slowest.as_millis() as u64)),
        ("healthz", yardstick.to_json()),
    ];
    let more: BTreeMap<_, _> = facts.map(|(name, fact)| (name.to_owned(), fact)).into();
    Ok(company.observe(visits, |kind| Observed {
        variant: Some("silent now and then".to_owned()),
        outage: Some(outage.clone()),
        wrong: late.clone(),
        more: more.clone(),
        ..Observed::new(EVENT.name, Happening::Store(StoreEvent::Stutters), kind)
    }))
}

fn slowest(visits: &[Vec<Visited>]) -> Duration {
    let answers = visits.iter().flatten().flat_map(|visited| &visited.answers);
    let took = answers.map(|answer| answer.answered - answer.sent);
    took.max().unwrap_or_default()
}

async fn near_and_far(company: &mut Company) -> anyhow::Result<Vec<Observed>> {
    company.make_whole().await?;
    let mut cells = Vec::new();
    for crowd in 0..company.crowds.len() {
        let near = asked(company, crowd).await?;
        store(company)?.proxy.set(Fault::Delay {
            there: WAY,
            back: WAY,
        });
        let far = asked(company, crowd).await;
        store(company)?.proxy.clear();
        cells.push(cell(company, crowd, &near, far?));
    }
    Ok(cells)
}

fn store(company: &Company) -> anyhow::Result<&Store> {
    let store = company.scene.store.as_ref();
    store.context("this arm has no store of its own")
}

/// What everybody's requests came to.
struct Asked {
    visits: Vec<Visited>,
    /// Median time to the answer.
    median_ms: f64,
    commands_per_request: f64,
    yardstick: Yardstick,
}

async fn asked(company: &mut Company, crowd: usize) -> anyhow::Result<Asked> {
    let before = waited_for(store(company)?).await?;
    let mut yardstick = Yardstick::default();
    let balanced = company.scene.balanced.clone();
    let visits = tokio::select! {
        visits = company.ask_in_rounds(crowd, ROUNDS, |scene, _| scene.balanced.clone()) => visits,
        never = yardstick.measure(&balanced) => never,
    };
    let commands = waited_for(store(company)?).await? - before;
    // At the end each visitor asks once more, to see whether the login has been kept.
    let requests = (ROUNDS + 1) * VISITORS;
    let answers = visits.iter().flat_map(|visited| &visited.answers);
    let took = answers.map(|answer| (answer.answered - answer.sent).as_secs_f64() * 1_000.0);
    let mut took: Vec<_> = took.collect();
    took.sort_by(f64::total_cmp);
    Ok(Asked {
        median_ms: took.get(took.len() / 2).copied().unwrap_or_default(),
        commands_per_request: commands as f64 / requests as f64,
        visits,
        yardstick,
    })
}

async fn waited_for(store: &Store) -> anyhow::Result<u64> {
    let calls = store.redis.calls().await?;
    let mine = calls
        .iter()
        .filter(|(name, _)| !NOT_WAITED_FOR.contains(&name.as_str()));
    Ok(mine.map(|(_, count)| count).sum())
}

fn cell(company: &Company, crowd: usize, near: &Asked, far: Asked) -> Observed {
    let kind = company.crowds[crowd].kind;
    let ms = |ms: f64| (ms * 100.0).round() / 100.0;
    let facts = [
        ("each_way_ms", json!(WAY.as_millis() as u64)),
        ("near_median_ms", json!(ms(near.median_ms))),
        ("far_median_ms", json!(ms(far.median_ms))),
        ("commands_per_request", json!(ms(far.commands_per_request))),
        ("healthz", far.yardstick.to_json()),
    ];
    let more: BTreeMap<_, _> = facts.map(|(name, fact)| (name.to_owned(), fact)).into();
    Observed {
        wrong: wrong(&company.scene.arm.properties, near, &far),
        visits: far.visits,
        more,
        ..Observed::new(EVENT.name, Happening::Store(StoreEvent::Slow), kind)
    }
}

/// What of commands and times is not as the properties say.
fn wrong(properties: &Properties, near: &Asked, far: &Asked) -> Option<String> {
    let commands = far.commands_per_request;
    let (least, most) = match properties.trips() {
        Trips::Exactly(trips) => (f64::from(trips), f64::from(trips)),
        Trips::UpToOne => (0.0, 1.0),
    };
    if commands < least - COMMANDS_OFF || commands > most + COMMANDS_OFF {
        return Some(format!(
            "{commands:.2} commands a request; it should have been {most} at most, {least} at least"
        ));
    }
    let trip_ms = 2.0 * WAY.as_secs_f64() * 1_000.0;
    let slower_ms = far.median_ms - near.median_ms;
    // A store is never nearer than it is. A busy machine wakes the proxy up late.
    let low = least * trip_ms - OFF_MS;
    let high = most * trip_ms + OFF_MS + far.yardstick.slow_ms();
    (slower_ms < low || slower_ms > high).then(|| {
        format!("{slower_ms:.1} ms slower; it should have been from {low:.0} to {high:.0} ms")
    })
}
