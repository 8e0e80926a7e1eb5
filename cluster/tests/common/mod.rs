//! What the tests share: a cluster of toy instances.

// Each test file uses some of it.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod front;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use cluster::{Cluster, ClusterSettings, InstanceSpec, Pool, PoolSpec};
use tempfile::TempDir;

/// The executable with the hidden subcommands and the toy.
pub(crate) const EXECUTABLE: &str = env!("CARGO_BIN_EXE_cluster-test-instance");

/// As in the matrix.
pub(crate) const HEALTH_INTERVAL: Duration = Duration::from_millis(200);

/// A cluster, and the folder that goes with it.
pub(crate) struct House {
    pub(crate) cluster: Cluster,
    pub(crate) folder: TempDir,
}

impl House {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cluster = Cluster::start(ClusterSettings {
            executable: PathBuf::from(EXECUTABLE),
            work_dir: folder.path().to_owned(),
            health_interval: HEALTH_INTERVAL,
        })
        .await
        .expect("a cluster");
        Self { cluster, folder }
    }

    /// Where toys note what they changed.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.folder.path().join("toy.log")
    }

    /// The lines that toys noted.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How a toy is started.
    pub(crate) fn toy(&self, name: &str, flags: &[&str]) -> InstanceSpec {
        let mut args = vec!["toy".into()];
        args.extend(flags.iter().map(Into::into));
        InstanceSpec {
            name: name.to_owned(),
            args,
            env: vec![("TOY_LOG".into(), self.log_path().into())],
        }
    }

    /// A pool of toys.
    pub(crate) async fn pool(&self, names: &[&str]) -> Pool {
        self.pool_with(names, &[]).await
    }

    /// A pool of toys with the same flags.
    pub(crate) async fn pool_with(&self, names: &[&str], flags: &[&str]) -> Pool {
        let instances = names.iter().map(|name| self.toy(name, flags)).collect();
        let spec = PoolSpec {
            name: "toys".to_owned(),
            instances,
        };
        self.cluster.pool(spec).await.expect("a pool of toys")
    }
}

/// Whether a process still does, or holds, anything. What is dead and waits to be reaped by
/// somebody else (the machine's first process, which in a container may never do it) does not.
pub(crate) fn lives(pid: u32) -> bool {
    let output = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .expect("ps is there");
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// Waits until `holds`, for at most `patience`.
pub(crate) async fn eventually(
    what: &str,
    patience: Duration,
    mut holds: impl AsyncFnMut() -> bool,
) {
    let deadline = Instant::now() + patience;
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not after {patience:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A client as every client of a cluster is: no proxies, no redirects, and no connection kept
/// longer than servers keep theirs.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(3))
        .build()
        .expect("a client")
}
