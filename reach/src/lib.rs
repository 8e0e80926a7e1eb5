//! How a Redis is reached by its URL: one node, the master that Sentinels name, or a Cluster.
//!
//! It knows nothing of what is kept there, of deadlines or of who is told of a failure: that is
//! the business of the servers' stores. [`Reach`] is what a URL says, [`Wire`] a connection.

mod sentinel;
mod url;
mod wire;

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

pub use url::{BadUrl, FORMS, Reach};
pub use wire::Wire;

/// How patient a connection is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// With one attempt to connect.
    pub connect: Duration,
    /// With an answer; `None` where somebody else looks at the time.
    pub response: Option<Duration>,
    /// How many commands may wait to be sent; `None` leaves it to the redis crate.
    pub queue: Option<usize>,
}

/// Whether a node says that it is not the one we want: it was demoted, has lost its master, or is
/// still loading. The redis crate itself would stay with it.
pub fn is_demoted(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, ReadOnly};
    matches!(
        error.kind(),
        ErrorKind::Server(ReadOnly | MasterDown | BusyLoading)
    )
}

/// Whether nobody answered, as opposed to somebody who refused.
pub fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || matches!(error.kind(), ErrorKind::ClusterConnectionNotFound)
}
