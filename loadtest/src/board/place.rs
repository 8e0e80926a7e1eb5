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

    /// The name of its cookie in the browser.
    pub(super) fn cookie_name(&self) -> String {
        format!("sid-{self}")
    }

    /// Reads the name of a cookie.
    pub(super) fn of_cookie(name: &str) -> Option<Self> {
        let text = name.strip_prefix("sid-")?;
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
        let name = |pool, way: &Way| Place::of(pool, way).cookie_name();
        assert_eq!(name(Pool::SessionMemory, &Way::Turns), "sid-session-memory");
        assert_eq!(
            name(Pool::SessionMemory, &Way::Sticky),
            "sid-session-memory"
        );
        assert_eq!(name(Pool::SessionMemory, &b), "sid-session-memory-at-b");
        assert_eq!(name(Pool::Jwt, &b), "sid-jwt");
    }

    #[test]
    fn a_cookies_name_says_its_place() {
        for way in [Way::Turns, Way::Direct("b".to_owned())] {
            let place = Place::of(Pool::SessionRedis, &way);
            assert_eq!(Place::of_cookie(&place.cookie_name()), Some(place));
        }
        for foreign in [
            "sid",
            "sid-",
            "sid-x",
            "sid-session-memory-at-turns",
            "sid-jwt-at-a",
        ] {
            assert_eq!(Place::of_cookie(foreign), None, "{foreign}");
        }
    }
}
