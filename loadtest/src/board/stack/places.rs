//! Where a target file says that the pools of a board are.

use std::net::SocketAddr;

use anyhow::Context as _;

use super::super::stage::{Lane, Pool, StageError};
use crate::failure::Failure;
use crate::target::Target;
use crate::target::file::TargetArm;

/// Where a pool is, as `host:port`.
pub(super) struct PoolAt {
    pub(super) pool: Pool,
    pub(super) turns: String,
    pub(super) sticky: Option<String>,
    pub(super) instances: [(&'static str, String); 2],
}

/// Where all the pools are that `target` knows.
///
/// # Errors
/// When one of a board's two lanes would be empty.
pub(super) fn of(target: &Target) -> anyhow::Result<Vec<PoolAt>> {
    let places = Pool::ALL.into_iter();
    let places = places.filter_map(|pool| pool_at(target, pool).transpose());
    let places: Vec<_> = places.collect::<Result<_, _>>()?;
    for lane in [Lane::Session, Lane::Jwt] {
        if places.iter().all(|at| at.pool.lane() != lane) {
            let pools = Pool::ALL.into_iter().filter(|pool| pool.lane() == lane);
            let arms: Vec<_> = pools.map(arm_of).collect();
            let (path, arms) = (target.path.display(), arms.join(" or "));
            let why = format!("--target {path}: arms: a board has two lanes; describe {arms}");
            return Err(Failure::Usage(why).into());
        }
    }
    Ok(places)
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
fn pool_at(target: &Target, pool: Pool) -> anyhow::Result<Option<PoolAt>> {
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    fn target(arms: &[&str]) -> Target {
        let arm = |name: &&str| {
            json!({
                "arm": name,
                "balanced": "http://balancer:8001",
                "sticky": "http://balancer",
                "instances": {"a": "http://a:8080", "b": "http://b:8080"},
            })
        };
        let arms: Vec<_> = arms.iter().map(arm).collect();
        Target {
            path: PathBuf::from("here.json"),
            file: serde_json::from_value(json!({"target": 1, "arms": arms})).expect("a target"),
        }
    }

    #[test]
    fn each_pool_is_where_the_file_says() {
        let places = of(&target(&["jwt-hs256", "session-redis", "jwt-eddsa"])).expect("places");
        let pools: Vec<_> = places.iter().map(|at| at.pool).collect();
        assert_eq!(pools, [Pool::SessionRedis, Pool::Jwt]);
        assert_eq!(places[0].turns, "balancer:8001");
        assert_eq!(places[0].sticky.as_deref(), Some("balancer:80"));
        assert_eq!(places[0].instances[1], ("b", "b:8080".to_owned()));
    }

    #[test]
    fn a_lane_without_servers_is_a_mistake_in_the_file() {
        let Err(error) = of(&target(&["session-redis"])) else {
            panic!("there is nothing for the right lane")
        };
        let said = error.to_string();
        assert!(said.contains("--target here.json: arms"), "{said}");
        assert!(said.contains("jwt-hs256 or jwt-denylist"), "{said}");
    }
}
