//! `store-stopped`: the price of asking somebody else.

use futures_util::future::LocalBoxFuture;

use super::{Event, Needs, Play};
use crate::crowd::Company;
use crate::expected::store::StoreEvent;
use crate::record::{Group, Wanted};
use crate::store::strike::{Plot, strike};
use crate::tally::Observed;

/// The event.
pub static EVENT: Event = Event {
    name: "store-stopped",
    label: "the store stops",
    story: "While everybody asks through the balancer, SIGKILL ends the store, and after a while \
            it is started again with what it held; some log in, log out and renew meanwhile.",
    group: Group::Store,
    wanted: Wanted::Recognised,
    needs: Needs::StoreThatKeeps,
    play: Play::Visitors(play),
};

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(strike(
        company,
        Plot {
            event: EVENT.name,
            variant: None,
            happening: StoreEvent::Stopped,
        },
    ))
}
