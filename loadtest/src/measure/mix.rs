//! Bad credentials among the good ones: each made from a good one, so that one thing is wrong with
//! it, and each with what it deserves.
//!
//! What an arm deserves follows from what it declares: a token that nobody can take back is still
//! good after its log-out, so it must be accepted.

use anyhow::{Context as _, ensure};

use super::plan::Case;
use crate::answer::Outcome;
use crate::arms::{Carried, Channel};
use crate::events::tampered::{LONG_AGO_MS, forged};
use crate::lab::Lab;
use crate::load::draws::DrawPlan;
use crate::load::request::CredentialKind;
use crate::scene::base;
use crate::site::Site;
use crate::ticket::Ticket;

/// Good ones to each kind of bad ones.
const VALID_WEIGHT: u16 = 12;

/// The kinds that are sent in a case, bad ones last. The arm that checks nothing has no bad ones.
pub fn kinds(case: &Case) -> Vec<CredentialKind> {
    let mut kinds = vec![CredentialKind::Valid];
    let carried = case.arm.properties.carried;
    if case.variant.mixed && carried != Carried::Claim {
        use CredentialKind::{Expired, ForeignKey, Forged, Revoked};
        kinds.extend([Forged, ForeignKey, Revoked]);
        // A session that is over is gone; there is nothing left that could be taken for it.
        if matches!(carried, Carried::SignedToken | Carried::SealedCookie) {
            kinds.push(Expired);
        }
    }
    kinds
}

/// How often each kind is drawn.
pub fn draws(case: &Case, visitors: u32) -> DrawPlan {
    let weight = |kind| match kind {
        CredentialKind::Valid => VALID_WEIGHT,
        _ => 1,
    };
    let mix = kinds(case).into_iter().map(|kind| (kind, weight(kind)));
    DrawPlan {
        visitors,
        mix: mix.collect(),
    }
}

/// The status that this kind deserves from this arm.
pub fn deserved(case: &Case, kind: CredentialKind) -> u16 {
    let nobody_hears = case.arm.properties.ended == Channel::Nobody;
    match kind {
        CredentialKind::Valid => 200,
        CredentialKind::Revoked if nobody_hears => 200,
        _ => 401,
    }
}

/// For each of these users, who log in through the lab of the instance `at`, a credential of each
/// kind.
pub(super) async fn credentials(
    site: &Site,
    case: &Case,
    (lab, at): (&Lab, &str),
    users: &[String],
) -> anyhow::Result<Vec<Vec<(CredentialKind, Ticket)>>> {
    let good = lab.log_in(at, users).await?;
    let mut of_users: Vec<Vec<_>> = users.iter().map(|_| Vec::new()).collect();
    for kind in kinds(case) {
        let made = match kind {
            CredentialKind::Valid => good.clone(),
            CredentialKind::Forged => {
                let carried = case.arm.properties.carried;
                good.iter().map(|good| forged(carried, good)).collect()
            }
            CredentialKind::ForeignKey => strangers(site, case, lab, users).await?,
            CredentialKind::Revoked => ended(lab, at, users).await?,
            CredentialKind::Expired => old(lab, at, users).await?,
        };
        for (of_user, ticket) in of_users.iter_mut().zip(made) {
            of_user.push((kind, ticket));
        }
    }
    Ok(of_users)
}

/// Good credentials of another deployment.
async fn strangers(
    site: &Site,
    case: &Case,
    lab: &Lab,
    users: &[String],
) -> anyhow::Result<Vec<Ticket>> {
    let rig = site
        .rig()
        .context("only a cluster has a second deployment")?;
    let pool = rig.stranger(case.arm).await?;
    let instances = pool.instances();
    let stranger = instances.first().context("a stranger is one instance")?;
    let made = lab.log_in(&base(stranger.address()), users).await;
    pool.stop().await?;
    made
}

/// Logins that were ended where they were made.
async fn ended(lab: &Lab, at: &str, users: &[String]) -> anyhow::Result<Vec<Ticket>> {
    let tickets = lab.log_in(at, users).await?;
    for ticket in &tickets {
        let answer = ticket.log_out().await;
        let said = answer.outcome == Outcome::Recognised;
        ensure!(said, "a log-out was answered {}", answer.reason);
    }
    Ok(tickets)
}

/// Logins of an issuer that believed it was long ago.
async fn old(lab: &Lab, at: &str, users: &[String]) -> anyhow::Result<Vec<Ticket>> {
    lab.set_clock(at, -LONG_AGO_MS).await?;
    let made = lab.log_in(at, users).await;
    lab.set_clock(at, 0).await?;
    made
}
