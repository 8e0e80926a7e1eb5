//! The fact that somebody proved who they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A login: who proved to be who, when, and on which instance.
///
/// Every way of remembering keeps this snapshot as it was taken at login; what happens to it
/// when the account changes afterwards is one of the things this project shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The account's name, unique.
    pub user: String,
    /// The person's name, for people to read.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When the password was checked, milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// The instance that checked it, as it names itself in `x-served-by`.
    pub login_instance: String,
}

/// What a user may do. Authorisation is a question of its own: both servers answer it from the
/// role in the [`Login`], and so both can be out of date in their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May see who they are.
    Member,
    /// May also read the financial records.
    Accountant,
    /// May also change roles and disable accounts.
    Admin,
}

impl Role {
    /// The role as it stands in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Accountant => "accountant",
            Self::Admin => "admin",
        }
    }

    /// Whether this role may read the financial records.
    pub fn reads_records(self) -> bool {
        matches!(self, Self::Accountant | Self::Admin)
    }

    /// Whether this role may change other accounts.
    pub fn administers(self) -> bool {
        matches!(self, Self::Admin)
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "member" => Ok(Self::Member),
            "accountant" => Ok(Self::Accountant),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole(text.to_owned())),
        }
    }
}

/// A role's name that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("unknown role {0:?}: use member, accountant or admin")]
pub struct UnknownRole(String);
