//! Who the master is: all Sentinels are asked at once, and it must agree itself.

use std::io;

use futures_util::future::select_ok;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{Client, ConnectionInfo, RedisError, RedisResult};

/// What Sentinels watch.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) sentinels: Vec<ConnectionInfo>,
    pub(crate) name: String,
    /// How the master itself is spoken to.
    pub(crate) node: SentinelNodeConnectionInfo,
}

impl Service {
    /// The master, by the first Sentinel that names one which says so itself (`ROLE`): a dead
    /// Sentinel costs no time, and one that is behind names a replica and is not believed.
    ///
    /// # Errors
    /// One of connection, whatever it was: it can be tried again.
    pub(crate) async fn master(&self) -> RedisResult<Client> {
        let asked = self.sentinels.iter().map(|sentinel| {
            Box::pin(async move {
                let mut sentinel = Sentinel::build(vec![sentinel.clone()])?;
                sentinel
                    .async_master_for(&self.name, Some(&self.node))
                    .await
            })
        });
        let found = select_ok(asked).await;
        found
            .map(|(client, _)| client)
            .map_err(|error: RedisError| {
                let why = format!("no Sentinel names a master that is one: {error}");
                io::Error::new(io::ErrorKind::NotConnected, why).into()
            })
    }
}
