//! `instance-partitioned`: the network between the balancer and A swallows everything. A is well,
//! and whoever asks it directly is served; connections stay open, and nothing comes.

use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::{Fault, Proxy};
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::instance_frozen::Absence;
use super::{Event, Needs, Play};
use crate::crowd::{Company, log_in_while};
use crate::expected::Happening;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::Standing;
use crate::tally::Observed;

/// The event.
pub static EVENT: Event = Event {
    name: "instance-partitioned",
    label: "A is cut off",
    story: "While everybody asks through the balancer, nothing passes between it and A any more \
            until it has found out; then all passes again; newcomers go on logging in.",
    group: Group::Instances,
    wanted: Wanted::Recognised,
    needs: Needs::Backstage,
    play: Play::Visitors(play),
};

/// How long everybody asks before.
const BEFORE: Duration = Duration::from_millis(150);

/// How long it stays cut off when the balancer has found out.
const AND_THEN: Duration = Duration::from_millis(500);

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let cells = strike(company).await;
        company.leave_if_pinned();
        cells
    })
}

async fn strike(company: &Company) -> anyhow::Result<Vec<Observed>> {
    let [victim, ..] = INSTANCES;
    let Standing::Cluster { pool, balancer, .. } = &company.scene.standing else {
        bail!("only this run's own balancer can be sent through a proxy");
    };
    let instance = pool.instance(victim).context("every pool has an a")?;
    let proxy = Proxy::to(instance.address())?;
    balancer.detour(pool, victim, Some(proxy.address())).await?;
    company.scene.settled().await?;
    let cutting = cut_off(company, victim, &proxy);
    let asked = company.ask_while(log_in_while(company, cutting)).await;
    balancer.detour(pool, victim, None).await?;
    let ((absence, logins), visits) = asked?;
    let mut cells = company.observe(visits, |kind| Observed {
        blows: vec![(absence.from, absence.seen)],
        logins: absence.judge(company, victim, &logins),
        ..Observed::new(EVENT.name, Happening::OutOfReach, kind)
    });
    for cell in &mut cells {
        cell.more.insert(
            "found_out_after_ms".to_owned(),
            absence.found_out_after_ms(),
        );
    }
    Ok(cells)
}

async fn cut_off(company: &Company, victim: &str, proxy: &Proxy) -> anyhow::Result<Absence> {
    let scene = &company.scene;
    sleep(BEFORE).await;
    let from = Instant::now();
    proxy.set(Fault::Stall);
    let found = scene.seen_down(victim).await;
    let seen = Instant::now();
    sleep(AND_THEN).await;
    let to = Instant::now();
    proxy.clear();
    found?;
    scene.settled().await?;
    Ok(Absence { from, seen, to })
}
