//! `different-secrets`: a secret that was copied wrong, or not at all.

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::{Event, Needs, Play};
use crate::answer::{Answer, Outcome};
use crate::arms::{Arm, CheckedWith, State};
use crate::crowd::{Company, ROUNDS, VISITORS};
use crate::expected::Happening;
use crate::expected::circumstance::{Circumstance, Held, Key};
use crate::holders::{Holder, Holds};
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::short;
use crate::tally::Observed;
use crate::visitors::steadfast;

/// The event.
pub static EVENT: Event = Event {
    name: "different-secrets",
    label: "B has another secret",
    story: "B is given another key under the same name; everybody logs in anew, on A or on B, and \
            asks ten times through the balancer.",
    group: Group::KeysAndClocks,
    wanted: Wanted::Recognised,
    needs: Needs::Backstage,
    play: Play::SomeVisitors { why_not, play },
};

fn why_not(arm: &Arm) -> Option<&'static str> {
    match arm.properties.checked_with {
        CheckedWith::Nothing => Some("it signs nothing, so there is no secret to differ"),
        CheckedWith::OnlyKey => Some("its key is read once, at the start; nothing replaces it"),
        CheckedWith::EveryKey | CheckedWith::SigningKey => None,
    }
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let files = company.scene.backstage.as_ref();
        let files = files.and_then(|backstage| backstage.keys.clone());
        let files = files.context("there are no keys that could differ")?;
        let right = files.first()?;
        // Where each has a secret of its own from the start, nothing need be done.
        let swapped = company.scene.arm.properties.state != State::CredentialOfOne;
        if swapped {
            let wrong = files.make(right.kid()).await?;
            let lab = company.scene.lab()?;
            files.give(&company.scene, lab, 1, &[&wrong]).await?;
        }
        let cell = ask(company).await;
        if swapped {
            let lab = company.scene.lab()?;
            files.give(&company.scene, lab, 1, &[&right]).await?;
        }
        Ok(vec![cell?])
    })
}

async fn ask(company: &mut Company) -> anyhow::Result<Observed> {
    let holders = company.holders_everywhere(VISITORS).await?;
    let mut visits = company.holders_ask_in_rounds(&holders, ROUNDS, under).await;
    let scene = &company.scene;
    for (holder, visited) in holders.iter().zip(&mut visits) {
        let answer = holder.ask(&scene.direct_to(&holder.taken_by)).await;
        visited.kept = answer.outcome == Outcome::Recognised;
    }
    let [a, b] = INSTANCES;
    let holds = [Holds::at(scene, a).await?, Holds::at(scene, b).await?];
    let [of_a, of_b] = holds.each_ref().map(Holds::fingerprint);
    let mut cell = Observed {
        visits,
        ..Observed::new(EVENT.name, Happening::SecretsDiffer, steadfast(scene.arm))
    };
    cell.more
        .insert("fingerprints".to_owned(), json!([of_a, of_b]));
    if of_a == of_b {
        cell.wrong = Some("A and B show the same fingerprint".to_owned());
    }
    Ok(cell)
}

/// What A signs and holds is one key, what B does another.
fn under(holder: &Holder, answer: &Answer) -> Circumstance {
    let of_a = |served_by: &str| short(served_by) == INSTANCES[0];
    let held = if of_a(&answer.served_by) {
        Held::OLD
    } else {
        Held::NEW
    };
    Circumstance::Keys {
        signed_with: if of_a(&holder.taken_by) {
            Key::Old
        } else {
            Key::New
        },
        first: held,
        last: held,
    }
}
