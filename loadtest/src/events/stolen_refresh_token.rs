//! `stolen-refresh-token`: two people use one refresh token.
//!
//! Nobody can say which of them is the thief, so the second use must end the whole family, whoever
//! comes second (RFC 9700, section 4.14.2). Access tokens that are out live on until they expire:
//! that is the price of not asking anybody.

use anyhow::Context as _;
use app::Credential;
use futures_util::future::{LocalBoxFuture, join_all};
use serde_json::json;

use super::{Event, Needs, Play};
use crate::answer::{Answer, Outcome, Wanted as Answered};
use crate::arms::Arm;
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::circumstance::Circumstance;
use crate::holders::Holder;
use crate::pools::INSTANCES;
use crate::record::{CameOut, Group, Wanted, Wish};
use crate::scene::Scene;
use crate::tally::Observed;
use crate::visitors::{plain_http, steadfast};

/// The event.
pub static EVENT: Event = Event {
    name: "stolen-refresh-token",
    label: "refresh token stolen",
    story: "A refresh token is used twice, on A and then on B, or by 100 at once on both; then its \
            successor is tried, and the access token is shown to A and B. Another login of the \
            same user must not notice.",
    group: Group::HostileAndRacing,
    wanted: Wanted::Refused,
    needs: Needs::Lab,
    play: Play::SomeVisitors { why_not, play },
};

/// Thefts, one after the other.
const THEFTS: usize = 20;

/// Users of whose two logins one is stolen.
const OTHERS: usize = 6;

/// How many use one token at once.
const AT_ONCE: usize = 100;

fn why_not(arm: &Arm) -> Option<&'static str> {
    (!arm.properties.refreshes).then_some("it hands out no refresh token")
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let mut twice = cell(company, "used twice");
        for (holder, token) in logins(company, THEFTS).await? {
            theft(&company.scene, &holder, token, &mut twice).await?;
        }
        twice.outcome = Some(came_out(&twice));
        let mut at_once = cell(company, "by 100 at once");
        for (holder, token) in logins(company, 1).await? {
            crush(&company.scene, &holder, &token, &mut at_once).await?;
        }
        at_once.outcome = Some(came_out(&at_once));
        let mut other = cell(company, "another login of the user");
        for _ in 0..OTHERS {
            beside_a_theft(company, &mut other).await?;
        }
        other.outcome = Some(went_on(&other));
        Ok(vec![twice, at_once, other])
    })
}

fn cell(company: &Company, variant: &str) -> Observed {
    let kind = steadfast(company.scene.arm);
    Observed {
        variant: Some(variant.to_owned()),
        ..Observed::new(EVENT.name, Happening::Stolen, kind)
    }
}

/// So many users, with a login each.
async fn logins(company: &Company, count: usize) -> anyhow::Result<Vec<(Holder, Credential)>> {
    let users = (0..count).map(|_| company.site.fresh().name).collect();
    logins_of(&company.scene, users).await
}

async fn logins_of(scene: &Scene, users: Vec<String>) -> anyhow::Result<Vec<(Holder, Credential)>> {
    let [taker, ..] = INSTANCES;
    let base = scene.direct(taker);
    let made = scene.lab()?.log_in_refreshable(&base, &users).await?;
    let login = |(user, (ticket, token))| {
        let taken_by = scene.served_by(taker);
        let holder = Holder {
            taken_by,
            user,
            ticket,
        };
        (holder, token)
    };
    Ok(users.into_iter().zip(made).map(login).collect())
}

/// The owner uses the token on A, the thief uses the same on B, and the owner goes on.
async fn theft(
    scene: &Scene,
    holder: &Holder,
    token: Credential,
    cell: &mut Observed,
) -> anyhow::Result<()> {
    let [a, b] = INSTANCES.map(|name| scene.direct(name));
    let mut visited = holder.visited();
    let first = trade(&a, &token).await;
    let successor = successor(&first).context("the first use brought no successor")?;
    visited.note(first, Circumstance::Refresh { spent: false });
    for (base, token) in [(&b, &token), (&a, &successor), (&b, &successor)] {
        let answer = trade(base, token).await;
        visited.note(answer, Circumstance::Refresh { spent: true });
    }
    for base in [&a, &b] {
        visited.note(holder.ask(base).await, Circumstance::Usual);
    }
    cell.visits.push(visited);
    Ok(())
}

/// A hundred use one token at once, half of them on each instance: one wins, and by then the others
/// have ended the family.
async fn crush(
    scene: &Scene,
    holder: &Holder,
    token: &Credential,
    cell: &mut Observed,
) -> anyhow::Result<()> {
    let bases = INSTANCES.map(|name| scene.direct(name));
    let trades = (0..AT_ONCE).map(|n| trade(&bases[n % 2], token));
    let answers = join_all(trades).await;
    let mut visited = holder.visited();
    let successors: Vec<_> = answers.iter().filter_map(successor).collect();
    if successors.len() != 1 {
        let winners = successors.len();
        cell.wrong = Some(format!(
            "{winners} of {AT_ONCE} traded one and the same token"
        ));
    }
    for answer in answers {
        visited.note(answer, Circumstance::Contended);
    }
    cell.more
        .insert("winners".to_owned(), json!(successors.len()));
    for successor in &successors {
        let answer = trade(&bases[0], successor).await;
        visited.note(answer, Circumstance::Refresh { spent: true });
    }
    cell.visits.push(visited);
    Ok(())
}

/// Somebody logs in twice. The refresh token of one login is stolen and used twice, which ends its
/// family; that of the other login is of a family of its own and goes on.
async fn beside_a_theft(company: &Company, cell: &mut Observed) -> anyhow::Result<()> {
    let scene = &company.scene;
    let user = company.site.fresh().name;
    let both = logins_of(scene, vec![user.clone(), user]).await?;
    let [(_, stolen), (holder, token)] = &both[..] else {
        anyhow::bail!("two logins were asked for");
    };
    let bases = INSTANCES.map(|name| scene.direct(name));
    let mut visited = holder.visited();
    for (base, spent) in bases.iter().zip([false, true]) {
        let answer = trade(base, stolen).await;
        visited.note(answer, Circumstance::Refresh { spent });
    }
    let answer = trade(&bases[1], token).await;
    visited.note(answer, Circumstance::Refresh { spent: false });
    cell.visits.push(visited);
    Ok(())
}

async fn trade(base: &str, token: &Credential) -> Answer {
    let request = plain_http().post(format!("{base}/token/refresh"));
    let request = request.json(&json!({ "refresh_token": token }));
    Answer::to(request, Answered::Success).await
}

fn successor(answer: &Answer) -> Option<Credential> {
    let token = answer.body["refresh_token"].as_str()?;
    (answer.outcome == Outcome::Recognised).then(|| Credential::new(token.to_owned()))
}

/// What came of the trades. Shown access tokens are no part of it: they live on by design.
fn came_out(cell: &Observed) -> CameOut {
    let (mut won, mut refused, mut again) = (0, 0, 0);
    for visited in &cell.visits {
        for (answer, under) in visited.answers.iter().zip(&visited.under) {
            let recognised = answer.outcome == Outcome::Recognised;
            match under {
                Circumstance::Usual => {}
                Circumstance::Refresh { spent: true } if recognised => again += 1,
                _ if recognised => won += 1,
                _ => refused += 1,
            }
        }
    }
    let tokens = cell.visits.len();
    let words = format!("{won} of {tokens} traded once, {refused} later uses refused");
    match again {
        0 if won == tokens => CameOut {
            words,
            wish: Wish::Granted,
        },
        again => CameOut {
            words: format!("{words}, {again} accepted"),
            wish: Wish::InPart,
        },
    }
}

/// Whether those go on whose other login was stolen: the last answer of each visit says so.
fn went_on(cell: &Observed) -> CameOut {
    let last = cell
        .visits
        .iter()
        .filter_map(|visited| visited.answers.last());
    let on = last
        .filter(|answer| answer.outcome == Outcome::Recognised)
        .count();
    let logins = cell.visits.len();
    CameOut {
        words: format!("{on} of {logins} other logins renewed"),
        wish: if on == logins {
            Wish::Granted
        } else {
            Wish::InPart
        },
    }
}
