//! The connection to Redis, tuned to fail fast, and one deadline for all commands of a request.
//!
//! With the redis crate's defaults a dead Redis makes requests wait for over nine seconds: every
//! command joins the same reconnecting, which has six tries and no deadline. Here there is one
//! retry, and whatever is slow ends at the deadline with a 503.

use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use app::{Problem, Reason, StartError};
use http::Extensions;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo as _,
    ProtocolVersion, RedisError, ServerErrorKind,
};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);
/// The pause before the one retry.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_millis(100);
/// When the kernel gives up on bytes that nobody acknowledges.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(2);
/// The time limit of a command where the deadline is switched off.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a store that is down is asked whether it is back.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// Redis, as this instance's lists and families use it.
pub struct Store {
    client: Client,
    manager: RwLock<ConnectionManager>,
    deadline: Option<Duration>,
    prefix: String,
    up: AtomicBool,
    /// Told whenever a command got no answer.
    down: Arc<Notify>,
    /// How many keys Redis threw away because its memory was full, when last asked.
    pub(crate) evicted: AtomicU64,
}

/// The store did not answer in time, or not with what was asked. What was ordered may have
/// happened or not.
#[derive(Debug, thiserror::Error)]
#[error("the store did not answer")]
pub struct Unanswered;

impl From<Unanswered> for Problem {
    fn from(Unanswered: Unanswered) -> Self {
        Reason::StoreUnavailable.into()
    }
}

/// How long one request may still wait for the store, all its commands together.
#[derive(Clone, Copy)]
struct Patience(Duration);

impl Store {
    /// A store at `url`, not yet connected: an instance starts without it and says 503.
    ///
    /// # Errors
    /// When `url` is none that the redis crate understands.
    pub fn open(
        url: &str,
        prefix: String,
        deadline: Option<Duration>,
        nodelay: Option<bool>,
    ) -> Result<Self, StartError> {
        let client = client(url, nodelay).map_err(|error| {
            StartError::Usage(format!(
                "--redis-url: {error}; write redis://HOST:PORT/DATABASE"
            ))
        })?;
        let manager = manager(&client, deadline)
            .map_err(|error| StartError::Usage(format!("--redis-url: {error}")))?;
        Ok(Self {
            client,
            manager: RwLock::new(manager),
            deadline,
            prefix,
            up: AtomicBool::new(true),
            down: Arc::default(),
            evicted: AtomicU64::new(0),
        })
    }

    /// A key of ours: every key starts with the prefix.
    pub fn key(&self, parts: &[&str]) -> String {
        let length = self.prefix.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut key = String::with_capacity(length);
        key.push_str(&self.prefix);
        parts.iter().for_each(|part| key.push_str(part));
        key
    }

    /// Sends one command within what is left of the request's deadline.
    ///
    /// # Errors
    /// [`Unanswered`], whatever went wrong.
    pub async fn ask<T: FromRedisValue>(
        &self,
        request: &mut Extensions,
        command: &Cmd,
    ) -> Result<T, Unanswered> {
        let mut connection = self
            .manager
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let answer = command.query_async(&mut connection);
        match self.in_time(request, answer).await {
            Some(Ok(value)) => {
                self.note(true);
                Ok(value)
            }
            Some(Err(error)) => {
                // A refusal is an answer, as when its memory is full; a lost connection is none.
                self.note(matches!(error.kind(), ErrorKind::Server(_)));
                tracing::debug!(%error, "store command failed");
                self.leave_if_demoted(&error);
                Err(Unanswered)
            }
            None => {
                self.note(false);
                Err(Unanswered)
            }
        }
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// When there is none.
    pub async fn reached(&self) -> Result<(), Unanswered> {
        let request = &mut Extensions::new();
        self.ask::<()>(request, &redis::cmd("PING")).await
    }

    async fn in_time<F: Future>(&self, request: &mut Extensions, answer: F) -> Option<F::Output> {
        let Some(allowed) = self.deadline else {
            return Some(answer.await);
        };
        // What the request's first command leaves is for the others. Only waiting for the store
        // counts: a password check between two commands takes longer than either may.
        let Patience(left) = *request.get_or_insert_with(|| Patience(allowed));
        let asked_at = Instant::now();
        let answer = tokio::time::timeout(left, answer).await.ok();
        request.insert(Patience(left.saturating_sub(asked_at.elapsed())));
        answer
    }

    fn note(&self, up: bool) {
        if !up {
            self.down.notify_one();
        }
        if self.up.swap(up, Ordering::Relaxed) != up {
            // Once for each change: under load every request would say it.
            tracing::warn!(up, "the store's state changed");
        }
    }

    /// A node that was demoted or is loading answers, but not as the one we want: start afresh,
    /// since its name may lead to another node by now.
    fn leave_if_demoted(&self, error: &RedisError) {
        let demoted = matches!(
            error.kind(),
            ErrorKind::Server(
                ServerErrorKind::ReadOnly
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::BusyLoading
            )
        );
        if !demoted {
            return;
        }
        self.note(false);
        if let Ok(fresh) = manager(&self.client, self.deadline) {
            *self.manager.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    /// Whether it answered last.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Asks a store that is down again and again, until it is back.
    /// The crate reconnects only when somebody asks, and whoever asks first is told of the failure
    /// before: an instance that seldom needs its store would answer 503 long after its return.
    pub(crate) async fn look_after(store: Weak<Self>) {
        let Some(down) = store.upgrade().map(|store| Arc::clone(&store.down)) else {
            return;
        };
        loop {
            down.notified().await;
            while let Some(store) = store.upgrade() {
                if store.reached().await.is_ok() {
                    break;
                }
                drop(store);
                tokio::time::sleep(PROBE_EVERY).await;
            }
        }
    }

    /// For a connection of one's own.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

fn client(url: &str, nodelay: Option<bool>) -> Result<Client, RedisError> {
    let info = url.into_connection_info()?;
    // RESP3 tells a lost connection from a quiet one.
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    let nodelay = nodelay.unwrap_or_else(|| !is_loopback(info.addr()));
    let tcp = TcpSettings::default().set_nodelay(nodelay);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(UNACKNOWLEDGED_MAX);
    Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

fn is_loopback(address: &ConnectionAddr) -> bool {
    match address {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
            let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        }
        _ => true,
    }
}

fn manager(client: &Client, deadline: Option<Duration>) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_min_delay(RETRY_DELAY_MIN)
        .set_max_delay(RETRY_DELAY_MAX)
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(deadline.unwrap_or(RESPONSE_TIMEOUT)))
        // The default of 50 makes a busy instance wait for its own queue.
        .set_pipeline_buffer_size(1024);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}
