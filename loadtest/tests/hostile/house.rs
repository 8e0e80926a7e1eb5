//! Both servers, two instances each, reachable on three paths; their store and their logs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use app::users::{DEMO_USERS, create};
use cluster::{ArmSpec, Balancer, Cluster, ClusterSettings, Pool, Redis, RedisChoice};
use loadtest::arms;
use loadtest::lab::Lab;
use loadtest::pools::{INSTANCES, Lives, Premises};

use super::beside::engine::Kept;
use super::beside::{free_port, haproxy, wait_for};
use super::case::{Known, Server, Way, get, login};
use super::wire;

const LAB_SECRET: &str = "the-secret-of-a-hostile-lab";

/// One check at a time, so that a herd is one; time for a store on a busy machine; and every word
/// that our own code has to say.
const FLAGS: [&str; 4] = ["--hash-permits", "1", "--store-deadline-ms", "3000"];
const LOG: &str = "warn,app=trace,server_session=trace,server_jwt=trace,hyper=error,\
                   tower_sessions=off,tower_sessions_core=off";

pub(crate) struct House {
    cluster: Cluster,
    balancer: Balancer,
    redis: Redis,
    pools: BTreeMap<Server, Pool>,
    ways: BTreeMap<(Server, Way), SocketAddr>,
    haproxy: Kept,
    dir: tempfile::TempDir,
}

impl House {
    pub(crate) async fn start() -> House {
        let dir = tempfile::tempdir().unwrap();
        let executable = PathBuf::from(env!("CARGO_BIN_EXE_loadtest"));
        let accounts = dir.path().join("accounts.sqlite");
        create(accounts.as_path(), 0).await.unwrap();
        let cluster = Cluster::start(ClusterSettings {
            executable: executable.clone(),
            work_dir: dir.path().to_owned(),
            health_interval: std::time::Duration::from_millis(200),
        });
        let cluster = cluster.await.unwrap();
        let redis = cluster.redis(RedisChoice::default()).await.unwrap();
        let balancer = cluster.balancer().await.unwrap();
        let premises = Premises {
            executable,
            accounts,
            keys: dir.path().to_owned(),
            lab: Lab::new(LAB_SECRET.to_owned()),
            redis_url: Some(redis.url().to_owned()),
            key_prefix: "hostile:".to_owned(),
        };
        let (mut pools, mut ways) = (BTreeMap::new(), BTreeMap::new());
        for server in Server::BOTH {
            let arm = arms::find(server.arm()).unwrap();
            let spec = premises.pool(arm, Lives::USUAL, &INSTANCES, &FLAGS, "h");
            let mut spec = spec.await.unwrap();
            for instance in &mut spec.instances {
                instance.env.push(("RUST_LOG".into(), LOG.into()));
            }
            let pool = cluster.pool(spec).await.unwrap();
            let embedded = balancer.listen(ArmSpec {
                arm: arm.name.to_owned(),
                policy: arm.policy,
                pool: &pool,
                issuer: None,
                address: None,
            });
            ways.insert((server, Way::Embedded), embedded.await.unwrap());
            let a = pool.instance("a").unwrap().address();
            ways.insert((server, Way::Direct), a);
            let port = free_port();
            ways.insert((server, Way::Haproxy), ([127, 0, 0, 1], port).into());
            pools.insert(server, pool);
        }
        let haproxy = start_haproxy(&pools, &ways, &dir);
        House {
            cluster,
            balancer,
            redis,
            pools,
            ways,
            haproxy,
            dir,
        }
    }

    pub(crate) fn address(&self, server: Server, way: Way) -> SocketAddr {
        self.ways[&(server, way)]
    }

    /// Logs Mia in, directly.
    pub(crate) async fn log_in(&self, server: Server) -> Known {
        let mia = &DEMO_USERS[2];
        let body = format!(
            r#"{{"username":"{}","password":"{}"}}"#,
            mia.name, mia.password
        );
        let address = self.address(server, Way::Direct);
        let exchange = wire::exchange(address, &login(body), false).await;
        let credential = credential(server, &exchange.answers[0]);
        let credential = credential.unwrap_or_else(|| panic!("{}", exchange.shown()));
        // Of a token the signature: who sees that can complete the rest.
        let own = credential.rsplit('.').next().unwrap_or_default().to_owned();
        let mut secrets: Vec<_> = DEMO_USERS
            .iter()
            .map(|user| user.password.to_owned())
            .collect();
        secrets.extend([own, LAB_SECRET.to_owned()]);
        Known {
            server,
            credential,
            secrets,
        }
    }

    /// Whether the credential is good on this path, on a connection of its own.
    pub(crate) async fn serves(&self, known: &Known, way: Way) -> bool {
        let address = self.address(known.server, way);
        let exchange = wire::exchange(address, &get("/me", &[&known.field()]), false).await;
        exchange
            .answers
            .first()
            .is_some_and(|answer| answer.status == 200 && answer.json()["user"] == "mia")
    }

    /// How many records the store holds.
    pub(crate) fn records(&self) -> u64 {
        let client = redis::Client::open(self.redis.url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        redis::cmd("DBSIZE").query(&mut connection).unwrap()
    }

    /// How often the canary's route was asked for on all instances of a server.
    pub(crate) async fn canaries(&self, server: Server, wanted: bool) -> u64 {
        let mut count = 0;
        let instances = self.pools[&server].instances();
        for instance in instances.iter().filter(|_| wanted) {
            let page = wire::exchange(instance.address(), &get("/metrics", &[]), false).await;
            let text = String::from_utf8_lossy(&page.answers[0].body).into_owned();
            let of_route = |line: &&str| line.contains("{route=\"/records\"");
            let counts = text.lines().filter(of_route);
            let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
            count += counts.sum::<u64>();
        }
        count
    }

    /// What the logs say that they must not.
    pub(crate) async fn unwell(&self, known: &Known, when: &str) -> Vec<String> {
        let mut lines = self.balancer.stderr().await.unwrap();
        for instance in self.pools[&known.server].instances() {
            lines.extend(instance.stderr().await.unwrap());
        }
        let log = std::fs::read(self.dir.path().join("haproxy.log")).unwrap();
        lines.push(String::from_utf8_lossy(&log).into_owned());
        let bad = |line: &&String| {
            line.contains("panicked") || known.secrets.iter().any(|secret| line.contains(secret))
        };
        let told = |line: &String| format!("{when} the log says: {line}");
        lines.iter().filter(bad).map(told).collect()
    }

    /// Kills the store.
    pub(crate) async fn kill_store(&self) {
        self.redis.kill().await.unwrap();
    }

    pub(crate) fn haproxy_starts(&self) -> u32 {
        self.haproxy.starts()
    }

    /// How many processes ended unasked.
    pub(crate) fn crashes(&self) -> usize {
        self.cluster.crashes_so_far().len()
    }
}

/// The credential that an answer to a login hands out.
pub(crate) fn credential(server: Server, answer: &wire::Answer) -> Option<String> {
    match server {
        Server::Session => {
            let pair = answer.field("set-cookie")?.split(';').next()?;
            Some(pair.split_once('=')?.1.to_owned())
        }
        Server::Jwt => Some(answer.json()["access_token"].as_str()?.to_owned()),
    }
}

fn start_haproxy(
    pools: &BTreeMap<Server, Pool>,
    ways: &BTreeMap<(Server, Way), SocketAddr>,
    dir: &tempfile::TempDir,
) -> Kept {
    let of_arm = |arm: &str| Server::BOTH.into_iter().find(|server| server.arm() == arm);
    let config = haproxy::configuration(
        |arm| Some(ways[&(of_arm(arm)?, Way::Haproxy)].port()),
        |pool, name| Some(pools[&of_arm(pool)?].instance(name)?.address().port()),
    );
    let file = dir.path().join("haproxy.cfg");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    let haproxy = Kept::heard(command, &dir.path().join("haproxy.log"));
    for server in Server::BOTH {
        wait_for(ways[&(server, Way::Haproxy)].port());
    }
    haproxy
}
