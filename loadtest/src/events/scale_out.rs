//! `scale-out`: one server more, because two cannot carry the load.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::LocalBoxFuture;
use tokio::time::sleep;

use super::{Event, Needs, Play};
use crate::answer::{Answer, Outcome};
use crate::arms::Issuers;
use crate::crowd::{Company, is_logged_in, visited};
use crate::expected::Happening;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::Standing;
use crate::tally::{LoginTried, Observed, Visited};

/// The event.
pub static EVENT: Event = Event {
    name: "scale-out",
    label: "a third joins",
    story: "While everybody asks through the balancer, a third instance is started and joins; \
            newcomers log in until it has taken one of them, who then asks all three.",
    group: Group::Instances,
    wanted: Wanted::Recognised,
    needs: Needs::Processes,
    play: Play::Visitors(play),
};

/// How long everybody asks before.
const BEFORE: Duration = Duration::from_millis(150);

/// How long everybody goes on asking when it has joined.
const AND_THEN: Duration = Duration::from_millis(500);

/// How many newcomers log in at most. Turns are taken, so the third has its turn long before.
const NEWCOMERS_MAX: usize = 9;

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let company = &*company;
        let joining = async {
            sleep(BEFORE).await;
            let Standing::Cluster { pool, .. } = &company.scene.standing else {
                bail!("only a pool of this run can be given one more instance");
            };
            let backstage = company.scene.backstage.as_ref();
            let spec = backstage.context("nothing is known of one more instance")?;
            let third = pool.add(spec.one_more.clone()).await?;
            let newcomers = newcomers(company, &third.served_by()).await;
            sleep(AND_THEN).await;
            Ok((third.served_by(), newcomers))
        };
        let ((third, (logins, newcomer)), visits) = company.ask_while(joining).await?;
        let asked = |visited: &Visited| visited.answers.iter().any(|it| it.served_by == third);
        let reached = newcomer.is_some() || visits.iter().flatten().any(asked);
        let tried = |answer: &Answer| LoginTried {
            answer: answer.clone(),
            must_succeed: Some(true),
        };
        let mut cells = company.observe(visits, |kind| Observed {
            logins: logins.iter().map(tried).collect(),
            wrong: (!reached).then(|| format!("{third} was sent nobody")),
            ..Observed::new(EVENT.name, Happening::Joined, kind)
        });
        // Newcomers are of the first kind.
        if let Some(cell) = cells.first_mut() {
            cell.visits.extend(newcomer);
        }
        Ok(cells)
    })
}

/// Newcomers log in until the third has taken one; that one asks everybody. Where one instance
/// alone can sign, only one logs in.
async fn newcomers(company: &Company, third: &str) -> (Vec<Answer>, Option<Visited>) {
    let scene = &company.scene;
    let all_can = scene.arm.properties.issuers == Issuers::All;
    let most = if all_can { NEWCOMERS_MAX } else { 1 };
    let mut logins = Vec::new();
    for _ in 0..most {
        let mut newcomer = company.newcomer();
        let answer = newcomer.log_in(&scene.balanced).await;
        let failed = answer.outcome != Outcome::Recognised;
        logins.push(answer);
        if failed || newcomer.taken_by() != third {
            continue;
        }
        let mut visited = visited(&newcomer);
        for base in [scene.direct_to(third)]
            .into_iter()
            .chain(INSTANCES.map(|it| scene.direct(it)))
        {
            visited.answers.push(newcomer.ask(&base).await);
        }
        visited.kept = is_logged_in(&newcomer, scene).await;
        return (logins, Some(visited));
    }
    (logins, None)
}
