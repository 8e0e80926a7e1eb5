//! A Sentinel: the process that watches a master and its replicas, and makes one of them the master
//! in its place.
//!
//! One is enough here (quorum 1): what is looked at is what a failover does to clients, not who
//! agrees to it.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::find::{self, Place, Surroundings};
use super::start::free_port;
use super::{Redis, RedisMissing, START_WAIT, talk};
use crate::child::Child;
use crate::cluster::Inner as Cluster;
use crate::error::Error;
use crate::protocol::Launch;

/// What it calls the master.
const NAME: &str = "store";

/// How long the replicas' own idea of their master may differ from the Sentinel's before it
/// corrects them: long enough for a replica that follows through a proxy.
const FAILOVER_TIMEOUT_MS: u32 = 60_000;

/// How often it looks round and makes itself heard, in milliseconds. By default these are 10 s and
/// 2 s, and a master that has become a replica is told so after the fourfold of the second. One
/// that does not know this command (Redis before 7.0) is as good, and slower.
const PERIODS: [&str; 4] = ["info-period", "1000", "publish-period", "500"];

/// How long a master may be silent before it is taken to be down.
const DOWN_AFTER_MS: u32 = 1_000;

/// A running Sentinel.
#[derive(Debug)]
pub struct Sentinel {
    child: Child,
    url: String,
}

impl Sentinel {
    /// Starts one that watches `master` and whoever replicates it.
    pub(crate) async fn start(cluster: &Cluster, master: &Redis) -> Result<Self, Error> {
        let not_started = |why: String| Error::DidNotStart {
            who: "redis-sentinel".to_owned(),
            why,
            exit_code: None,
            stderr: Vec::new(),
        };
        let found = find::find(&Surroundings::of_this_process()).await;
        let found = found.ok_or_else(|| not_started(RedisMissing::NotFound.to_string()))?;
        let (Place::Program(program), Some(watched)) = (&found.place, master.address()) else {
            return Err(not_started(format!(
                "only a program can be one, not a {}",
                found.how
            )));
        };
        let port = free_port().map_err(|error| not_started(error.to_string()))?;
        let folder = cluster.settings.work_dir.join(format!("sentinel-{port}"));
        let file = folder.join("sentinel.conf");
        // It rewrites this file as it goes: what it knows is there.
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndaemonize no\nloglevel warning\ndir \"{dir}\"\n\
             sentinel monitor {NAME} {host} {watched_port} 1\n\
             sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n\
             sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}\n",
            dir = folder.display(),
            host = watched.ip(),
            watched_port = watched.port(),
        );
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&file, text))
            .map_err(|error| not_started(error.to_string()))?;
        let args: [OsString; 4] = [
            "exec-watched".into(),
            program.into(),
            file.into(),
            "--sentinel".into(),
        ];
        let launch = Launch {
            program: cluster.settings.executable.clone().into(),
            args: args.into(),
            env: Vec::new(),
            speaks: false,
        };
        let sentinel = Self {
            child: cluster.child("redis", "sentinel", launch),
            url: format!("redis://{}:{port}/", Ipv4Addr::LOCALHOST),
        };
        let mut output = sentinel.child.launch().await?;
        let answers = async {
            while talk::server(&sentinel.url).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = answers => {}
            // It says nothing here, so this is its end.
            _ = output.recv() => return Err(sentinel.child.did_not_start("it ended").await),
            () = tokio::time::sleep(START_WAIT) => {
                return Err(sentinel.child.did_not_start("it does not answer PING").await);
            }
        }
        sentinel.child.serves();
        let mut command = ::redis::cmd("SENTINEL");
        command.arg("DEBUG").arg(&PERIODS[..]);
        if let Err(error) = talk::run::<()>(&sentinel.url, &command).await {
            tracing::debug!(%error, "this Sentinel takes its time");
        }
        Ok(sentinel)
    }

    /// How many replicas it knows of.
    pub async fn replicas(&self) -> Result<usize, Error> {
        let command = sentinel("REPLICAS");
        let replicas: Vec<::redis::Value> = talk::run(&self.url, &command).await?;
        Ok(replicas.len())
    }

    /// Has it make a replica the master now, although the master is well.
    pub async fn fail_over(&self) -> Result<(), Error> {
        Ok(talk::run(&self.url, &sentinel("FAILOVER")).await?)
    }

    /// Who the master is, as it says.
    pub async fn master(&self) -> Result<Option<SocketAddr>, Error> {
        let command = sentinel("GET-MASTER-ADDR-BY-NAME");
        let (host, port): (String, String) = talk::run(&self.url, &command).await?;
        Ok(format!("{host}:{port}").parse().ok())
    }

    /// SIGKILL; returns once it is reaped.
    pub async fn kill(&self) -> Result<(), Error> {
        self.child.kill().await
    }
}

fn sentinel(order: &str) -> ::redis::Cmd {
    let mut command = ::redis::cmd("SENTINEL");
    command.arg(order).arg(NAME);
    command
}
