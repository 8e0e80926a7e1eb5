//! A master with its replica, and the Sentinel that has them change places.

use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::{Proxy, Redis, Sentinel};
use tokio::time::{Instant, sleep};

use super::Store;
use crate::crowd::Company;

/// How long replica and Sentinel may take for one step: a Sentinel that believes its machine to be
/// hanging does nothing for half a minute.
const STEP: Duration = Duration::from_secs(90);

/// How often it is asked whether it is done.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A master, its replica, and the Sentinel that watches them.
#[derive(Debug)]
pub struct Pair<'a> {
    /// The master, at the arm's store.
    pub store: &'a Store,
    /// Its replica.
    pub replica: Redis,
    /// The way on which the replica hears from its master.
    pub link: Proxy,
    sentinel: Sentinel,
}

impl Pair<'_> {
    /// Gives the arm's store a replica, and both a Sentinel.
    ///
    /// # Errors
    /// When one of them does not come up, or does not hear from the other.
    pub async fn form(company: &Company) -> anyhow::Result<Pair<'_>> {
        let store = company.scene.store.as_ref();
        let store = store.context("this arm has no store of its own")?;
        let rig = company.site.rig().context("no cluster of our own")?;
        let master = store.redis.address().context("it is ours")?;
        let link = Proxy::to(master)?;
        let tag = format!("{}-replica", company.scene.arm.name);
        let replica = rig.cluster().keeping_redis(&tag).await?;
        for redis in [&store.redis, &replica] {
            // Otherwise a new replica waits five seconds for others to come along.
            redis.configure("repl-diskless-sync-delay", "0").await?;
        }
        replica.follow(link.address()).await?;
        until("the replica has everything", async || {
            follows(&replica, &store.redis).await
        })
        .await?;
        let sentinel = rig.cluster().sentinel(&store.redis).await?;
        until("the Sentinel knows the replica", async || {
            Ok(sentinel.replicas().await? == 1)
        })
        .await?;
        Ok(Pair {
            store,
            replica,
            link,
            sentinel,
        })
    }

    /// The replica becomes the master, and the old master its replica.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn turn_over(&self) -> anyhow::Result<()> {
        until("the Sentinel begins", async || {
            // It first wants to have heard from the replica itself.
            Ok(self.sentinel.fail_over().await.is_ok())
        })
        .await?;
        until("the replica is the master", async || {
            Ok(self.sentinel.master().await? == self.replica.address())
        })
        .await?;
        until("the old master follows", async || {
            is(&self.store.redis, "role", "slave").await
        })
        .await
    }

    /// Ends Sentinel and replica.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub async fn end(self) -> anyhow::Result<()> {
        self.sentinel.kill().await?;
        Ok(self.replica.kill().await?)
    }
}

/// Whether a replica holds what its master holds.
async fn follows(replica: &Redis, master: &Redis) -> anyhow::Result<bool> {
    let (here, there) = tokio::try_join!(master.keys("*"), replica.keys("*"))?;
    Ok(is(replica, "master_link_status", "up").await? && here.len() == there.len())
}

async fn is(redis: &Redis, field: &str, value: &str) -> anyhow::Result<bool> {
    let info = redis.info("replication").await?;
    Ok(info.get(field).is_some_and(|said| said == value))
}

async fn until(
    what: &str,
    mut is_so: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let end = Instant::now() + STEP;
    loop {
        let result = is_so().await;
        if matches!(result, Ok(true)) {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("{what}: not within {STEP:?} ({result:?})");
        }
        sleep(ASK_AGAIN).await;
    }
}
