//! What the routes of one instance share, and the router made of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::routing::{get, post};
use http::HeaderValue;

use crate::instance::Instance;
use crate::login::Login;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::password::Hasher;
use crate::problem::{Problem, Reason};
use crate::users::Users;
use crate::{admin, lab, routes, watch};

/// Everything an application is made of.
pub struct Parts<M> {
    /// How logins are remembered.
    pub memory: M,
    /// Which instance this is.
    pub instance: Instance,
    /// The accounts.
    pub users: Users,
    /// The threads that check passwords.
    pub hasher: Hasher,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The secret of `/lab`; `None` leaves it closed.
    pub lab_secret: Option<String>,
    /// Whether role and status are read from the accounts on each request.
    pub read_user_each_request: bool,
    /// Set when the instance begins to drain.
    pub draining: Arc<AtomicBool>,
}

/// One instance's application: cheap to clone, shared by all its requests.
pub struct Application<M>(Arc<Inner<M>>);

struct Inner<M> {
    parts: Parts<M>,
    served_by: HeaderValue,
    served_by_text: String,
}

impl<M> Clone for Application<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> std::ops::Deref for Application<M> {
    type Target = Parts<M>;

    fn deref(&self) -> &Parts<M> {
        &self.0.parts
    }
}

impl<M: Memory> Application<M> {
    /// The application made of `parts`.
    ///
    /// # Panics
    /// When pool or instance name cannot stand in a header; both come from the command line.
    pub fn new(parts: Parts<M>) -> Self {
        let served_by_text = parts.instance.served_by();
        let served_by = HeaderValue::from_str(&served_by_text)
            .expect("pool and instance names are plain words");
        Self(Arc::new(Inner {
            parts,
            served_by,
            served_by_text,
        }))
    }

    /// What stands in `x-served-by`.
    pub fn served_by(&self) -> &str {
        &self.0.served_by_text
    }

    /// The same, ready to be sent.
    pub fn served_by_header(&self) -> HeaderValue {
        self.0.served_by.clone()
    }

    /// Whether this instance is closing.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whose login the request carries, or the problem that says why nobody is recognised.
    ///
    /// Role and user are what was noted at login, unless this application was told to read the
    /// account each time: then a changed role and a disabled account show at once, for the
    /// price of a database read.
    ///
    /// # Errors
    /// What [`Memory::recall`] answers, with the memory's challenge.
    pub async fn signed_in(&self, request: &mut http::request::Parts) -> Result<Login, Problem> {
        let challenged = |problem: Problem| problem.challenge(self.memory.challenge());
        let mut login = self.memory.recall(request).await.map_err(challenged)?;
        if self.read_user_each_request {
            let account = self.users.find(&login.user).await.map_err(internal)?;
            match account {
                Some(account) if !account.disabled => login.role = account.role,
                _ => return Err(challenged(Reason::Revoked.into())),
            }
        }
        Ok(login)
    }

    /// All routes of DESIGN's interface, with the memory's own around them.
    pub fn router(&self) -> Router {
        let lab_open = self.lab_secret.is_some();
        let mut routes = Router::new()
            .route("/login", post(routes::log_in::<M>))
            .route("/me", get(routes::me::<M>))
            .route("/records", get(routes::records::<M>))
            .route("/password", post(routes::change_password::<M>))
            .route("/logout", post(routes::log_out::<M>))
            .route("/logout-everywhere", post(routes::log_out_everywhere::<M>))
            .route(
                "/admin/users/{name}",
                get(admin::show::<M>).patch(admin::change::<M>),
            );
        if lab_open {
            routes = routes.route("/lab/remember", post(lab::remember::<M>));
        }
        let remembered = self.memory.wrap(routes.with_state(self.clone()));
        let mut router = remembered.clone().merge(
            Router::new()
                .route("/healthz", get(watch::alive))
                .route("/readyz", get(watch::ready::<M>))
                .route("/metrics", get(watch::metrics::<M>))
                .with_state(self.clone()),
        );
        if lab_open {
            router = router.merge(lab::router(self.clone(), remembered));
        }
        router
            .fallback(async || Problem::from(Reason::NotFound))
            .method_not_allowed_fallback(async || Problem::from(Reason::MethodNotAllowed))
    }
}

/// A failure of ours: the log says what, the client only that.
pub(crate) fn internal(error: impl std::error::Error + 'static) -> Problem {
    let error: &(dyn std::error::Error + 'static) = &error;
    tracing::error!(error, "request failed");
    Reason::Internal.into()
}
