//! How this server remembers: the record of a login stays in a store, its name goes out in a
//! cookie.
//!
//! The three verbs are tower-sessions' [`Session`] as its users use it. What can be promised when
//! a login ends is not the same in every store; [`crate::store`] says it.

use std::sync::Arc;
use std::time::Duration;

use app::lab::LifetimeMax;
use app::{
    Carriage, Challenge, Ended, Forgotten, Instance, Login, Memory, Problem, Reason, Scope,
    StartError, Status,
};
use axum::Router;
use http::request::Parts;
use tower_sessions::{Session, session};

use crate::args::Args;
use crate::carry::{CarryLayer, Sent};
use crate::store::{self, CookieSettings, Store, notes};
use crate::{record, routes};

/// Remembers logins in sessions. Cheap to clone.
#[derive(Clone)]
pub struct SessionMemory {
    store: Arc<dyn Store>,
    cookie: CookieSettings,
    gate: Arc<routes::Gate>,
    padding: Option<String>,
}

impl SessionMemory {
    /// The memory of `instance`, as `args` want it.
    ///
    /// # Errors
    /// When the store's address is missing or cannot be one.
    pub fn new(instance: &Instance, args: &Args) -> Result<Self, StartError> {
        Ok(Self {
            store: store::open(args, instance)?,
            cookie: CookieSettings {
                name: instance.cookie_name().leak(),
                secure: instance.secure_cookies,
            },
            gate: Arc::default(),
            padding: args.settings.padding(),
        })
    }

    /// The same, once the store has answered; where `wait` is nothing, without asking it.
    ///
    /// # Errors
    /// When it does not answer in that time.
    pub async fn reached(self, wait: Option<Duration>) -> Result<Self, StartError> {
        if wait.is_some() {
            let answered = app::start::waiting(wait, || self.store.reached()).await;
            answered.map_err(|_| StartError::NoStore)?;
        }
        Ok(self)
    }

    /// The user whose login this request carries and has already shown.
    async fn own_user(&self, request: &mut Parts) -> Option<String> {
        Some(self.recall(request).await.ok()?.user)
    }

    /// Deletes this request's own record and has the client's cookie removed.
    async fn end_own(&self, request: &mut Parts) -> Ended {
        notes::end();
        match session(request) {
            // Nothing is inserted after it: `flush` would keep the old id for that.
            Ok(session) => session
                .flush()
                .await
                .map_or(Ended::Unknown, |()| self.store.one_ended()),
            Err(_) => Ended::Unknown,
        }
    }
}

impl Memory for SessionMemory {
    async fn remember(&self, request: &mut Parts, login: &Login) -> Result<Carriage, Problem> {
        let session = session(request)?;
        // Whoever had this session before leaves nothing in it.
        session.clear().await;
        notes::shorten(LifetimeMax::asked(&request.extensions).map(|max| max.ms));
        let written = self.store.written(login);
        session
            .insert_value(record::LOGIN, written)
            .await
            .map_err(|error| problem(&error))?;
        if let Some(padding) = &self.padding {
            session
                .insert(record::PADDING, padding)
                .await
                .map_err(|error| problem(&error))?;
        }
        // Last, and nothing else will do: only `cycle_id` gives the session an id that the
        // client did not choose (session fixation).
        notes::replacing(session.cycle_id())
            .await
            .map_err(|error| problem(&error))?;
        Ok(Carriage::ByLayer)
    }

    async fn recall(&self, request: &mut Parts) -> Result<Login, Problem> {
        match notes::sent() {
            Sent::Nothing => return Err(Reason::NoCredential.into()),
            // No store is asked for what cannot be there.
            Sent::Malformed | Sent::Twice => return Err(Reason::UnknownSession.into()),
            Sent::One => {}
        }
        let found = session(request)?
            .get_value(record::LOGIN)
            .await
            .map_err(|error| problem(&error))?;
        let written = found.ok_or(Reason::UnknownSession)?;
        record::login(written).map_err(|error| problem(&error.into()))
    }

    async fn forget(&self, request: &mut Parts, scope: &Scope) -> Forgotten {
        let ended = match scope {
            Scope::ThisLogin => self.end_own(request).await,
            Scope::EveryLogin { user } => {
                let own = self.own_user(request).await.as_ref() == Some(user);
                let ended = self.store.end_all(user).await;
                if own && ended != Ended::Unknown {
                    self.end_own(request).await;
                }
                ended
            }
            Scope::OldRole { user, role } => self.store.set_role(user, *role).await,
        };
        ended.into()
    }

    fn wrap(&self, routes: Router) -> Router {
        let own = routes::counter(self.clone(), Arc::clone(&self.gate));
        let carry = CarryLayer::new(self.cookie.name, Arc::clone(&self.store));
        self.store.around(routes.merge(own), &self.cookie, carry)
    }

    fn challenge(&self) -> Challenge {
        Challenge::Cookie {
            name: self.cookie.name.to_owned(),
        }
    }

    fn store_up(&self) -> Option<bool> {
        self.store.is_up()
    }

    async fn status(&self) -> Status {
        let mut status = self.store.status().await;
        // So that whoever races requests against each other knows when one is held.
        status.counts.push(("requests_held", self.gate.held()));
        status
    }
}

/// What tower-sessions' layer left in the request.
fn session(request: &Parts) -> Result<&Session, Problem> {
    request
        .extensions
        .get()
        .ok_or_else(|| Reason::Internal.into())
}

/// A store that does not answer is never "nobody": the login may be there.
fn problem(error: &session::Error) -> Problem {
    use tower_sessions::session_store::Error::Backend;
    if let session::Error::Store(Backend(_)) = error {
        return Reason::StoreUnavailable.into();
    }
    tracing::error!(%error, "a session's record cannot be read or written");
    Reason::Internal.into()
}
