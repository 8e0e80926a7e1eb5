//! What can go wrong with a cluster, by meaning.

use std::net::SocketAddr;
use std::time::Duration;

/// Why the cluster could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The supervisor process could not be started.
    #[error("cannot start the supervisor of the cluster: {0}")]
    SupervisorNotStarted(#[source] std::io::Error),
    /// The supervisor is gone, and with it every child.
    #[error("the supervisor of the cluster is gone, and every instance with it")]
    SupervisorGone,
    /// A child's program could not be started at all.
    #[error("cannot start {who}: {why}")]
    NotSpawned {
        /// Which child.
        who: String,
        /// What the system said.
        why: String,
    },
    /// A child ended, or said nothing, before it served.
    #[error("{who} did not start: {why}{}", crate::error::quoted(stderr))]
    DidNotStart {
        /// Which child.
        who: String,
        /// How it ended, or that it was silent.
        why: String,
        /// Its exit code, if it ended by itself: 2 for usage, 4 for what it could not reach.
        exit_code: Option<i32>,
        /// The last lines it wrote to standard error.
        stderr: Vec<String>,
    },
    /// An instance serves, but does not say that it is ready.
    #[error("{who} is not ready after {waited:?}")]
    NotReady {
        /// Which instance.
        who: String,
        /// For how long it was asked.
        waited: Duration,
    },
    /// The process is not running, so it cannot be signalled.
    #[error("{who} is not running")]
    NotRunning {
        /// Which child.
        who: String,
    },
    /// The process runs already.
    #[error("{who} is already running")]
    AlreadyRunning {
        /// Which child.
        who: String,
    },
    /// A drain that did not end, or did not end well.
    #[error("{who} did not end as asked: {why}{}", crate::error::quoted(stderr))]
    DidNotEnd {
        /// Which child.
        who: String,
        /// How it ended, or that it still runs.
        why: String,
        /// The last lines it wrote to standard error.
        stderr: Vec<String>,
    },
    /// The address that an arm was to listen on is taken or not ours.
    #[error("cannot listen on {address}: {why}; choose another port")]
    CannotListen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        why: String,
    },
    /// The balancer refused a message.
    #[error("the balancer refused: {0}")]
    Balancer(String),
    /// The store was not started by this cluster, which therefore leaves it alone.
    #[error("this Redis is not ours ({how}): it is never flushed, configured, stopped or killed")]
    NotOurs {
        /// Where it comes from.
        how: String,
    },
    /// Our Redis did not do what it was asked.
    #[error("redis: {0}")]
    Redis(#[from] ::redis::RedisError),
}

/// The last lines of a child's standard error, ready to follow a sentence on the same line.
pub(crate) fn quoted(lines: &[String]) -> String {
    match lines {
        [] => String::new(),
        lines => format!("; it said: {}", lines.join(" | ")),
    }
}
