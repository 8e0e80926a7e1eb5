//! The seam: how a server remembers that somebody has logged in.
//!
//! Everything that `server-session` and `server-jwt` do differently stands behind [`Memory`].
//! This file knows neither of them. [`crate::trusting`] is the smallest implementation and the
//! best place to learn the trait from; [`crate::conformance`] says what each must do.

use std::future::Future;

use axum::Router;
use http::HeaderValue;
use http::request::Parts;
use serde::Serialize;

use crate::carriage::Carriage;
use crate::login::{Login, Role};
use crate::problem::Problem;

/// How a server remembers a login: three verbs, and the layers and routes it needs of its own.
///
/// A value is cloned for every connection, so an implementation keeps what it shares behind an
/// `Arc`. The application calls the verbs with the request's head: an implementation that works
/// through a layer (tower-sessions) finds what its layer left in `parts.extensions`.
///
/// The verbs of the smallest implementation, which remembers nothing and so can forget nothing:
///
/// ```
/// use app::trusting::Trusting;
/// use app::{Clock, Ended, Instance, Memory, Reason, Scope};
/// use http::Request;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), http::Error> {
/// let memory = Trusting::new(&Instance {
///     pool: "trusting".to_owned(),
///     name: "a".to_owned(),
///     clock: Clock::default(),
///     secure_cookies: false,
/// });
/// let (mut nobody, ()) = Request::new(()).into_parts();
/// let refused = memory.recall(&mut nobody).await;
/// assert_eq!(refused.map_err(|problem| problem.reason()), Err(Reason::NoCredential));
///
/// let request = Request::builder().header("authorization", "Bearer mia").body(())?;
/// let (mut request, ()) = request.into_parts();
/// let forgotten = memory.forget(&mut request, &Scope::ThisLogin).await;
/// assert_eq!(forgotten.ended, Ended::At { at_ms: u64::MAX });
/// let login = memory.recall(&mut request).await;
/// assert_eq!(login.map(|login| login.user), Ok("mia".to_owned()));
/// # Ok(())
/// # }
/// ```
pub trait Memory: Clone + Send + Sync + 'static {
    /// Remembers `login` and says how the credential travels to the client.
    ///
    /// Called after the password was checked, and again when the credential must be renewed
    /// (after a changed password). An implementation hands out a credential that the client did
    /// not choose, and ends the one the request carried where it can (OWASP ASVS 7.2.4).
    ///
    /// # Errors
    /// [`Reason::StoreUnavailable`](crate::problem::Reason::StoreUnavailable) when the record
    /// could not be written, `NotTheIssuer` where an instance can only verify.
    fn remember(
        &self,
        request: &mut Parts,
        login: &Login,
    ) -> impl Future<Output = Result<Carriage, Problem>> + Send;

    /// Whose login does this request carry?
    ///
    /// # Errors
    /// The reason why nobody is recognised; each [`Reason`](crate::problem::Reason) has its
    /// status. A store that does not answer is never "nobody": it is `StoreUnavailable`, 503.
    fn recall(&self, request: &mut Parts) -> impl Future<Output = Result<Login, Problem>> + Send;

    /// Ends the logins in `scope` and says, without flattering itself, when they stop working.
    fn forget(&self, request: &mut Parts, scope: &Scope) -> impl Future<Output = Forgotten> + Send;

    /// Adds this memory's own layers and routes around those of the application.
    fn wrap(&self, routes: Router) -> Router;

    /// What stands in the `WWW-Authenticate` header of a 401 (RFC 9110, section 11.6.1).
    fn challenge(&self) -> Challenge;

    /// Whether the store behind this memory answered last, for `/readyz`: known without asking
    /// it. `None` where there is no store. Readiness itself never depends on it.
    fn store_up(&self) -> Option<bool>;

    /// What this memory holds at the moment, for `/metrics` and `/lab/state`.
    fn status(&self) -> impl Future<Output = Status> + Send;
}

/// Which logins [`Memory::forget`] is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The login that this request carries.
    ThisLogin,
    /// Every login of a user, wherever it was made: after "log out everywhere", a changed
    /// password, or when an account was disabled.
    EveryLogin {
        /// The account's name.
        user: String,
    },
    /// The role that was noted when a user logged in: it has changed. A memory that can reach
    /// its records rewrites them and the logins go on; one that cannot either refuses what was
    /// handed out before, or keeps the old role until the credential expires, and says which.
    OldRole {
        /// The account's name.
        user: String,
        /// The role from now on.
        role: Role,
    },
}

/// What [`Memory::forget`] answers.
#[derive(Debug, Clone)]
pub struct Forgotten {
    /// When the logins in scope stop working.
    pub ended: Ended,
    /// A `Set-Cookie` value that removes the client's cookie, where no layer does it.
    pub removal: Option<HeaderValue>,
}

impl From<Ended> for Forgotten {
    fn from(ended: Ended) -> Self {
        Self {
            ended,
            removal: None,
        }
    }
}

/// When a forgotten login stops working: an answer that cannot lie, because each way of
/// remembering has a variant that fits what it can really promise.
///
/// Times are milliseconds since the Unix epoch, by the clock of the instance that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// On every instance, from this answer on.
    Everywhere,
    /// On this instance from this answer on, on the others at the latest at `elsewhere_at_ms`.
    Here {
        /// When the last other instance refuses it at the latest.
        elsewhere_at_ms: u64,
    },
    /// Nowhere before `at_ms`: what was handed out works until it expires.
    At {
        /// When the last credential in scope has expired at the latest.
        at_ms: u64,
    },
    /// The store did not answer; it may or may not have taken the order (never "not done").
    Unknown,
}

/// The `WWW-Authenticate` challenge of a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// `Bearer` (RFC 6750, section 3), with its `error` where one applies.
    Bearer,
    /// `Cookie cookie-name="…"`: there is no registered scheme; this one says which cookie.
    Cookie {
        /// The cookie's name.
        name: String,
    },
}

/// What a memory holds, shortened so that nothing in it is a credential.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Status {
    /// Whether the store behind it answers; `None` where it has no store to ask.
    pub store_up: Option<bool>,
    /// How many logins it holds in this process; `None` where it holds none by design.
    pub logins: Option<u64>,
    /// Some of the logins it holds, newest first, at most [`Status::HELD_MAX`].
    pub held: Vec<Held>,
    /// The keys it signs and verifies with.
    pub keys: Vec<Key>,
    /// Further counts by name, each a Prometheus metric name without prefix
    /// (`swept_total`, `deny_list_entries`, …).
    pub counts: Vec<(&'static str, u64)>,
}

impl Status {
    /// How many logins [`Status::held`] shows at most.
    pub const HELD_MAX: usize = 50;
}

/// One login that a memory holds, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The first four characters of the credential's id (or of its hash), never more.
    pub id: String,
    /// Whose login it is.
    pub user: String,
    /// When it was made, milliseconds since the Unix epoch.
    pub since_ms: u64,
}

/// One key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Key id (RFC 7515, section 4.1.4).
    pub kid: String,
    /// The one algorithm it may be used with.
    pub alg: String,
    /// The first eight hex digits of SHA-256 over the public part, or over the secret.
    pub fingerprint: String,
    /// Whether new credentials are signed with it.
    pub signs: bool,
}
