//! An arm that is up, and how to address its instances.
//!
//! What stands behind it is a pool of this run's own cluster, or a target that somebody else has
//! started. Events ask the scene and need not know which; what a target cannot do is found out
//! before an event is played ([`crate::site::Site::cannot_play`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::{
    Balancer, Instance, InstanceSpec, InstanceState, Pool, UpstreamHealth, UpstreamState,
};
use rand_pcg::Pcg64;
use tokio::time::{Instant, sleep};

use crate::arms::{Arm, Lifetime};
use crate::interface::Interface;
use crate::keys::KeyFiles;
use crate::lab::Lab;
use crate::pools::{INSTANCES, Lives};
use crate::rig;
use crate::store::Store;
use crate::target::wait;

/// An arm that is up: its instances, its address, and what is needed to play on it.
#[derive(Debug)]
pub struct Scene {
    /// The arm.
    pub arm: &'static Arm,
    /// What stands behind it.
    pub standing: Standing,
    /// Where its balancer listens.
    pub balanced: String,
    /// How long its logins live.
    pub lives: Lives,
    /// The order of everything that has one.
    pub random: Pcg64,
    /// The way into its instances' `/lab`, if there is one.
    pub lab: Option<Lab>,
    /// How it is asked.
    pub interface: Arc<Interface>,
    /// Its store, if it needs one and it is its own.
    pub store: Option<Store>,
    /// What only whoever has started it has; a target keeps it to itself.
    pub backstage: Option<Backstage>,
}

/// What is behind an arm that this run has started, beside its processes.
#[derive(Debug)]
pub struct Backstage {
    /// The key files of its instances, where there are keys.
    pub keys: Option<KeyFiles>,
    /// One more instance, not started yet.
    pub one_more: InstanceSpec,
}

/// What stands behind an arm.
#[derive(Debug)]
pub enum Standing {
    /// Processes of this run.
    Cluster {
        /// Its instances.
        pool: Pool,
        /// The balancer, to be asked what it thinks of the instances.
        balancer: Balancer,
        /// Its address there.
        address: SocketAddr,
    },
    /// What somebody else has started.
    Target(Addresses),
}

/// Where a target's arm is asked, as beginnings of URLs.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The balancer.
    pub balanced: String,
    /// The instances, in the order of their names.
    pub instances: [String; 2],
}

/// How often the balancer is asked what it thinks.
const ASK_BALANCER: Duration = Duration::from_millis(20);

/// How long the balancer may take to see that instances are back.
const BALANCER_PATIENCE: Duration = Duration::from_secs(10);

impl Scene {
    /// The process of that name, where it is this run's own.
    pub fn instance(&self, name: &str) -> Option<Instance> {
        match &self.standing {
            Standing::Cluster { pool, .. } => pool.instance(name),
            Standing::Target(_) => None,
        }
    }

    /// Where the instance of that name is asked directly.
    pub fn direct(&self, name: &str) -> String {
        match &self.standing {
            Standing::Cluster { pool, .. } => {
                let instance = pool.instance(name);
                base(instance.expect("every pool begins with a and b").address())
            }
            Standing::Target(addresses) => {
                let [a, b] = &addresses.instances;
                if name == INSTANCES[0] { a } else { b }.clone()
            }
        }
    }

    /// Where the instance that calls itself so in `x-served-by` is asked directly.
    pub fn direct_to(&self, served_by: &str) -> String {
        self.direct(short(served_by))
    }

    /// What the instance of that name calls itself.
    pub fn served_by(&self, name: &str) -> String {
        format!("{}-{name}", self.arm.pool)
    }

    /// Whether the instance of that name is up; a target's is, but while somebody waits for it.
    pub fn is_running(&self, name: &str) -> bool {
        self.instance(name)
            .is_none_or(|instance| instance.state() == InstanceState::Running)
    }

    /// Whether instances that end are started again by somebody else.
    pub fn restarts_by_itself(&self) -> bool {
        matches!(self.standing, Standing::Target(_))
    }

    /// Whether its accounts are still there after the run, and will be asked again.
    pub fn outlives_the_run(&self) -> bool {
        matches!(self.standing, Standing::Target(_))
    }

    /// Ends an instance without warning: with SIGKILL, or, on a target, by asking it to exit at
    /// once. Returns when it is gone.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn kill(&self, name: &str) -> anyhow::Result<()> {
        match self.instance(name) {
            Some(instance) => Ok(instance.kill().await?),
            None => wait::until_gone(self.lab()?, &self.direct(name)).await,
        }
    }

    /// Starts an instance again, or waits until somebody else has.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(&self, name: &str) -> anyhow::Result<()> {
        match self.instance(name) {
            Some(instance) => Ok(instance.start().await?),
            None => wait::until_back(&self.interface, &self.direct(name)).await,
        }
    }

    /// How long after a change the balancer must have seen it.
    pub fn seen_by_balancer(&self) -> Duration {
        match self.standing {
            Standing::Cluster { .. } => rig::SEEN_BY_BALANCER,
            Standing::Target(_) => wait::SEEN_BY_BALANCER,
        }
    }

    /// Waits until the balancer sends requests to every instance.
    ///
    /// # Errors
    /// When it does not, although all are said to be up.
    pub async fn settled(&self) -> anyhow::Result<()> {
        match &self.standing {
            Standing::Cluster {
                balancer, address, ..
            } => seen_up(balancer, *address).await,
            Standing::Target(addresses) => {
                wait::until_settled(&self.interface, addresses, self.arm).await
            }
        }
    }

    /// Waits until the balancer does not send requests to the instance of that name any more.
    ///
    /// # Errors
    /// When it goes on doing so.
    pub async fn seen_down(&self, name: &str) -> anyhow::Result<()> {
        let Standing::Cluster {
            balancer, address, ..
        } = &self.standing
        else {
            bail!("only this run's own balancer can be asked what it thinks");
        };
        wait_until(balancer, *address, |upstreams| {
            let mut named = upstreams
                .iter()
                .filter(|upstream| upstream.instance == name);
            named.all(|upstream| upstream.health == UpstreamHealth::Down)
        })
        .await
    }

    /// The instances that can log somebody in, by their names.
    pub fn takers(&self) -> impl Iterator<Item = &'static str> {
        let properties = &self.arm.properties;
        INSTANCES
            .into_iter()
            .filter(move |name| properties.can_issue(name))
    }

    /// The way into the lab.
    ///
    /// # Errors
    /// When there is none.
    pub fn lab(&self) -> anyhow::Result<&Lab> {
        self.lab.as_ref().context("there is no way into the lab")
    }

    /// What ends a login of this scene by itself, leeway included.
    pub fn lifetime_ms(&self) -> Option<u64> {
        lifetime_ms(self.arm, self.lives)
    }

    /// Ends its instances, if they are this run's own.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub async fn clear(self) -> anyhow::Result<()> {
        if let Standing::Cluster { pool, .. } = &self.standing {
            pool.stop().await?;
        }
        match self.store {
            Some(store) => store.end().await,
            None => Ok(()),
        }
    }
}

async fn seen_up(balancer: &Balancer, address: SocketAddr) -> anyhow::Result<()> {
    wait_until(balancer, address, |upstreams| {
        let up = |upstream: &UpstreamState| upstream.health == UpstreamHealth::Up;
        upstreams.iter().all(up)
    })
    .await
}

async fn wait_until(
    balancer: &Balancer,
    address: SocketAddr,
    wanted: impl Fn(&[UpstreamState]) -> bool,
) -> anyhow::Result<()> {
    let end = Instant::now() + BALANCER_PATIENCE;
    loop {
        let state = balancer.state(address).await?;
        if wanted(&state.upstreams) {
            return Ok(());
        }
        if Instant::now() > end {
            bail!(
                "the balancer sees after {BALANCER_PATIENCE:?}: {:?}",
                state.upstreams
            );
        }
        sleep(ASK_BALANCER).await;
    }
}

/// What ends a login of `arm` by itself, leeway included.
pub fn lifetime_ms(arm: &Arm, lives: Lives) -> Option<u64> {
    let lifetime_ms = match arm.properties.lifetime {
        Lifetime::None => return None,
        Lifetime::Session => lives.absolute_ms,
        Lifetime::AccessToken => lives.access_ms,
        Lifetime::TwoWeeks => 14 * 24 * 60 * 60 * 1_000,
    };
    Some(lifetime_ms + arm.properties.leeway_ms)
}

/// `a` of `<pool>-a`.
pub fn short(served_by: &str) -> &str {
    served_by.rsplit('-').next().unwrap_or(served_by)
}

/// The other one of a pool's two instances.
pub fn other(name: &str) -> &'static str {
    if name == INSTANCES[0] {
        INSTANCES[1]
    } else {
        INSTANCES[0]
    }
}

/// The address as the beginning of a URL.
pub fn base(address: SocketAddr) -> String {
    format!("http://{address}")
}
