//! Where a target file says that the pools of a board are.

use std::net::SocketAddr;

use anyhow::Context as _;

use super::super::stage::{Pool, StageError};
use crate::target::Target;
use crate::target::file::TargetArm;

/// Where a pool is, as `host:port`.
pub(super) struct PoolAt {
    pub(super) pool: Pool,
    pub(super) turns: String,
    pub(super) sticky: Option<String>,
    pub(super) instances: [(&'static str, String); 2],
}

/// The arm whose instances are this pool, behind a balancer that takes turns.
pub(super) fn arm_of(pool: Pool) -> &'static str {
    match pool {
        Pool::SessionMemory => "session-memory",
        Pool::SessionRedis => "session-redis",
        Pool::Jwt => "jwt-hs256",
        Pool::JwtDenylist => "jwt-denylist",
    }
}

/// Where `target` has the instances of this pool, if it has them.
pub(super) fn pool_at(target: &Target, pool: Pool) -> anyhow::Result<Option<PoolAt>> {
    let is_it = |arm: &&TargetArm| arm.arm == arm_of(pool) && arm.properties.is_none();
    let Some(arm) = target.file.arms.iter().find(is_it) else {
        return Ok(None);
    };
    Ok(Some(PoolAt {
        pool,
        turns: host(&arm.balanced)?,
        sticky: arm.sticky.as_deref().map(host).transpose()?,
        instances: [
            ("a", host(&arm.instances.a)?),
            ("b", host(&arm.instances.b)?),
        ],
    }))
}

/// `host:port` of an address.
fn host(address: &str) -> anyhow::Result<String> {
    let url = reqwest::Url::parse(address)?;
    let host = url.host_str().context("an address without a host")?;
    let port = url.port_or_known_default().unwrap_or(80);
    Ok(format!("{host}:{port}"))
}

/// Asked each time: a container that was started again may have another address.
pub(super) async fn resolve(host: &str) -> Result<SocketAddr, StageError> {
    let found = tokio::net::lookup_host(host).await;
    let first = found.map(|mut all| all.next());
    match first {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err(StageError::Failed(format!("{host} has no address"))),
        Err(error) => Err(StageError::Failed(format!("{host}: {error}"))),
    }
}
