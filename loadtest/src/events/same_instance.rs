//! `same-instance`: the control. If this fails, nothing else means anything.

use futures_util::future::LocalBoxFuture;

use super::{Event, Needs, Play};
use crate::crowd::Company;
use crate::expected::Happening;
use crate::record::{Group, Wanted};
use crate::tally::Observed;

/// The event.
pub static EVENT: Event = Event {
    name: "same-instance",
    label: "ask the same server",
    story: "Each visitor logs in through the balancer, then asks the instance that took the login.",
    group: Group::Plain,
    wanted: Wanted::Recognised,
    needs: Needs::Requests,
    play: Play::Visitors(play),
};

/// How often each visitor asks. Twice: the first request may still be special.
const ROUNDS: usize = 2;

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let mut cells = Vec::new();
        for crowd in 0..company.crowds.len() {
            let visits = company
                .ask_in_rounds(crowd, ROUNDS, |scene, visitor| {
                    scene.direct_to(visitor.taken_by())
                })
                .await;
            let kind = company.crowds[crowd].kind;
            cells.push(Observed {
                visits,
                ..Observed::new(EVENT.name, Happening::AskedSame, kind)
            });
        }
        Ok(cells)
    })
}
