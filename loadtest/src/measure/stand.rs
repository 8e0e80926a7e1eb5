//! What a turn stands on: a new store, new instances, and in front of them what the variant asks
//! for, a store that is far away or the balancer.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cluster::{Fault, Pool, Proxy, Redis};

use super::Desk;
use super::clocks::Processes;
use super::plan::Case;
use crate::rig::{Front, Rig};

/// Everything that was started for one turn.
#[derive(Debug)]
pub(super) struct Stand {
    store: Option<Redis>,
    distance: Option<Proxy>,
    /// The instances.
    pub(super) pool: Pool,
    /// The balancer's address before them, where they are asked through it.
    pub(super) front: Option<Front>,
}

impl Stand {
    /// Starts it.
    pub(super) async fn up(desk: &Desk<'_>, case: &Case) -> anyhow::Result<Stand> {
        let store = fresh_store(desk, case).await?;
        let distance = distance(case, store.as_ref())?;
        let mut flags = case.flags();
        if distance.is_some() {
            // The proxy is on loopback, and the servers would take the store for one that is near.
            flags.extend(["--store-nodelay".to_owned(), "true".to_owned()]);
        }
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let pool = desk.rig.instances(
            case.arm,
            case.server,
            case.variant.instances,
            &flags,
            distance.as_ref().map(Proxy::address),
        );
        let pool = pool.await?;
        let front = match case.variant.balanced {
            true => Some(desk.rig.front(case.arm, &pool).await?),
            false => None,
        };
        Ok(Stand {
            store,
            distance,
            pool,
            front,
        })
    }

    /// Whose clocks count.
    pub(super) fn processes(&self, rig: &Rig) -> anyhow::Result<Processes> {
        let balancer = self.front.as_ref().and_then(|_| rig.balancer_pid());
        Processes::of(&self.pool, self.store.clone(), balancer)
    }

    /// From now on the store is so far away, if it can be at all.
    pub(super) fn set_store_away(&self, round_trip_ms: u64) {
        if let Some(distance) = &self.distance {
            let way = Duration::from_millis(round_trip_ms) / 2;
            distance.set(Fault::Delay {
                there: way,
                back: way,
            });
        }
    }

    /// Ends it.
    pub(super) async fn down(self, rig: &Rig) -> anyhow::Result<()> {
        if let Some(front) = &self.front {
            rig.leave(front).await?;
        }
        Ok(self.pool.stop().await?)
    }
}

/// The store in a process that is new and empty.
async fn fresh_store(desk: &Desk<'_>, case: &Case) -> anyhow::Result<Option<Redis>> {
    if !case.server.needs_store() {
        return Ok(None);
    }
    let redis = desk.rig.redis().map_err(|why| anyhow!("{why}"))?;
    redis.kill().await?;
    redis.start().await?;
    Ok(Some(redis.clone()))
}

/// What makes the store a far one, where that is asked for.
fn distance(case: &Case, store: Option<&Redis>) -> anyhow::Result<Option<Proxy>> {
    let Some(store) = store.filter(|_| case.variant.store_round_trip_ms > 0) else {
        return Ok(None);
    };
    let address = store
        .url()
        .trim_start_matches("redis://")
        .trim_end_matches('/');
    let address = address
        .parse()
        .context("the store has no address of its own")?;
    Ok(Some(Proxy::to(address)?))
}
