//! `instance-killed`: what is lost with a process.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::{Event, Needs, Play};
use crate::answer::Answer;
use crate::arms::Issuers;
use crate::crowd::{Company, log_in_while};
use crate::expected::Happening;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
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
    needs: Needs::Exit,
    play: Play::Visitors(play),
};

/// How long everybody asks before the blow.
const BEFORE: Duration = Duration::from_millis(150);

/// How long everybody goes on asking when the balancer has found out.
const AND_THEN: Duration = Duration::from_millis(500);

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
    let scene = &company.scene;
    let comes_back = scene.restarts_by_itself();
    let blow = async {
        sleep(BEFORE).await;
        let from = Instant::now();
        scene.kill(victim).await?;
        let to = Instant::now();
        sleep(scene.seen_by_balancer() + AND_THEN).await;
        if comes_back {
            scene.start(victim).await?;
        }
        Ok((from, to))
    };
    let ((blow, logins), visits) = company.ask_while(log_in_while(company, blow)).await?;
    if !comes_back {
        scene.start(victim).await?;
    }

    let properties = &scene.arm.properties;
    let issuer = properties.can_issue(victim);
    let survivors = properties.can_log_in([other(victim)].iter());
    let tried = |answer: &Answer| LoginTried {
        must_succeed: if answer.answered < blow.0 {
            Some(true)
        } else if answer.sent > blow.1 + scene.seen_by_balancer() && (survivors || !comes_back) {
            Some(survivors)
        } else {
            None
        },
        answer: answer.clone(),
    };
    let mut cells = company.observe(visits, |kind| Observed {
        variant: variant.map(str::to_owned),
        blows: vec![blow],
        restarts: match comes_back {
            true => vec![(scene.served_by(victim), blow.1)],
            false => vec![],
        },
        logins: logins.iter().map(tried).collect(),
        ..Observed::new(EVENT.name, Happening::Killed { issuer }, kind)
    });
    for cell in &mut cells {
        let killed = company.scene.served_by(victim);
        if comes_back {
            cell.more
                .insert("restarted".to_owned(), killed.clone().into());
        }
        cell.more.insert("killed".to_owned(), killed.into());
    }
    Ok(cells)
}
