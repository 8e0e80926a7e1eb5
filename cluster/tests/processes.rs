//! Children: started, told, killed, restarted, and never forgotten.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::time::Duration;

use cluster::{Error, InstanceState, PoolSpec};
use common::{House, client, lives};

async fn text(address: std::net::SocketAddr, path: &str) -> Option<String> {
    let answer = client().get(format!("http://{address}{path}")).send().await;
    answer.ok()?.text().await.ok()
}

#[tokio::test]
async fn a_pool_starts_serves_and_is_gone_after_stop() {
    let house = House::open().await;
    let pool = house.pool(&["a", "b"]).await;
    let mut pids = vec![house.cluster.supervisor_pid()];
    for instance in pool.instances() {
        assert_eq!(instance.state(), InstanceState::Running);
        assert_eq!(instance.served_by(), format!("toys-{}", instance.name()));
        let said = text(instance.address(), "/").await.expect("an answer");
        assert!(said.contains(&format!("instance: {}\n", instance.name())));
        pids.extend(instance.pid());
    }
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|&pid| lives(pid)));

    house.cluster.clone().stop().await.unwrap();
    assert!(!pids.iter().any(|&pid| lives(pid)));
    assert_eq!(pool.instances()[0].state(), InstanceState::Dead);
    // What was asked for is no crash.
    assert_eq!(house.cluster.crashes_so_far(), []);
    assert!(matches!(
        pool.instances()[0].start().await,
        Err(Error::SupervisorGone)
    ));
}

#[tokio::test]
async fn the_end_of_the_last_handle_is_the_end_of_the_cluster() {
    let house = House::open().await;
    let pool = house.pool(&["a"]).await;
    let pids = [
        house.cluster.supervisor_pid(),
        pool.instances()[0].pid().unwrap(),
    ];
    drop((house, pool));
    common::eventually("everything ends", Duration::from_secs(5), async || {
        !pids.iter().any(|&pid| lives(pid))
    })
    .await;
}

#[tokio::test]
async fn kill_returns_once_reaped_and_start_gives_another_life() {
    let house = House::open().await;
    let pool = house.pool(&["a", "b"]).await;
    let a = pool.instance("a").unwrap();
    let first = a.pid().unwrap();

    a.kill().await.unwrap();
    assert_eq!((a.state(), a.pid()), (InstanceState::Dead, None));
    assert!(!lives(first));
    assert!(text(a.address(), "/").await.is_none());
    assert!(matches!(a.kill().await, Err(Error::NotRunning { .. })));

    a.start().await.unwrap();
    assert!(text(a.address(), "/").await.is_some());
    assert_ne!(a.pid().unwrap(), first);
    assert!(matches!(a.start().await, Err(Error::AlreadyRunning { .. })));
    assert_eq!(house.cluster.crashes_so_far(), []);
}

#[tokio::test]
async fn a_frozen_instance_says_nothing_until_it_is_thawed() {
    let house = House::open().await;
    let pool = house.pool(&["a"]).await;
    let a = pool.instance("a").unwrap();

    a.freeze().await.unwrap();
    assert_eq!(a.state(), InstanceState::Frozen);
    let quick = Duration::from_millis(300);
    let silent = tokio::time::timeout(quick, text(a.address(), "/")).await;
    assert!(silent.is_err(), "a frozen instance answered {silent:?}");

    a.thaw().await.unwrap();
    assert_eq!(a.state(), InstanceState::Running);
    a.ready().await.unwrap();
    assert!(text(a.address(), "/").await.is_some());

    // A frozen one can be killed, and one that is frozen can be told to drain.
    a.freeze().await.unwrap();
    a.kill().await.unwrap();
    a.start().await.unwrap();
    a.freeze().await.unwrap();
    a.terminate().await.unwrap();
    assert_eq!(a.state(), InstanceState::Dead);
}

#[tokio::test]
async fn terminate_lets_an_answer_end() {
    let house = House::open().await;
    let pool = house.pool(&["a"]).await;
    let a = pool.instance("a").unwrap();
    let address = a.address();
    let slow = tokio::spawn(async move { text(address, "/slow?400").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    a.terminate().await.unwrap();
    assert_eq!(slow.await.unwrap().as_deref(), Some("slept"));
    assert_eq!(a.state(), InstanceState::Dead);
}

#[tokio::test]
async fn a_crash_is_told_with_its_reason() {
    let house = House::open().await;
    let mut crashes = house.cluster.crashes();
    let pool = house.pool(&["a", "b"]).await;
    let a = pool.instance("a").unwrap();
    assert_eq!(text(a.address(), "/crash").await, None);

    let crash = tokio::time::timeout(Duration::from_secs(5), crashes.recv())
        .await
        .expect("it is told soon")
        .unwrap();
    assert_eq!((&*crash.pool, &*crash.instance), ("toys", "a"));
    assert_eq!((&*crash.status, crash.exit_code), ("exit code 7", Some(7)));
    assert_eq!(crash.stderr, ["toy: the reason is a test"]);
    // Whoever comes late finds it too.
    assert_eq!(house.cluster.crashes_so_far(), [crash]);
    assert_eq!(a.stderr().await.unwrap(), ["toy: the reason is a test"]);
    assert_eq!(a.state(), InstanceState::Dead);
    a.start().await.unwrap();
}

#[tokio::test]
async fn an_instance_that_does_not_start_says_why_and_takes_its_pool_with_it() {
    let house = House::open().await;
    let spec = PoolSpec {
        name: "toys".to_owned(),
        instances: vec![house.toy("a", &[]), house.toy("b", &["--fail"])],
    };
    let error = house.cluster.pool(spec).await.unwrap_err();
    let Error::DidNotStart { exit_code, .. } = &error else {
        panic!("another error: {error:?}");
    };
    assert_eq!(*exit_code, Some(2));
    assert_eq!(
        error.to_string(),
        "toys-b did not start: exit code 2; it said: toy: told to fail; do not tell it to"
    );
    // It was told once, as an error; it is no crash as well.
    assert_eq!(house.cluster.crashes_so_far(), []);
    let children = children_of(house.cluster.supervisor_pid());
    assert_eq!(children, "", "half a pool was left behind");
}

fn children_of(pid: u32) -> String {
    let output = std::process::Command::new("ps")
        .args([
            "--no-headers",
            "-o",
            "pid,stat,args",
            "--ppid",
            &pid.to_string(),
        ])
        .output()
        .expect("ps is there");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let settings = cluster::ClusterSettings {
        executable: "/nowhere/at/all".into(),
        work_dir: folder.path().to_owned(),
        health_interval: common::HEALTH_INTERVAL,
    };
    let error = cluster::Cluster::start(settings).await.unwrap_err();
    assert!(matches!(error, Error::SupervisorNotStarted(_)), "{error}");
}

#[tokio::test]
async fn a_pool_can_grow() {
    let house = House::open().await;
    let pool = house.pool(&["a", "b"]).await;
    let c = pool.add(house.toy("c", &[])).await.unwrap();
    assert!(
        text(c.address(), "/")
            .await
            .unwrap()
            .contains("instance: c\n")
    );
    assert_eq!(pool.instances().len(), 3);
    let again = pool.add(house.toy("c", &[])).await;
    assert!(matches!(again, Err(Error::AlreadyRunning { .. })));
}

#[tokio::test]
async fn the_books_tell_what_an_instance_has_used() {
    let house = House::open().await;
    let pool = house.pool(&["a"]).await;
    let a = pool.instance("a").unwrap();
    let pid = a.pid().unwrap();
    let before = cluster::accounting::cpu_ns(pid).unwrap();
    for _ in 0..50 {
        text(a.address(), "/").await.unwrap();
    }
    assert!(cluster::accounting::cpu_ns(pid).unwrap() > before);
    assert!(cluster::accounting::memory_bytes(pid).unwrap() > 100_000);
    a.kill().await.unwrap();
    assert!(cluster::accounting::cpu_ns(pid).is_err());
}
