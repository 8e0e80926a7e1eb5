//! What the processes of one arm have used so far, from the system's own books.

use anyhow::Context as _;
use cluster::{Pool, Redis, accounting};

/// The processes that a request of one arm occupies.
#[derive(Debug)]
pub struct Processes {
    servers: Vec<u32>,
    store: Option<Redis>,
    balancer: Option<u32>,
}

/// What they have used up to some moment, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    server_cpu_ns: u64,
    store_cpu_ns: Option<u64>,
    balancer_cpu_ns: Option<u64>,
    server_wait_ns: Option<u64>,
    store_wait_ns: Option<u64>,
    store_commands: Option<u64>,
}

/// What they used between two moments, each figure in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// CPU time of all instances.
    pub server_cpu_ns: u64,
    /// CPU time of the store.
    pub store_cpu_ns: Option<u64>,
    /// CPU time of the balancer, where requests went through it.
    pub balancer_cpu_ns: Option<u64>,
    /// Time the instances' threads waited for a core: a lower bound.
    pub server_wait_ns: Option<u64>,
    /// Time the store's threads did.
    pub store_wait_ns: Option<u64>,
    /// Commands that the store carried out.
    pub store_commands: Option<u64>,
}

impl Processes {
    /// Those of a pool, its store's if it asks one, and the balancer's if it stands behind one.
    ///
    /// # Errors
    /// When an instance has ended.
    pub fn of(
        pool: &Pool,
        store: Option<Redis>,
        balancer: Option<u32>,
    ) -> anyhow::Result<Processes> {
        let pids = pool.instances().into_iter().map(|instance| {
            let ended = || format!("{} has ended", instance.served_by());
            instance.pid().with_context(ended)
        });
        Ok(Processes {
            servers: pids.collect::<anyhow::Result<_>>()?,
            store,
            balancer,
        })
    }

    /// What they have used so far.
    ///
    /// # Errors
    /// When one has ended, or its clock cannot be read here.
    pub async fn used(&self) -> anyhow::Result<Used> {
        let store_commands = match &self.store {
            Some(redis) => Some(redis.commands().await?),
            None => None,
        };
        let store = match &self.store {
            Some(redis) => Some(redis.pid().context("the store has ended")?),
            None => None,
        };
        let cpu_ns = |pid: u32| {
            accounting::cpu_ns(pid).context("the CPU clock of a process cannot be read here")
        };
        // Where the system does not tell, there is no figure; that is no reason to stop.
        let wait_ns = |pid: u32| accounting::run_queue_ns(pid).ok();
        let servers = || self.servers.iter().copied();
        Ok(Used {
            server_cpu_ns: servers().map(cpu_ns).sum::<anyhow::Result<u64>>()?,
            store_cpu_ns: store.map(cpu_ns).transpose()?,
            balancer_cpu_ns: self.balancer.map(cpu_ns).transpose()?,
            server_wait_ns: servers().map(wait_ns).sum(),
            store_wait_ns: store.and_then(wait_ns),
            store_commands,
        })
    }

    /// Memory that they hold, in bytes.
    ///
    /// # Errors
    /// When one has ended.
    pub fn memory_bytes(&self) -> anyhow::Result<u64> {
        let store = self.store.as_ref().and_then(Redis::pid);
        let pids = self.servers.iter().copied().chain(store);
        let bytes = pids
            .map(accounting::memory_bytes)
            .sum::<std::io::Result<u64>>();
        bytes.context("the memory of a process cannot be read here")
    }
}

impl Used {
    /// What was used since an earlier moment.
    pub fn since(&self, earlier: &Used) -> Spent {
        let between = |now: Option<u64>, then: Option<u64>| {
            now.zip(then).map(|(now, then)| now.saturating_sub(then))
        };
        Spent {
            server_cpu_ns: self.server_cpu_ns.saturating_sub(earlier.server_cpu_ns),
            store_cpu_ns: between(self.store_cpu_ns, earlier.store_cpu_ns),
            balancer_cpu_ns: between(self.balancer_cpu_ns, earlier.balancer_cpu_ns),
            server_wait_ns: between(self.server_wait_ns, earlier.server_wait_ns),
            store_wait_ns: between(self.store_wait_ns, earlier.store_wait_ns),
            store_commands: between(self.store_commands, earlier.store_commands),
        }
    }
}
