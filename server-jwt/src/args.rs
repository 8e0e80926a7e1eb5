//! What server-jwt can be told on the command line or in the environment.

use std::path::PathBuf;
use std::time::Duration;

use app::settings::held_back;
use app::{HeldBack, Settings};

use crate::carry::Carry;
use crate::inspect::Inspect;
use crate::keys::keygen::Keygen;
use crate::revoke::deny::Fail;

/// A server that signs a login and hands it out (JSON Web Tokens)
#[derive(Debug, clap::Parser)]
#[command(name = "server-jwt", version)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    /// How to serve; absent with a subcommand.
    #[command(flatten)]
    pub serve: Serving,
    /// Something else than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What server-jwt does besides serving.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Take a token apart: header, payload, signature, and whether it holds
    Inspect(Inspect),
    /// Make a key
    Keygen(Keygen),
}

/// How to serve.
#[derive(Debug, Clone, clap::Args)]
pub struct Serve {
    /// What both servers can be told.
    #[command(flatten)]
    pub settings: Settings,

    /// Keys: a JWK set, each key with "kid" and "alg"; read again on SIGHUP
    #[arg(
        long,
        value_name = "FILE",
        env = "JWT_KEYS",
        conflicts_with = "secret_file"
    )]
    pub keys: Option<PathBuf>,

    /// Where there is no file of that name, make it, with one key for HS256
    #[arg(long, requires = "keys")]
    pub make_keys: bool,

    /// Or one secret for HS256: the file's raw bytes, 32 or more
    #[arg(long, value_name = "FILE", env = "JWT_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,

    /// The key that signs (default: the first that can; without one this instance only verifies)
    #[arg(long, value_name = "KID")]
    pub sign_with: Option<String>,

    /// Whom to ask for a login where this instance only verifies
    #[arg(long, value_name = "NAME")]
    pub issuer_instance: Option<String>,

    /// The issuer that tokens name, and must name
    #[arg(long, value_name = "NAME", default_value = "session-vs-jwt")]
    pub issuer: String,

    /// The audience that tokens name, and must name
    #[arg(long, value_name = "NAME", default_value = "session-vs-jwt")]
    pub audience: String,

    /// How long an access token works, in milliseconds, rounded up to the seconds that `exp` has
    #[arg(long, value_name = "MS", default_value_t = 900_000, value_parser = ms(1, 86_400_000))]
    pub access_ms: u64,

    /// How far the issuer's clock may be off, in milliseconds; libraries default to 60000
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = ms(0, 120_000))]
    pub leeway_ms: u64,

    /// How the access token travels
    #[arg(long, value_enum, default_value = "bearer")]
    pub carry: Carry,

    /// jsonwebtoken as it comes: encode and decode with their defaults, 60 s of leeway
    #[arg(long, conflicts_with_all = ["revoke", "refresh", "leeway_ms"])]
    pub stock: bool,

    /// Where ended tokens are noted
    #[arg(long, value_enum, default_value = "none")]
    pub revoke: Revoke,

    /// What happens to good tokens while the deny-list cannot be asked
    #[arg(long, value_enum, default_value = "closed")]
    pub deny_fail: Fail,

    /// Refuse tokens that are older than the store, in case it lost its deny-list
    #[arg(long)]
    pub store_epoch: bool,

    /// Hand out a refresh token beside the access token
    #[arg(long)]
    pub refresh: bool,

    /// How long a login can be renewed, in milliseconds, from the login on
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 604_800_000,
        value_parser = ms(1, 315_360_000_000),
    )]
    pub refresh_ms: u64,

    /// How long a refresh token just replaced gets the same successor, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = ms(0, 300_000))]
    pub refresh_grace_ms: u64,

    /// Redis for `--revoke` and `--refresh`, e.g. redis://127.0.0.1:6379
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

    /// Time for all commands that one request sends to Redis, in milliseconds; 0: no limit
    #[arg(long, value_name = "MS", default_value_t = 200)]
    pub store_deadline_ms: u64,

    /// Whether commands leave for Redis at once, or may wait for each other to share a packet
    /// (TCP_NODELAY). Default: at once, but on loopback, where sharing was the quicker way
    #[arg(long, value_name = "BOOL")]
    pub store_nodelay: Option<bool>,
}

/// Where ended tokens are noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Revoke {
    /// Nowhere: a token works until it expires
    None,
    /// In Redis, asked on each request
    DenyList,
    /// In memory, fed through Redis
    DenyListSynced,
}

impl Serve {
    /// The deadline for all store commands of one request; `None` is none.
    pub fn store_deadline(&self) -> Option<Duration> {
        (self.store_deadline_ms > 0).then(|| Duration::from_millis(self.store_deadline_ms))
    }

    /// Whether anything is kept in Redis.
    pub fn needs_store(&self) -> bool {
        self.refresh || self.revoke != Revoke::None
    }
}

/// Milliseconds within limits, so that sums of times stay far from overflow.
fn ms(least: u64, most: u64) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(least..=most)
}

/// [`Serve`], or nothing where a subcommand is given: clap would ask for its required flags.
#[derive(Debug)]
pub struct Serving(pub Option<Box<Serve>>);

impl clap::FromArgMatches for Serving {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand_name() {
            Some(_) => Ok(Self(None)),
            None => Serve::from_arg_matches(matches).map(|serve| Self(Some(Box::new(serve)))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Serving {
    fn augment_args(command: clap::Command) -> clap::Command {
        Serve::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Serve::augment_args_for_update(command)
    }
}
