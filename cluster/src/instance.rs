//! One server process.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use crate::child::Child;
use crate::error::Error;
use crate::link::lock;
use crate::pool::{Inner as PoolInner, InstanceSpec, Pool};
use crate::probe;
use crate::protocol::Launch;

/// How long an instance may take to say where it listens, and again to be ready. Normally both
/// take a few milliseconds; a machine that is busy building takes longer.
const START_WAIT: Duration = Duration::from_secs(30);
/// How long one question for readiness may take.
const PROBE_WAIT: Duration = Duration::from_secs(1);
/// How long to wait before asking again.
const PROBE_PAUSE: Duration = Duration::from_millis(5);

/// Whether a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceState {
    /// It runs.
    Running,
    /// It was stopped with SIGSTOP and does nothing until it is thawed.
    Frozen,
    /// It has ended, asked or unasked.
    Dead,
}

/// A handle to one instance, through all its lives.
#[derive(Debug, Clone)]
pub struct Instance {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    child: Child,
    served_by: String,
    address: Mutex<SocketAddr>,
    pool: Weak<PoolInner>,
}

impl Instance {
    pub(crate) fn new(pool: &Pool, spec: InstanceSpec) -> Self {
        let cluster = pool.cluster();
        let mut args = spec.args;
        let own = [
            "--listen",
            "127.0.0.1:0",
            "--pool",
            pool.name(),
            "--instance",
            &spec.name,
            "--end-with-stdin",
        ];
        args.extend(own.map(OsString::from));
        let launch = Launch {
            program: cluster.settings.executable.clone().into(),
            args,
            env: spec.env,
            speaks: true,
        };
        Self {
            inner: Arc::new(Inner {
                child: cluster.child(pool.name(), &spec.name, launch),
                served_by: format!("{}-{}", pool.name(), spec.name),
                address: Mutex::new(SocketAddr::from(([127, 0, 0, 1], 0))),
                pool: Arc::downgrade(&pool.inner),
            }),
        }
    }

    /// Its name in the pool.
    pub fn name(&self) -> &str {
        self.inner.child.name()
    }

    /// What it says in `x-served-by`: pool and name.
    pub fn served_by(&self) -> String {
        self.inner.served_by.clone()
    }

    /// Where it listens; its last address while it is dead.
    pub fn address(&self) -> SocketAddr {
        *lock(&self.inner.address)
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.inner.child.pid()
    }

    /// Whether it runs.
    pub fn state(&self) -> InstanceState {
        self.inner.child.state()
    }

    /// The last lines it wrote to standard error, in this life or, if dead, in its last one.
    pub async fn stderr(&self) -> Result<Vec<String>, Error> {
        self.inner.child.stderr().await
    }

    /// SIGKILL; returns once it is reaped. The balancer is not told: it has to find out.
    pub async fn kill(&self) -> Result<(), Error> {
        self.inner.child.kill().await
    }

    /// SIGSTOP.
    pub async fn freeze(&self) -> Result<(), Error> {
        self.inner.child.freeze().await
    }

    /// SIGCONT.
    pub async fn thaw(&self) -> Result<(), Error> {
        self.inner.child.thaw().await
    }

    /// SIGTERM: it drains. Returns once it has ended; a frozen one is thawed first.
    pub async fn terminate(&self) -> Result<(), Error> {
        self.inner.child.terminate().await
    }

    /// Starts it again after its end, on a port that may be new; returns once it is ready and the
    /// balancers know the port.
    pub async fn start(&self) -> Result<(), Error> {
        self.launch().await?;
        match self.inner.pool.upgrade() {
            Some(inner) => {
                let pool = Pool { inner };
                pool.cluster().pool_changed(&pool).await
            }
            // Nobody holds the pool any more, so nobody balances over it by this handle.
            None => Ok(()),
        }
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + START_WAIT;
        while Instant::now() < deadline {
            let readiness = probe::ready(self.address(), PROBE_WAIT).await;
            if readiness.is_some_and(|readiness| readiness.status == StatusCode::OK) {
                return Ok(());
            }
            if self.state() == InstanceState::Dead {
                return Err(Error::NotRunning {
                    who: self.served_by(),
                });
            }
            tokio::time::sleep(PROBE_PAUSE).await;
        }
        Err(Error::NotReady {
            who: self.served_by(),
            waited: START_WAIT,
        })
    }

    /// Starts it and waits until it is ready. The balancers are not told.
    pub(crate) async fn launch(&self) -> Result<(), Error> {
        let child = &self.inner.child;
        let mut said = child.launch().await?;
        let address = match tokio::time::timeout(START_WAIT, said.recv()).await {
            Ok(Some(line)) => match address_in(&line) {
                Some(address) => address,
                None => {
                    let why = format!("it said {line:?} instead of `LISTENING ADDRESS`");
                    return Err(child.did_not_start(&why).await);
                }
            },
            Ok(None) => return Err(child.did_not_start("it closed its output").await),
            Err(_) => {
                return Err(child
                    .did_not_start("it does not say where it listens")
                    .await);
            }
        };
        *lock(&self.inner.address) = address;
        if let Err(error) = self.ready().await {
            return Err(child.did_not_start(&error.to_string()).await);
        }
        child.serves();
        Ok(())
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("LISTENING ")?.trim().parse().ok()
}
