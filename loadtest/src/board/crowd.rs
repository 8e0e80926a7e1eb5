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
    /// A login is under way.
    arriving: bool,
}

/// What a request that is due turns out to be.
pub(super) enum Due {
    Ask(Visitor),
    LogIn { at: &'static str },
}

impl Visitor {
    /// Notes that they just logged in, or could not.
    pub(super) fn arrive(&mut self, credential: Option<(HeaderName, Credential)>) {
        // With no login there is no reason to go back to that server: it may be dead.
        let sent_to = self.sent_to.take().filter(|_| credential.is_some());
        *self = Self {
            credential,
            sent_to,
            ..Self::default()
        };
    }

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
    /// What the next request is, and whose: of visitor number `first`, or of the next one who is
    /// not just logging in.
    pub(super) fn due(&mut self, first: usize) -> Option<(usize, Due)> {
        let mut in_turn = (0..VISITORS).map(|n| (first + n) % VISITORS);
        let who = in_turn.find(|who| !self.visitors[*who].arriving)?;
        // The first ones come all at once; later ones one after the other.
        let newly = self
            .last_login
            .is_some_and(|at| at.elapsed() < LOGIN_SPACING);
        let crowded = newly && self.logins >= VISITORS;
        let visitor = &mut self.visitors[who];
        let stranger = visitor.credential.is_none();
        if !stranger && (visitor.refusals < REFUSALS_MAX || crowded) {
            return Some((who, Due::Ask(visitor.clone())));
        }
        if crowded {
            return None;
        }
        visitor.arriving = true;
        self.last_login = Some(Instant::now());
        self.logins += 1;
        let in_turn = LOGIN_AT[self.logins % LOGIN_AT.len()];
        // Where the sticky balancer sends them anyway, if it does.
        let sent_to = visitor.sent_to.as_deref();
        let known = sent_to.and_then(|cookie| LOGIN_AT.into_iter().find(|at| cookie.ends_with(at)));
        let at = known.unwrap_or(in_turn);
        Some((who, Due::LogIn { at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged_in() -> Visitor {
        Visitor {
            credential: Some((COOKIE, Credential::new("sid=1".to_owned()))),
            ..Visitor::default()
        }
    }

    #[test]
    fn at_first_everybody_logs_in_once_at_one_server_and_the_other() {
        let mut crowd = Crowd::default();
        let mut met = Vec::new();
        while let Some((who, Due::LogIn { at })) = crowd.due(7) {
            met.push((who, at));
        }
        assert_eq!(met.len(), VISITORS, "nobody twice: {met:?}");
        assert_eq!(
            met.iter().filter(|(_, at)| *at == "a").count(),
            VISITORS / 2
        );
    }

    #[test]
    fn whoever_is_refused_too_often_logs_in_again_one_after_the_other() {
        let mut crowd = Crowd {
            visitors: std::array::from_fn(|_| logged_in()),
            logins: VISITORS,
            last_login: None,
        };
        assert!(matches!(crowd.due(3), Some((3, Due::Ask(_)))));
        crowd.visitors[3].refusals = REFUSALS_MAX;
        crowd.visitors[4].refusals = REFUSALS_MAX;
        assert!(matches!(crowd.due(3), Some((3, Due::LogIn { .. }))));
        assert!(matches!(crowd.due(4), Some((4, Due::Ask(_)))), "too soon");
        assert!(
            matches!(crowd.due(3), Some((4, Due::Ask(_)))),
            "3 is on the way"
        );
    }
}
