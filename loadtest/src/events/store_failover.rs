//! `store-failover`: a replica takes the store's place, without the last changes.
//!
//! What leads to the store is an address that is taken over, as with a virtual one: open
//! connections stay at the old master, which is a replica by then and refuses to write.

use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::Fault;
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Event, Needs, Play};
use crate::answer::Outcome;
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::store::{StoreEvent, WELL_WITHIN_MS};
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::Scene;
use crate::store::pair::Pair;
use crate::store::people::{Leaver, OF_EACH, People, leavers};
use crate::store::truth;
use crate::store::yardstick::Yardstick;
use crate::tally::Observed;
use crate::tally::outage::{Outage, Then};

/// The event.
pub static EVENT: Event = Event {
    name: "store-failover",
    label: "a replica takes over",
    story: "While everybody asks, a Sentinel makes a replica the master that has not heard of the \
            last log-ins and log-outs, and the store's address leads there.",
    group: Group::Store,
    wanted: Wanted::Recognised,
    needs: Needs::StoreThatKeeps,
    play: Play::Visitors(play),
};

/// How long an instance is tried at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is asked whether it is done.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// How soon an instance must write again that is still connected to what is a replica now: it
/// makes a new connection at the first refusal, and then once a second at most.
const REBUILT_WITHIN: Duration = Duration::from_millis(2 * WELL_WITHIN_MS);

/// Time enough for a busy machine: what a failover refuses is refused at once.
const FLAGS: [&str; 2] = ["--store-deadline-ms", "2000"];

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        let mut company = company.beside(&FLAGS, true).await?;
        let cells = on_a_pair(&mut company).await;
        company.scene.clear().await?;
        cells
    })
}

async fn on_a_pair(company: &mut Company) -> anyhow::Result<Vec<Observed>> {
    company.make_whole().await?;
    let company = &*company;
    let mut people = People::gather(company).await?;
    let latecomers = leavers(company, INSTANCES.len()).await?;
    let pair = Pair::form(company).await?;
    let cells = fail_over(company, &pair, &mut people, &latecomers).await;
    pair.end().await?;
    cells
}

/// What was written when the replica did not hear of it, and how long the change took.
struct Turned {
    newcomers: Vec<Leaver>,
    left: usize,
    from: Instant,
    led: Instant,
    took: Duration,
    written_again: Vec<Duration>,
}

async fn fail_over(
    company: &Company,
    pair: &Pair<'_>,
    people: &mut People,
    latecomers: &[Leaver],
) -> anyhow::Result<Vec<Observed>> {
    let scene = &company.scene;
    let mut yardstick = Yardstick::default();
    let turned = async {
        tokio::select! {
            turned = turn(company, pair, people, latecomers) => turned,
            never = yardstick.measure(&scene.balanced) => never,
        }
    };
    let (turned, visits) = company.ask_while(turned).await?;
    let noise = yardstick.noise();
    let well = turned.led + REBUILT_WITHIN + noise;
    let from = turned.from;
    let (mut facts, wrong) = truth_of(scene, turned, people, noise).await;
    facts.insert("healthz".to_owned(), yardstick.to_json());
    let happening = Happening::Store(StoreEvent::FailedOver);
    Ok(company.observe(visits, |kind| Observed {
        outage: Some(Outage {
            goes: (from, well),
            returns: (from, well),
            then: Then::Kept,
            noise,
        }),
        wrong: wrong.first().cloned(),
        more: facts.clone(),
        ..Observed::new(EVENT.name, happening, kind)
    }))
}

/// What is true afterwards, and what of it should not be.
async fn truth_of(
    scene: &Scene,
    turned: Turned,
    people: &mut People,
    noise: Duration,
) -> (truth::Facts, Vec<String>) {
    let properties = &scene.arm.properties;
    let (mut lost, mut undone) = (0, 0);
    let all = turned.newcomers.len();
    for mut newcomer in turned.newcomers {
        lost += usize::from(newcomer.is_gone(scene).await);
    }
    for leaver in &mut people.leavers {
        undone += usize::from(!leaver.is_gone(scene).await);
    }
    let mut facts = truth::Facts::new();
    let mut wrong = Vec::new();
    let forgets = properties.login_writes() || properties.revives(false);
    for (name, what, found, all, expected) in [
        (
            "last_logins",
            "logins are lost",
            lost,
            all,
            properties.login_writes(),
        ),
        (
            "last_log_outs",
            "log-outs are undone",
            undone,
            turned.left,
            forgets,
        ),
    ] {
        facts.insert(name.to_owned(), json!({"confirmed": all, "undone": found}));
        let should = if expected { all } else { 0 };
        if found != should {
            wrong.push(format!(
                "{found} of {all} {what}; it should have been {should}"
            ));
        }
    }
    wrong.extend(truth::revived(scene, people, false, &mut facts).await);
    let slowest = turned.written_again.iter().max();
    let slowest = slowest.copied().unwrap_or_default();
    if slowest > REBUILT_WITHIN + noise {
        wrong.push(format!(
            "it took {slowest:.0?} until every instance could write again"
        ));
    }
    let ms = |duration: Duration| json!(duration.as_millis() as u64);
    facts.insert("turned_over_ms".to_owned(), ms(turned.took));
    facts.insert("written_again_ms".to_owned(), ms(slowest));
    (facts, wrong)
}

async fn turn(
    company: &Company,
    pair: &Pair<'_>,
    people: &People,
    latecomers: &[Leaver],
) -> anyhow::Result<Turned> {
    let scene = &company.scene;
    pair.link.set(Fault::Stall);
    let newcomers = leavers(company, OF_EACH).await?;
    for leaver in &people.leavers {
        let answer = leaver.leave(scene).await;
        if answer.outcome != Outcome::Recognised {
            bail!(
                "a log-out was answered {} before anything happened",
                answer.reason
            );
        }
    }
    let from = Instant::now();
    pair.turn_over().await?;
    let took = from.elapsed();
    let replica = pair.replica.address().context("it is ours")?;
    pair.store.proxy.lead_to(replica);
    let led = Instant::now();
    let mut written_again = Vec::new();
    for (leaver, name) in latecomers.iter().zip(INSTANCES) {
        let base = scene.direct(name);
        // Nobody else writes at an arm that only asks: so it is this one who meets the refusal.
        while leaver.leave_at(&base).await.outcome == Outcome::Failed {
            if led.elapsed() > PATIENCE {
                bail!("{name} does not write {PATIENCE:?} after the failover");
            }
            sleep(ASK_AGAIN).await;
        }
        written_again.push(led.elapsed());
    }
    sleep_until(led + REBUILT_WITHIN * 2).await;
    Ok(Turned {
        newcomers,
        left: people.leavers.len(),
        from,
        led,
        took,
        written_again,
    })
}
