//! `rolling-restart`: what a deployment does several times a day.

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::{Event, Needs, Play};
use crate::answer::Answer;
use crate::arms::Issuers;
use crate::crowd::{Company, log_in_while};
use crate::expected::Happening;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::tally::{LoginTried, Observed};

/// The event.
pub static EVENT: Event = Event {
    name: "rolling-restart",
    label: "rolling restart",
    story: "While everybody asks through the balancer, A and then B is told to end (SIGTERM), \
            drains, and is started again; newcomers go on logging in.",
    group: Group::Instances,
    wanted: Wanted::Recognised,
    needs: Needs::Processes,
    play: Play::Visitors(play),
};

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let scene = &company.scene;
        let rolling = async {
            let mut restarts = Vec::new();
            for name in INSTANCES {
                let instance = scene.instance(name).context("no process to signal")?;
                instance.terminate().await?;
                restarts.push((instance.served_by(), Instant::now()));
                instance.start().await?;
                scene.settled().await?;
            }
            Ok(restarts)
        };
        let ((restarts, logins), visits) =
            company.ask_while(log_in_while(company, rolling)).await?;
        // Where one instance alone can sign, nobody can log in while it is away.
        let always = scene.arm.properties.issuers == Issuers::All;
        let tried = |answer: &Answer| LoginTried {
            answer: answer.clone(),
            must_succeed: always.then_some(true),
        };
        Ok(company.observe(visits, |kind| Observed {
            restarts: restarts.clone(),
            logins: logins.iter().map(tried).collect(),
            ..Observed::new(EVENT.name, Happening::Restarted, kind)
        }))
    })
}
