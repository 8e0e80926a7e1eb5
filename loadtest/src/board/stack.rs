//! The stage over a running stack: servers that somebody else has started, at the addresses in a
//! target file.
//!
//! What an engine of containers allows is done as an embedded cluster does it. An instance is
//! killed by telling it to exit; the engine starts it again at once, so a file in a folder that
//! board and servers share holds it back until somebody starts it. The store likewise. Nobody can
//! freeze a process from another container, so that is not offered.
//!
//! All viewers share the balancer's addresses: of two who click at the same time, one can meet the
//! same server twice in a row.

mod places;
mod shared;
mod wait;

use std::net::SocketAddr;
use std::path::Path;

use cluster::redis_elsewhere;
use futures_util::future::{join_all, try_join_all};

use places::{PoolAt, arm_of, resolve};
use shared::Shared;
use wait::{STRIKE_LOOK, within};

use super::stage::{
    Act, InstanceState, InstanceView, Lane, Pool, PoolView, Stage, StageError, StoreView, View, Way,
};
use super::{admin, look, upstream};
use crate::lab::Lab;
use crate::target::Target;

/// What holds the store back is called so.
const STORE: &str = "store";

/// A running stack.
pub struct Stack {
    pools: Vec<PoolAt>,
    lab: Option<Lab>,
    shared: Option<Shared>,
    redis_url: Option<String>,
    client: reqwest::Client,
}

impl Stack {
    /// The stack that `target` describes. Without the folder that its servers share, nothing can
    /// be kept stopped and no key replaced.
    ///
    /// # Errors
    /// When the file names no pool for one of the lanes, or the folder cannot be used.
    pub fn new(
        target: &Target,
        shared: Option<&Path>,
        redis_url: Option<String>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            pools: places::of(target)?,
            lab: None,
            shared: shared.map(Shared::open).transpose()?,
            redis_url,
            client: upstream::client(),
        })
    }

    /// The same, with the way into the `/lab` of its servers.
    #[must_use]
    pub fn with_lab(self, lab: Option<Lab>) -> Self {
        Self { lab, ..self }
    }

    fn at(&self, pool: Pool) -> Result<&PoolAt, StageError> {
        let at = self.pools.iter().find(|at| at.pool == pool);
        at.ok_or_else(|| not_here(&format!("the target file names no arm {}", arm_of(pool))))
    }

    fn shared(&self) -> Result<&Shared, StageError> {
        let why = "the board shares no folder with the servers (--shared)";
        self.shared.as_ref().ok_or_else(|| not_here(why))
    }

    fn lab_or_why(&self) -> Result<&Lab, StageError> {
        let why = "the target file names no lab_secret_file";
        self.lab.as_ref().ok_or_else(|| not_here(why))
    }

    /// The instances of that name, in every pool.
    fn named(&self, name: &str) -> Result<Vec<String>, StageError> {
        let named = self.pools.iter().flat_map(|at| &at.instances);
        let named: Vec<_> = named
            .filter(|(instance, _)| *instance == name)
            .map(|(_, host)| format!("http://{host}"))
            .collect();
        match named.is_empty() {
            true => Err(StageError::NoSuchInstance(name.to_owned())),
            false => Ok(named),
        }
    }

    fn is_held(&self, name: &str) -> bool {
        self.shared.as_ref().is_some_and(|s| s.is_held(name))
    }

    /// The instances that nobody holds back.
    async fn running(&self, of: impl Fn(Pool) -> bool) -> Vec<(Pool, &'static str, SocketAddr)> {
        let mut running = Vec::new();
        for at in self.pools.iter().filter(|at| of(at.pool)) {
            for (name, host) in &at.instances {
                if let (false, Ok(address)) = (self.is_held(name), resolve(host).await) {
                    running.push((at.pool, *name, address));
                }
            }
        }
        running
    }

    /// Waits until each of these answers, or until none does.
    async fn until(&self, bases: &[String], answering: bool) -> Result<(), StageError> {
        let lab = self.lab_or_why()?;
        let waits = bases.iter().map(|base| {
            within(base, move || async move {
                let state = lab.state::<serde_json::Value>(base, STRIKE_LOOK * 10);
                state.await.is_ok() == answering
            })
        });
        try_join_all(waits).await.map(drop)
    }

    async fn kill(&self, name: &str) -> Result<bool, StageError> {
        let (bases, shared, lab) = (self.named(name)?, self.shared()?, self.lab_or_why()?);
        if shared.is_held(name) {
            return Ok(false);
        }
        shared.hold(name)?;
        // One that is dead already is as it should be.
        join_all(bases.iter().map(|base| lab.exit(base))).await;
        self.until(&bases, false).await?;
        Ok(true)
    }

    async fn start(&self, name: &str) -> Result<bool, StageError> {
        let (bases, shared) = (self.named(name)?, self.shared()?);
        if !shared.is_held(name) {
            return Ok(false);
        }
        shared.let_go(name)?;
        self.until(&bases, true).await?;
        Ok(true)
    }

    async fn strike_store(&self, stop: bool) -> Result<bool, StageError> {
        let why = "the board was not told where the stack's Redis is (--redis-url)";
        let url = self.redis_url.as_deref().ok_or_else(|| not_here(why))?;
        let shared = self.shared()?;
        if shared.is_held(STORE) == stop {
            return Ok(false);
        }
        if stop {
            shared.hold(STORE)?;
            redis_elsewhere::shut_down(url)
                .await
                .map_err(StageError::Failed)?;
        } else {
            shared.let_go(STORE)?;
        }
        let as_wanted = move || async move { redis_elsewhere::version(url).await.is_err() == stop };
        within("the store", as_wanted).await?;
        Ok(true)
    }

    async fn look_at(&self, at: &PoolAt) -> PoolView {
        let instances = at.instances.iter().map(async |(name, host)| {
            if self.is_held(name) {
                return InstanceView::unknown(name, InstanceState::Dead);
            }
            match &self.lab {
                Some(lab) => look::asking(name, &format!("http://{host}"), lab).await,
                None => InstanceView::unknown(name, InstanceState::Running),
            }
        });
        PoolView {
            pool: at.pool,
            instances: join_all(instances).await,
        }
    }

    async fn look_at_store(&self) -> Option<StoreView> {
        let url = self.redis_url.as_deref()?;
        let (state, what) = match redis_elsewhere::version(url).await {
            Ok(version) => (InstanceState::Running, format!("Redis {version}")),
            Err(_) if self.is_held(STORE) => (InstanceState::Dead, "Redis".to_owned()),
            Err(_) => (InstanceState::Silent, "Redis".to_owned()),
        };
        let not_ours = self
            .shared
            .is_none()
            .then(|| StageError::NotOurStore.to_string());
        Some(StoreView {
            state,
            what,
            not_ours,
        })
    }
}

#[async_trait::async_trait]
impl Stage for Stack {
    async fn address(&self, pool: Pool, way: &Way, _: usize) -> Result<SocketAddr, StageError> {
        let at = self.at(pool)?;
        let host = match way {
            Way::Turns => &at.turns,
            Way::Sticky => at.sticky.as_ref().ok_or_else(|| {
                not_here(&format!(
                    "the arm {} has no \"sticky\" address",
                    arm_of(pool)
                ))
            })?,
            Way::Direct(name) => {
                let found = at.instances.iter().find(|(instance, _)| instance == name);
                let (_, host) = found.ok_or_else(|| StageError::NoSuchInstance(name.clone()))?;
                host
            }
        };
        resolve(host).await
    }

    async fn look(&self) -> View {
        let pools = join_all(self.pools.iter().map(|at| self.look_at(at)));
        let (pools, store) = tokio::join!(pools, self.look_at_store());
        View {
            pools,
            store,
            cannot: vec!["freeze"],
        }
    }

    async fn act(&self, act: &Act) -> Result<bool, StageError> {
        match act {
            Act::Kill { instance } => self.kill(instance).await,
            Act::Start { instance } => self.start(instance).await,
            Act::Freeze { .. } | Act::Thaw { .. } => Err(not_here(
                "a container is frozen by its engine; `docker compose pause SERVICE` does it",
            )),
            Act::StopStore => self.strike_store(true).await,
            Act::StartStore => self.strike_store(false).await,
            Act::RotateKey { overlap } => {
                let verifiers = self.running(|pool| pool.lane() == Lane::Jwt).await;
                let verifiers: Vec<_> = verifiers.into_iter().map(|(.., at)| at).collect();
                let (keys, lab) = (&self.shared()?.keys, self.lab_or_why()?);
                keys.rotate(*overlap, lab, &verifiers).await?;
                Ok(true)
            }
            Act::SetRole { .. } | Act::SetDisabled { .. } => {
                let mut receptions = Vec::new();
                for (pool, _, at) in self.running(|_| true).await {
                    if receptions.last().is_none_or(|(last, _)| *last != pool) {
                        receptions.push((pool, at));
                    }
                }
                admin::change(act, (&self.client, self.lab_or_why()?), &receptions).await?;
                Ok(true)
            }
        }
    }

    fn lab(&self) -> Option<&Lab> {
        self.lab.as_ref()
    }
}

fn not_here(why: &str) -> StageError {
    StageError::NotHere(why.to_owned())
}
