//! What the board stands before: two lanes of servers that can be asked, looked at and broken.
//!
//! The board knows servers only through [`Stage`]. [`super::embedded`] is the stage with an
//! embedded cluster behind it; a test has one of plain sockets, and a running stack can be
//! another.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the two ways of remembering a login that the board shows beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Left: the server keeps a record and hands out its id in a cookie.
    Session,
    /// Right: the server signs who you are and keeps nothing.
    Jwt,
}

impl Lane {
    /// Both, in the order in which they stand on the page.
    pub const ALL: [Self; 2] = [Self::Session, Self::Jwt];

    /// Its name in addresses, in JSON and in the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "jwt",
        }
    }

    /// The pool that the lane's instances say they belong to.
    pub fn pool(self) -> &'static str {
        match self {
            Self::Session => "session-memory",
            Self::Jwt => "jwt",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lane {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|lane| lane.as_str() == text)
            .ok_or(())
    }
}

/// Something a viewer does to an instance. It strikes both lanes, or the comparison would not
/// be fair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// SIGKILL: no last word, no clean-up.
    Kill,
    /// Start it again, with nothing but its settings.
    Start,
}

/// The servers behind the board.
#[async_trait::async_trait]
pub trait Stage: Send + Sync + 'static {
    /// Where the balancer of `lane` takes the requests of the viewer in `seat`.
    ///
    /// Two seats may share an address; then their requests take turns together, and one of them
    /// can meet the same instance twice in a row.
    ///
    /// # Errors
    /// When the balancer does not take another address.
    async fn balancer(&self, lane: Lane, seat: usize) -> Result<SocketAddr, StageError>;

    /// What every instance holds now. An instance that does not answer is shown as silent.
    async fn look(&self) -> Vec<LaneView>;

    /// Does `act` to the instance of that name in both lanes and returns when it is done.
    ///
    /// # Errors
    /// When there is no such instance, or the act failed.
    async fn act(&self, act: Act, instance: &str) -> Result<(), StageError>;
}

/// Why the stage could not do what it was asked to do.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// No instance has this name.
    #[error("there is no instance {0:?}")]
    NoSuchInstance(String),
    /// The cluster could not do it.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// One lane, as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneView {
    /// Which lane.
    pub lane: Lane,
    /// Its instances, `a` first.
    pub instances: Vec<InstanceView>,
}

/// One instance, as everybody sees it. Nothing in it is a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceView {
    /// `a`, `b`, …
    pub name: String,
    /// Whether it runs, and answers.
    pub state: InstanceState,
    /// How many logins it holds; `None` where it holds none by design, or does not say.
    pub logins: Option<u64>,
    /// Some of them, newest first, at most [`app::Status::HELD_MAX`].
    pub held: Vec<Held>,
    /// Fingerprints of the keys it checks with.
    pub keys: Vec<String>,
}

impl InstanceView {
    /// An instance of which nothing but its state is known.
    pub fn unknown(name: &str, state: InstanceState) -> Self {
        Self {
            name: name.to_owned(),
            state,
            logins: None,
            held: Vec::new(),
            keys: Vec::new(),
        }
    }
}

/// One login in an instance's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Four characters that stand for it, and that nobody can log in with.
    pub id: String,
    /// Whose login it is.
    pub user: String,
}

/// Whether an instance runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InstanceState {
    /// It runs and answers.
    Running,
    /// Its process runs, or should, and does not answer.
    Silent,
    /// Its process has ended.
    Dead,
}
