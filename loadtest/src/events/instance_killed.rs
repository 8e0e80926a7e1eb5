//! `instance-killed`: what is lost with a process.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::{Event, Play};
use crate::answer::Answer;
use crate::arms::Issuers;
use crate::crowd::{Company, log_in_while};
use crate::expected::Happening;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::rig::SEEN_BY_BALANCER;
use crate::scene::other;
use crate::tally::{LoginTried, Observed};

/// The event.
pub static EVENT: Event = Event {
    name: "instance-killed",
    label: "A is killed",
    story: "While everybody asks through the balancer, SIGKILL ends A (where only A can sign: A, \
            and in another run B); newcomers go on logging in.",
    group: Group::Instances,
    wanted: Wanted::Recognised,
    play: Play::Visitors(play),
};

/// How long everybody asks before the blow.
const BEFORE: Duration = Duration::from_millis(150);

/// How long everybody goes on asking after it: the balancer finds out, and some time passes.
const AFTER: Duration = SEEN_BY_BALANCER.saturating_add(Duration::from_millis(500));

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        match company.scene.arm.properties.issuers {
            Issuers::All => kill(company, INSTANCES[0], None).await,
            Issuers::OnlyA => {
                let mut cells = kill(company, INSTANCES[0], Some("issuer")).await?;
                cells.extend(kill(company, INSTANCES[1], Some("verifier")).await?);
                Ok(cells)
            }
        }
    })
}

async fn kill(
    company: &mut Company,
    victim: &str,
    variant: Option<&str>,
) -> anyhow::Result<Vec<Observed>> {
    company.make_whole().await?;
    let instance = company.scene.instance(victim);
    let blow = async {
        sleep(BEFORE).await;
        let from = Instant::now();
        instance.kill().await?;
        let to = Instant::now();
        sleep(AFTER).await;
        Ok((from, to))
    };
    let ((blow, logins), visits) = company.ask_while(log_in_while(company, blow)).await?;
    instance.start().await?;

    let properties = &company.scene.arm.properties;
    let issuer = properties.can_issue(victim);
    let survivors = properties.can_log_in([other(victim)].iter());
    let tried = |answer: &Answer| LoginTried {
        must_succeed: if answer.answered < blow.0 {
            Some(true)
        } else if answer.sent > blow.1 + SEEN_BY_BALANCER {
            Some(survivors)
        } else {
            None
        },
        answer: answer.clone(),
    };
    let mut cells = company.observe(visits, |kind| Observed {
        variant: variant.map(str::to_owned),
        blows: vec![blow],
        logins: logins.iter().map(tried).collect(),
        ..Observed::new(EVENT.name, Happening::Killed { issuer }, kind)
    });
    for cell in &mut cells {
        let killed = format!("{}-{victim}", company.scene.arm.pool);
        cell.more.insert("killed".to_owned(), killed.into());
    }
    Ok(cells)
}
