//! The compose stack, up and real: what `docker compose up` gives people.
//!
//! `.ci/stack` builds it, starts it and calls these tests, one at a time; `cargo test` alone leaves
//! them out (`test = false` in Cargo.toml), since they would have nothing to look at.
//!
//! Long because one stack is walked through in one place.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use board_support::tour;
use board_support::viewer::{Viewer, next_snapshot};
use loadtest::board::stage::{Held, Pool};
use serde_json::{Value, json};

const BOARD: &str = "http://127.0.0.1:4401";
/// How long an engine may take to have everything well again.
const RESTART_WAIT: Duration = Duration::from_secs(30);
const REDIS_ARM: &str = "http://127.0.0.1:4413";
const SERVERS: [&str; 10] = [
    "session-memory-a",
    "session-memory-b",
    "session-redis-a",
    "session-redis-b",
    "jwt-a",
    "jwt-b",
    "jwt-denylist-a",
    "jwt-denylist-b",
    "jwt-split-a",
    "jwt-split-b",
];

fn compose(args: &[&str]) -> Output {
    compose_with(args, [])
}

fn compose_with<const N: usize>(args: &[&str], environment: [(&str, &Path); N]) -> Output {
    let mut command = Command::new("docker");
    command.arg("compose").args(args).envs(environment);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    command.current_dir(repository).output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn done(args: &[&str]) -> String {
    let output = compose(args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What these services wrote so far. Compose may put codes for terminals in between.
fn log_of(services: &[&str]) -> Vec<String> {
    let log = done(&[&["logs", "--no-log-prefix", "--no-color"], services].concat());
    let lines = log.lines().map(|line| line.trim_start_matches("\u{1b}[2K"));
    lines.map(str::to_owned).collect()
}

/// One line for each container that there is.
fn containers() -> Vec<Value> {
    let lines = done(&["ps", "--all", "--format", "json"]);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn wait_until_all_are_healthy() {
    let began = Instant::now();
    while !containers().iter().all(|one| one["Health"] == "healthy") {
        assert!(began.elapsed() < RESTART_WAIT, "{:?}", containers());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn everything_is_healthy_and_nothing_is_reached_from_outside() {
    wait_until_all_are_healthy();
    let containers = containers();
    assert_eq!(containers.len(), SERVERS.len() + 4, "{containers:?}");
    let mut published = 0;
    for one in &containers {
        for port in one["Publishers"].as_array().into_iter().flatten() {
            if port["PublishedPort"] != 0 {
                assert_eq!(port["URL"], "127.0.0.1", "{one}");
                published += 1;
            }
        }
    }
    assert_eq!(published, 8, "the board, the statistics and six arms");
}

#[test]
fn a_fresh_stack_says_where_the_board_is_and_nothing_else() {
    assert_eq!(log_of(&["board"]), ["Board   http://localhost:4401"]);
    let mut log = log_of(&SERVERS);
    log.extend(log_of(&["store", "accounts"]));
    // A machine's own settings are none of ours.
    log.retain(|line| !line.contains("overcommit"));
    assert_eq!(log, [""; 0], "nothing is wrong");
}

/// The servers of the stack, asked through the board's stream: their own ports are not published.
struct Stack;

impl tour::Servers for Stack {
    async fn held(&self, pool: Pool, instance: &str) -> Vec<Held> {
        let viewer = Viewer::on(BOARD, "/").await;
        let mut stream = viewer.get("/board/events", "").send().await.unwrap();
        // The first is what was seen last; what happened since comes with the next look.
        let mut seen = next_snapshot(&mut stream).await;
        while let Ok(newer) =
            tokio::time::timeout(Duration::from_millis(1_500), next_snapshot(&mut stream)).await
        {
            seen = newer;
        }
        let pools = seen["pools"].as_array().unwrap();
        let pool = pools.iter().find(|one| one["pool"] == json!(pool)).unwrap();
        let instances = pool["instances"].as_array().unwrap();
        let found = instances.iter().find(|one| one["name"] == instance);
        serde_json::from_value(found.unwrap()["held"].clone()).unwrap()
    }
}

#[tokio::test]
async fn the_story_is_the_same_as_over_the_embedded_cluster() {
    tour::walk("http://localhost:4401", &Stack).await;
    wait_until_all_are_healthy();
}

#[tokio::test]
async fn what_containers_cannot_do_is_not_offered_and_says_why() {
    let viewer = Viewer::on(BOARD, "/").await;
    let frozen = viewer
        .act("freeze", "a")
        .header("x-board-token", &viewer.token);
    let answer = frozen.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 409);
    let why: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(why["reason"], "not-here");
    assert!(
        why["detail"]
            .as_str()
            .unwrap()
            .contains("docker compose pause")
    );
    let mut stream = viewer.get("/board/events", "").send().await.unwrap();
    assert_eq!(
        next_snapshot(&mut stream).await["cannot"],
        json!(["freeze"])
    );
}

async fn log_in(client: &reqwest::Client, base: &str) -> String {
    let login = json!({"username": "mia", "password": "hopper-1906"});
    let answer = client.post(format!("{base}/login")).body(login.to_string());
    let answer = answer.header("content-type", "application/json").send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_instance_that_is_killed_is_routed_round() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let cookie = log_in(&client, REDIS_ARM).await;
    let ask = async || {
        let asked = client
            .get(format!("{REDIS_ARM}/me"))
            .header("cookie", &cookie);
        let answer = asked.send().await.unwrap();
        let served_by = answer.headers()["x-served-by"].to_str().unwrap();
        (answer.status().as_u16(), served_by.to_owned())
    };
    done(&["kill", "session-redis-a"]);
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(ask().await, (200, "session-redis-b".to_owned()));
    }
    // `docker kill` is an order of the engine's own, so it does not start it again.
    done(&["start", "session-redis-a"]);
    let mut met = std::collections::BTreeSet::new();
    while met.len() < 2 {
        let (status, served_by) = ask().await;
        assert_eq!(status, 200);
        met.insert(served_by);
        assert!(began.elapsed() < Duration::from_secs(60), "{met:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What a service says that cannot do its part: the last line, and its exit code.
fn fails(service: &str, environment: &[&str], command: &[&str]) -> String {
    let mut args = vec!["run", "--rm", "--no-deps", "--quiet-pull"];
    for variable in environment {
        args.extend(["--env", variable]);
    }
    args.push(service);
    args.extend(command);
    let output = compose(&args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.stdout, b"", "{said}");
    let code = output.status.code().unwrap();
    assert!([2, 4].contains(&code), "{code}: {said}");
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn what_is_missing_is_said_in_one_line() {
    let soon = "START_WAIT_MS=1000";
    let wrong = fails(
        "jwt-a",
        &["DATABASE_URL=postgres://svj:sesame@nowhere/svj", soon],
        &[],
    );
    assert!(
        wrong.contains("DATABASE_URL") && wrong.contains("nowhere"),
        "{wrong}"
    );
    assert!(!wrong.contains("sesame"), "{wrong}");

    let never = fails("session-redis-a", &["REDIS_URL=redis://nowhere", soon], &[]);
    assert!(
        never.contains("--start-wait-ms") && never.contains("store"),
        "{never}"
    );

    let keyless = [
        "server-jwt",
        "--pool",
        "jwt",
        "--keys",
        "/run/svj/nothing.json",
    ];
    let keyless = fails("jwt-a", &[], &keyless);
    assert!(
        keyless.contains("--keys /run/svj/nothing.json"),
        "{keyless}"
    );

    let secretless = [
        "server-jwt",
        "--pool",
        "jwt",
        "--lab",
        "--keys",
        "/run/svj/keys.json",
    ];
    let secretless = fails("jwt-a", &["LAB_SECRET_FILE=/nowhere/secret"], &secretless);
    assert!(
        secretless.contains("--lab-secret-file /nowhere/secret"),
        "{secretless}"
    );
}

/// The engine names the port; the variable that moves it stands beside that number in the page.
#[test]
fn a_port_that_is_taken_is_named_and_its_variable_found() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let page = include_str!("../../docs/STACK.md");
    let file = include_str!("../../docker-compose.yml");
    let mut found = 0;
    for row in page.lines().filter(|line| line.contains("_PORT` |")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (port, variable) = (cells[1], cells[2].trim_matches('`'));
        assert!(file.contains(&format!("${{{variable}:-{port}}}")), "{row}");
        found += 1;
    }
    assert_eq!(found, file.matches("${PUBLISH_ON:-127.0.0.1}:").count());

    let mut command = Command::new("docker");
    command.args(["compose", "run", "--rm", "--no-deps", "--service-ports"]);
    command.args(["balancer", "haproxy", "-v"]);
    for variable in ["STATISTICS", "STICKY", "REDIS", "JWT", "SPLIT", "DENYLIST"] {
        // Any will do: the stack has the usual ones.
        command.env(format!("{variable}_PORT"), "0");
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    command.env("MEMORY_PORT", &taken).current_dir(repository);
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains(&taken), "{}", said(&output));
}

#[test]
fn the_balancers_configuration_is_good_for_the_images_version_too() {
    let check = ["haproxy", "-c", "-f", "haproxy.cfg", "-f"];
    for servers in ["backends.cfg", "replicas.cfg"] {
        let args = [&["exec", "--no-TTY", "balancer"], &check[..], &[servers]].concat();
        let output = compose(&args);
        assert!(output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("WARNING"), "{}", said(&output));
    }
}

#[test]
fn the_matrix_finds_every_arm_as_expected_and_leaves_its_report_here() {
    let runs = tempfile::tempdir().unwrap();
    let args = ["run", "--rm", "--no-TTY", "loadtest", "matrix", "--json"];
    let output = compose_with(&args, [("RUNS", runs.path())]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    for arm in record["arms"].as_array().unwrap() {
        assert_eq!(arm["not_run_because"], Value::Null, "{arm}");
    }
    let recognised = |arm: &str| {
        let cells = record["cells"].as_array().unwrap().iter();
        let of = |cell: &&Value| {
            cell["arm"] == arm && cell["event"] == "other-instance" && cell["client"] != "browser"
        };
        let cell = cells.filter(of).next().unwrap();
        assert_eq!(cell["requests"], 20, "{cell}");
        cell["recognised"].as_u64().unwrap()
    };
    assert_eq!(recognised("session-memory"), 0);
    assert_eq!(recognised("session-redis"), 20);
    assert_eq!(recognised("jwt-hs256"), 20);
    assert_eq!(recognised("jwt-hs256-split"), 0);
    assert_eq!(recognised("jwt-denylist"), 20);
    left_its_report(runs.path());
}

/// Whoever ran something in the stack finds its report on this side.
fn left_its_report(runs: &Path) {
    let run = std::fs::read_dir(runs).unwrap().next().unwrap();
    let report = run.unwrap().path().join("report.html");
    assert!(report.exists(), "{}", report.display());
}

/// How dear anything is, no test says: the machine is busy.
#[test]
fn what_a_request_costs_is_asked_of_the_servers_themselves() {
    wait_until_all_are_healthy();
    let runs = tempfile::tempdir().unwrap();
    let run = ["run", "--rm", "--no-TTY", "loadtest", "measure", "--json"];
    let small = ["--rate", "100", "--seconds", "0.3", "--blocks", "8"];
    let output = compose_with(&[&run[..], &small].concat(), [("RUNS", runs.path())]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("A hint only"), "{told}");
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    let measures = record["measures"].as_array().unwrap();
    for (arm, stored) in [
        ("session-memory", false),
        ("session-redis", true),
        ("jwt-hs256", false),
        ("jwt-hs256-split", false),
        ("jwt-denylist", true),
    ] {
        let usual = |one: &&Value| one["arm"] == arm && one["variant"] == Value::Null;
        let of_arm: Vec<_> = measures.iter().filter(usual).collect();
        assert_eq!(of_arm.len(), 8, "{arm}: {told}");
        for one in of_arm {
            let cpu = &one["cpu_ns_per_request"];
            assert!(cpu["server"].as_f64().unwrap() > 0.0, "{one}");
            assert_eq!(cpu["store"].is_number(), stored, "{one}");
        }
    }
    left_its_report(runs.path());
}
