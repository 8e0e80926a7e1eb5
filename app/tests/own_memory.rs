//! A way to remember a login that is yours to change: exercise 8 of `docs/workshop`.
//!
//! As it stands it keeps one table in which both instances look, by names that are drawn by lot. It
//! knows neither cookies nor signatures nor any store, and no arm of the instrument runs it. The
//! suite at its end holds it to its own words; `app/src/memory.rs` says what each verb promises.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use app::conformance::Pair;
use app::memory::{Challenge, Ended, Forgotten, Memory, Scope, Status};
use app::problem::{Problem, Reason};
use app::{Carriage, Credential, Login, TokenAnswer};
use axum::Router;
use http::header::AUTHORIZATION;
use http::request::Parts;

/// Who is logged in, by what their client holds.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<HashMap<String, Login>>>);

impl Memory for Table {
    async fn remember(&self, request: &mut Parts, login: &Login) -> Result<Carriage, Problem> {
        let credential = format!("{:032x}", rand::random::<u128>());
        let mut table = self.0.lock().unwrap();
        if let Ok(before) = credential_of(request) {
            table.remove(before);
        }
        table.insert(credential.clone(), login.clone());
        Ok(Carriage::Token(TokenAnswer {
            token_type: "Bearer",
            access_token: Credential::new(credential),
            // Nothing here ever expires: a first thing to make better.
            expires_in: u64::from(u32::MAX),
            refresh_token: None,
        }))
    }

    async fn recall(&self, request: &mut Parts) -> Result<Login, Problem> {
        let credential = credential_of(request)?;
        let table = self.0.lock().unwrap();
        let login = table.get(credential).ok_or(Reason::UnknownSession)?;
        Ok(login.clone())
    }

    async fn forget(&self, request: &mut Parts, scope: &Scope) -> Forgotten {
        let mut table = self.0.lock().unwrap();
        match scope {
            Scope::ThisLogin => {
                let carried = credential_of(request).unwrap_or_default();
                table.remove(carried);
            }
            Scope::EveryLogin { user } => table.retain(|_, login| login.user != *user),
            Scope::OldRole { user, role } => {
                for login in table.values_mut().filter(|login| login.user == *user) {
                    login.role = *role;
                }
            }
        }
        // Both instances look into this one table, so this is true.
        Ended::Everywhere.into()
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

/// The one credential that a request carries; two are a mistake or an attack.
fn credential_of(request: &Parts) -> Result<&str, Problem> {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().ok_or(Reason::NoCredential)?;
    let text = header.to_str().ok();
    let credential = text.and_then(|text| text.strip_prefix("Bearer "));
    match (credential, headers.next()) {
        (Some(credential), None) => Ok(credential),
        _ => Err(Reason::MalformedCredential.into()),
    }
}

/// Two instances of it.
async fn pair() -> Pair {
    let table = Table::default();
    Pair::start("own", async |_| table.clone()).await
}

app::conformance_tests!(crate::pair());
