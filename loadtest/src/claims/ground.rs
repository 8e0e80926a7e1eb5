//! What the claims stand on: one cluster, accounts, and the folder of Node scripts; here every side
//! is started, and everybody on it logged in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use cluster::{
    ArmSpec, Balancer, Cluster, ClusterSettings, InstanceSpec, Policy, PoolSpec, Redis, RedisChoice,
};

use super::standing::{Stand, Standing, distance};
use super::{Node, Program, Server, Side, Store, Trouble, figures};
use crate::failure::Failure;
use crate::pools::keygen;

const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// Logins behind a balancer: enough for a share, few enough to be quick.
const VISITORS: u32 = 21;

/// Instances behind a balancer, as the published set-ups have them.
const INSTANCES: [&str; 3] = ["a", "b", "c"];

/// What all claims stand on.
#[derive(Debug)]
pub struct Ground {
    cluster: Cluster,
    executable: PathBuf,
    accounts: PathBuf,
    scripts: PathBuf,
    redis_url: Option<String>,
    /// Dropped last: it removes the folder.
    work_dir: tempfile::TempDir,
}

impl Ground {
    /// Starts the supervisor and creates the accounts. `scripts` is the folder of Node scripts,
    /// which need not be there.
    ///
    /// # Errors
    /// When a Redis that was named does not answer, or a process does not come up.
    pub async fn raise(scripts: &Path, redis_url: Option<String>) -> anyhow::Result<Ground> {
        let executable = std::env::current_exe().context("cannot find this executable")?;
        let work_dir = tempfile::Builder::new().prefix("session-vs-jwt-").tempdir();
        let work_dir = work_dir.context("cannot create a folder for temporary files")?;
        let settings = ClusterSettings {
            executable: executable.clone(),
            work_dir: work_dir.path().to_owned(),
            health_interval: HEALTH_INTERVAL,
        };
        let cluster = Cluster::start(settings).await?;
        let accounts = work_dir.path().join("accounts.sqlite");
        app::users::create(&accounts, 256).await?;
        if redis_url.is_some() {
            let choice = RedisChoice {
                url: redis_url.clone(),
                tag: "claims".to_owned(),
            };
            cluster
                .redis(choice)
                .await
                .map_err(|missing| match missing.is_unreachable() {
                    true => Failure::Unreachable(missing.to_string()),
                    false => Failure::Usage(missing.to_string()),
                })?;
        }
        Ok(Ground {
            cluster,
            executable,
            accounts,
            scripts: std::path::absolute(scripts)?,
            redis_url,
            work_dir,
        })
    }

    /// Ends every process.
    ///
    /// # Errors
    /// When the supervisor does not end.
    pub async fn strike(self) -> anyhow::Result<()> {
        Ok(self.cluster.stop().await?)
    }

    /// Starts what a side needs.
    ///
    /// # Errors
    /// When something is missing on this machine, or does not come up.
    pub async fn set_up(&self, side: &Side) -> anyhow::Result<Standing> {
        Ok(match *side {
            Side::Asked(server, load, count) => {
                let stand = self.stand(&server, &INSTANCES[..1], None).await?;
                Standing::Asked(
                    Box::new(self.logged_in(stand, load.users).await?),
                    load,
                    count,
                )
            }
            Side::Script(script) => {
                let redis = self.redis(script.store).await?;
                let node = self.node(script.node)?;
                Standing::Script(self.executable.clone(), node, script, redis)
            }
            Side::Credential(server) => {
                let stand = self.stand(&server, &INSTANCES[..1], None).await?;
                let stand = self.logged_in(stand, 1).await?;
                Standing::Known(stand.logins[0].line_bytes() as f64)
            }
            Side::Quoted(bytes) => Standing::Known(bytes()? as f64),
            Side::Recognised(server, policy) => {
                let balancer = self.cluster.balancer().await?;
                let stand = self
                    .stand(&server, &INSTANCES, Some((&balancer, policy)))
                    .await?;
                let stand = self.logged_in(stand, VISITORS).await?;
                Standing::Recognised(Box::new(stand), balancer)
            }
        })
    }

    async fn logged_in(&self, mut stand: Stand, users: u32) -> anyhow::Result<Stand> {
        stand.logins = figures::log_in(stand.address, users).await?;
        Ok(stand)
    }

    async fn stand(
        &self,
        server: &Server,
        names: &[&str],
        front: Option<(&Balancer, Policy)>,
    ) -> anyhow::Result<Stand> {
        let redis = self.redis(server.store).await?;
        let distance = distance(server.store, redis.as_ref())?;
        let url = redis.as_ref().map(|redis| match &distance {
            Some(proxy) => format!("redis://{}/", proxy.address()),
            None => redis.url().to_owned(),
        });
        let args = self.args(server).await?;
        let instance = |name: &&str| InstanceSpec {
            name: (*name).to_owned(),
            args: args.clone(),
            env: url
                .iter()
                .map(|url| ("REDIS_URL".into(), url.into()))
                .collect(),
        };
        let spec = PoolSpec {
            name: "claims".to_owned(),
            instances: names.iter().map(instance).collect(),
        };
        let pool = self.cluster.pool(spec).await?;
        let instances = pool.instances();
        let address = match front {
            None => instances[0].address(),
            Some((balancer, policy)) => {
                let arm = "claims".to_owned();
                let spec = ArmSpec {
                    arm,
                    policy,
                    pool: &pool,
                    issuer: None,
                    address: None,
                };
                balancer.listen(spec).await?
            }
        };
        let pids = instances.iter().filter_map(|instance| instance.pid());
        let pids = pids.chain(redis.as_ref().and_then(Redis::pid)).collect();
        Ok(Stand {
            address,
            pids,
            logins: Vec::new(),
            pool,
            store: (redis, distance),
        })
    }

    /// How to start it: the subcommand or the script, and its flags.
    async fn args(&self, server: &Server) -> anyhow::Result<Vec<OsString>> {
        let flags = server.flags.iter().map(OsString::from);
        let accounts: [OsString; 2] = ["--accounts".into(), self.accounts.clone().into()];
        Ok(match server.program {
            Program::Ours if server.flags[0] == "claims-server" => flags.collect(),
            Program::Ours => flags.chain(accounts).collect(),
            Program::Jwt(alg) => {
                let keys = self.work_dir.path().join(format!("{alg}.json"));
                if !keys.exists() {
                    keygen(&self.executable, alg, "k1", &keys, None).await?;
                }
                let begin: [OsString; 3] = ["server-jwt".into(), "--keys".into(), keys.into()];
                begin.into_iter().chain(flags).chain(accounts).collect()
            }
            Program::Node(node) => {
                let script = self.scripts.join("server.js");
                let node = self.node(node)?;
                let begin: [OsString; 3] = ["exec-watched".into(), node.into(), script.into()];
                begin.into_iter().chain(flags).collect()
            }
        })
    }

    /// That Node, if it is installed.
    fn node(&self, node: Node) -> anyhow::Result<PathBuf> {
        let name = match node {
            Node::V20 => "node-20",
            Node::V24 => "node-24",
        };
        let path = self
            .scripts
            .join("node_modules")
            .join(name)
            .join("bin/node");
        if path.is_file() {
            return Ok(path);
        }
        Err(Trouble::NotRun(format!(
            "it needs {name} and the packages beside it; run `npm ci` in benches/claims/node, or \
             name that folder with --node"
        ))
        .into())
    }

    /// A store of its own, or the one that was named.
    async fn redis(&self, store: Store) -> anyhow::Result<Option<Redis>> {
        if store == Store::None {
            return Ok(None);
        }
        let choice = RedisChoice {
            url: self.redis_url.clone(),
            tag: "claims".to_owned(),
        };
        match self.cluster.redis(choice).await {
            Ok(redis) => Ok(Some(redis)),
            Err(missing) => Err(Trouble::NotRun(missing.to_string()).into()),
        }
    }
}
