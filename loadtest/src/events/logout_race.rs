//! `logout-race`: a log-out meets a change that is under way.
//!
//! The change has read the session's record, the log-out deletes it, and then the change is saved.
//! Whoever saves without looking brings the login back. The lab holds the change in the middle, so
//! nothing here depends on luck.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::{Event, Needs, Play};
use crate::answer::{Answer, Outcome, Wanted as Answered};
use crate::arms::{Arm, State, Written};
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::circumstance::Circumstance;
use crate::holders::{Holder, Holds};
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::Scene;
use crate::tally::{Observed, Visited};
use crate::visitors::{plain_http, steadfast};

/// The event.
pub static EVENT: Event = Event {
    name: "logout-race",
    label: "log-out meets a change",
    story: "A change to the session's record is held after it has read it, on B where the record \
            is shared; the user logs out on A; the change goes on; A and B are asked again.",
    group: Group::HostileAndRacing,
    wanted: Wanted::Refused,
    needs: Needs::Lab,
    play: Play::SomeVisitors { why_not, play },
};

/// How often it is played.
const RACES: usize = 10;

/// How often a race is run again because a request was not held for long enough.
const TRIES: usize = 5;

/// How long it may take until a request is held: as long as the lab holds one.
const HELD_WITHIN: Duration = Duration::from_secs(5);

fn why_not(arm: &Arm) -> Option<&'static str> {
    let nothing = arm.properties.written == Written::Nothing;
    nothing.then_some("no record is kept that a late change could bring back")
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let kind = steadfast(company.scene.arm);
        let mut cell = Observed::new(EVENT.name, Happening::EndedMidway, kind);
        for _ in 0..RACES {
            cell.visits.push(race(company).await?);
        }
        Ok(vec![cell])
    })
}

async fn race(company: &Company) -> anyhow::Result<Visited> {
    let scene = &company.scene;
    let [here, there] = INSTANCES;
    // Through the other instance where there is a shared store: that is the harder case.
    let late_at = match scene.arm.properties.state {
        State::Store => there,
        _ => here,
    };
    for _ in 0..TRIES {
        let holder = company.holders(here, 1).await?.pop();
        let holder = holder.context("one login was asked for")?;
        let another = company.holders(late_at, 1).await?.pop();
        let another = another.context("one login was asked for")?;
        let (late, met) = tokio::join!(
            change(scene, &holder, late_at),
            end_midway(scene, &holder, &another, late_at)
        );
        if !met? {
            continue;
        }
        let mut visited = holder.visited();
        visited.note(late?, Circumstance::LateWrite);
        for name in INSTANCES {
            let answer = holder.ask(&scene.direct(name)).await;
            visited.note(answer, Circumstance::LateWrite);
        }
        return Ok(visited);
    }
    bail!("{TRIES} times, a request was held for too short a time: this machine is too busy")
}

/// Adds one to the count in the record, and is held until another does.
async fn change(scene: &Scene, holder: &Holder, at: &str) -> anyhow::Result<Answer> {
    let counting = scene
        .lab()?
        .counting(&plain_http(), &scene.direct(at), 2)
        .timeout(2 * HELD_WITHIN);
    Ok(holder.ticket.carried_by(counting, Answered::Success).await)
}

/// Ends the login once its change is held, and lets that go on. False: the change had gone on by
/// itself already.
async fn end_midway(
    scene: &Scene,
    holder: &Holder,
    another: &Holder,
    late_at: &str,
) -> anyhow::Result<bool> {
    let until = Instant::now() + HELD_WITHIN;
    while Holds::at(scene, late_at).await?.count("requests_held") != Some(1) {
        if Instant::now() > until {
            return Ok(false);
        }
        sleep(Duration::from_millis(2)).await;
    }
    let ended = holder
        .ticket
        .at(&scene.direct(INSTANCES[0]))
        .log_out()
        .await;
    if ended.outcome != Outcome::Recognised {
        bail!("a log-out was answered {}", ended.reason);
    }
    let released = change(scene, another, late_at).await?;
    Ok(released.body["met"] == true)
}
