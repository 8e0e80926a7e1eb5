//! How to connect to Redis: once, and with everything said that the crate's defaults leave open.
//!
//! They are a response timeout of 500 ms, 1 s to connect, six attempts that take up to 9.4 s
//! together, RESP2, and neither `TCP_NODELAY` nor a limit for what is sent and never received.

use std::net::IpAddr;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{Client, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, RedisError};

/// How long a connection attempt may take at least, and without a deadline for commands.
const CONNECT_TIMEOUT_MIN: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT_UNHURRIED: Duration = Duration::from_secs(1);
/// How long is waited before the only second attempt.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_millis(100);
/// How long the peer may leave bytes unacknowledged before the connection is given up.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(2);

/// How to talk to Redis.
#[derive(Debug, Clone, Copy)]
pub struct LinkSettings {
    /// For all commands of one request together; `None` waits as long as it takes.
    pub deadline: Option<Duration>,
    /// Whether to send at once (`TCP_NODELAY`); by default wherever Redis is not on this machine.
    pub nodelay: Option<bool>,
}

impl LinkSettings {
    /// How long a connection attempt may take: whoever is patient with commands is with that.
    pub(super) fn connect_timeout(self) -> Duration {
        let deadline = self.deadline.unwrap_or(CONNECT_TIMEOUT_UNHURRIED);
        deadline.max(CONNECT_TIMEOUT_MIN)
    }
}

pub(super) fn client(url: &str, nodelay: Option<bool>) -> Result<Client, RedisError> {
    let info = url.into_connection_info()?;
    // RESP3 says when a connection is lost; RESP2 notices at the next command.
    let protocol = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    let nodelay = nodelay.unwrap_or_else(|| !is_on_this_machine(info.addr()));
    let tcp = TcpSettings::default()
        .set_nodelay(nodelay)
        .set_keepalive(TcpKeepalive::new().with_time(UNACKNOWLEDGED_MAX));
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(UNACKNOWLEDGED_MAX);
    Client::open(info.set_redis_settings(protocol).set_tcp_settings(tcp))
}

/// On loopback, commands that may wait for each other share packets and were 20 to 27 % quicker.
fn is_on_this_machine(address: &ConnectionAddr) -> bool {
    match address {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
            host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        _ => true,
    }
}

pub(super) fn manager(
    client: &Client,
    settings: LinkSettings,
) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_min_delay(RETRY_DELAY_MIN)
        .set_max_delay(RETRY_DELAY_MAX)
        .set_connection_timeout(Some(settings.connect_timeout()))
        // The deadline above is for all commands of a request; a second one for each would only
        // cost its timer.
        .set_response_timeout(None);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}
