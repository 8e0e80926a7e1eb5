//! The rig of a run: one cluster with its balancer, its accounts and, if there is one, its Redis;
//! on it, arms are set up as [`Scene`]s, one after the other or side by side.
//!
//! Long because what a run stands on is started in one place.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use cluster::{
    ArmSpec, Balancer, Cluster, ClusterSettings, Crash, Policy, Pool, Redis, RedisChoice,
    STICKY_COOKIE_PREFIX,
};
use rand::SeedableRng as _;
use rand_pcg::Pcg64;

use crate::arms::{Arm, Server};
use crate::events::Needs;
use crate::failure::Failure;
use crate::interface::Interface;
use crate::lab::Lab;
use crate::pools::{INSTANCES, Lives, Premises};
use crate::run::Footing;
use crate::scene::{Backstage, Scene, Standing, base};
use crate::store::Store;
use crate::visitors::Users;

/// How often the balancer asks whether an instance is ready. In a matrix many arms wait for it.
const HEALTH_INTERVAL: Duration = Duration::from_millis(200);

/// How long after a change the balancer must have seen it: two checks, and one for good measure.
pub const SEEN_BY_BALANCER: Duration = Duration::from_millis(3 * 200);

/// What a run stands on.
#[derive(Debug)]
pub struct Rig {
    cluster: Cluster,
    balancer: Balancer,
    premises: Premises,
    redis: Result<Redis, String>,
    seed: u64,
    tags: AtomicU32,
    /// The users of the run.
    pub users: Users,
    accounts: app::users::Users,
    /// Dropped last: it removes the folder.
    work_dir: tempfile::TempDir,
}

/// An address of the balancer's.
#[derive(Debug, Clone)]
pub struct Front {
    /// Where it is.
    pub address: SocketAddr,
    /// What it is called there.
    name: String,
}

impl Front {
    /// What a visitor sends who was pinned to this instance here.
    pub fn pin(&self, instance: &str) -> String {
        format!("{STICKY_COOKIE_PREFIX}{}={instance}", self.name)
    }
}

impl Rig {
    /// Starts cluster and balancer, creates the accounts, and looks for a Redis if `wants_redis`.
    ///
    /// # Errors
    /// When the Redis that was named does not answer, or a process does not come up.
    pub async fn raise(
        executable: &Path,
        redis_url: Option<String>,
        wants_redis: bool,
        seed: u64,
    ) -> anyhow::Result<Arc<Rig>> {
        let work_dir = tempfile::Builder::new().prefix("session-vs-jwt-").tempdir();
        let work_dir = work_dir.context("cannot create a folder for temporary files")?;
        let settings = ClusterSettings {
            executable: executable.to_owned(),
            work_dir: work_dir.path().to_owned(),
            health_interval: HEALTH_INTERVAL,
        };
        let cluster = Cluster::start(settings).await?;
        let accounts = work_dir.path().join("accounts.sqlite");
        let choice = RedisChoice {
            url: redis_url,
            tag: "run".to_owned(),
        };
        let (balancer, opened, redis) = tokio::try_join!(
            async { anyhow::Ok(cluster.balancer().await?) },
            open_accounts(&accounts),
            find_redis(&cluster, choice, wants_redis),
        )?;
        let premises = Premises {
            executable: executable.to_owned(),
            keys: work_dir.path().to_owned(),
            accounts,
            lab: Lab::new(format!("{:032x}", rand::random::<u128>())),
            redis_url: redis.as_ref().ok().map(|redis| redis.url().to_owned()),
            key_prefix: format!("svj:{:08x}:", rand::random::<u32>()),
        };
        Ok(Arc::new(Rig {
            cluster,
            balancer,
            premises,
            redis,
            seed,
            tags: AtomicU32::new(0),
            users: Users::default(),
            accounts: opened,
            work_dir,
        }))
    }

    /// Adds load users until there are so many.
    ///
    /// # Errors
    /// When the accounts cannot be written.
    pub async fn have_users(&self, count: u32) -> anyhow::Result<()> {
        if count > Users::COUNT {
            app::users::create(&*self.premises.accounts, count).await?;
        }
        Ok(())
    }

    /// Sets an arm up. `server` is the arm's own, except in a test of the instrument itself.
    ///
    /// # Errors
    /// When an instance does not come up.
    pub async fn set_up(
        &self,
        arm: &'static Arm,
        lives: Lives,
        server: Server,
    ) -> anyhow::Result<Scene> {
        self.set_up_with(arm, lives, server, &[], false).await
    }

    /// The same, with `flags` beside the server's own, and, if asked for, a proxy before the store.
    /// A store that is ours is this arm's alone.
    ///
    /// # Errors
    /// When an instance does not come up, or the store.
    pub async fn set_up_with(
        &self,
        arm: &'static Arm,
        lives: Lives,
        server: Server,
        flags: &[&str],
        through_proxy: bool,
    ) -> anyhow::Result<Scene> {
        let tag = self.tag(lives.name);
        let as_run = Arm { server, ..*arm };
        let mut premises = self.premises.clone();
        let mut flags = flags.to_vec();
        let name = format!("{}-{tag}", arm.name);
        let store = self.own_store(server, &name).await?;
        if let Some(store) = &store {
            premises.redis_url = Some(store.url(through_proxy));
        }
        if through_proxy {
            // It is on loopback, and the servers would take the store for one that is near.
            flags.extend(["--store-nodelay", "true"]);
        }
        let spec = premises
            .pool(&as_run, lives, &INSTANCES, &flags, &tag)
            .await?;
        let pool = self.cluster.pool(spec).await?;
        let third = premises.one_more(&as_run, lives, &flags, (&tag, "c"));
        let third = third.await?;
        let address = self
            .balancer
            .listen(ArmSpec {
                arm: format!("{}-{tag}", arm.name),
                policy: arm.policy,
                pool: &pool,
                issuer: arm.issuer(),
                address: None,
            })
            .await?;
        Ok(Scene {
            arm,
            standing: Standing::Cluster {
                pool,
                balancer: self.balancer.clone(),
                address,
            },
            balanced: base(address),
            lives,
            random: random(self.seed, arm.name),
            lab: Some(self.premises.lab.clone()),
            interface: Arc::new(Interface::of(arm)),
            store,
            backstage: Some(Backstage {
                keys: self.premises.key_files(&as_run, &tag),
                one_more: third,
            }),
        })
    }

    /// A store for one arm alone, where it needs one and the run's is ours.
    async fn own_store(&self, server: Server, tag: &str) -> anyhow::Result<Option<Store>> {
        let ours = self.redis.as_ref().is_ok_and(Redis::ours);
        match server.needs_store() && ours {
            true => Ok(Some(Store::start(&self.cluster, tag).await?)),
            false => Ok(None),
        }
    }

    /// The instances of an arm alone, with `flags` beside the server's own and, if one is named,
    /// another way to the store: no balancer knows them, so nobody asks them for anything but who
    /// is given the pool.
    ///
    /// # Errors
    /// When an instance does not come up.
    pub async fn instances(
        &self,
        arm: &Arm,
        server: Server,
        names: &[&str],
        flags: &[&str],
        store: Option<SocketAddr>,
    ) -> anyhow::Result<Pool> {
        let tag = self.tag("cost");
        let as_run = Arm { server, ..*arm };
        let mut premises = self.premises.clone();
        if let Some(store) = store {
            premises.redis_url = Some(format!("redis://{store}/"));
        }
        let spec = premises.pool(&as_run, Lives::USUAL, names, flags, &tag);
        let spec = spec.await?;
        Ok(self.cluster.pool(spec).await?)
    }

    /// An address of the balancer's before these instances, with the policy of `arm`.
    ///
    /// # Errors
    /// When the balancer does not open one.
    pub async fn front(&self, arm: &Arm, pool: &Pool) -> anyhow::Result<Front> {
        self.front_by(arm, pool, arm.policy).await
    }

    /// The same with another policy.
    ///
    /// # Errors
    /// When the balancer does not open one.
    pub async fn front_by(&self, arm: &Arm, pool: &Pool, policy: Policy) -> anyhow::Result<Front> {
        let name = format!("{}-{}", arm.name, self.tag("front"));
        let address = self
            .balancer
            .listen(ArmSpec {
                arm: name.clone(),
                policy,
                pool,
                issuer: arm.issuer(),
                address: None,
            })
            .await?;
        Ok(Front { address, name })
    }

    /// Closes such an address.
    ///
    /// # Errors
    /// When the balancer does not answer.
    pub async fn leave(&self, front: &Front) -> anyhow::Result<()> {
        Ok(self.balancer.close(front.address).await?)
    }

    /// An unrelated deployment of the same arm, with other keys and records.
    ///
    /// # Errors
    /// When its instance does not come up.
    pub async fn stranger(&self, arm: &Arm) -> anyhow::Result<Pool> {
        let tag = self.tag("stranger");
        let spec = self.premises.stranger(arm, &tag).await?;
        Ok(self.cluster.pool(spec).await?)
    }

    /// Lets a user read the records.
    ///
    /// # Errors
    /// When the accounts do not answer.
    pub async fn make_accountant(&self, user: &str) -> anyhow::Result<()> {
        self.accounts.set_role(user, app::Role::Accountant).await?;
        Ok(())
    }

    /// Why `arm` cannot run, if it cannot.
    pub fn cannot_run(&self, arm: &Arm) -> Option<String> {
        if !arm.server.needs_store() {
            return None;
        }
        self.redis.as_ref().err().cloned()
    }

    /// Why what `needs` this cannot be played on an arm that needs a store, if it cannot.
    pub fn cannot_strike(&self, needs: Needs) -> Option<&'static str> {
        let redis = self.redis.as_ref().ok()?;
        match needs {
            Needs::OwnStore | Needs::StoreThatKeeps if !redis.ours() => {
                Some("the store is not ours: one that was named is never stopped or changed")
            }
            Needs::StoreThatKeeps if !redis.can_keep() => {
                Some("the Redis found is a container, which keeps nothing when it is killed")
            }
            _ => None,
        }
    }

    /// The cluster, for whoever has pools of their own on it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// A folder for files that are gone after the run.
    pub fn work_dir(&self) -> &Path {
        self.work_dir.path()
    }

    /// The way into every instance's `/lab`.
    pub fn lab(&self) -> &Lab {
        &self.premises.lab
    }

    /// The store, or why there is none.
    pub fn redis(&self) -> Result<&Redis, &str> {
        self.redis.as_ref().map_err(String::as_str)
    }

    /// The balancer's process.
    pub fn balancer_pid(&self) -> Option<u32> {
        self.balancer.pid()
    }

    /// A name that no other pool of this run has.
    fn tag(&self, name: &str) -> String {
        format!("{name}-{}", self.tags.fetch_add(1, Ordering::Relaxed))
    }
}

impl Footing for Rig {
    fn topology(&self) -> BTreeMap<String, String> {
        let store = match &self.redis {
            Ok(redis) if redis.ours() => {
                format!("Redis, {}; one for each arm of a matrix", redis.how())
            }
            Ok(redis) => format!("Redis, {}", redis.how()),
            Err(_) => "none".to_owned(),
        };
        let facts = [
            ("balancer", "embedded, a process of its own"),
            ("instances", "two a pool, a process each, one thread"),
            ("database", "SQLite, one file, inside the instances"),
            ("store", &store),
            ("network", "loopback"),
        ];
        let facts = facts.map(|(name, fact)| (name.to_owned(), fact.to_owned()));
        BTreeMap::from(facts)
    }

    fn versions(&self) -> BTreeMap<String, String> {
        let redis = self.redis.as_ref().ok();
        let version = |redis: &Redis| ("redis-server".to_owned(), redis.version().to_owned());
        redis.map(version).into_iter().collect()
    }

    fn crashes(&self) -> Vec<Crash> {
        self.cluster.crashes_so_far()
    }

    fn store_is_foreign(&self) -> bool {
        self.redis.as_ref().is_ok_and(|redis| !redis.ours())
    }

    async fn strike(&self) -> anyhow::Result<()> {
        Ok(self.cluster.clone().stop().await?)
    }
}

async fn open_accounts(path: &Path) -> anyhow::Result<app::users::Users> {
    app::users::create(path, Users::COUNT).await?;
    Ok(app::users::Users::open(path).await?)
}

/// A Redis, or the reason why there is none; only a Redis that was named must be there.
async fn find_redis(
    cluster: &Cluster,
    choice: RedisChoice,
    wanted: bool,
) -> anyhow::Result<Result<Redis, String>> {
    if !wanted && choice.url.is_none() {
        return Ok(Err("no arm of this run needs one".to_owned()));
    }
    let named = choice.url.is_some();
    match cluster.redis(choice).await {
        Ok(redis) => Ok(Ok(redis)),
        Err(missing) if missing.is_unreachable() => {
            Err(Failure::Unreachable(missing.to_string()).into())
        }
        Err(missing) if named => Err(Failure::Usage(missing.to_string()).into()),
        Err(missing) => Ok(Err(missing.to_string())),
    }
}

/// A generator for one arm: leaving an arm out does not change what another one draws.
pub(crate) fn random(seed: u64, arm: &str) -> Pcg64 {
    // FNV-1a, because it is short and will give the same number for ever.
    let name = arm.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Pcg64::seed_from_u64(seed ^ name)
}
