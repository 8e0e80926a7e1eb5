//! Instances of one kind.

use std::ffi::OsString;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;

use crate::cluster::Inner as Cluster;
use crate::error::Error;
use crate::instance::{Instance, InstanceState};
use crate::link::lock;

/// Which instances a pool starts with.
#[derive(Debug, Clone)]
pub struct PoolSpec {
    /// Its name, e.g. `session-redis`.
    pub name: String,
    /// Its instances.
    pub instances: Vec<InstanceSpec>,
}

/// How one instance is started.
#[derive(Debug, Clone)]
pub struct InstanceSpec {
    /// Its name in the pool: `a`, `b`, …
    pub name: String,
    /// The subcommand and its flags. The cluster appends `--listen`, `--pool`, `--instance` and
    /// `--end-with-stdin`.
    pub args: Vec<OsString>,
    /// What its environment has beside this process's own.
    pub env: Vec<(OsString, OsString)>,
}

/// A running pool. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Pool {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    name: String,
    number: u64,
    cluster: Arc<Cluster>,
    instances: Mutex<Vec<Instance>>,
}

impl Pool {
    pub(crate) async fn start(cluster: Arc<Cluster>, spec: PoolSpec) -> Result<Self, Error> {
        let number = cluster.next_pool();
        let pool = Self {
            inner: Arc::new(Inner {
                name: spec.name,
                number,
                cluster,
                instances: Mutex::default(),
            }),
        };
        let instances: Vec<_> = spec
            .instances
            .into_iter()
            .map(|spec| Instance::new(&pool, spec))
            .collect();
        lock(&pool.inner.instances).clone_from(&instances);
        let started = join_all(instances.iter().map(Instance::launch)).await;
        if let Some(error) = started.into_iter().find_map(Result::err) {
            // Half a pool is of no use to anybody; the first error is the one to tell.
            let _ = pool.stop().await;
            return Err(error);
        }
        Ok(pool)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// All instances, dead ones included, in the order they were started in.
    pub fn instances(&self) -> Vec<Instance> {
        lock(&self.inner.instances).clone()
    }

    /// The instance of that name.
    pub fn instance(&self, name: &str) -> Option<Instance> {
        self.instances()
            .into_iter()
            .find(|instance| instance.name() == name)
    }

    /// Starts one more, waits until it is ready, and tells the balancers.
    pub async fn add(&self, spec: InstanceSpec) -> Result<Instance, Error> {
        if self.instance(&spec.name).is_some() {
            let who = format!("{}-{}", self.name(), spec.name);
            return Err(Error::AlreadyRunning { who });
        }
        let instance = Instance::new(self, spec);
        instance.launch().await?;
        lock(&self.inner.instances).push(instance.clone());
        self.inner.cluster.pool_changed(self).await?;
        Ok(instance)
    }

    /// Kills every instance that still runs; returns once all are reaped.
    pub async fn stop(&self) -> Result<(), Error> {
        let instances = self.instances();
        let running = instances
            .iter()
            .filter(|instance| instance.state() != InstanceState::Dead);
        let killed = join_all(running.map(Instance::kill)).await;
        for result in killed {
            match result {
                // It was quicker.
                Ok(()) | Err(Error::NotRunning { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(crate) fn number(&self) -> u64 {
        self.inner.number
    }

    pub(crate) fn cluster(&self) -> &Arc<Cluster> {
        &self.inner.cluster
    }
}
