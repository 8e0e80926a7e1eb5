//! One connection, whichever form its URL has: made at its first use, shared by its clones.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, FromRedisValue, ProtocolVersion,
    RedisResult,
};
use tokio::sync::OnceCell;

use crate::Patience;
use crate::sentinel::Service;
use crate::url::{Form, Reach};

/// How long is waited before the only second attempt.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_millis(100);
/// The time limit inside of a Cluster where somebody else looks at the time.
const RESPONSE_UNHURRIED: Duration = Duration::from_secs(5);

/// A connection. Clones share it.
#[derive(Clone)]
pub struct Wire(Kind);

#[derive(Clone)]
enum Kind {
    Node(ConnectionManager),
    /// A connection without reconnecting, for one who follows a stream.
    Own(MultiplexedConnection),
    Master(Arc<Master>),
    Cluster(Arc<Cluster>),
}

/// The master that Sentinels name, looked for by the first who needs it.
struct Master {
    service: Service,
    config: ConnectionManagerConfig,
    found: OnceCell<ConnectionManager>,
}

/// A Cluster, and the way to the one node of it that has our keys.
struct Cluster {
    client: ClusterClient,
    route: Route,
    found: OnceCell<ClusterConnection>,
}

impl Wire {
    /// Sends one command and reads its answer. In a Cluster it goes to the node that has the keys,
    /// also one without a key, such as `TIME`.
    ///
    /// # Errors
    /// When nobody answers, or somebody with a refusal.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match &self.0 {
            Kind::Node(node) => command.query_async(&mut node.clone()).await,
            Kind::Own(node) => command.query_async(&mut node.clone()).await,
            Kind::Master(master) => command.query_async(&mut master.connection().await?).await,
            Kind::Cluster(cluster) => {
                let node = SingleNodeRoutingInfo::SpecificNode(cluster.route);
                let mut connection = cluster.connection().await?;
                let answer =
                    connection.route_command(command.clone(), RoutingInfo::SingleNode(node));
                Ok(redis::from_redis_value(answer.await?.extract_error()?)?)
            }
        }
    }
}

impl Master {
    async fn connection(&self) -> RedisResult<ConnectionManager> {
        let found = self.found.get_or_try_init(|| async {
            let client = self.service.master().await?;
            ConnectionManager::new_lazy_with_config(client, self.config.clone())
        });
        found.await.cloned()
    }
}

impl Cluster {
    async fn connection(&self) -> RedisResult<ClusterConnection> {
        let found = self
            .found
            .get_or_try_init(|| self.client.get_async_connection());
        found.await.cloned()
    }
}

impl Reach {
    /// A connection for the keys that start with `prefix`, as [`Reach::prefix`] made it.
    ///
    /// # Errors
    /// When the redis crate does not take the address.
    pub fn wire(&self, prefix: &str, patience: Patience) -> RedisResult<Wire> {
        let kind = match &self.form {
            Form::Node(info) => {
                let client = Client::open((**info).clone())?;
                Kind::Node(ConnectionManager::new_lazy_with_config(
                    client,
                    reconnecting(patience),
                )?)
            }
            Form::Sentinel(service) => Kind::Master(Arc::new(Master {
                service: service.clone(),
                config: reconnecting(patience),
                found: OnceCell::new(),
            })),
            Form::Cluster(nodes) => Kind::Cluster(self.cluster(nodes, prefix, patience)?),
        };
        Ok(Wire(kind))
    }

    /// A connection of one's own, for a read that waits: it would hold up every other command.
    ///
    /// # Errors
    /// When nobody is there.
    pub async fn own(&self, prefix: &str, patience: Patience) -> RedisResult<Wire> {
        let client = match &self.form {
            Form::Node(info) => Client::open((**info).clone())?,
            Form::Sentinel(service) => service.master().await?,
            Form::Cluster(nodes) => {
                return Ok(Wire(Kind::Cluster(self.cluster(nodes, prefix, patience)?)));
            }
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience.connect))
            .set_response_timeout(patience.response);
        let own = client.get_multiplexed_async_connection_with_config(&config);
        Ok(Wire(Kind::Own(own.await?)))
    }

    fn cluster(
        &self,
        nodes: &[ConnectionInfo],
        prefix: &str,
        patience: Patience,
    ) -> RedisResult<Arc<Cluster>> {
        let wait_ms = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let client = ClusterClient::builder(nodes.to_vec())
            .use_protocol(ProtocolVersion::RESP3)
            .tcp_settings(self.tcp.clone())
            .retries(1)
            .min_retry_wait(wait_ms(RETRY_DELAY_MIN))
            .max_retry_wait(wait_ms(RETRY_DELAY_MAX))
            .connection_timeout(patience.connect)
            .response_timeout(patience.response.unwrap_or(RESPONSE_UNHURRIED))
            .build()?;
        Ok(Arc::new(Cluster {
            client,
            route: Route::with_key(prefix, SlotAddr::Master),
            found: OnceCell::new(),
        }))
    }
}

fn reconnecting(patience: Patience) -> ConnectionManagerConfig {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_min_delay(RETRY_DELAY_MIN)
        .set_max_delay(RETRY_DELAY_MAX)
        .set_connection_timeout(Some(patience.connect))
        .set_response_timeout(patience.response);
    match patience.queue {
        Some(queue) => config.set_pipeline_buffer_size(queue),
        None => config,
    }
}
