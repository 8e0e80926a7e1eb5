//! What the processes of one arm have used so far, from the system's own books or, of servers that
//! somebody else has started, from what they say.

use anyhow::Context as _;
use cluster::{Pool, Redis, accounting};

use super::stated::Stated;

/// Who says what was used.
#[derive(Debug)]
pub enum Clocks {
    /// The system, of processes of our own.
    Read(Processes),
    /// They themselves.
    Stated(Stated),
}

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
    pub(super) server_cpu_ns: u64,
    pub(super) store_cpu_ns: Option<u64>,
    pub(super) balancer_cpu_ns: Option<u64>,
    pub(super) server_wait_ns: Option<u64>,
    pub(super) store_wait_ns: Option<u64>,
    pub(super) store_commands: Option<u64>,
}

/// Memory that the processes hold, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// That of all instances.
    pub server_bytes: u64,
    /// That of the store.
    pub store_bytes: Option<u64>,
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

impl Clocks {
    /// What was used so far.
    ///
    /// # Errors
    /// When a process has ended, or nobody says what it used.
    pub async fn used(&self) -> anyhow::Result<Used> {
        match self {
            Self::Read(processes) => processes.used().await,
            Self::Stated(stated) => stated.used().await,
        }
    }
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

    /// Memory that they hold.
    ///
    /// # Errors
    /// When one has ended.
    pub fn memory(&self) -> anyhow::Result<Held> {
        let of = |pids: &[u32]| {
            let bytes = pids.iter().map(|pid| accounting::memory_bytes(*pid));
            bytes
                .sum::<std::io::Result<u64>>()
                .context("the memory of a process cannot be read here")
        };
        let store = match &self.store {
            Some(redis) => Some(of(&[redis.pid().context("the store has ended")?])?),
            None => None,
        };
        Ok(Held {
            server_bytes: of(&self.servers)?,
            store_bytes: store,
        })
    }
}

impl Used {
    /// What was used since an earlier moment.
    ///
    /// # Errors
    /// When a count is lower than it was: a process was started anew in between.
    pub fn since(&self, earlier: &Used) -> anyhow::Result<Spent> {
        let since = |now: u64, then: u64| {
            let spent = now.checked_sub(then);
            spent.context("a server or the store was started anew while it was measured")
        };
        let between = |now: Option<u64>, then: Option<u64>| {
            now.zip(then)
                .map(|(now, then)| since(now, then))
                .transpose()
        };
        Ok(Spent {
            server_cpu_ns: since(self.server_cpu_ns, earlier.server_cpu_ns)?,
            store_cpu_ns: between(self.store_cpu_ns, earlier.store_cpu_ns)?,
            balancer_cpu_ns: between(self.balancer_cpu_ns, earlier.balancer_cpu_ns)?,
            // Threads that ended take their waiting with them.
            server_wait_ns: self.server_wait_ns.zip(earlier.server_wait_ns).map(less),
            store_wait_ns: self.store_wait_ns.zip(earlier.store_wait_ns).map(less),
            store_commands: between(self.store_commands, earlier.store_commands)?,
        })
    }
}

/// The first less the second, or nothing.
fn less((now, then): (u64, u64)) -> u64 {
    now.saturating_sub(then)
}
