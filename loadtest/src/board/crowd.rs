//! The background's visitors of one pool: who is due, and what they do then.

use std::time::Duration;

use app::Credential;
use axum::http::HeaderName;
use axum::http::header::{AUTHORIZATION, COOKIE};
use tokio::time::Instant;

/// How many visitors each pool has.
pub(super) const VISITORS: usize = 20;
/// After so many refusals in a row a visitor logs in again. Chance alone, where every second
/// request is refused, does that once in four thousand.
const REFUSALS_MAX: u32 = 12;
/// How long after one login of a pool's visitors the next may follow.
const LOGIN_SPACING: Duration = Duration::from_millis(250);
/// The instances at which they log in, in turn.
const LOGIN_AT: [&str; 2] = ["a", "b"];

/// The visitors of one pool.
#[derive(Default)]
pub(super) struct Crowd {
    pub(super) visitors: [Visitor; VISITORS],
    logins: usize,
    last_login: Option<Instant>,
}

#[derive(Default, Clone)]
pub(super) struct Visitor {
    pub(super) credential: Option<(HeaderName, Credential)>,
    /// The cookie by which the sticky balancer knows them.
    pub(super) sent_to: Option<String>,
    pub(super) refusals: u32,
}

/// What a request that is due turns out to be.
pub(super) enum Due {
    Ask(Visitor),
    LogIn { at: &'static str },
    Nothing,
}

impl Visitor {
    /// The session's cookie, as `name=value`.
    pub(super) fn session(&self) -> Option<&str> {
        self.held(&COOKIE)
    }

    /// The token.
    pub(super) fn token(&self) -> Option<&str> {
        self.held(&AUTHORIZATION)
    }

    fn held(&self, wanted: &HeaderName) -> Option<&str> {
        let (header, credential) = self.credential.as_ref()?;
        (header == wanted).then(|| credential.reveal().as_str())
    }
}

impl Crowd {
    /// What the request is that is due for visitor number `who`.
    pub(super) fn due(&mut self, who: usize) -> Due {
        let visitor = &self.visitors[who];
        if visitor.credential.is_some() && visitor.refusals < REFUSALS_MAX {
            return Due::Ask(visitor.clone());
        }
        let newly = self
            .last_login
            .is_some_and(|at| at.elapsed() < LOGIN_SPACING);
        // The first ones come all at once; later ones one after the other.
        if newly && self.logins >= VISITORS {
            return match visitor.credential {
                Some(_) => Due::Ask(visitor.clone()),
                None => Due::Nothing,
            };
        }
        self.last_login = Some(Instant::now());
        self.logins += 1;
        Due::LogIn {
            at: LOGIN_AT[self.logins % LOGIN_AT.len()],
        }
    }
}
