//! Accounts, in a real database that all instances of a cluster share.
//!
//! One process creates, migrates and seeds the file ([`create`]); instances only open it
//! ([`Users::open`]). Nothing here knows how a login is remembered.

use std::path::Path;
use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::login::{Role, UnknownRole};
use crate::password;

/// A demo user: name, the person's name, role, password. The demo prints the passwords.
pub struct DemoUser {
    /// The account's name.
    pub name: &'static str,
    /// The person's name.
    pub display_name: &'static str,
    /// What they may do.
    pub role: Role,
    /// Their password, public on purpose.
    pub password: &'static str,
}

/// The three people of the demo.
pub const DEMO_USERS: [DemoUser; 3] = [
    DemoUser {
        name: "ada",
        display_name: "Ada",
        role: Role::Admin,
        password: "lovelace-1815",
    },
    DemoUser {
        name: "luca",
        display_name: "Luca",
        role: Role::Accountant,
        password: "pacioli-1494",
    },
    DemoUser {
        name: "mia",
        display_name: "Mia",
        role: Role::Member,
        password: "hopper-1906",
    },
];

/// The password of every load user.
pub const LOAD_PASSWORD: &str = "load-users-share-one";

/// argon2id of [`LOAD_PASSWORD`], computed once: ten thousand load users would otherwise cost
/// minutes of hashing before the first request.
pub(crate) const LOAD_PASSWORD_HASH: &str = include_str!("load_password.phc").trim_ascii();

/// The name of load user number `n`.
pub fn load_user(n: u32) -> String {
    format!("load-{n:05}")
}

/// One account as it stands in the database.
#[derive(Clone)]
pub struct Account {
    /// The account's name, unique.
    pub name: String,
    /// The person's name.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// The password's argon2id hash, a PHC string.
    pub password_hash: String,
    /// Whether the account may not log in.
    pub disabled: bool,
}

/// The accounts, opened.
#[derive(Debug, Clone)]
pub struct Users {
    pool: SqlitePool,
}

/// What can go wrong with the accounts.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be opened, or has not been created.
    #[error("cannot open the accounts in {path}: {source}")]
    Open {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The migrations failed.
    #[error("cannot migrate the accounts")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the accounts do not answer")]
    Query(#[from] sqlx::Error),
    /// A row holds a role that is none of ours.
    #[error(transparent)]
    Role(#[from] UnknownRole),
    /// A password could not be hashed.
    #[error("cannot hash a password: {0}")]
    Hash(password::HashError),
}

/// Creates the accounts in `path`: migrates, adds the demo users and `load_users` load users.
/// Does nothing to users that are there already, so it may run twice.
///
/// # Errors
/// When the file cannot be created, migrated or written.
pub async fn create(path: &Path, load_users: u32) -> Result<(), UsersError> {
    let users = Users::connect(path, true).await?;
    sqlx::migrate!().run(&users.pool).await?;
    for user in &DEMO_USERS {
        let hash = password::hash(user.password).map_err(UsersError::Hash)?;
        sqlx::query(
            "INSERT INTO accounts (name, display_name, role, password_hash)
             VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
        )
        .bind(user.name)
        .bind(user.display_name)
        .bind(user.role.as_str())
        .bind(hash)
        .execute(&users.pool)
        .await?;
    }
    // One statement for all of them: row by row, a hundred thousand users would take minutes.
    sqlx::query(
        "WITH RECURSIVE number (n) AS (
             SELECT 0 WHERE $1 > 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < $1
         )
         INSERT INTO accounts (name, display_name, role, password_hash)
         SELECT printf('load-%05d', n), printf('Load %d', n), 'member', $2
         FROM number WHERE true ON CONFLICT (name) DO NOTHING",
    )
    .bind(load_users)
    .bind(LOAD_PASSWORD_HASH)
    .execute(&users.pool)
    .await?;
    users.pool.close().await;
    Ok(())
}

impl Users {
    /// Opens accounts that [`create`] has made.
    ///
    /// # Errors
    /// When the file is not there or holds no accounts.
    pub async fn open(path: &Path) -> Result<Self, UsersError> {
        let users = Self::connect(path, false).await?;
        sqlx::query("SELECT 1 FROM accounts LIMIT 1")
            .execute(&users.pool)
            .await
            .map_err(|source| UsersError::Open {
                path: path.display().to_string(),
                source,
            })?;
        Ok(users)
    }

    async fn connect(path: &Path, create: bool) -> Result<Self, UsersError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            // WAL: readers of one process do not wait for a writer of another.
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await
            .map_err(|source| UsersError::Open {
                path: path.display().to_string(),
                source,
            })?;
        Ok(Self { pool })
    }

    /// The account of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, name: &str) -> Result<Option<Account>, UsersError> {
        let row = sqlx::query(
            "SELECT name, display_name, role, password_hash, disabled
             FROM accounts WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Account {
            name: row.try_get("name")?,
            display_name: row.try_get("display_name")?,
            role: row.try_get::<String, _>("role")?.parse()?,
            password_hash: row.try_get("password_hash")?,
            disabled: row.try_get("disabled")?,
        }))
    }

    /// Gives an account another role; `false` if there is no such account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_role(&self, name: &str, role: Role) -> Result<bool, UsersError> {
        let done = sqlx::query("UPDATE accounts SET role = $2 WHERE name = $1")
            .bind(name)
            .bind(role.as_str())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Disables an account, or enables it again; `false` if there is no such account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> Result<bool, UsersError> {
        let done = sqlx::query("UPDATE accounts SET disabled = $2 WHERE name = $1")
            .bind(name)
            .bind(disabled)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Replaces a password's hash, if it still is the one that was checked: of two changes at
    /// the same time, one loses and is told so (`false`).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn replace_password(
        &self,
        name: &str,
        old_hash: &str,
        new_hash: &str,
    ) -> Result<bool, UsersError> {
        let done = sqlx::query(
            "UPDATE accounts SET password_hash = $3 WHERE name = $1 AND password_hash = $2",
        )
        .bind(name)
        .bind(old_hash)
        .bind(new_hash)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
