//! An arm that is up, and how to address its instances.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use cluster::{Balancer, Instance, Pool, UpstreamHealth, UpstreamState};
use rand_pcg::Pcg64;
use tokio::time::{Instant, sleep};

use crate::arms::{Arm, Lifetime};
use crate::lab::Lab;
use crate::pools::{INSTANCES, Lives};

/// An arm that is up: its instances, its address, and what is needed to play on it.
#[derive(Debug)]
pub struct Scene {
    /// The arm.
    pub arm: &'static Arm,
    /// Its instances.
    pub pool: Pool,
    /// Where its balancer listens.
    pub balanced: String,
    /// How long its logins live.
    pub lives: Lives,
    /// The order of everything that has one.
    pub random: Pcg64,
    /// The way into its instances' `/lab`.
    pub lab: Lab,
    /// The balancer, to be asked what it thinks of the instances.
    pub balancer: Balancer,
    /// Its address there.
    pub address: SocketAddr,
}

/// How often the balancer is asked what it thinks.
const ASK_BALANCER: Duration = Duration::from_millis(20);

/// How long the balancer may take to see that instances are back.
const BALANCER_PATIENCE: Duration = Duration::from_secs(10);

impl Scene {
    /// The instance of that name.
    pub fn instance(&self, name: &str) -> Instance {
        self.pool
            .instance(name)
            .expect("every pool begins with a and b")
    }

    /// Where the instance of that name is asked directly.
    pub fn direct(&self, name: &str) -> String {
        base(self.instance(name).address())
    }

    /// Where the instance that calls itself so in `x-served-by` is asked directly.
    pub fn direct_to(&self, served_by: &str) -> String {
        self.direct(short(served_by))
    }

    /// Waits until the balancer sends requests to every instance.
    ///
    /// # Errors
    /// When it does not, although all are said to be up.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let end = Instant::now() + BALANCER_PATIENCE;
        loop {
            let state = self.balancer.state(self.address).await?;
            let up = |upstream: &UpstreamState| upstream.health == UpstreamHealth::Up;
            if state.upstreams.iter().all(up) {
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

    /// What ends a login of this scene by itself, leeway included.
    pub fn lifetime_ms(&self) -> Option<u64> {
        let lifetime_ms = match self.arm.properties.lifetime {
            Lifetime::None => return None,
            Lifetime::Session => self.lives.absolute_ms,
            Lifetime::AccessToken => self.lives.access_ms,
            Lifetime::TwoWeeks => 14 * 24 * 60 * 60 * 1_000,
        };
        Some(lifetime_ms + self.arm.properties.leeway_ms)
    }

    /// Ends its instances.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub async fn clear(self) -> anyhow::Result<()> {
        Ok(self.pool.stop().await?)
    }
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
