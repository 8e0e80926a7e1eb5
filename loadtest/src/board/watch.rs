//! The command `watch`: a cluster and a board, until Ctrl-C.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, ClusterSettings};

use super::embedded::Embedded;
use super::{Board, BoardError, Door, Rules};
use crate::book::RUNS;

/// How soon the balancer notices what a viewer did to a server.
const HEALTH_INTERVAL: Duration = Duration::from_millis(1_000);

/// What `watch` is told.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The port that was asked for.
    pub port: Option<u16>,
    /// Redis for the pools that need one; without it, one is found and started.
    pub redis_url: Option<String>,
    /// What viewers may do.
    pub rules: Rules,
}

/// Starts the cluster and the board, says where it is, and stays until `told_to_end`.
///
/// # Errors
/// When the board cannot start; nothing is left running then.
pub async fn watch(
    settings: Settings,
    told_to_end: impl Future<Output = ()>,
) -> Result<(), WatchError> {
    let Settings {
        port,
        redis_url,
        rules,
    } = settings;
    // The port first: if it is taken, nothing else need be started.
    let door = Door::open(port, rules.room).await?;
    let work_dir = tempfile::tempdir().map_err(WatchError::Folder)?;
    let cluster = Cluster::start(ClusterSettings {
        executable: std::env::current_exe().map_err(WatchError::Folder)?,
        work_dir: work_dir.path().to_owned(),
        health_interval: HEALTH_INTERVAL,
    })
    .await
    .map_err(BoardError::from)?;
    let stage = Embedded::start(&cluster, work_dir.path(), redis_url).await;
    let shown = async {
        let board = Board::before(Arc::new(stage?), door, rules);
        board.show_newest_figures(Path::new(RUNS));
        println!("{}", board.announcement("Ctrl-C stops everything"));
        told_to_end.await;
        board.stop().await;
        Ok::<_, BoardError>(())
    };
    let shown = shown.await;
    // Also after an error: nothing may be left running, and the error is what is told.
    let stopped = cluster.stop().await.map_err(BoardError::from);
    shown.and(stopped).map_err(WatchError::from)
}

/// Why `watch` ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no folder to work in.
    #[error("cannot make a folder for temporary files")]
    Folder(#[source] std::io::Error),
    /// The board did not start.
    #[error(transparent)]
    Board(#[from] BoardError),
}
