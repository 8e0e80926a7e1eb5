//! Our own servers as a target, behind a real HAProxy, beside the same arms behind the embedded
//! balancer: cell by cell the same outcome, or a reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use app::users::create;
use cluster::InstanceSpec;
use loadtest::arms;
use loadtest::events::{self, Play};
use loadtest::lab::Lab;
use loadtest::pools::{INSTANCES, Lives, Premises};
use loadtest::record::{Cell, Client, RETRIED_TOGETHER, Record};
use loadtest::visitors::Users;
use serde_json::{Value, json};

use super::beside::engine::Kept;
use super::beside::haproxy;
use super::compare::compare;
use super::{alone, costs, free_port, matrix, wait_for};

const SECRET: &str = "a-secret-for-this-test-alone";

/// Who shares two cores with other tests waits longer for a store than anybody should otherwise.
const PATIENT: [&str; 2] = ["--store-deadline-ms", "3000"];

/// The arms of the headline, each with the pool behind it. Sticky has no pool of its own: two ways
/// of balancing the same servers, as in the stack of containers.
const ARMS: [(&str, &str); 5] = [
    ("session-memory", "session-memory"),
    ("session-memory-sticky", "session-memory"),
    ("session-redis", "session-redis"),
    ("jwt-hs256", "jwt-hs256"),
    ("jwt-denylist", "jwt-denylist"),
];

/// Instances that an engine keeps running, a Redis, and HAProxy.
struct Stack {
    dir: tempfile::TempDir,
    /// By the name of an arm with a pool of its own: `a` and `b`.
    instances: BTreeMap<&'static str, [(u16, Kept); 2]>,
    balanced: BTreeMap<&'static str, u16>,
    redis: u16,
    statistics: u16,
    _running: Vec<Kept>,
}

impl Stack {
    async fn start() -> Stack {
        let dir = tempfile::tempdir().unwrap();
        let redis = free_port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &redis.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--dir"]).arg(dir.path());
        let mut stack = Stack {
            instances: BTreeMap::new(),
            balanced: ARMS.iter().map(|(arm, _)| (*arm, free_port())).collect(),
            redis,
            statistics: free_port(),
            _running: vec![Kept::new(command)],
            dir,
        };
        wait_for(redis);
        let premises = stack.premises().await;
        for (name, _) in ARMS.iter().filter(|(arm, pool)| arm == pool) {
            let arm = arms::find(name).unwrap();
            let spec = premises.pool(arm, Lives::USUAL, &INSTANCES, &PATIENT, "s");
            let spec = spec.await.unwrap();
            let started = spec.instances.iter();
            let started: Vec<_> = started.map(|one| instance(&spec.name, one)).collect();
            for (port, _) in &started {
                wait_for(*port);
            }
            stack
                .instances
                .insert(name, started.try_into().ok().unwrap());
        }
        let config = stack.dir.path().join("haproxy.cfg");
        std::fs::write(&config, stack.haproxy()).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(config);
        stack._running.push(Kept::new(command));
        for port in stack.balanced.values() {
            wait_for(*port);
        }
        stack
    }

    async fn premises(&self) -> Premises {
        let accounts = self.dir.path().join("accounts.sqlite");
        create(accounts.as_path(), Users::COUNT).await.unwrap();
        Premises {
            executable: env!("CARGO_BIN_EXE_loadtest").into(),
            accounts,
            keys: self.dir.path().to_owned(),
            lab: Lab::new(SECRET.to_owned()),
            redis_url: Some(self.redis_url()),
            key_prefix: "stack:".to_owned(),
        }
    }

    /// The configuration of the stack of containers, with this machine's addresses in it.
    fn haproxy(&self) -> String {
        haproxy::configuration(
            |name| match name {
                haproxy::STATISTICS => Some(self.statistics),
                arm => self.balanced.get(arm).copied(),
            },
            |pool, name| {
                let mut arms = self.instances.iter();
                let arm = arms.find(|(arm, _)| arms::find(arm).unwrap().pool == pool);
                arm.map(|(_, [a, b])| if name == "a" { a.0 } else { b.0 })
            },
        )
    }

    fn target(&self) -> Value {
        let base = |port: u16| format!("http://127.0.0.1:{port}");
        let arm = |(arm, pool): &(&str, &str)| {
            let [(a, _), (b, _)] = &self.instances[pool];
            json!({
                "arm": arm,
                "pool": arms::find(pool).unwrap().pool,
                "balanced": base(self.balanced[arm]),
                "instances": {"a": base(*a), "b": base(*b)},
            })
        };
        json!({
            "target": 1,
            "label": "a stack on loopback",
            "lab_secret_file": "secret",
            "haproxy_statistics": base(self.statistics),
            "arms": ARMS.iter().map(arm).collect::<Vec<_>>(),
        })
    }

    fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.redis)
    }

    fn starts_of_a(&self, pool: &str) -> u32 {
        self.instances[pool][0].1.starts()
    }
}

fn instance(pool: &str, spec: &InstanceSpec) -> (u16, Kept) {
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command
        .args(&spec.args)
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--pool", pool, "--instance", &spec.name])
        .envs(spec.env.iter().cloned());
    (port, Kept::new(command))
}

#[test]
fn over_haproxy_every_cell_comes_out_as_over_the_embedded_balancer() {
    let _alone = alone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stack = runtime.block_on(Stack::start());
    let here = |name: &str| stack.dir.path().join(name);
    std::fs::write(here("secret"), SECRET).unwrap();
    std::fs::write(here("target.json"), stack.target().to_string()).unwrap();
    let file = here("target.json");
    let target = ["--target", file.to_str().unwrap()];
    let theirs = observed(&target, &here("theirs"));
    for pool in [
        "session-memory",
        "session-redis",
        "jwt-hs256",
        "jwt-denylist",
    ] {
        assert!(stack.starts_of_a(pool) > 1, "{pool}: a was never killed");
    }
    // What was done to accounts is undone: the same users serve a second time. And what is played
    // through the lab comes out over HAProxy as computed, large headers above all.
    let again = ["--target", file.to_str().unwrap(), "--all", "--arms"];
    let again = observed(
        &[&again[..], &["session-memory,jwt-denylist"]].concat(),
        &here("again"),
    );
    let large = again.cells.iter().filter(|cell| cell.event == "oversize");
    assert_eq!(large.count(), 4);
    costs::are_what_the_servers_say(&file, &stack.redis_url(), &here("costs"));
    costs::of_what_asks_a_store_are_unknown_without_it(&file, &here("cheap"));
    drop(stack.instances);

    let ours = observed(&[], &stack.dir.path().join("ours"));
    assert_eq!(theirs.not_run, []);
    is_a_target(&theirs, &here("theirs"));
    compare(&ours, &theirs);
}

fn observed(args: &[&str], out: &Path) -> Record {
    let (output, told) = matrix(args, out);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let record = Record::load(out).unwrap();
    assert!(record.valid && !record.cells.is_empty(), "{told}");
    let undone = |cell: &Cell| !cell.detail.more.contains_key("not_undone");
    assert!(record.cells.iter().all(undone), "{told}");
    record
}

/// HAProxy counts for all clients together, so that is all that a cell can say.
fn says_what_was_tried_again(record: &Record) {
    let mut after_a_kill = 0;
    for cell in &record.cells {
        let together = cell.detail.more.get(RETRIED_TOGETHER);
        let together = together.map(|count| count.as_u64().unwrap());
        let said = [cell.detail.retried, together];
        let visited = events::ALL.iter().find(|event| event.name == cell.event);
        let visited = matches!(visited.unwrap().play, Play::Visitors(_));
        assert_eq!(
            said.iter().flatten().count(),
            usize::from(visited),
            "{cell:?}"
        );
        assert!(!visited || together.is_none() == (cell.client == Client::Bearer));
        if cell.event == "instance-killed" {
            after_a_kill += said.iter().flatten().sum::<u64>();
        }
    }
    assert!(after_a_kill > 0, "a dead instance was asked by nobody");
}

/// The record says that it is of a target, claims no lifetime that it did not see, and holds no
/// secret.
fn is_a_target(record: &Record, out: &Path) {
    assert_eq!(record.environment.topology["target"], "a stack on loopback");
    for arm in &record.arms {
        assert!(
            !arm.settings.contains_key("lifetime_where_waited_for_ms"),
            "{arm:?}"
        );
    }
    for cell in &record.cells {
        let restarted = cell.detail.more.contains_key("restarted");
        assert_eq!(restarted, cell.event == "instance-killed", "{}", cell.event);
    }
    says_what_was_tried_again(record);
    let text = std::fs::read_to_string(out.join("record.json")).unwrap();
    assert!(!text.contains(SECRET) && !text.contains(app::users::LOAD_PASSWORD));
}
