//! `store-frozen`: a store that neither answers nor goes away, and what it does when it wakes up.

use futures_util::future::LocalBoxFuture;

use super::{Event, Needs, Play};
use crate::crowd::Company;
use crate::expected::store::StoreEvent;
use crate::record::{Group, Wanted};
use crate::store::strike::{Plot, strike};
use crate::tally::Observed;

/// The event.
pub static EVENT: Event = Event {
    name: "store-frozen",
    label: "the store freezes",
    story: "While everybody asks through the balancer, SIGSTOP freezes the store, and after a \
            while SIGCONT lets it go on (in another run: CLIENT PAUSE); some log in, log out and \
            renew meanwhile.",
    group: Group::Store,
    wanted: Wanted::Recognised,
    needs: Needs::OwnStore,
    play: Play::Visitors(play),
};

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        let mut cells = Vec::new();
        for (variant, happening) in [
            (None, StoreEvent::Frozen),
            (Some("takes commands, answers none"), StoreEvent::Paused),
        ] {
            let plot = Plot {
                event: EVENT.name,
                variant,
                happening,
            };
            cells.extend(strike(company, plot).await?);
        }
        Ok(cells)
    })
}
