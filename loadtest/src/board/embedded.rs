//! The stage over an embedded cluster: pools of the board's own, behind a balancer process of its
//! own, which no run touches.
//!
//! A pool is started when somebody first goes there, so that a board which is only looked at costs
//! two pools. Every seat has addresses of its own at the balancer. So each viewer's requests take
//! turns between A and B for that viewer, however many others click at the same time: each
//! address rotates by itself, over the same instances.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use cluster::{ArmSpec, Balancer, Cluster, Instance, Policy, Redis, RedisChoice};
use futures_util::future::{join_all, try_join_all};
use tokio::sync::{Mutex, OnceCell};

use super::admin;
use super::cookies::arm_name;
use super::keys::{self, Keys};
use super::look;
use super::premises::Premises;
use super::stage::{Act, Lane, Pool, PoolView, Stage, StageError, View, Way};
use super::{BoardError, upstream};
use crate::lab::Lab;

/// The pools that were asked for so far, a balancer, and the addresses that seats have there.
pub struct Embedded {
    cluster: Cluster,
    balancer: Balancer,
    premises: Premises,
    keys: Keys,
    redis_url: Option<String>,
    /// In the order of [`Pool::ALL`].
    pools: [OnceCell<cluster::Pool>; 4],
    store: OnceCell<Redis>,
    addresses: Mutex<HashMap<(Pool, bool, usize), SocketAddr>>,
    client: reqwest::Client,
}

impl Embedded {
    /// Creates accounts and keys in `work_dir`, and starts the two pools that need no store, and
    /// a balancer. Of the others, each looks for a store when it is first asked for: the one at
    /// `redis_url`, if there is one.
    ///
    /// # Errors
    /// When a file cannot be written, or a process does not come up.
    pub async fn start(
        cluster: &Cluster,
        work_dir: &Path,
        redis_url: Option<String>,
    ) -> Result<Self, BoardError> {
        let premises = Premises::create(work_dir).await?;
        let keys = Keys::make(work_dir).map_err(BoardError::Keys)?;
        let stage = Self {
            balancer: cluster.balancer().await?,
            cluster: cluster.clone(),
            premises,
            keys,
            redis_url,
            pools: std::array::from_fn(|_| OnceCell::new()),
            store: OnceCell::new(),
            addresses: Mutex::default(),
            client: upstream::client(),
        };
        tokio::try_join!(stage.pool(Pool::SessionMemory), stage.pool(Pool::Jwt))?;
        Ok(stage)
    }

    async fn pool(&self, pool: Pool) -> Result<&cluster::Pool, StageError> {
        self.pools[pool as usize]
            .get_or_try_init(async || {
                let store = match pool.needs_store() {
                    true => Some(self.store().await?.url()),
                    false => None,
                };
                let spec = self.premises.pool(pool, self.keys.path(), store);
                let started = self.cluster.pool(spec).await?;
                self.join_the_dead(&started).await?;
                Ok(started)
            })
            .await
    }

    /// What is down is down in every pool, also in one that comes later.
    async fn join_the_dead(&self, late: &cluster::Pool) -> Result<(), StageError> {
        let Some(first) = self.pools[Pool::SessionMemory as usize].get() else {
            return Ok(());
        };
        for instance in first.instances() {
            let Some(sibling) = late.instance(instance.name()) else {
                continue;
            };
            match instance.state() {
                cluster::InstanceState::Dead => sibling.kill().await?,
                cluster::InstanceState::Frozen => sibling.freeze().await?,
                cluster::InstanceState::Running => {}
            }
        }
        Ok(())
    }

    async fn store(&self) -> Result<&Redis, StageError> {
        let choice = RedisChoice {
            url: self.redis_url.clone(),
            tag: "board".to_owned(),
        };
        let found = self.store.get_or_try_init(|| self.cluster.redis(choice));
        found
            .await
            .map_err(|missing| StageError::NoStore(missing.to_string()))
    }

    /// The pools that run, with their names.
    fn started(&self) -> impl Iterator<Item = (Pool, &cluster::Pool)> {
        let pools = Pool::ALL.into_iter().zip(&self.pools);
        pools.filter_map(|(pool, started)| Some((pool, started.get()?)))
    }

    /// The instances of that name, in every pool that runs.
    fn named(&self, name: &str) -> Result<Vec<Instance>, StageError> {
        self.started()
            .map(|(_, pool)| pool.instance(name))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| StageError::NoSuchInstance(name.to_owned()))
    }

    /// One instance of each pool that answers: whom an admin talks to.
    fn receptions(&self) -> Vec<(Pool, SocketAddr)> {
        let running = |instance: &Instance| instance.state() == cluster::InstanceState::Running;
        self.started()
            .filter_map(|(pool, started)| {
                let up = started.instances().into_iter().find(running)?;
                Some((pool, up.address()))
            })
            .collect()
    }

    /// The instances that check tokens, and run.
    fn verifiers(&self) -> Vec<SocketAddr> {
        let instances = self
            .started()
            .filter(|(pool, _)| pool.lane() == Lane::Jwt)
            .flat_map(|(_, started)| started.instances());
        instances
            .filter(|instance| instance.state() == cluster::InstanceState::Running)
            .map(|instance| instance.address())
            .collect()
    }
}

#[async_trait::async_trait]
impl Stage for Embedded {
    async fn address(&self, pool: Pool, way: &Way, seat: usize) -> Result<SocketAddr, StageError> {
        let started = self.pool(pool).await?;
        let (policy, sticky) = match way {
            Way::Direct(name) => {
                let found = started.instance(name);
                return found
                    .map(|instance| instance.address())
                    .ok_or_else(|| StageError::NoSuchInstance(name.clone()));
            }
            Way::Turns => (Policy::RoundRobin, false),
            Way::Sticky => (Policy::Sticky, true),
        };
        // Held while the balancer opens an address: two requests of one seat must get the same.
        let mut addresses = self.addresses.lock().await;
        if let Some(address) = addresses.get(&(pool, sticky, seat)) {
            return Ok(*address);
        }
        let arm = ArmSpec {
            arm: arm_name(pool, sticky, seat),
            policy,
            pool: started,
            issuer: None,
            address: None,
        };
        let address = self.balancer.listen(arm).await?;
        addresses.insert((pool, sticky, seat), address);
        Ok(address)
    }

    async fn look(&self) -> View {
        let looked = self.started().map(async |(pool, started)| {
            let instances = started.instances();
            let looks = instances
                .iter()
                .map(|instance| look::at(instance, self.premises.lab()));
            PoolView {
                pool,
                instances: join_all(looks).await,
            }
        });
        View {
            pools: join_all(looked).await,
            store: self.store.get().map(look::at_store),
            cannot: Vec::new(),
        }
    }

    async fn act(&self, act: &Act) -> Result<bool, StageError> {
        use cluster::InstanceState::{Dead, Frozen, Running};
        match act {
            Act::Kill { instance }
            | Act::Freeze { instance }
            | Act::Thaw { instance }
            | Act::Start { instance } => {
                let struck = self.named(instance)?;
                let done = struck.iter().map(|instance| strike(act, instance));
                let done = try_join_all(done).await?.contains(&true);
                if matches!(act, Act::Thaw { .. }) {
                    // The keys may have been replaced while it slept.
                    keys::reload(self.premises.lab(), &self.verifiers()).await?;
                }
                Ok(done)
            }
            Act::StopStore | Act::StartStore => {
                let store = self.store().await?;
                match (act, store.state()) {
                    _ if !store.ours() => return Err(StageError::NotOurStore),
                    (Act::StopStore, Running | Frozen) => store.kill().await?,
                    (Act::StartStore, Dead) => store.start().await?,
                    _ => return Ok(false),
                }
                Ok(true)
            }
            Act::RotateKey { overlap } => {
                let lab = self.premises.lab();
                self.keys.rotate(*overlap, lab, &self.verifiers()).await?;
                Ok(true)
            }
            Act::SetRole { .. } | Act::SetDisabled { .. } => {
                let lab = (&self.client, self.premises.lab());
                admin::change(act, lab, &self.receptions()).await?;
                Ok(true)
            }
        }
    }

    fn lab(&self) -> Option<&Lab> {
        Some(self.premises.lab())
    }
}

/// Does to one instance what `act` says, if it is not so already.
async fn strike(act: &Act, instance: &Instance) -> Result<bool, StageError> {
    use cluster::InstanceState::{Dead, Frozen, Running};
    match (act, instance.state()) {
        (Act::Kill { .. }, Running | Frozen) => instance.kill().await?,
        (Act::Freeze { .. }, Running) => instance.freeze().await?,
        (Act::Start { .. }, Dead) => instance.start().await?,
        (Act::Thaw { .. }, Frozen) => instance.thaw().await?,
        _ => return Ok(false),
    }
    Ok(true)
}
