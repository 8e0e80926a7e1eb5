//! What both servers can be told on the command line or in the environment.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::carriage::HeldBack;
use crate::users::Source;

/// The settings that both servers share. Each server flattens them into its own.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one, which is printed as `LISTENING ADDRESS`
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:0",
        env = "LISTEN"
    )]
    pub listen: SocketAddr,

    /// Name of the pool this instance belongs to
    #[arg(long, value_name = "NAME", env = "POOL")]
    pub pool: String,

    /// Name of this instance in its pool
    #[arg(long, value_name = "NAME", default_value = "a", env = "INSTANCE")]
    pub instance: String,

    /// Accounts database: the path of an SQLite file that was made by `--make-accounts`, or by
    /// whoever starts the instances
    #[arg(
        long,
        value_name = "FILE",
        env = "ACCOUNTS",
        required_unless_present = "database_url"
    )]
    pub accounts: Option<PathBuf>,

    /// Where there is no file of that name, make it, with the three users of the demo
    #[arg(long, requires = "accounts")]
    pub make_accounts: bool,

    /// Accounts database instead of a file: postgres://user:password@host/database; made and seeded
    /// by whichever instance comes first
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_parser = held_back
    )]
    pub database_url: Option<HeldBack<String>>,

    /// Load users to seed a database with that is made here, beside the three of the demo
    #[arg(long, value_name = "N", env = "LOAD_USERS", default_value_t = 0)]
    pub load_users: u32,

    /// Open /lab to whoever sends the secret in $LAB_SECRET (16 characters or more) as x-lab-secret
    #[arg(long)]
    pub lab: bool,

    /// Secret for /lab; only from the environment, so that no process list shows it
    #[arg(skip)]
    pub lab_secret: Option<String>,

    /// Or a file with that secret; where there is none it is made
    #[arg(long, value_name = "FILE", env = "LAB_SECRET_FILE")]
    pub lab_secret_file: Option<PathBuf>,

    /// Mark cookies Secure and name them __Host-…; needs TLS in front
    #[arg(long)]
    pub secure_cookies: bool,

    /// Threads that serve requests; 1 serves them all on the main thread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_most::<64>())]
    pub workers: u16,

    /// Password checks at a time (default: the machine's cores divided by --instances-on-host)
    #[arg(long, value_name = "N", value_parser = at_most::<64>())]
    pub hash_permits: Option<u16>,

    /// How many instances share this machine, to divide its cores for password checks
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_most::<1024>())]
    pub instances_on_host: u16,

    /// Read the user from the database on each request, so that role and status are never stale
    #[arg(long)]
    pub read_user_each_request: bool,

    /// Remember so many bytes more of each login, in its session's record or in its token's claims
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = padding())]
    pub pad_claims: u16,

    /// How long a draining instance waits, unready, for the balancer to see it, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub drain_wait_ms: u64,

    /// When a draining instance closes what is still open, in milliseconds after the wait
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    pub drain_deadline_ms: u64,

    /// Do not say where it listens, where nobody reads it
    #[arg(long, env = "QUIET")]
    pub quiet: bool,

    /// How long to wait at the start for a database and a store that are not there yet, in
    /// milliseconds; without, a Postgres must be there and a store may come later
    #[arg(long, value_name = "MS", env = "START_WAIT_MS", default_value_t = 0)]
    pub start_wait_ms: u64,

    /// Do not start while this file is there: for an instance that was told to exit, and whose
    /// engine starts it again at once
    #[arg(long, value_name = "FILE", env = "HOLD_FILE")]
    pub hold_file: Option<PathBuf>,

    /// End when standard input ends: for instances that are somebody's children
    #[arg(long)]
    pub end_with_stdin: bool,
}

impl Settings {
    /// What is remembered beside each login and asked for by nobody: applications keep more of
    /// their users than this one does. `None` where nothing is.
    pub fn padding(&self) -> Option<String> {
        (self.pad_claims > 0).then(|| "x".repeat(self.pad_claims.into()))
    }

    /// Where the accounts are: the file, if one is named.
    pub fn source(&self) -> Option<Source> {
        let file = self.accounts.clone().map(Source::File);
        file.or_else(|| self.database_url.clone().map(Source::Postgres))
    }

    /// How long to wait for what is not there yet; `None` is not at all.
    pub fn start_wait(&self) -> Option<Duration> {
        (self.start_wait_ms > 0).then(|| Duration::from_millis(self.start_wait_ms))
    }
}

/// Reads a setting that may hold a password, such as a URL: it is never shown again.
///
/// # Errors
/// None; clap wants a `Result`.
pub fn held_back(text: &str) -> Result<HeldBack<String>, Infallible> {
    Ok(HeldBack::new(text.to_owned()))
}

/// Far beyond every limit that a credential meets, and far below what an answer may hold.
fn padding() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(0..=32_768)
}

/// A count from 1 to `MAX`; anything else is refused by name.
fn at_most<const MAX: i64>() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=MAX)
}
