//! The three forms of a URL.

use std::net::IpAddr;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::sentinel::SentinelNodeConnectionInfo;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisError};

use crate::sentinel::Service;

/// How long the peer may leave bytes unacknowledged before the connection is given up.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(2);

/// A URL that is none of the three. It never repeats the URL, which may hold a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; {FORMS}")]
pub struct BadUrl(String);

/// How to write one.
pub const FORMS: &str = "write it like redis://127.0.0.1:6379, \
    redis+sentinel://HOST:PORT,HOST:PORT/SERVICE or redis+cluster://HOST:PORT,HOST:PORT";

impl From<RedisError> for BadUrl {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

/// Where Redis is.
#[derive(Clone)]
pub struct Reach {
    pub(crate) form: Form,
    pub(crate) tcp: TcpSettings,
}

#[derive(Clone)]
pub(crate) enum Form {
    Node(Box<ConnectionInfo>),
    Sentinel(Service),
    Cluster(Vec<ConnectionInfo>),
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the address: it may hold a password.
        f.debug_struct("Reach").finish_non_exhaustive()
    }
}

impl Reach {
    /// What `url` says. `nodelay` is `TCP_NODELAY`; by default set wherever Redis is not on this
    /// machine: on loopback, commands that may share packets were 20 to 27 % quicker.
    ///
    /// # Errors
    /// When it is none of the three forms.
    pub fn read(url: &str, nodelay: Option<bool>) -> Result<Self, BadUrl> {
        let (form, nodes) = if let Some(rest) = url.strip_prefix("redis+sentinel://") {
            sentinel(rest)?
        } else if let Some(list) = url.strip_prefix("redis+cluster://") {
            let list = list.strip_suffix('/').unwrap_or(list);
            if list.contains(['/', '?']) {
                let why = "a Cluster has one database and takes no settings behind its nodes";
                return Err(BadUrl(why.to_owned()));
            }
            let nodes = nodes(list, true)?;
            (Form::Cluster(nodes.clone()), nodes)
        } else {
            let info = url.into_connection_info();
            let info = with_resp3(info?);
            (Form::Node(Box::new(info.clone())), vec![info])
        };
        let near = nodes.iter().all(|node| is_on_this_machine(node.addr()));
        let tcp = TcpSettings::default()
            .set_nodelay(nodelay.unwrap_or(!near))
            .set_keepalive(TcpKeepalive::new().with_time(UNACKNOWLEDGED_MAX));
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(UNACKNOWLEDGED_MAX);
        let form = match form {
            Form::Node(info) => Form::Node(Box::new(info.set_tcp_settings(tcp.clone()))),
            Form::Sentinel(mut service) => {
                service.node = service.node.set_tcp_settings(tcp.clone());
                Form::Sentinel(service)
            }
            form @ Form::Cluster(_) => form,
        };
        Ok(Self { form, tcp })
    }

    /// What keys must start with for this prefix. In a Cluster its braces put all keys into one
    /// slot, so on one node: the scripts touch several keys at once and reckon by one clock.
    pub fn prefix(&self, prefix: &str) -> String {
        match self.form {
            Form::Cluster(_) => format!("{{{prefix}}}"),
            _ => prefix.to_owned(),
        }
    }

    /// Whether a lost node's place is somewhere else by now, so that it must be looked for.
    pub fn looks_again(&self) -> bool {
        matches!(self.form, Form::Sentinel(_))
    }

    /// How long a sign of life may take that began with looking for the master or for all nodes.
    pub fn patience(&self, connect: Duration) -> Duration {
        match self.form {
            Form::Node(_) => connect,
            _ => 4 * connect,
        }
    }
}

fn sentinel(rest: &str) -> Result<(Form, Vec<ConnectionInfo>), BadUrl> {
    let (list, name) = rest.rsplit_once('/').unwrap_or((rest, ""));
    if name.is_empty() || name.contains(['?', '#']) || list.contains('/') {
        let why = "SERVICE, the one name by which the Sentinels know the master, must end it";
        return Err(BadUrl(why.to_owned()));
    }
    let sentinels = nodes(list, false)?;
    // Who is named before the Sentinels is who logs in at the master.
    let master = nodes(list, true)?.swap_remove(0);
    let settings = master.redis_settings().clone();
    let node = SentinelNodeConnectionInfo::default().set_redis_connection_info(settings);
    let service = Service {
        sentinels: sentinels.clone(),
        name: name.to_owned(),
        node,
    };
    Ok((Form::Sentinel(service), sentinels))
}

/// `[USER:PASSWORD@]HOST:PORT,...`, each with that user or without.
fn nodes(list: &str, with_user: bool) -> Result<Vec<ConnectionInfo>, BadUrl> {
    let (user, hosts) = match list.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), list),
    };
    let user = if with_user { user } else { String::new() };
    let each = hosts.split(',').map(|host| {
        let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(1..))) {
            return Err(BadUrl("each node needs a HOST:PORT".to_owned()));
        }
        let info = format!("redis://{user}{host}").into_connection_info();
        Ok(with_resp3(info?))
    });
    each.collect()
}

/// RESP3 says when a connection is lost; RESP2 notices at the next command.
fn with_resp3(info: ConnectionInfo) -> ConnectionInfo {
    let settings = info.redis_settings().clone();
    info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3))
}

fn is_on_this_machine(address: &ConnectionAddr) -> bool {
    match address {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
            let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_only_a_cluster_wants_its_keys_together() {
        for (url, prefix) in [
            ("redis://:s3cret@127.0.0.1:6379/1", "t:"),
            ("redis+sentinel://:s3cret@127.0.0.1:1,[::1]:2/store", "t:"),
            (
                "redis+cluster://mia:s3cret@127.0.0.1:1,127.0.0.1:2/",
                "{t:}",
            ),
        ] {
            let reach = Reach::read(url, None).expect(url);
            assert_eq!(reach.prefix("t:"), prefix, "{url}");
            assert!(!format!("{reach:?}").contains("s3cret"));
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_the_three_forms_and_without_its_password() {
        for url in [
            "",
            "127.0.0.1:6379",
            "redis://:s3cret@localhost:port",
            "redis+sentinel://:s3cret@127.0.0.1:1",
            "redis+sentinel://:s3cret@127.0.0.1:1/",
            "redis+sentinel://:s3cret@127.0.0.1:1/store/1",
            "redis+sentinel://:s3cret@127.0.0.1/store",
            "redis+cluster://:s3cret@",
            "redis+cluster://:s3cret@127.0.0.1:1,,127.0.0.1:2",
            "redis+cluster://:s3cret@127.0.0.1:1/1",
        ] {
            let said = Reach::read(url, None).expect_err(url).to_string();
            for form in [
                "redis://127",
                "redis+sentinel://HOST",
                "redis+cluster://HOST",
            ] {
                assert!(said.contains(form), "{url}: {said}");
            }
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
