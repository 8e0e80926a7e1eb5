//! `client-reconnects`: a telephone leaves the house, and its network changes under it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Context as _, bail};
use cluster::Policy;
use futures_util::future::LocalBoxFuture;
use rand::seq::SliceRandom as _;
use serde_json::json;

use super::{Event, Needs, Play};
use crate::answer::Answer;
use crate::crowd::{Company, ROUNDS, VISITORS, is_logged_in, visited};
use crate::expected::Happening;
use crate::holders::address;
use crate::record::{Group, Wanted};
use crate::scene::{Standing, base};
use crate::tally::{Observed, Visited};

/// The event.
pub static EVENT: Event = Event {
    name: "client-reconnects",
    label: "client reconnects",
    story: "Each visitor asks ten times, each time on a new connection from another address; then \
            at an address of the balancer's that picks by the visitor's, five times from one.",
    group: Group::Plain,
    wanted: Wanted::Recognised,
    needs: Needs::Requests,
    play: Play::Visitors(play),
};

/// Rounds in which a visitor keeps the address, where the address decides.
const AT_HOME: usize = ROUNDS / 2;

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let mut cells = Vec::new();
        let balanced = company.scene.balanced.clone();
        for crowd in 0..company.crowds.len() {
            let each = |visitor: usize, round: usize| address(round * VISITORS + visitor);
            let visits = ask(company, crowd, &balanced, each).await;
            let happening = Happening::Reconnected { by_address: false };
            let kind = company.crowds[crowd].kind;
            cells.push(Observed {
                visits,
                ..Observed::new(EVENT.name, happening, kind)
            });
        }
        // Of somebody else's balancer no further address can be had.
        if company.site.rig().is_some() {
            company.make_whole().await?;
            cells.extend(by_address(company).await?);
        }
        Ok(cells)
    })
}

/// At an address of the balancer's that picks by the visitor's address.
async fn by_address(company: &mut Company) -> anyhow::Result<Vec<Observed>> {
    let site = company.site.clone();
    let rig = site
        .rig()
        .context("only this run's own balancer opens another address")?;
    let Standing::Cluster { pool, .. } = &company.scene.standing else {
        bail!("only a pool of this run can be given another address");
    };
    let pool = pool.clone();
    let front = rig
        .front_by(company.scene.arm, &pool, Policy::SourceHash)
        .await?;
    let mut cells = Vec::new();
    for crowd in 0..company.crowds.len() {
        let moving = |visitor: usize, round: usize| {
            address(round.saturating_sub(AT_HOME - 1) * VISITORS + visitor)
        };
        let visits = ask(company, crowd, &base(front.address), moving).await;
        let happening = Happening::Reconnected { by_address: true };
        let mut cell = Observed {
            variant: Some("picked by address".to_owned()),
            ..Observed::new(EVENT.name, happening, company.crowds[crowd].kind)
        };
        let moved = visits
            .iter()
            .filter(|visited| servers(&visited.answers) > 1);
        let moved = moved.count();
        let strayed = |visited: &&Visited| servers(&visited.answers[..AT_HOME]) > 1;
        cell.wrong = match visits.iter().find(strayed) {
            Some(_) => Some("one address led to two servers".to_owned()),
            None if moved == 0 => Some("no other address led to another server".to_owned()),
            None => None,
        };
        cell.more
            .insert("moved_by_address".to_owned(), json!(moved));
        cell.visits = visits;
        cells.push(cell);
    }
    rig.leave(&front).await?;
    Ok(cells)
}

/// How many servers gave these answers.
fn servers(answers: &[Answer]) -> usize {
    let names = answers.iter().map(|answer| &answer.served_by);
    names.collect::<BTreeSet<_>>().len()
}

/// Everybody asks at `base`, in rounds, each time from the address that `from` says.
async fn ask(
    company: &mut Company,
    crowd: usize,
    base: &str,
    from: impl Fn(usize, usize) -> IpAddr,
) -> Vec<Visited> {
    let Company { scene, crowds, .. } = company;
    let visitors = &mut crowds[crowd].visitors;
    let mut visits: Vec<_> = visitors.iter().map(visited).collect();
    let mut order: Vec<_> = (0..visitors.len()).collect();
    for round in 0..ROUNDS {
        order.shuffle(&mut scene.random);
        for &n in &order {
            // A target may be on another machine, which has no way back to this one's loopback.
            let own = scene.backstage.is_some().then(|| from(n, round));
            visitors[n].reconnect_from(own);
            visits[n].answers.push(visitors[n].ask(base).await);
        }
    }
    for (visitor, visited) in visitors.iter().zip(&mut visits) {
        visited.kept = is_logged_in(visitor, scene).await;
    }
    visits
}
