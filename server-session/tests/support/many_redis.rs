//! More than one Redis: a master with a replica that three Sentinels watch, and a Cluster of three
//! masters with a replica each. All on loopback, all real.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::real_redis::{Redis, free_port};

/// How long a step of theirs may take: they hold elections, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon a node that is silent is taken to be down.
const DOWN_AFTER_MS: &str = "1000";

/// Several that stand for one.
pub struct Many {
    /// For `--redis-url`.
    pub url: String,
    /// Those that take writes, each with its replica.
    pub pairs: Vec<(Redis, Redis)>,
    sentinels: Vec<Redis>,
    /// What they write down of each other.
    _folder: TempDir,
}

impl Many {
    /// A master and a replica, and the Sentinels that have it take over.
    pub fn watched() -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let (master, replica) = (alone(&folder), alone(&folder));
        let port = master.port.to_string();
        let _: () = replica.run(&["REPLICAOF", "127.0.0.1", &port]);
        let sentinels: Vec<_> = (0..3).map(|_| sentinel(&folder, &port)).collect();
        until("the replica follows", || follows(&replica));
        until("the Sentinels know each other and the replica", || {
            let known = |sentinel: &Redis, whom| {
                let list: Vec<redis::Value> = sentinel.run(&["SENTINEL", whom, "store"]);
                list.len()
            };
            let knows = |one| known(one, "sentinels") == 2 && known(one, "replicas") == 1;
            sentinels.iter().all(knows)
        });
        Self {
            url: format!("redis+sentinel://{}/store", hosts(&sentinels)),
            pairs: vec![(master, replica)],
            sentinels,
            _folder: folder,
        }
    }

    /// A Cluster: three masters that share all keys, and a replica of each.
    pub fn cluster() -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let masters: Vec<_> = (0..3).map(|_| node(&folder)).collect();
        let replicas: Vec<_> = (0..3).map(|_| node(&folder)).collect();
        let url = format!("redis+cluster://{}", hosts(&masters));
        join(&masters, &replicas);
        Self {
            url,
            pairs: masters.into_iter().zip(replicas).collect(),
            sentinels: Vec::new(),
            _folder: folder,
        }
    }

    /// The one master that has all keys there are, and its replica.
    pub fn holder(&self) -> &(Redis, Redis) {
        let has_keys = |(master, _): &&(Redis, Redis)| master.run::<u64>(&["DBSIZE"]) > 0;
        let holders: Vec<_> = self.pairs.iter().filter(has_keys).collect();
        assert_eq!(holders.len(), 1, "all keys of a pool lie together");
        holders[0]
    }

    /// Orders a replica to take over from its master, which is well.
    pub fn turn_over(&self, replica: &Redis) {
        match self.sentinels.first() {
            Some(sentinel) => sentinel.run::<()>(&["SENTINEL", "FAILOVER", "store"]),
            None => replica.run::<()>(&["CLUSTER", "FAILOVER"]),
        }
    }
}

/// The master with Sentinels that tests share which do nothing to it.
pub fn shared_watched() -> &'static Many {
    static WATCHED: OnceLock<Many> = OnceLock::new();
    WATCHED.get_or_init(Many::watched)
}

/// The Cluster that tests share which do nothing to it.
pub fn shared_cluster() -> &'static Many {
    static CLUSTER: OnceLock<Many> = OnceLock::new();
    CLUSTER.get_or_init(Many::cluster)
}

/// Until this one is a master.
pub fn wait_for_master(redis: &Redis) {
    until("the replica is the master", || {
        replication(redis).contains("role:master")
    });
}

/// Until a replica has everything that its master has.
pub fn wait_for_replica(master: &Redis, replica: &Redis) {
    until("the replica has everything", || {
        let size = |redis: &Redis| redis.run::<u64>(&["DBSIZE"]);
        follows(replica) && offset(master) == offset(replica) && size(master) == size(replica)
    });
}

/// Nothing while it changes places: whoever is connected is sent away then.
fn replication(redis: &Redis) -> String {
    let said = redis.try_run(&["INFO", "replication"]);
    said.unwrap_or_default()
}

fn follows(replica: &Redis) -> bool {
    replication(replica).contains("master_link_status:up")
}

/// How much was written there.
fn offset(redis: &Redis) -> Option<u64> {
    let said = replication(redis);
    let mut lines = said.lines();
    let text = lines.find_map(|line| line.strip_prefix("master_repl_offset:"));
    text?.parse().ok()
}

fn hosts(all: &[Redis]) -> String {
    let hosts = all.iter().map(|one| format!("127.0.0.1:{}", one.port));
    hosts.collect::<Vec<_>>().join(",")
}

fn sentinel(folder: &TempDir, master_port: &str) -> Redis {
    let port = free_port();
    // It writes what it learns into its settings.
    let file = folder.path().join(format!("sentinel-{port}.conf"));
    let settings = format!(
        "sentinel monitor store 127.0.0.1 {master_port} 2\n\
         sentinel down-after-milliseconds store {DOWN_AFTER_MS}\n\
         sentinel failover-timeout store 60000\n"
    );
    std::fs::write(&file, settings).expect("it can be written");
    Redis::start_with(port, file.to_str(), &["--sentinel"])
}

fn node(folder: &TempDir) -> Redis {
    let (port, bus) = (free_port(), free_port().to_string());
    let file = format!("nodes-{port}.conf");
    let flags = [
        ["--cluster-enabled", "yes"],
        ["--cluster-config-file", &file],
        ["--cluster-port", &bus],
        ["--cluster-node-timeout", DOWN_AFTER_MS],
    ];
    in_folder(folder, port, flags.as_flattened())
}

fn alone(folder: &TempDir) -> Redis {
    in_folder(folder, free_port(), &[])
}

/// One that writes what it gets from its master there, and has what it gives fetched at once.
fn in_folder(folder: &TempDir, port: u16, flags: &[&str]) -> Redis {
    let folder = folder.path().to_str().expect("it is text");
    let file = format!("dump-{port}.rdb");
    let all = [
        &["--dir", folder, "--dbfilename", &file],
        &["--repl-diskless-sync-delay", "0"][..],
        flags,
    ];
    Redis::start_with(port, None, &all.concat())
}

/// How many slots there are for keys to fall into.
const SLOTS: usize = 16_384;

fn join(masters: &[Redis], replicas: &[Redis]) {
    let all = || masters.iter().chain(replicas);
    let first = masters[0].port.to_string();
    for (n, node) in all().enumerate() {
        // Told apart from the start, or an election may have to be held twice.
        let _: () = node.run(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]);
        let bus: Vec<String> = masters[0].run(&["CONFIG", "GET", "cluster-port"]);
        let _: () = node.run(&["CLUSTER", "MEET", "127.0.0.1", &first, &bus[1]]);
    }
    for (n, node) in masters.iter().enumerate() {
        let (from, to) = (SLOTS * n / 3, SLOTS * (n + 1) / 3 - 1);
        let (from, to) = (from.to_string(), to.to_string());
        let _: () = node.run(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]);
    }
    until("all know each other", || {
        all().all(|node| says(node, "cluster_known_nodes:6"))
    });
    for (master, replica) in masters.iter().zip(replicas) {
        let name: String = master.run(&["CLUSTER", "MYID"]);
        let _: () = replica.run(&["CLUSTER", "REPLICATE", &name]);
    }
    until("all slots have somebody, and all replicas follow", || {
        all().all(|node| says(node, "cluster_state:ok")) && replicas.iter().all(follows)
    });
}

fn says(node: &Redis, line: &str) -> bool {
    let said: String = node.run(&["CLUSTER", "INFO"]);
    said.lines().any(|said| said == line)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
