//! Where sessions live, and what each place can promise.
//!
//! tower-sessions wants four verbs of a store: create, save, load, delete. An application wants
//! more, above all to end logins that somebody else holds; [`Store`] is that. Read
//! [`memory`] first, then [`redis`]; [`stock`] is what one gets without asking.

use std::sync::Arc;

use app::{Ended, Instance, Login, Reason, Role, StartError, Status};
use async_trait::async_trait;
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::{SessionManagerLayer, SessionStore, session_store};

use crate::args::{Args, StoreKind};
use crate::carry::CarryLayer;
use crate::record;

mod blob;
pub mod cached;
mod connect;
mod link;
pub mod memory;
pub(crate) mod notes;
mod records;
pub mod redis;
mod shards;
pub mod stock;
mod table;
mod users;

pub use connect::LinkSettings;
pub use link::Link;

/// What is asked of a store beyond tower-sessions' four verbs.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Puts tower-sessions' layer over this store around `routes`, and `carry` around that.
    fn around(&self, routes: Router, cookie: &CookieSettings, carry: CarryLayer) -> Router;

    /// How a login is written into its record.
    fn written(&self, login: &Login) -> Value {
        record::text(login)
    }

    /// Told before a login's account is read. From then on an order to end all logins of its
    /// user must not be overtaken by this one.
    ///
    /// # Errors
    /// When the store does not answer: then there is no point in checking a password.
    async fn login_begins(&self) -> Result<(), Unanswered>;

    /// When a login whose record was just deleted here stops working.
    fn one_ended(&self) -> Ended;

    /// Ends all logins of `user`.
    async fn end_all(&self, user: &str) -> Ended;

    /// Rewrites the role in all logins of `user`.
    async fn set_role(&self, user: &str, role: Role) -> Ended;

    /// Whether a client keeps a cookie whose session is not known here.
    fn withholds_removals(&self) -> bool;

    /// Asks the store for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    async fn reached(&self) -> Result<(), Unanswered> {
        Ok(())
    }

    /// Whether the store answered last; `None` where nobody has to.
    fn is_up(&self) -> Option<bool>;

    /// What is held.
    async fn status(&self) -> Status;
}

/// How long a session lives.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Without being asked for.
    pub idle_ms: u64,
    /// Whatever happens.
    pub absolute_ms: u64,
}

impl Lifetimes {
    /// What `args` say.
    pub fn of(args: &Args) -> Self {
        Self {
            idle_ms: args.idle_ms,
            absolute_ms: args.absolute_ms,
        }
    }
}

/// The session cookie of a pool.
#[derive(Debug, Clone, Copy)]
pub struct CookieSettings {
    /// Its name. It lives as long as this process: tower-sessions clones it several times for
    /// each request, and a `'static` name costs nothing to clone.
    pub name: &'static str,
    /// Whether browsers may send it over TLS only.
    pub secure: bool,
}

/// The store did not answer in time, or cannot do what it was asked. Whether it took the order
/// is not known: a command that was given up may still be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store did not answer")]
pub struct Unanswered;

impl From<Unanswered> for Reason {
    fn from(_: Unanswered) -> Self {
        Self::StoreUnavailable
    }
}

/// What became of a new record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Created {
    Yes,
    NameTaken,
    /// All logins of its user were ended since this one began.
    Overtaken,
}

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saved {
    /// It has this version now.
    Version(u64),
    /// It was ended meanwhile.
    Gone,
    /// It was changed meanwhile.
    Changed,
}

/// A write was refused. tower-sessions asks for it after the handler, so nobody but the layer
/// around it can say why.
fn refused(reason: Reason) -> session_store::Error {
    notes::fail(reason);
    session_store::Error::Backend(reason.as_str().to_owned())
}

/// Whose session a record is.
fn user_of(record: &Record) -> String {
    record::login_in(&record.data).map_or_else(String::new, |login| login.user)
}

/// The store that `args` ask for.
///
/// # Errors
/// When `--redis-url` is missing or cannot be one. That nobody answers there is no error: an
/// instance starts, says 503, and recovers by itself.
pub fn open(args: &Args, instance: &Instance) -> Result<Arc<dyn Store>, StartError> {
    let clock = instance.clock.clone();
    let lifetimes = Lifetimes::of(args);
    let redis = || redis_store(args, instance);
    Ok(match args.store {
        StoreKind::Memory => Arc::new(memory::MemoryStore::new(clock, lifetimes)),
        StoreKind::Stock => Arc::new(stock::StockStore::new(clock)),
        StoreKind::Redis => Arc::new(redis()?),
        StoreKind::Cached => Arc::new(cached::CachedStore::new(redis()?, clock, args.cache_ms)),
    })
}

/// The store in Redis that `args` describe.
///
/// # Errors
/// As those of [`open`].
pub fn redis_store(args: &Args, instance: &Instance) -> Result<redis::RedisStore, StartError> {
    let prefix = format!("{}{}:", args.key_prefix, instance.pool);
    let lifetimes = Lifetimes::of(args);
    Ok(redis::RedisStore::new(link(args, &prefix)?, lifetimes))
}

fn link(args: &Args, prefix: &str) -> Result<Link, StartError> {
    let Some(url) = &args.redis_url else {
        let why = format!("--redis-url: this store needs one; {}", reach::FORMS);
        return Err(StartError::Usage(why));
    };
    let settings = LinkSettings {
        deadline: args.store_deadline(),
        nodelay: args.store_nodelay,
    };
    // The error says what is wrong with the URL without repeating it: it may hold a password.
    Link::new(url.reveal(), prefix, settings)
        .map_err(|error| StartError::Usage(format!("--redis-url: {error}")))
}

/// tower-sessions' layer with everything said that its defaults would leave open: they are the
/// name `id`, SameSite=Strict and Secure. No expiry, so that the cookie has no `Max-Age` and
/// ends with the browser; how long the record lives is the store's business.
fn around<S>(store: S, routes: Router, cookie: &CookieSettings, carry: CarryLayer) -> Router
where
    S: SessionStore + Clone,
{
    let sessions = SessionManagerLayer::new(store)
        .with_name(cookie.name)
        .with_path("/")
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(cookie.secure)
        .with_always_save(false);
    routes.layer((carry, sessions))
}

/// What stands for a session's id outside of this process, its SHA-256: whoever reads the keys
/// of a store, a log or a screen must not be able to send it as a cookie.
type Name = [u8; 32];

fn name_of(id: &Id) -> Name {
    Sha256::digest(id.0.to_le_bytes()).into()
}

/// The first four characters of a name, for people to look at.
fn shown(name: &Name) -> String {
    URL_SAFE_NO_PAD.encode(&name[..3])
}
