//! The null memory: it believes whoever it is told. The zero line of every chart, and the
//! smallest complete implementation of the seam.

use std::time::{Duration, Instant};

use axum::Router;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::carriage::{Carriage, Credential, TokenAnswer};
use crate::instance::Instance;
use crate::login::{Login, Role};
use crate::memory::{Challenge, Ended, Forgotten, Memory, Scope, Status};
use crate::problem::{Problem, Reason};

/// Believes the name in the request. Its "token" is the user's name, which proves nothing: that
/// is the point, since what it costs is the cost of everything but the check.
#[derive(Debug, Clone)]
pub struct Trusting {
    served_by: String,
    waste: Duration,
}

impl Trusting {
    /// A memory that remembers nothing and doubts nothing.
    pub fn new(instance: &Instance) -> Self {
        Self {
            served_by: instance.served_by(),
            waste: Duration::ZERO,
        }
    }

    /// The same, but each check takes so much CPU time longer, for nothing: a difference whose
    /// size is known, to see whether an instrument finds it.
    #[must_use]
    pub fn wasting(self, waste: Duration) -> Self {
        Self { waste, ..self }
    }
}

impl Memory for Trusting {
    async fn remember(&self, _: &mut Parts, login: &Login) -> Result<Carriage, Problem> {
        Ok(Carriage::Token(TokenAnswer {
            token_type: "Bearer",
            access_token: Credential::new(login.user.clone()),
            expires_in: u64::from(u32::MAX),
            refresh_token: None,
        }))
    }

    async fn recall(&self, request: &mut Parts) -> Result<Login, Problem> {
        if !self.waste.is_zero() {
            let began = Instant::now();
            while began.elapsed() < self.waste {
                std::hint::spin_loop();
            }
        }
        let header = request
            .headers
            .get(AUTHORIZATION)
            .ok_or(Reason::NoCredential)?;
        let user = header
            .to_str()
            .ok()
            .and_then(|header| header.strip_prefix("Bearer "));
        let user = user.ok_or(Reason::MalformedCredential)?;
        Ok(Login {
            user: user.to_owned(),
            name: user.to_owned(),
            role: Role::Member,
            since_ms: 0,
            login_instance: self.served_by.clone(),
        })
    }

    async fn forget(&self, _: &mut Parts, _: &Scope) -> Forgotten {
        // Never: there is nothing to forget, so nothing ever ends.
        Ended::At { at_ms: u64::MAX }.into()
    }

    fn wrap(&self, routes: Router) -> Router {
        routes
    }

    fn challenge(&self) -> Challenge {
        Challenge::Bearer
    }

    fn store_up(&self) -> Option<bool> {
        None
    }

    async fn status(&self) -> Status {
        Status::default()
    }
}
