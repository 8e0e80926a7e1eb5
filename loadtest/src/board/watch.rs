//! The command `watch`: a cluster and a board, until Ctrl-C.

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, ClusterSettings};

use super::embedded::Embedded;
use super::{Board, BoardError, Door, PORT, Rules};

/// How soon the balancer notices what a viewer did to a server.
const HEALTH_INTERVAL: Duration = Duration::from_millis(500);

/// Starts the cluster and the board, says where it is, and stays until `told_to_end`.
///
/// # Errors
/// When the board cannot start; nothing is left running then.
pub async fn watch(
    port: Option<u16>,
    rules: Rules,
    told_to_end: impl Future<Output = ()>,
) -> Result<(), WatchError> {
    // The port first: if it is taken, nothing else need be started.
    let door = Door::open(port).await?;
    let work_dir = tempfile::tempdir().map_err(WatchError::Folder)?;
    let cluster = Cluster::start(ClusterSettings {
        executable: std::env::current_exe().map_err(WatchError::Folder)?,
        work_dir: work_dir.path().to_owned(),
        health_interval: HEALTH_INTERVAL,
    })
    .await
    .map_err(BoardError::from)?;
    let stage = Embedded::start(&cluster, work_dir.path()).await;
    let shown = async {
        let board = Board::before(Arc::new(stage?), door, rules);
        println!("session-vs-jwt: one app, two ways to remember a login, two servers each");
        println!("Board   {}   (Ctrl-C stops everything)", board.url());
        if board.default_port_taken() {
            println!("        port {PORT} is taken, so this is the next free one");
        }
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
