//! A store that is somebody else's.

use std::path::PathBuf;
use std::time::Duration;

use cluster::{Cluster, ClusterSettings};
use loadtest::record::Group;

use super::{Run, told};

/// It is used, and nothing is done to it: what would be is named, with the reason.
#[tokio::test]
async fn a_store_that_was_named_is_never_struck() {
    let run = Run::new();
    let cluster = Cluster::start(ClusterSettings {
        executable: PathBuf::from(env!("CARGO_BIN_EXE_loadtest")),
        work_dir: run.dir.path().to_owned(),
        health_interval: Duration::from_secs(1),
    });
    let cluster = cluster.await.unwrap();
    let theirs = cluster.keeping_redis("theirs").await;
    let theirs = theirs.expect("this test wants a Redis: apt install redis-server");
    theirs.fill("theirs", 1, 1).await.unwrap();
    let (pid, policy) = (theirs.pid(), theirs.info("memory").await.unwrap());

    let args = [
        "--all",
        "--arms",
        "jwt-denylist",
        "--redis-url",
        theirs.url(),
    ];
    let mut command = run.command(&["matrix"]);
    command.args(args);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let record = run.record();
    let of_store = record
        .events
        .iter()
        .filter(|event| event.group == Group::Store);
    let of_store: Vec<_> = of_store.map(|event| event.event.as_str()).collect();
    assert!(!of_store.is_empty());
    for event in of_store {
        assert!(
            record.cells.iter().all(|cell| cell.event != event),
            "{event}"
        );
        let why = record.not_run.iter().find(|row| row.event == event);
        let why = &why.unwrap_or_else(|| panic!("{event}")).because;
        assert!(why.contains("not ours"), "{why}");
    }
    assert!(record.cells.iter().any(|cell| cell.event == "balanced"));
    assert_eq!(theirs.pid(), pid);
    assert_eq!(theirs.keys("theirs*").await.unwrap(), ["theirs0"]);
    let now = theirs.info("memory").await.unwrap();
    for setting in ["maxmemory", "maxmemory_policy"] {
        assert_eq!(now[setting], policy[setting]);
    }
    cluster.stop().await.unwrap();
}
