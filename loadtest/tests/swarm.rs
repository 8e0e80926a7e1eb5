//! The stack in a Docker Swarm of two nodes: a replica more, a rolling update, the matrix, load in
//! shards, and a node that is cut off.
//!
//! Long because one swarm is walked through in one place.
//!
//! `.ci/swarm` makes the nodes, each an engine in a network namespace of its own, deploys the stack
//! and calls these tests there, one at a time; `cargo test` alone leaves them out (`test = false`
//! in Cargo.toml), since they would have nothing to look at.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loadtest::record::Record;
use serde_json::{Value, json};

const MEMORY: &str = "http://127.0.0.1:4411";
const REDIS: &str = "http://127.0.0.1:4413";
const JWT: &str = "http://127.0.0.1:4414";
const DENYLIST: &str = "http://127.0.0.1:4416";
/// Within how much everything has to be well again.
const RECOVERY_MAX: Duration = Duration::from_secs(90);
/// How long a visitor waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).output().unwrap()
}

/// What the manager's engine answers; `.ci/swarm` says in `DOCKER_HOST` which one that is.
fn docker(args: &[&str]) -> String {
    let output = run("docker", args);
    let erred = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {erred}");
    String::from_utf8(output.stdout).unwrap()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < RECOVERY_MAX, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(500));
    }
    began.elapsed()
}

/// The nodes by their number; the second is a worker.
fn node(role: &str) -> String {
    let filter = format!("role={role}");
    let node = docker(&["node", "ls", "--quiet", "--filter", &filter]);
    node.trim().to_owned()
}

/// The services that run a task on this node.
fn services_on(node: &str) -> BTreeSet<String> {
    let running = ["--filter", "desired-state=running"];
    let args = [&["node", "ps", node, "--format", "{{.Name}}"], &running[..]].concat();
    let tasks = docker(&args);
    let names = tasks.lines().filter_map(|task| task.split_once('.'));
    names.map(|(service, _)| service.to_owned()).collect()
}

/// How many servers HAProxy finds in good health behind an arm.
async fn up(arm: &str) -> usize {
    let page = reqwest::get("http://127.0.0.1:4410/;csv").await.unwrap();
    let page = page.text().await.unwrap();
    let rows = page.lines().map(|row| row.split(',').collect::<Vec<_>>());
    rows.filter(|row| row[0] == arm && row[1] != "BACKEND" && row[17] == "UP")
        .count()
}

async fn wait_for_servers(arm: &str, count: usize) {
    let began = Instant::now();
    while up(arm).await != count {
        assert!(began.elapsed() < RECOVERY_MAX, "{arm}: not {count}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Somebody who has logged in at an arm.
struct Visitor {
    client: reqwest::Client,
    base: &'static str,
    header: (&'static str, String),
    /// Who took the login.
    instance: String,
}

impl Visitor {
    async fn logged_in(base: &'static str) -> Visitor {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let client = client.build().unwrap();
        let login = json!({"username": "mia", "password": "hopper-1906"});
        let answer = client.post(format!("{base}/login")).json(&login).send();
        let answer = answer.await.unwrap().error_for_status().unwrap();
        let said = |name| answer.headers().get(name).map(|it| it.to_str().unwrap());
        let instance = said("x-served-by").unwrap().to_owned();
        let cookie = said("set-cookie").map(|it| it.split(';').next().unwrap().to_owned());
        let header = match cookie {
            Some(cookie) => ("cookie", cookie),
            None => {
                let body: Value = answer.json().await.unwrap();
                let token = body["access_token"].as_str().unwrap();
                ("authorization", format!("Bearer {token}"))
            }
        };
        Visitor {
            client,
            base,
            header,
            instance,
        }
    }

    /// The status of one request for *who am I*; nothing where no answer came in time.
    async fn asks(&self) -> Option<u16> {
        let (name, value) = &self.header;
        let asked = self.client.get(format!("{}/me", self.base));
        let answer = asked.header(*name, value).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }
}

/// What came of requests, by status; 0 is none in time.
type Outcomes = BTreeMap<u16, usize>;

/// Visitors of an arm who ask again and again until they are told to stop.
fn keep_asking(
    visitors: Vec<Visitor>,
    stop: &Arc<AtomicBool>,
) -> tokio::task::JoinHandle<(Vec<Visitor>, Outcomes)> {
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        let mut outcomes = Outcomes::new();
        while !stop.load(Ordering::Relaxed) {
            for visitor in &visitors {
                let status = visitor.asks().await.unwrap_or_default();
                *outcomes.entry(status).or_default() += 1;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (visitors, outcomes)
    })
}

async fn visitors(base: &'static str, count: usize) -> Vec<Visitor> {
    let mut visitors = Vec::new();
    for _ in 0..count {
        visitors.push(Visitor::logged_in(base).await);
    }
    visitors
}

#[tokio::test]
async fn a_replica_more_is_found_by_its_name_and_one_less_is_missed_by_nobody() {
    wait_for_servers("jwt-hs256", 2).await;
    docker(&["service", "scale", "svj_jwt-b=2"]);
    wait_for_servers("jwt-hs256", 3).await;
    let visitor = Visitor::logged_in(JWT).await;
    docker(&["service", "scale", "--detach", "svj_jwt-b=1"]);
    while up("jwt-hs256").await != 2 {
        assert_eq!(visitor.asks().await, Some(200));
    }
}

/// Every server of two pools is replaced while they are asked, and no request fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_fails_no_request() {
    let stop = Arc::new(AtomicBool::new(false));
    let mut asking = Vec::new();
    for (arm, base) in [("session-redis", REDIS), ("jwt-hs256", JWT)] {
        wait_for_servers(arm, 2).await;
        asking.push(keep_asking(visitors(base, 4).await, &stop));
    }
    let services = ["session-redis-a", "session-redis-b", "jwt-a", "jwt-b"];
    let updated = tokio::task::spawn_blocking(move || {
        for service in services {
            let service = format!("svj_{service}");
            let task = || {
                docker(&[
                    "service",
                    "ps",
                    "--quiet",
                    "--filter",
                    "desired-state=running",
                    &service,
                ])
            };
            let before = task();
            docker(&["service", "update", "--force", "--detach=false", &service]);
            assert_ne!(task(), before, "{service} is still the same");
        }
    });
    updated.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for asked in asking {
        let (_, outcomes) = asked.await.unwrap();
        println!("rolling update: {outcomes:?}");
        assert_eq!(outcomes.keys().collect::<Vec<_>>(), [&200], "{outcomes:?}");
        assert!(outcomes[&200] > 500, "{outcomes:?}");
    }
}

/// The board's container has what the instrument needs: the secret, the network, the target file.
#[test]
fn the_matrix_comes_out_as_expected() {
    let board = docker(&["ps", "--quiet", "--filter", "name=svj_board"]);
    let matrix = [
        "loadtest",
        "matrix",
        "--target",
        "/etc/svj/target.json",
        "--json",
    ];
    let output = run(
        "docker",
        &[
            &["exec", board.trim()],
            &matrix[..],
            &["--out", "/tmp/matrix"],
        ]
        .concat(),
    );
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["arms"].as_array().unwrap().len(), 6);
    for arm in record["arms"].as_array().unwrap() {
        assert_eq!(arm["not_run_because"], Value::Null, "{arm}");
    }
    assert_eq!(record["valid"], true);
}

const SHARD: &str = "loadtest measure --arms trusting,jwt-hs256 --blocks 8 --rate 150 \
    --seconds 0.4 --warm-up 0.2 --shard $SHARD --out /runs/$RUN";

/// A service whose tasks run the shards `1/of` to `of/of` and end; the swarm numbers them. As a job
/// (`replicated-job`) it would call the first of them by its node instead.
fn measured(of: u16, runs: &Path) {
    let name = format!("shards-of-{of}");
    let mount = format!("type=bind,source={},target=/runs", runs.display());
    let (replicas, shard) = (of.to_string(), format!("SHARD={{{{.Task.Slot}}}}/{of}"));
    let run = format!("RUN={{{{.Task.Slot}}}}-{of}");
    let job = ["service", "create", "--detach", "--quiet"];
    let settings = [
        "--replicas",
        &replicas,
        "--mount",
        &mount,
        "--env",
        &shard,
        "--env",
        &run,
    ];
    let rest = [
        "--restart-condition",
        "none",
        "--no-resolve-image",
        "--entrypoint",
        "sh",
    ];
    let what = ["--name", &name, "session-vs-jwt", "-c", SHARD];
    docker(&[&job[..], &settings, &rest, &what].concat());
    wait_until("the shards end", || {
        let states = docker(&["service", "ps", "--format", "{{.CurrentState}}", &name]);
        let ended = states
            .lines()
            .filter(|state| !state.contains("ing") && !state.starts_with("New"));
        ended.count() == usize::from(of)
    });
    docker(&["service", "rm", &name]);
}

/// What was to be sent, arm by arm and block by block.
fn scheduled(record: &Record) -> BTreeMap<(String, u32), u64> {
    let measures = record.measures.iter();
    measures
        .map(|one| ((one.arm.clone(), one.block), one.requests + one.not_sent))
        .collect()
}

/// Goal: three generators send what one would have sent. Method: three containers with a shard
/// each and one container with the whole, of the same seed; what is merged is what the one has.
#[test]
fn three_shards_in_three_containers_are_one_run() {
    let runs = tempfile::tempdir().unwrap();
    let everybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(runs.path(), everybody).unwrap();
    measured(3, runs.path());
    measured(1, runs.path());
    let dir = |name: &str| runs.path().join(name);
    let mut merge = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    merge
        .arg("merge")
        .args([dir("1-3"), dir("2-3"), dir("3-3")]);
    let merged = merge.arg("--out").arg(dir("merged")).output().unwrap();
    let told = String::from_utf8_lossy(&merged.stderr).into_owned();
    // 3 is a run that calls itself invalid, as on a machine that is busy with something else.
    assert!(matches!(merged.status.code(), Some(0 | 3)), "{told}");
    let whole = scheduled(&Record::load(&dir("1-1")).unwrap());
    assert!(
        whole.len() >= 16 && whole.values().all(|count| *count > 0),
        "{whole:?}"
    );
    assert_eq!(scheduled(&Record::load(&dir("merged")).unwrap()), whole);
    for part in ["1-3", "2-3", "3-3"] {
        let part = scheduled(&Record::load(&dir(part)).unwrap());
        assert!(
            part.iter().all(|(key, count)| *count < whole[key]),
            "{part:?}"
        );
    }
}

/// Moves a service's task to a node, from where it may go on elsewhere.
fn place_on(service: &str, role: &str) {
    let constraint = format!("node.role == {role}");
    for change in ["--constraint-add", "--constraint-rm"] {
        let update = ["service", "update", "--detach=false"];
        docker(&[&update[..], &[change, &constraint, service]].concat());
    }
}

fn cable(state: &str) {
    let cable = ["-n", "svj-node-2", "link", "set", "svj-veth-2", state];
    assert!(run("ip", &cable).status.success());
}

/// Plugged in again whatever happens.
struct Cut;

impl Cut {
    fn off() -> Cut {
        cable("down");
        Cut
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        cable("up");
    }
}

/// One server of each pool is on the node that is lost. Logins in a store, and in tokens, are kept;
/// those that were in the lost servers' memory are gone, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_takes_only_what_it_held_in_memory() {
    let worker = node("worker");
    let manager = node("manager");
    for pool in ["session-memory", "session-redis", "jwt", "jwt-denylist"] {
        for (name, role, place) in [("a", "manager", &manager), ("b", "worker", &worker)] {
            let service = format!("svj_{pool}-{name}");
            place_on(&service, role);
            assert!(services_on(place).contains(&service), "{service}");
        }
    }
    let arms = [
        ("session-memory", MEMORY),
        ("session-redis", REDIS),
        ("jwt-hs256", JWT),
        ("jwt-denylist", DENYLIST),
    ];
    let stop = Arc::new(AtomicBool::new(false));
    let mut asking = Vec::new();
    for (arm, base) in arms {
        wait_for_servers(arm, 2).await;
        asking.push((arm, keep_asking(visitors(base, 10).await, &stop)));
    }
    let lost = services_on(&worker);
    let cut = Cut::off();
    let elsewhere = tokio::task::spawn_blocking(move || {
        wait_until("every task is rescheduled", || {
            services_on(&worker).is_empty()
        })
    });
    println!("cut off: rescheduled after {:?}", elsewhere.await.unwrap());
    for (arm, _) in arms {
        wait_for_servers(arm, 2).await;
    }
    stop.store(true, Ordering::Relaxed);
    for (arm, asked) in asking {
        let (visitors, outcomes) = asked.await.unwrap();
        let failed: usize = outcomes
            .iter()
            .filter(|(status, _)| !matches!(status, 200 | 401))
            .map(|(_, count)| count)
            .sum();
        println!("cut off: {arm}: {outcomes:?}, {failed} without an answer that counts");
        for visitor in &visitors {
            let is_lost = lost.contains(&format!("svj_{}", visitor.instance));
            let mut known = 0;
            for _ in 0..4 {
                known += usize::from(visitor.asks().await == Some(200));
            }
            match (arm, is_lost) {
                ("session-memory", true) => assert_eq!(known, 0, "{}", visitor.instance),
                // Every second request meets the server that holds the login.
                ("session-memory", false) => assert!(known > 0, "{}", visitor.instance),
                _ => assert_eq!(known, 4, "{arm}: {}", visitor.instance),
            }
        }
        if arm != "session-memory" {
            assert!(!outcomes.contains_key(&401), "{arm}: {outcomes:?}");
        }
    }
    drop(cut);
    wait_until("the node is back", || {
        docker(&["node", "ls", "--format", "{{.Status}}"])
            .lines()
            .all(|it| it == "Ready")
    });
}
