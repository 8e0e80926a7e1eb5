//! The database under the accounts: SQLite in a file, or Postgres. Both get the same statements,
//! and the two places in which they differ are here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::carriage::HeldBack;
use crate::users::UsersError;

/// How long an instance waits for a connection.
const ACQUIRE_WAIT: Duration = Duration::from_secs(5);
/// How many connections an instance keeps.
const CONNECTIONS_MAX: u32 = 2;

/// Where accounts are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, of SQLite.
    File(PathBuf),
    /// The URL of a Postgres database; it may hold a password.
    Postgres(HeldBack<String>),
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Source {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

/// Without the password.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => match PgConnectOptions::from_str(url.reveal()) {
                Ok(options) => write!(
                    f,
                    "Postgres at {}:{}, database {}",
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or("of the user's name"),
                ),
                Err(_) => f.write_str("Postgres, at an address that is none"),
            },
        }
    }
}

/// A database, connected.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// One account as it is stored.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) role: String,
    pub(crate) password_hash: String,
    pub(crate) disabled: bool,
}

/// The same for either: the query is written once, and its types are those of the pool it goes to.
macro_rules! on {
    ($database:expr, $pool:ident => $asked:expr) => {
        match $database {
            Database::Sqlite($pool) => $asked,
            Database::Postgres($pool) => $asked,
        }
    };
}

impl Database {
    /// Connects; an SQLite file is made where `create` says so.
    pub(crate) async fn connect(source: &Source, create: bool) -> Result<Self, UsersError> {
        let connected = match source {
            Source::File(path) => sqlite(path, create).await.map(Self::Sqlite),
            Source::Postgres(url) => postgres(url.reveal()).await.map(Self::Postgres),
        };
        connected.map_err(|error| UsersError::Open {
            place: source.to_string(),
            source: error,
        })
    }

    /// Brings the tables up to date. Postgres is locked meanwhile: of several instances that start
    /// at once, one does it and the others wait. An SQLite file has one process that makes it.
    pub(crate) async fn migrate(&self) -> Result<(), UsersError> {
        let migrations = sqlx::migrate!();
        on!(self, pool => migrations.run(pool).await)?;
        Ok(())
    }

    /// Carries out a statement and says how many rows it touched.
    pub(crate) async fn execute(
        &self,
        statement: &'static str,
        values: &[&str],
    ) -> sqlx::Result<u64> {
        on!(self, pool => {
            let mut query = sqlx::query(statement);
            for value in values {
                query = query.bind((*value).to_owned());
            }
            Ok(query.execute(pool).await?.rows_affected())
        })
    }

    /// The account of that name.
    pub(crate) async fn account(&self, name: &str) -> sqlx::Result<Option<Row>> {
        const STATEMENT: &str = "SELECT name, display_name, role, password_hash, disabled
             FROM accounts WHERE name = $1";
        on!(self, pool => sqlx::query_as(STATEMENT).bind(name).fetch_optional(pool).await)
    }

    /// Adds load users with this hash: one statement for all of them, since row by row a hundred
    /// thousand would take minutes.
    pub(crate) async fn add_load_users(&self, count: u32, hash: &str) -> sqlx::Result<()> {
        let statement = match self {
            Self::Sqlite(_) => {
                "WITH RECURSIVE number (n) AS (
                     SELECT 0 WHERE $1 > 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < $1
                 )
                 INSERT INTO accounts (name, display_name, role, password_hash)
                 SELECT printf('load-%05d', n), printf('Load %d', n), 'member', $2
                 FROM number WHERE true ON CONFLICT (name) DO NOTHING"
            }
            Self::Postgres(_) => {
                "INSERT INTO accounts (name, display_name, role, password_hash)
                 SELECT 'load-' || lpad(n::text, 5, '0'), 'Load ' || n, 'member', $2
                 FROM generate_series(0, $1 - 1) AS n ON CONFLICT (name) DO NOTHING"
            }
        };
        let count = i64::from(count);
        on!(self, pool => {
            sqlx::query(statement).bind(count).bind(hash).execute(pool).await.map(drop)
        })
    }

    pub(crate) async fn close(&self) {
        on!(self, pool => pool.close().await);
    }
}

async fn sqlite(path: &Path, create: bool) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        // WAL: readers of one process do not wait for a writer of another.
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(ACQUIRE_WAIT);
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_WAIT);
    pool.connect_with(options).await
}

async fn postgres(url: &str) -> sqlx::Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?.application_name("session-vs-jwt");
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_WAIT)
        // Ten servers that come up with their database wait for it, and that is no news. Whoever
        // waits too long says so by the timeout.
        .acquire_slow_threshold(ACQUIRE_WAIT);
    pool.connect_with(options).await
}
