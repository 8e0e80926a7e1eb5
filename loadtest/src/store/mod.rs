//! A store of an arm's own, and a proxy before it: what the store events strike, so that no other
//! arm is in the way.
//!
//! [`strike`] takes it away under load and brings it back, [`people`] are those who try to write
//! meanwhile, [`truth`] holds what they were told against what the store holds, and [`yardstick`]
//! is how slow this machine is by itself. [`pair`] is a master with its replica.

pub mod pair;
pub mod people;
pub mod strike;
pub mod truth;
pub mod yardstick;

use anyhow::Context as _;
use cluster::{Cluster, Proxy, Redis};
use tokio::sync::{Mutex, MutexGuard};

/// Two arms whose cells assert times never strike at the same moment.
static STRIKES: Mutex<()> = Mutex::const_new(());

/// A Redis that is one arm's own, and a proxy through which its instances may reach it.
#[derive(Debug)]
pub struct Store {
    /// The Redis. It comes back with what it held.
    pub redis: Redis,
    /// A way to it that can be disturbed.
    pub proxy: Proxy,
}

impl Store {
    /// Starts one.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(cluster: &Cluster, tag: &str) -> anyhow::Result<Store> {
        let redis = cluster.keeping_redis(tag).await?;
        let address = redis.address().context("a Redis of ours has an address")?;
        let proxy = Proxy::to(address).context("cannot start a proxy")?;
        Ok(Store { redis, proxy })
    }

    /// Where instances find it: itself, or the proxy before it, which costs some time even if it
    /// does nothing.
    pub fn url(&self, through_proxy: bool) -> String {
        match through_proxy {
            true => format!("redis://{}/", self.proxy.address()),
            false => self.redis.url().to_owned(),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub async fn end(self) -> anyhow::Result<()> {
        Ok(self.redis.kill().await?)
    }
}

/// Whoever holds this is the only one on this run to strike.
pub async fn alone() -> MutexGuard<'static, ()> {
    STRIKES.lock().await
}
