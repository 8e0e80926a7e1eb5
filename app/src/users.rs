//! Accounts, in a real database that all instances of a cluster share.
//!
//! Usually one process creates, migrates and seeds them ([`create`]) and instances only open them
//! ([`Users::open`]). Where there is no such process, as in a stack of containers or in a terminal,
//! every instance may try: it is done once, under a lock, or the file that is there first is kept.
//! Nothing here knows how a login is remembered.

use std::io::ErrorKind;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::database::Database;
pub use crate::database::Source;
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
#[derive(Clone, PartialEq, Eq)]
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
    database: Database,
}

/// What can go wrong with the accounts.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The database cannot be opened, or has not been created.
    #[error("cannot open the accounts in {place}: {source}")]
    Open {
        /// Which one, without its password.
        place: String,
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

/// Creates the accounts in `source`: migrates, adds the demo users and `load_users` load users.
/// Does nothing to users that are there already, so it may run twice, and two at once.
///
/// # Errors
/// When the database cannot be created, migrated or written.
pub async fn create(source: impl Into<Source>, load_users: u32) -> Result<(), UsersError> {
    let users = Users::create(source, load_users).await?;
    users.database.close().await;
    Ok(())
}

/// Opens the accounts in the file at `path`; where there is none, makes it first. Of several
/// instances that start at once, one makes the file that all of them open.
///
/// # Errors
/// As those of [`create`] and [`Users::open`].
pub async fn find_or_make(path: &Path, load_users: u32) -> Result<Users, UsersError> {
    if !path.exists() {
        make(path, load_users).await?;
    }
    Users::open(path).await
}

/// Made whole beside its place, then renamed where nothing is: nobody opens half of it.
async fn make(path: &Path, load_users: u32) -> Result<(), UsersError> {
    let refused = |error| UsersError::Open {
        place: path.display().to_string(),
        source: sqlx::Error::Io(error),
    };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let file = NamedTempFile::new_in(folder).map_err(refused)?;
    create(file.path(), load_users).await?;
    match file.persist_noclobber(path) {
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        renamed => renamed.map(drop).map_err(|failed| refused(failed.error)),
    }
}

impl Users {
    /// The same, and stays connected.
    ///
    /// # Errors
    /// As those of [`create`].
    pub async fn create(source: impl Into<Source>, load_users: u32) -> Result<Self, UsersError> {
        let database = Database::connect(&source.into(), true).await?;
        database.migrate().await?;
        let users = Self { database };
        for user in &DEMO_USERS {
            // Its hash is what takes long; instances that come later need not make it.
            if users.find(user.name).await?.is_none() {
                users.add(user).await?;
            }
        }
        users
            .database
            .add_load_users(load_users, LOAD_PASSWORD_HASH)
            .await?;
        Ok(users)
    }

    /// Opens accounts that [`create`] has made.
    ///
    /// # Errors
    /// When the database is not there or holds no accounts.
    pub async fn open(source: impl Into<Source>) -> Result<Self, UsersError> {
        let source = source.into();
        let database = Database::connect(&source, false).await?;
        let seen = database
            .execute("SELECT 1 FROM accounts LIMIT 1", &[])
            .await;
        seen.map_err(|error| UsersError::Open {
            place: source.to_string(),
            source: error,
        })?;
        Ok(Self { database })
    }

    async fn add(&self, user: &DemoUser) -> Result<(), UsersError> {
        let hash = password::hash(user.password).map_err(UsersError::Hash)?;
        let values = [user.name, user.display_name, user.role.as_str(), &hash];
        let statement = "INSERT INTO accounts (name, display_name, role, password_hash)
             VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
        self.database.execute(statement, &values).await?;
        Ok(())
    }

    /// The account of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, name: &str) -> Result<Option<Account>, UsersError> {
        let Some(row) = self.database.account(name).await? else {
            return Ok(None);
        };
        Ok(Some(Account {
            name: row.name,
            display_name: row.display_name,
            role: row.role.parse()?,
            password_hash: row.password_hash,
            disabled: row.disabled,
        }))
    }

    /// Gives an account another role; `false` if there is no such account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_role(&self, name: &str, role: Role) -> Result<bool, UsersError> {
        let statement = "UPDATE accounts SET role = $2 WHERE name = $1";
        self.change(statement, &[name, role.as_str()]).await
    }

    /// Disables an account, or enables it again; `false` if there is no such account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> Result<bool, UsersError> {
        let statement = match disabled {
            true => "UPDATE accounts SET disabled = TRUE WHERE name = $1",
            false => "UPDATE accounts SET disabled = FALSE WHERE name = $1",
        };
        self.change(statement, &[name]).await
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
        let statement =
            "UPDATE accounts SET password_hash = $3 WHERE name = $1 AND password_hash = $2";
        self.change(statement, &[name, old_hash, new_hash]).await
    }

    /// Whether a statement changed the one account that it names.
    async fn change(&self, statement: &'static str, values: &[&str]) -> Result<bool, UsersError> {
        Ok(self.database.execute(statement, values).await? == 1)
    }
}
