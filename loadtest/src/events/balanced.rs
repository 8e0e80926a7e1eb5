//! `balanced`: what people meet, since nobody asks an instance directly.

use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::{Event, Needs, Play};
use crate::answer::Outcome;
use crate::crowd::{Company, ROUNDS};
use crate::expected::Happening;
use crate::record::{Group, Wanted};
use crate::tally::Observed;

/// The event.
pub static EVENT: Event = Event {
    name: "balanced",
    label: "ask the balancer",
    story: "Each visitor logs in and asks ten times through the balancer, in an order drawn by \
            lot.",
    group: Group::Plain,
    wanted: Wanted::Recognised,
    needs: Needs::Requests,
    play: Play::Visitors(play),
};

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let mut cells = Vec::new();
        for crowd in 0..company.crowds.len() {
            let kind = company.crowds[crowd].kind;
            let mut cell = Observed::new(EVENT.name, Happening::Balanced, kind);
            if company.scene.arm.properties.refreshes {
                let refreshed = refresh_all(company, crowd).await;
                cell.more.insert("refreshed".to_owned(), json!(refreshed));
            }
            cell.visits = company
                .ask_in_rounds(crowd, ROUNDS, |scene, _| scene.balanced.clone())
                .await;
            cells.push(cell);
        }
        Ok(cells)
    })
}

/// Everybody trades the refresh token at whichever instance the balancer picks: what follows is
/// asked with what that instance handed out.
async fn refresh_all(company: &mut Company, crowd: usize) -> usize {
    let mut refreshed = 0;
    for visitor in &mut company.crowds[crowd].visitors {
        let answer = visitor.refresh(&company.scene.balanced).await;
        refreshed += usize::from(answer.is_some_and(|a| a.outcome == Outcome::Recognised));
    }
    refreshed
}
