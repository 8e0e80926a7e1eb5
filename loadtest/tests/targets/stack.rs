//! Our own servers as a target, behind a real HAProxy, beside the same arms behind the embedded
//! balancer: cell by cell the same outcome, or a reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use app::users::create;
use cluster::InstanceSpec;
use loadtest::arms;
use loadtest::lab::Lab;
use loadtest::pools::{INSTANCES, Lives, Premises};
use loadtest::record::{Cell, Record};
use loadtest::visitors::Users;
use serde_json::{Value, json};

use super::engine::Kept;
use super::{alone, free_port, matrix, wait_for};

const SECRET: &str = "a-secret-for-this-test-alone";

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
            _running: vec![Kept::new(command)],
            dir,
        };
        wait_for(redis);
        let premises = stack.premises(redis).await;
        for (arm, _) in ARMS.iter().filter(|(arm, pool)| arm == pool) {
            let spec = premises.pool(arms::find(arm).unwrap(), Lives::USUAL, &INSTANCES, &[], "s");
            let spec = spec.await.unwrap();
            let started = spec.instances.iter();
            let started: Vec<_> = started.map(|one| instance(&spec.name, one)).collect();
            for (port, _) in &started {
                wait_for(*port);
            }
            stack
                .instances
                .insert(arm, started.try_into().ok().unwrap());
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

    async fn premises(&self, redis: u16) -> Premises {
        let accounts = self.dir.path().join("accounts.sqlite");
        create(accounts.as_path(), Users::COUNT).await.unwrap();
        Premises {
            executable: env!("CARGO_BIN_EXE_loadtest").into(),
            accounts,
            keys: self.dir.path().to_owned(),
            lab: Lab::new(SECRET.to_owned()),
            redis_url: Some(format!("redis://127.0.0.1:{redis}/")),
            key_prefix: "stack:".to_owned(),
        }
    }

    /// As the stack of containers has it: turns, health checks a second, retries of what changes
    /// nothing, a cookie for the sticky arm.
    fn haproxy(&self) -> String {
        let mut config = include_str!("haproxy.cfg").to_owned();
        for (arm, pool) in ARMS {
            let port = self.balanced[arm];
            config += &format!("frontend {arm}-in\n    bind 127.0.0.1:{port}\n");
            config += "    http-request disable-l7-retry unless { method GET HEAD }\n";
            config +=
                &format!("    default_backend {arm}\nbackend {arm}\n    balance roundrobin\n");
            let sticky = arm != pool;
            if sticky {
                config += "    cookie svj-lb insert indirect nocache httponly\n";
            }
            for (name, (port, _)) in INSTANCES.iter().zip(&self.instances[pool]) {
                let cookie = if sticky {
                    format!(" cookie {name}")
                } else {
                    String::new()
                };
                config += &format!("    server {name} 127.0.0.1:{port}{cookie}\n");
            }
        }
        config
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
            "arms": ARMS.iter().map(arm).collect::<Vec<_>>(),
        })
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
    // What was done to accounts is undone: the same users serve a second time.
    let again = ["--target", file.to_str().unwrap(), "--arms", "jwt-denylist"];
    observed(&again, &here("again"));
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
        assert_eq!(
            cell.detail.retried, None,
            "nobody can know how often it was tried"
        );
    }
    let text = std::fs::read_to_string(out.join("record.json")).unwrap();
    assert!(!text.contains(SECRET) && !text.contains(app::users::LOAD_PASSWORD));
}

/// What must be the same: how much was recognised, whether that was expected, and whether logins
/// were lost.
fn outcome(cell: &Cell) -> (&'static str, bool, bool) {
    let share = match (cell.recognised, cell.requests) {
        (0, _) => "none",
        (recognised, requests) if recognised == requests => "all",
        _ => "some",
    };
    (share, cell.as_expected, cell.logins_lost > 0)
}

/// Why a cell may come out otherwise on a target. Everything else is a difference.
fn reason(cell: &Cell) -> Option<&'static str> {
    cell.expected.contains("works until it expires").then_some(
        "here logins live 4 s and their end is waited for; a target's live as long as they do",
    )
}

fn compare(ours: &Record, theirs: &Record) {
    let mut differences = Vec::new();
    let key = |cell: &Cell| {
        let variant = cell.variant.clone().unwrap_or_default();
        (
            cell.arm.clone(),
            cell.event.clone(),
            variant,
            format!("{:?}", cell.client),
        )
    };
    let table = |record: &Record| -> BTreeMap<_, _> {
        let cells = record.cells.iter();
        cells.map(|cell| (key(cell), cell.clone())).collect()
    };
    let (ours, theirs) = (table(ours), table(theirs));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );
    for (key, here) in &ours {
        let there = &theirs[key];
        assert_eq!(here.expected, there.expected, "{key:?}");
        if outcome(here) == outcome(there) {
            continue;
        }
        match reason(here) {
            // All that may differ is how it ends.
            Some(_) if here.recognised > 0 && there.recognised > 0 && there.as_expected => {}
            _ => differences.push((key, outcome(here), outcome(there))),
        }
    }
    assert_eq!(differences, []);
    // Not all of it by the reason: without an expiry in it, most cells are compared in full.
    let full = ours.values().filter(|cell| reason(cell).is_none()).count();
    assert!(full > ours.len() / 2, "{full} of {}", ours.len());
}
