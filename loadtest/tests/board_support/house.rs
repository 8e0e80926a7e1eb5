//! A real cluster with its board.

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, ClusterSettings};
use loadtest::board::embedded::Embedded;
use loadtest::board::stage::{Held, Pool, Stage as _};
use loadtest::board::{Board, Door, Rules};

/// A cluster and its board.
pub(crate) struct House {
    pub(crate) stage: Arc<Embedded>,
    pub(crate) board: Board,
    cluster: Cluster,
    work_dir: tempfile::TempDir,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(Rules::default()).await
    }

    pub(crate) async fn with(rules: Rules) -> Self {
        let work_dir = tempfile::tempdir().unwrap();
        let cluster = Cluster::start(ClusterSettings {
            executable: env!("CARGO_BIN_EXE_loadtest").into(),
            work_dir: work_dir.path().to_owned(),
            // As `watch` has it. With the matrix's 200 ms an instance on a busy machine is taken
            // for dead when it only answers late, and turns do not alternate any more.
            health_interval: Duration::from_millis(1_000),
        })
        .await
        .unwrap();
        let door = Door::open(Some(0), rules.room).await.unwrap();
        let stage = Embedded::start(&cluster, work_dir.path(), None)
            .await
            .unwrap();
        let stage = Arc::new(stage);
        let board = Board::before(stage.clone(), door, rules);
        board.show_newest_figures(work_dir.path());
        Self {
            stage,
            board,
            cluster,
            work_dir,
        }
    }

    /// The address of the page's Lab.
    pub(crate) fn lab(&self) -> String {
        format!("{}/#lab", self.board.url())
    }

    /// What an instance says it holds, asked past the board's page.
    pub(crate) async fn held(&self, pool: Pool, instance: &str) -> Vec<Held> {
        let view = self.stage.look().await;
        let seen = view.pools.into_iter().find(|seen| seen.pool == pool);
        let mut instances = seen.unwrap().instances.into_iter();
        instances.find(|seen| seen.name == instance).unwrap().held
    }

    pub(crate) async fn close(self) {
        self.board.stop().await;
        self.cluster.stop().await.unwrap();
        drop(self.work_dir);
    }
}
