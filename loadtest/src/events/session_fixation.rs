//! `session-fixation`: somebody plants the id of a session in a browser before its owner logs in.
//!
//! If the login kept that id, whoever planted it would be logged in as well (WSTG-SESS-03). So a
//! login must hand out an id that nobody chose, and the one that came along must be worth nothing.

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use http::header::{COOKIE, SET_COOKIE};

use super::tampered::invented_id;
use super::{Event, Needs, Play};
use crate::answer::Outcome;
use crate::arms::{Arm, Carried};
use crate::crowd::Company;
use crate::expected::Happening;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::{Scene, other, short};
use crate::tally::{Observed, Visited};
use crate::ticket::Ticket;
use crate::visitors::{Account, LOGIN_TIMEOUT, plain_http, steadfast};

/// The event.
pub static EVENT: Event = Event {
    name: "session-fixation",
    label: "id planted before",
    story: "Somebody logs in with a cookie that a stranger planted: an id that was invented, the \
            stranger's own, or one that was ended; the planted id is then shown to A and to B.",
    group: Group::HostileAndRacing,
    wanted: Wanted::Refused,
    needs: Needs::Lab,
    play: Play::SomeVisitors { why_not, play },
};

/// Logins of each variant, by their passwords.
const LOGINS: usize = 6;

/// Where the planted id comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    Invented,
    Strangers,
    Ended,
}

fn why_not(arm: &Arm) -> Option<&'static str> {
    let cookie = matches!(arm.properties.carried, Carried::SessionCookie { .. });
    (!cookie).then_some(
        "what is handed out whole is made at the login, so none can be planted before it",
    )
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let mut cells = Vec::new();
        for (variant, planted) in [
            ("an invented id", Planted::Invented),
            ("the stranger's own", Planted::Strangers),
            ("an ended id", Planted::Ended),
        ] {
            let kind = steadfast(company.scene.arm);
            let mut cell = Observed {
                variant: Some(variant.to_owned()),
                ..Observed::new(EVENT.name, Happening::Forged, kind)
            };
            for n in 0..LOGINS {
                let (visited, broken) = plant(company, INSTANCES[n % 2], planted).await?;
                cell.visits.push(visited);
                cell.wrong = cell.wrong.or(broken);
            }
            cells.push(cell);
        }
        Ok(cells)
    })
}

/// A victim logs in at an instance with a planted cookie; the cookie is then shown everywhere. Also
/// answers what is wrong with the login itself.
async fn plant(
    company: &Company,
    taker: &str,
    planted: Planted,
) -> anyhow::Result<(Visited, Option<String>)> {
    let scene = &company.scene;
    let base = scene.direct(taker);
    let stranger = company.holders(taker, 1).await?.pop();
    let stranger = stranger.context("the stranger has no cookie to plant")?;
    let ticket = match planted {
        Planted::Invented => stranger.ticket.edited(|_| invented_id()),
        Planted::Strangers => stranger.ticket,
        Planted::Ended => {
            let ended = stranger.ticket.at(&base).log_out().await;
            anyhow::ensure!(
                ended.outcome == Outcome::Recognised,
                "a log-out was answered {}",
                ended.reason
            );
            stranger.ticket
        }
    };
    let victim = company.site.fresh();
    let fresh = log_in_with(scene, &base, &victim, &ticket).await?;

    let mut visited = Visited::of(&scene.served_by(taker));
    for name in [taker, other(short(taker))] {
        let shown = ticket.at(&scene.direct(name)).asking("/me", &victim.name);
        visited.answers.push(shown.show().await);
    }
    let broken = match fresh {
        None => Some("the login handed out no new id".to_owned()),
        Some(fresh) if fresh.header().1 == ticket.header().1 => {
            Some("the login kept the planted id".to_owned())
        }
        Some(fresh) => {
            let own = fresh.at(&base).asking("/me", &victim.name).show().await;
            let works = own.outcome == Outcome::Recognised;
            (!works).then(|| format!("the login itself was then answered {}", own.reason))
        }
    };
    Ok((visited, broken))
}

/// Logs in with this cookie already there; what cookie came of it, if one did.
async fn log_in_with(
    scene: &Scene,
    base: &str,
    account: &Account,
    planted: &Ticket,
) -> anyhow::Result<Option<Ticket>> {
    let request = scene.interface.log_in(&plain_http(), base, account);
    let request = request
        .header(COOKIE, planted.header().1)
        .timeout(LOGIN_TIMEOUT);
    let response = request.send().await?.error_for_status()?;
    let set = response.headers().get(SET_COOKIE);
    let pair = set
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next()?.split_once('='));
    Ok(pair.map(|(_, value)| planted.edited(|_| value.to_owned())))
}
