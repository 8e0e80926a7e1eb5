//! `other-instance`: the question of the whole project, asked without a balancer.

use futures_util::future::LocalBoxFuture;

use super::{Event, Needs, Play};
use crate::crowd::Company;
use crate::expected::Happening;
use crate::record::{Group, Wanted};
use crate::scene::{other, short};
use crate::tally::Observed;

/// The event.
pub static EVENT: Event = Event {
    name: "other-instance",
    label: "ask the other server",
    story: "Each visitor logs in on one instance, then asks the other one directly, once.",
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
            let visits = company
                .ask_in_rounds(crowd, 1, |scene, visitor| {
                    scene.direct(other(short(visitor.taken_by())))
                })
                .await;
            let kind = company.crowds[crowd].kind;
            cells.push(Observed {
                visits,
                ..Observed::new(EVENT.name, Happening::AskedOther, kind)
            });
        }
        Ok(cells)
    })
}
