//! What server-session can be told on the command line or in the environment.

use std::time::Duration;

use app::settings::held_back;
use app::{HeldBack, Settings};

/// Remembers logins in sessions: the record stays here, the client gets its name in a cookie.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "server-session", version)]
pub struct Args {
    /// What both servers can be told.
    #[command(flatten)]
    pub settings: Settings,

    /// Where sessions live
    #[arg(long, value_enum, default_value_t = StoreKind::Memory, env = "STORE")]
    pub store: StoreKind,

    /// Redis for `redis` and `cached`, e.g. redis://127.0.0.1:6379
    ///
    /// Of several nodes: redis+sentinel://HOST:PORT,HOST:PORT/SERVICE is the master that these
    /// Sentinels name, redis+cluster://HOST:PORT,HOST:PORT a Cluster, found by any of its nodes.
    #[arg(
        long,
        value_name = "URL",
        env = "REDIS_URL",
        hide_env_values = true,
        value_parser = held_back,
    )]
    pub redis_url: Option<HeldBack<String>>,

    /// What every key in Redis starts with; the pool's name follows
    #[arg(long, value_name = "TEXT", default_value = "svj:", env = "KEY_PREFIX")]
    pub key_prefix: String,

    /// A session ends when it was not asked for so long, in milliseconds (not for `stock`)
    #[arg(long, value_name = "MS", default_value_t = 900_000, value_parser = lifetime())]
    pub idle_ms: u64,

    /// A session ends so long after its login, whatever happens, in milliseconds (not for `stock`)
    #[arg(long, value_name = "MS", default_value_t = 28_800_000, value_parser = lifetime())]
    pub absolute_ms: u64,

    /// How long `cached` believes what it read from Redis, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2_000, value_parser = lifetime())]
    pub cache_ms: u64,

    /// Time for all commands that one request sends to Redis, in milliseconds; 0: no limit
    #[arg(long, value_name = "MS", default_value_t = 200)]
    pub store_deadline_ms: u64,

    /// Whether commands leave for Redis at once, or may wait for each other to share a packet
    /// (TCP_NODELAY). Default: at once, but on loopback, where sharing was the quicker way
    #[arg(long, value_name = "BOOL")]
    pub store_nodelay: Option<bool>,
}

/// Where sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StoreKind {
    /// In this process: nobody else knows them, and they end with it
    Memory,
    /// In this process, in tower-sessions' own MemoryStore as it is shipped
    Stock,
    /// In Redis, asked on each request
    Redis,
    /// In Redis, behind a short memory of what was read
    Cached,
}

impl Args {
    /// The deadline for all store commands of one request; `None` is none.
    pub fn store_deadline(&self) -> Option<Duration> {
        (self.store_deadline_ms > 0).then(|| Duration::from_millis(self.store_deadline_ms))
    }
}

/// At least a millisecond, at most ten years: sums of times stay far from overflow.
fn lifetime() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=315_360_000_000)
}
