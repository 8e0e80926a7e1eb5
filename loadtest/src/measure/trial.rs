//! One login and one check before anything is timed, where a credential may be beyond a limit: what
//! is refused there has no speed, and the record says what happened instead.

use anyhow::{Context as _, bail};
use app::users::{LOAD_PASSWORD, load_user};
use serde_json::json;

use super::Desk;
use super::plan::Case;
use super::stand::Stand;
use crate::answer::{Answer, Outcome, Wanted};
use crate::scene::base;
use crate::visitors::plain_http;

/// Whether a case may be beyond a limit.
pub(super) fn needed(case: &Case) -> bool {
    case.variant.pad_claims_bytes > 0 || case.variant.token_in_cookie
}

/// Why there is nothing to measure, in words; none if there is.
///
/// # Errors
/// When a process does not come up.
pub(super) async fn refusal(desk: &Desk<'_>, case: &Case) -> anyhow::Result<Option<String>> {
    let in_words = || format!("{case}, tried beforehand");
    let stand = Stand::up(desk, case).await.with_context(in_words)?;
    let tried = on(desk, case, &stand).await;
    stand.down(desk.site).await.with_context(in_words)?;
    tried.with_context(in_words)
}

async fn on(desk: &Desk<'_>, case: &Case, stand: &Stand) -> anyhow::Result<Option<String>> {
    let ([a, ..], Some(rig), Some(pool)) = (&stand.seats[..], desk.site.rig(), stand.pool()) else {
        bail!("only servers of our own are started with other flags");
    };
    let at = &a.base;
    let user = load_user(0);
    let login = json!({"username": user, "password": LOAD_PASSWORD});
    let login = plain_http().post(format!("{at}/login")).json(&login);
    let login = Answer::to(login, Wanted::Success).await;
    if login.outcome != Outcome::Recognised {
        return Ok(Some(format!("the login was answered {}", said(&login))));
    }
    let tickets = stand.lab.log_in(at, std::slice::from_ref(&user)).await?;
    let ticket = tickets.first().context("one login has one credential")?;
    let ticket = ticket.clone().asking("/me", &user);
    let direct = ticket.show().await;
    if direct.outcome == Outcome::Recognised {
        return Ok(None);
    }
    let front = rig.front(case.arm, pool).await?;
    let balanced = ticket.at(&base(front.address)).show().await;
    rig.leave(&front).await?;
    let (_, credential) = ticket.header();
    Ok(Some(format!(
        "a check with a credential of {} bytes was answered {}; through the balancer {}",
        credential.len(),
        said(&direct),
        said(&balanced),
    )))
}

/// Status, reason and what the server has to say about it.
fn said(answer: &Answer) -> String {
    match answer.body["detail"].as_str() {
        Some(detail) => format!("{}: {}", answer.reason, detail.trim_end_matches('.')),
        None => answer.reason.clone(),
    }
}
