//! What a turn stands on: a new store, new instances, and in front of them what the variant asks
//! for, a store that is far away or the balancer. Or, on a target, what stands there already.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cluster::{Fault, Pool, Proxy, Redis};
use reqwest::Url;

use super::Desk;
use super::clocks::{Clocks, Processes};
use super::plan::Case;
use super::stated::Stated;
use crate::lab::Lab;
use crate::pools::INSTANCES;
use crate::rig::{Front, Rig};
use crate::scene::{Scene, base};
use crate::site::Site;

/// What a turn stands on.
#[derive(Debug)]
pub(super) struct Stand {
    /// The instances.
    pub(super) seats: Vec<Seat>,
    /// The balancer's address before them, where they are asked through it.
    pub(super) front: Option<Front>,
    /// The way into their `/lab`.
    pub(super) lab: Lab,
    /// Who says what was used.
    pub(super) clocks: Clocks,
    /// What was started for this turn; nothing on a target.
    started: Option<Started>,
}

/// An instance, as it is asked.
#[derive(Debug)]
pub(super) struct Seat {
    /// Its name.
    pub(super) name: String,
    /// What it calls itself in its answers.
    pub(super) served_by: String,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The beginning of its URLs.
    pub(super) base: String,
}

#[derive(Debug)]
struct Started {
    pool: Pool,
    distance: Option<Proxy>,
}

impl Stand {
    /// Starts it, or finds it on a target.
    pub(super) async fn up(desk: &Desk<'_>, case: &Case) -> anyhow::Result<Stand> {
        match desk.site {
            Site::Cluster(rig) => Stand::start(rig, case).await,
            Site::Target(ground) => {
                let store = case.server.needs_store().then_some(desk.target_store);
                Stand::find(ground.scene(case.arm)?, store.flatten()).await
            }
        }
    }

    async fn start(rig: &Rig, case: &Case) -> anyhow::Result<Stand> {
        let store = fresh_store(rig, case).await?;
        let distance = distance(case, store.as_ref())?;
        let mut flags = case.flags();
        if distance.is_some() {
            // The proxy is on loopback, and the servers would take the store for one that is near.
            flags.extend(["--store-nodelay".to_owned(), "true".to_owned()]);
        }
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let pool = rig.instances(
            case.arm,
            case.server,
            case.variant.instances,
            &flags,
            distance.as_ref().map(Proxy::address),
        );
        let pool = pool.await?;
        let front = match case.variant.balanced {
            true => Some(rig.front(case.arm, &pool).await?),
            false => None,
        };
        let balancer = front.as_ref().and_then(|_| rig.balancer_pid());
        let seats = pool.instances().into_iter().map(|instance| Seat {
            name: instance.name().to_owned(),
            served_by: instance.served_by(),
            address: instance.address(),
            base: base(instance.address()),
        });
        Ok(Stand {
            seats: seats.collect(),
            front,
            lab: rig.lab().clone(),
            clocks: Clocks::Read(Processes::of(&pool, store, balancer)?),
            started: Some(Started { pool, distance }),
        })
    }

    async fn find(scene: Scene, store: Option<&str>) -> anyhow::Result<Stand> {
        let mut seats = Vec::new();
        for name in INSTANCES {
            let base = scene.direct(name);
            seats.push(Seat {
                name: name.to_owned(),
                served_by: scene.served_by(name),
                address: resolved(&base).await.with_context(|| base.clone())?,
                base,
            });
        }
        let instances = seats.iter().map(|seat| seat.base.clone()).collect();
        Ok(Stand {
            clocks: Clocks::Stated(Stated::by(instances, store.map(str::to_owned))),
            seats,
            front: None,
            lab: scene.lab.context("there is no way into the lab")?,
            started: None,
        })
    }

    /// The instances, where they were started for this turn.
    pub(super) fn pool(&self) -> Option<&Pool> {
        self.started.as_ref().map(|started| &started.pool)
    }

    /// From now on the store is so far away, if it can be at all.
    pub(super) fn set_store_away(&self, round_trip_ms: u64) {
        let started = self.started.as_ref();
        if let Some(distance) = started.and_then(|started| started.distance.as_ref()) {
            let way = Duration::from_millis(round_trip_ms) / 2;
            distance.set(Fault::Delay {
                there: way,
                back: way,
            });
        }
    }

    /// Ends what was started.
    pub(super) async fn down(self, site: &Site) -> anyhow::Result<()> {
        if let Some((front, rig)) = self.front.as_ref().zip(site.rig()) {
            rig.leave(front).await?;
        }
        match self.started {
            Some(started) => Ok(started.pool.stop().await?),
            None => Ok(()),
        }
    }
}

/// The address that the beginning of a URL stands for.
async fn resolved(base: &str) -> anyhow::Result<SocketAddr> {
    let url = Url::parse(base)?;
    let host = url.host_str().context("it names no host")?;
    let port = url.port_or_known_default().context("it names no port")?;
    let mut found = tokio::net::lookup_host((host, port)).await?;
    found.next().context("nobody knows where that is")
}

/// The store in a process that is new and empty.
async fn fresh_store(rig: &Rig, case: &Case) -> anyhow::Result<Option<Redis>> {
    if !case.server.needs_store() {
        return Ok(None);
    }
    let redis = rig.redis().map_err(|why| anyhow!("{why}"))?;
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
