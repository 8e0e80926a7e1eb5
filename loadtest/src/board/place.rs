//! Where a browser keeps what a pool's servers handed out.
//!
//! A session's cookie belongs to its pool: browsers ignore ports, so each pool has a name of its
//! own. Asked past the balancer, each server gets a cookie of its own as well, as two servers
//! with two addresses would. A token is good wherever its pool's secret is, so there is one for
//! each pool, whichever way it is sent.

use std::fmt;

use super::stage::{Lane, Pool, Way};

/// A pool, and for the session of one who asks past the balancer the instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pool: Pool,
    at: Option<String>,
}

impl Place {
    /// Where what `pool` hands out by this way is kept.
    pub(super) fn of(pool: Pool, way: &Way) -> Self {
        let at = match (pool.lane(), way) {
            (Lane::Session, Way::Direct(instance)) => Some(instance.clone()),
            _ => None,
        };
        Self { pool, at }
    }

    /// The name of its cookie in the browser. It has the board's port in it: browsers send cookies
    /// to every port of a host, and two boards on one machine must not take each other's.
    pub(super) fn cookie_name(&self, port: u16) -> String {
        format!("sid-{self}-{port}")
    }

    /// Reads the name of a cookie of the board on that port.
    pub(super) fn of_cookie(name: &str, port: u16) -> Option<Self> {
        let text = name.strip_prefix("sid-")?;
        let text = text.strip_suffix(&format!("-{port}"))?;
        let (pool, at) = match text.split_once("-at-") {
            Some((pool, instance)) => (pool, Some(Way::read(instance)?)),
            None => (text, None),
        };
        let way = at.unwrap_or(Way::Turns);
        let place = Self::of(pool.parse().ok()?, &way);
        (place.to_string() == text).then_some(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(instance) => write!(f, "{}-at-{instance}", self.pool),
            None => self.pool.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_a_place_for_each_server_and_a_token_one() {
        let b = Way::Direct("b".to_owned());
        let name = |pool, way: &Way| Place::of(pool, way).cookie_name(4401);
        let memory = Pool::SessionMemory;
        assert_eq!(name(memory, &Way::Turns), "sid-session-memory-4401");
        assert_eq!(name(memory, &Way::Sticky), "sid-session-memory-4401");
        assert_eq!(name(memory, &b), "sid-session-memory-at-b-4401");
        assert_eq!(name(Pool::Jwt, &b), "sid-jwt-4401");
    }

    #[test]
    fn a_cookies_name_says_its_place() {
        for way in [Way::Turns, Way::Direct("b".to_owned())] {
            let place = Place::of(Pool::SessionRedis, &way);
            let name = place.cookie_name(4401);
            assert_eq!(Place::of_cookie(&name, 4402), None, "another board's");
            assert_eq!(Place::of_cookie(&name, 4401), Some(place));
        }
        for foreign in [
            "sid",
            "sid-",
            "sid-x-1",
            "sid-session-memory",
            "sid-jwt-at-a-1",
        ] {
            assert_eq!(Place::of_cookie(foreign, 1), None, "{foreign}");
        }
    }
}
