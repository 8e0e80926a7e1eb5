//! One side of a set-up that is up and can be measured.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use cluster::{Balancer, Fault, Pool, Proxy, Redis};
use tokio::process::Command;

use super::figures::{self, Login};
use super::{Count, Load, Script, Store};

/// What a script may take beside its measured time: Node's start, and its own warm-up.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(60);

/// A side that can be measured.
#[derive(Debug)]
pub enum Standing {
    /// A server that answers.
    Asked(Box<Stand>, Load, Count),
    /// A script, with the store that it needs.
    Script(PathBuf, PathBuf, Script, Option<Redis>),
    /// A figure that is known once and for all.
    Known(f64),
    /// A balancer before instances.
    Recognised(Box<Stand>, Balancer),
}

/// A pool with everybody logged in.
#[derive(Debug)]
pub struct Stand {
    /// Where it is asked.
    pub address: SocketAddr,
    /// The processes whose CPU time counts: its instances, and its store where that is ours.
    pub pids: Vec<u32>,
    /// Who is logged in.
    pub logins: Vec<Login>,
    /// Its instances.
    pub pool: Pool,
    /// Its store, and what makes it a far one; both end with it.
    pub store: (Option<Redis>, Option<Proxy>),
}

impl Standing {
    /// One figure of this side.
    ///
    /// # Errors
    /// When what was measured must not be shown.
    pub async fn figure(&self, turn: Duration, seed: u64) -> anyhow::Result<f64> {
        match self {
            Standing::Asked(stand, load, count) => {
                let server = (stand.address, &stand.pids[..]);
                figures::asked(server, &stand.logins, (*load, *count), (turn, seed)).await
            }
            Standing::Script(executable, node, script, redis) => {
                let scripts = node.ancestors().nth(4).context("a folder of scripts")?;
                let mut command = Command::new(executable);
                command
                    .arg("exec-watched")
                    .arg(node)
                    .arg(scripts.join(script.args[0]));
                command
                    .args(&script.args[1..])
                    .arg(turn.as_secs_f64().ceil().to_string());
                command.args(redis.as_ref().map(Redis::url));
                figures::printed(command, turn + SCRIPT_PATIENCE).await
            }
            Standing::Known(figure) => Ok(*figure),
            Standing::Recognised(stand, _) => {
                figures::recognised(stand.address, &stand.logins, seed).await
            }
        }
    }

    /// Ends what was started.
    ///
    /// # Errors
    /// When a process does not end.
    pub async fn down(self) -> anyhow::Result<()> {
        if let Standing::Asked(stand, ..) | Standing::Recognised(stand, _) = self {
            stand.pool.stop().await?;
        }
        Ok(())
    }
}

/// What makes the store a far one, where that is asked for.
pub fn distance(store: Store, redis: Option<&Redis>) -> anyhow::Result<Option<Proxy>> {
    let (Store::Away(round_trip_ms), Some(redis)) = (store, redis) else {
        return Ok(None);
    };
    let address = redis
        .url()
        .trim_start_matches("redis://")
        .trim_end_matches('/');
    let address = address.parse().context(
        "a store at a distance must be named by address and port; leave --redis-url out",
    )?;
    let proxy = Proxy::to(address)?;
    let way = Duration::from_micros(round_trip_ms * 500);
    proxy.set(Fault::Delay {
        there: way,
        back: way,
    });
    Ok(Some(proxy))
}
