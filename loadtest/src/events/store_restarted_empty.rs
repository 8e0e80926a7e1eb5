//! `store-restarted-empty`: what is lost with what a store held.

use futures_util::future::LocalBoxFuture;

use super::{Event, Needs, Play};
use crate::crowd::Company;
use crate::expected::store::StoreEvent;
use crate::record::{Group, Wanted};
use crate::store::strike::{Plot, strike};
use crate::tally::Observed;

/// The event.
pub static EVENT: Event = Event {
    name: "store-restarted-empty",
    label: "the store forgets",
    story: "While everybody asks through the balancer, SIGKILL ends the store, and it is started \
            again with nothing in it; some had logged out before.",
    group: Group::Store,
    wanted: Wanted::Recognised,
    needs: Needs::OwnStore,
    play: Play::Visitors(play),
};

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        let mut cells = strike(company, plot(None, false)).await?;
        // A list of what was ended can know at least that it is younger than what it judges.
        if company.scene.arm.properties.log_out_adds() {
            cells.extend(with_epoch(company).await?);
        }
        Ok(cells)
    })
}

fn plot(variant: Option<&'static str>, epoch: bool) -> Plot {
    Plot {
        event: EVENT.name,
        variant,
        happening: StoreEvent::Emptied { epoch },
    }
}

/// The same on instances that refuse what is older than their store.
async fn with_epoch(company: &Company) -> anyhow::Result<Vec<Observed>> {
    let mut others = company.beside(&["--store-epoch"], false).await?;
    let cells = strike(&mut others, plot(Some("epoch rule"), true)).await;
    others.scene.clear().await?;
    cells
}
