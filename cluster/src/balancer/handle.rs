//! The balancer as the main process sees it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::control::{Answer, ArmState, Member, Order, Policy, Refusal, Reply, Request};
use crate::child::Child;
use crate::cluster::Inner as Cluster;
use crate::error::Error;
use crate::link::lock;
use crate::pool::Pool;
use crate::protocol::{self, Launch};

/// One address, and what is behind it.
#[derive(Debug, Clone)]
pub struct ArmSpec<'a> {
    /// The arm's name; it names the sticky cookie, `svj-lb-<arm>`.
    pub arm: String,
    /// How to pick.
    pub policy: Policy,
    /// From whom to pick. Two arms may share a pool.
    pub pool: &'a Pool,
    /// The instance that takes `/login` and `/token/refresh`, where not every one can.
    pub issuer: Option<String>,
    /// Where to listen; a free port on 127.0.0.1 if `None`.
    pub address: Option<SocketAddr>,
}

/// How long the balancer waits for what.
#[derive(Debug, Clone)]
pub struct BalancerSettings {
    /// How often it asks each instance whether it is ready.
    pub health_interval: Duration,
    /// How long a connection to an instance may take.
    pub connect_wait: Duration,
    /// How long an instance may take to begin its answer.
    pub answer_wait: Duration,
}

impl BalancerSettings {
    /// The usual waits: 1 s for a connection, 5 s for an answer.
    pub fn new(health_interval: Duration) -> Self {
        Self {
            health_interval,
            connect_wait: Duration::from_secs(1),
            answer_wait: Duration::from_secs(5),
        }
    }
}

/// A handle to a balancer process. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Balancer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    child: Child,
    next: AtomicU64,
    waiting: Arc<Waiting>,
    /// Held, so that a restarted instance still finds its pool and tells us its new port.
    pools: Mutex<HashMap<u64, Pool>>,
    /// Which pool an address picks from.
    arms: Mutex<HashMap<SocketAddr, u64>>,
    /// Through which other address an instance of a pool is reached.
    detours: Mutex<HashMap<(u64, String), SocketAddr>>,
}

type Waiting = Mutex<HashMap<u64, oneshot::Sender<Result<Answer, Refusal>>>>;

impl Balancer {
    pub(crate) async fn start(
        cluster: &Cluster,
        settings: BalancerSettings,
    ) -> Result<Self, Error> {
        let launch = Launch {
            program: cluster.settings.executable.clone().into(),
            args: vec![OsString::from("balancer")],
            env: Vec::new(),
            speaks: true,
        };
        let child = cluster.child("balancer", "balancer", launch);
        let said = child.launch().await?;
        let waiting = Arc::new(Waiting::default());
        tokio::spawn(hear(said, Arc::clone(&waiting)));
        let balancer = Self {
            inner: Arc::new(Inner {
                child,
                next: AtomicU64::new(1),
                waiting,
                pools: Mutex::default(),
                arms: Mutex::default(),
                detours: Mutex::default(),
            }),
        };
        let settings = Order::Settings {
            health_interval: settings.health_interval,
            connect_wait: settings.connect_wait,
            answer_wait: settings.answer_wait,
        };
        if let Err(error) = balancer.request(settings).await {
            return Err(balancer.inner.child.did_not_start(&error.to_string()).await);
        }
        balancer.inner.child.serves();
        Ok(balancer)
    }

    /// Opens an arm's address and returns it once requests are served there.
    pub async fn listen(&self, arm: ArmSpec<'_>) -> Result<SocketAddr, Error> {
        self.update(arm.pool).await?;
        let address = arm.address.unwrap_or(([127, 0, 0, 1], 0).into());
        let order = Order::Listen {
            arm: arm.arm,
            policy: arm.policy,
            pool: arm.pool.number(),
            issuer: arm.issuer,
            address,
        };
        match self.request(order).await? {
            Ok(Answer::Listening(address)) => {
                lock(&self.inner.arms).insert(address, arm.pool.number());
                Ok(address)
            }
            Err(Refusal::CannotListen(why)) => Err(Error::CannotListen { address, why }),
            other => Err(unexpected(other)),
        }
    }

    /// Tells the balancer which instances a pool has and where; returns once it has asked those
    /// that are new whether they are ready. The cluster does so itself whenever an instance is
    /// started or added.
    pub async fn update(&self, pool: &Pool) -> Result<(), Error> {
        lock(&self.inner.pools).insert(pool.number(), pool.clone());
        let instances = pool.instances();
        let detours = lock(&self.inner.detours).clone();
        let members = instances.iter().map(|instance| {
            let name = instance.name().to_owned();
            let detour = detours.get(&(pool.number(), name.clone()));
            Member {
                name,
                address: detour.copied().unwrap_or_else(|| instance.address()),
            }
        });
        let order = Order::Pool {
            pool: pool.number(),
            name: pool.name().to_owned(),
            members: members.collect(),
        };
        self.done(order).await
    }

    /// Reaches an instance through another address from now on, such as that of a proxy
    /// before it, or straight again. Returns once the balancer has asked there whether it is ready.
    pub async fn detour(
        &self,
        pool: &Pool,
        instance: &str,
        through: Option<SocketAddr>,
    ) -> Result<(), Error> {
        let member = (pool.number(), instance.to_owned());
        {
            let mut detours = lock(&self.inner.detours);
            match through {
                Some(address) => detours.insert(member, address),
                None => detours.remove(&member),
            };
        }
        self.update(pool).await
    }

    /// What the balancer counts and thinks at one of its addresses.
    pub async fn state(&self, address: SocketAddr) -> Result<ArmState, Error> {
        match self.request(Order::State { address }).await? {
            Ok(Answer::State(state)) => Ok(state),
            other => Err(unexpected(other)),
        }
    }

    /// Closes one of its addresses. Requests that are under way there still get their answers. A
    /// pool without an address is forgotten.
    pub async fn close(&self, address: SocketAddr) -> Result<(), Error> {
        let pool = lock(&self.inner.arms).remove(&address);
        let arms: Vec<u64> = lock(&self.inner.arms).values().copied().collect();
        if let Some(pool) = pool.filter(|pool| !arms.contains(pool)) {
            lock(&self.inner.pools).remove(&pool);
        }
        self.done(Order::Close { address }).await
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.inner.child.pid()
    }

    /// The last lines it wrote to standard error.
    pub async fn stderr(&self) -> Result<Vec<String>, Error> {
        self.inner.child.stderr().await
    }

    pub(crate) fn downgrade(&self) -> Weak<Inner> {
        Arc::downgrade(&self.inner)
    }

    pub(crate) fn upgrade(inner: &Weak<Inner>) -> Option<Self> {
        inner.upgrade().map(|inner| Self { inner })
    }

    pub(crate) fn picks_from(&self, pool: u64) -> bool {
        lock(&self.inner.pools).contains_key(&pool)
    }

    async fn done(&self, order: Order) -> Result<(), Error> {
        match self.request(order).await? {
            Ok(Answer::Done) => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    async fn request(&self, order: Order) -> Result<Result<Answer, Refusal>, Error> {
        let id = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        lock(&self.inner.waiting).insert(id, answered);
        let mut line = protocol::line(&Request { id, order });
        line.pop();
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Err(error) = self.inner.child.tell(line).await {
            lock(&self.inner.waiting).remove(&id);
            return Err(error);
        }
        // A balancer that ends drops every sender.
        let who = || self.inner.child.who();
        answer.await.map_err(|_| Error::NotRunning { who: who() })
    }
}

fn unexpected(answer: Result<Answer, Refusal>) -> Error {
    Error::Balancer(match answer {
        Err(Refusal::Unknown(why) | Refusal::CannotListen(why)) => why,
        Ok(answer) => format!("it answered {answer:?}"),
    })
}

async fn hear(mut said: mpsc::UnboundedReceiver<String>, waiting: Arc<Waiting>) {
    while let Some(line) = said.recv().await {
        match protocol::parse(&line) {
            Ok(Reply { id, answer }) => {
                if let Some(waiting) = lock(&waiting).remove(&id) {
                    // Whoever asked may have stopped waiting.
                    let _ = waiting.send(answer);
                }
            }
            Err(error) => tracing::error!(%error, "the balancer said something else"),
        }
    }
    lock(&waiting).clear();
}
