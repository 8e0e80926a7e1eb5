//! What an admin does to an account, at one instance of each pool.
//!
//! The change itself stands in the accounts, which all instances share; what becomes of logins
//! that are there already is each server's own business, and that is what the board shows.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::stage::{Act, Pool, StageError};
use super::upstream::with_credential;
use crate::lab::Lab;

/// The account that the board acts with.
const ADMIN: &str = "ada";

/// Carries out a change of an account at each of `receptions`.
pub(super) async fn change(
    act: &Act,
    (client, lab): (&reqwest::Client, &Lab),
    receptions: &[(Pool, SocketAddr)],
) -> Result<(), StageError> {
    let (user, change) = match act {
        Act::SetRole { user, role } => (user, json!({ "role": role })),
        Act::SetDisabled { user, disabled } => (user, json!({ "disabled": disabled })),
        _ => return Ok(()),
    };
    let plain = user.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if user == ADMIN || !plain {
        return Err(StageError::NotThisAccount(user.clone()));
    }
    let mut failed = Vec::new();
    for (pool, at) in receptions {
        if let Err(why) = change_at(user, &change, (client, lab), *at).await {
            failed.push(format!("{pool}: {why:#}"));
        }
    }
    // Where a store does not answer, a pool cannot be told. The accounts say it all the same, and
    // what becomes of the logins there is what is to be seen.
    if failed.len() == receptions.len() {
        return Err(StageError::Failed(failed.join("; ")));
    }
    failed
        .iter()
        .for_each(|why| tracing::warn!("not told: {why}"));
    Ok(())
}

async fn change_at(
    user: &str,
    change: &Value,
    (client, lab): (&reqwest::Client, &Lab),
    at: SocketAddr,
) -> anyhow::Result<()> {
    let base = format!("http://{at}");
    let admin = lab.credentials(&base, &[ADMIN.to_owned()]).await?;
    let (header, credential) = admin.into_iter().next().context("no login for the admin")?;
    let request = client
        .patch(format!("{base}/admin/users/{user}"))
        .json(change);
    let answer = with_credential(request, &header, &credential)
        .send()
        .await?;
    answer.error_for_status()?;
    Ok(())
}
