//! The command `watch`: a cluster or a running stack, and a board before it, until Ctrl-C.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, ClusterSettings};

use super::embedded::Embedded;
use super::stack::Stack;
use super::{Board, BoardError, Door, Rules};
use crate::book::RUNS;
use crate::target::Target;

/// How soon the balancer notices what a viewer did to a server.
const HEALTH_INTERVAL: Duration = Duration::from_millis(1_000);

/// How long `watch` waits for what a stack's servers make when they start.
const STACK_WAIT: Duration = Duration::from_secs(30);

/// What `watch` is told.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The port that was asked for.
    pub port: Option<u16>,
    /// Where to listen, if not on loopback, or in a room.
    pub listen: Option<IpAddr>,
    /// Redis for the pools that need one; without it, one is found and started.
    pub redis_url: Option<String>,
    /// A running stack, instead of servers of the board's own.
    pub stack: Option<Running>,
    /// What viewers may do.
    pub rules: Rules,
}

/// A stack that somebody else has started.
#[derive(Debug, Clone)]
pub struct Running {
    /// The file that says where it is.
    pub target: PathBuf,
    /// The folder that its servers share with the board.
    pub shared: Option<PathBuf>,
}

/// Opens the board before a running stack, or a cluster of its own, and stays until `told_to_end`.
///
/// # Errors
/// When the board cannot start; nothing is left running then.
pub async fn watch(
    settings: Settings,
    told_to_end: impl Future<Output = ()>,
) -> Result<(), WatchError> {
    // The port first: if it is taken, nothing else need be started.
    let door = match settings.listen {
        Some(interface) => Door::open_at(interface, settings.port, Vec::new()).await?,
        None => Door::open(settings.port, settings.rules.room).await?,
    };
    let (rules, redis_url) = (settings.rules, settings.redis_url);
    match settings.stack {
        Some(running) => before_stack(running, redis_url, door, rules, told_to_end).await,
        None => before_cluster(redis_url, door, rules, told_to_end).await,
    }
}

async fn before_stack(
    running: Running,
    redis_url: Option<String>,
    door: Door,
    rules: Rules,
    told_to_end: impl Future<Output = ()>,
) -> Result<(), WatchError> {
    let wrong = WatchError::Stack;
    let target = Target::load(&running.target).map_err(|error| wrong(error.into()))?;
    let stage = Stack::new(&target, running.shared.as_deref(), redis_url).map_err(wrong)?;
    // The servers' first start makes the secret that the file names.
    let lab = async || {
        target
            .file
            .arms
            .first()
            .map(|arm| target.lab(arm))
            .transpose()
    };
    tokio::pin!(told_to_end);
    let lab = tokio::select! {
        lab = app::start::waiting(Some(STACK_WAIT), lab) => lab,
        () = &mut told_to_end => return Ok(()),
    };
    let stage = stage.with_lab(lab.map_err(|error| wrong(error.into()))?.flatten());
    let board = Board::before(Arc::new(stage), door, rules);
    board.show_newest_figures(Path::new(RUNS));
    // One line, so that it is not buried among those of other services.
    println!("Board   {}", board.url());
    told_to_end.await;
    board.stop().await;
    Ok(())
}

async fn before_cluster(
    redis_url: Option<String>,
    door: Door,
    rules: Rules,
    told_to_end: impl Future<Output = ()>,
) -> Result<(), WatchError> {
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
    /// The stack is not what its target file says, or the file is wrong.
    #[error("{0:#}")]
    Stack(#[source] anyhow::Error),
    /// The board did not start.
    #[error(transparent)]
    Board(#[from] BoardError),
}
