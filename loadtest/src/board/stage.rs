//! What the board stands before: two lanes of servers that can be asked, looked at and broken.
//!
//! The board knows servers only through [`Stage`]. [`super::embedded`] is the stage with an
//! embedded cluster behind it; a test has one of plain sockets, and a running stack can be
//! another.
//! Long because it is all that a stage must be, in one place.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use app::Role;
use serde::{Deserialize, Serialize};

use crate::lab::Lab;

/// One of the two ways of remembering a login that the board shows beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Left: the server keeps a record and hands out its id in a cookie.
    Session,
    /// Right: the server signs who you are and keeps nothing.
    Jwt,
}

/// The pools that a lane can be laid over. Each keeps its logins to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// Sessions in each server's memory.
    SessionMemory,
    /// Sessions in a Redis that the servers share.
    SessionRedis,
    /// Signed tokens, and nothing kept.
    Jwt,
    /// Signed tokens, and a list of those that were logged out, in Redis.
    JwtDenylist,
}

impl Pool {
    /// All of them, those without a store first in each lane.
    pub const ALL: [Self; 4] = [
        Self::SessionMemory,
        Self::SessionRedis,
        Self::Jwt,
        Self::JwtDenylist,
    ];

    /// Its name in addresses, in JSON, and in what its instances say of themselves.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionMemory => "session-memory",
            Self::SessionRedis => "session-redis",
            Self::Jwt => "jwt",
            Self::JwtDenylist => "jwt-denylist",
        }
    }

    /// The lane it belongs to.
    pub fn lane(self) -> Lane {
        match self {
            Self::SessionMemory | Self::SessionRedis => Lane::Session,
            Self::Jwt | Self::JwtDenylist => Lane::Jwt,
        }
    }

    /// Whether its instances ask a store.
    pub fn needs_store(self) -> bool {
        matches!(self, Self::SessionRedis | Self::JwtDenylist)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Pool {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|pool| pool.as_str() == text)
            .ok_or(())
    }
}

/// How a request gets to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Way {
    /// Through the balancer, which takes turns.
    Turns,
    /// Through the balancer, which sends a visitor where it sent them first.
    Sticky,
    /// To this instance, past the balancer.
    Direct(String),
}

impl Way {
    /// Reads the part of an address that says it: `turns`, `sticky`, or an instance's name.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "turns" => Some(Self::Turns),
            "sticky" => Some(Self::Sticky),
            name if name.len() == 1 && name.bytes().all(|b| b.is_ascii_lowercase()) => {
                Some(Self::Direct(name.to_owned()))
            }
            _ => None,
        }
    }
}

/// Something that is done to the servers. What strikes an instance strikes it in both lanes, or
/// the comparison would not be fair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// SIGKILL: no last word, no clean-up.
    Kill {
        /// Which one, in both lanes.
        instance: String,
    },
    /// SIGSTOP: it runs no longer, and its connections stay open.
    Freeze {
        /// Which one, in both lanes.
        instance: String,
    },
    /// SIGCONT to one that was frozen: it goes on as if nothing had been.
    Thaw {
        /// Which one, in both lanes.
        instance: String,
    },
    /// Start it again, with nothing but its settings.
    Start {
        /// Which one, in both lanes.
        instance: String,
    },
    /// SIGKILL to the store; what it held is lost.
    StopStore,
    /// Start the store again, empty.
    StartStore,
    /// Sign with a new key from now on.
    RotateKey {
        /// Whether the old one goes on being believed, until its last token has expired.
        overlap: bool,
    },
    /// An admin gives an account another role.
    SetRole {
        /// Whose.
        user: String,
        /// Which.
        role: Role,
    },
    /// An admin disables an account, or enables it again.
    SetDisabled {
        /// Whose.
        user: String,
        /// Which of the two.
        disabled: bool,
    },
}

impl Act {
    /// The instance that it strikes, if it strikes one.
    pub fn instance(&self) -> Option<&str> {
        match self {
            Self::Kill { instance }
            | Self::Freeze { instance }
            | Self::Thaw { instance }
            | Self::Start { instance } => Some(instance),
            _ => None,
        }
    }
}

/// The servers behind the board.
#[async_trait::async_trait]
pub trait Stage: Send + Sync + 'static {
    /// Where the instances of `pool` take the requests of the viewer in `seat` who goes `way`.
    /// Starts the pool if nobody was there before. A seat is a small number, and addresses are
    /// kept for it.
    ///
    /// Two seats may share an address; then their requests take turns together, and one of them
    /// can meet the same instance twice in a row.
    ///
    /// # Errors
    /// When the pool cannot be had, or there is no such instance.
    async fn address(&self, pool: Pool, way: &Way, seat: usize) -> Result<SocketAddr, StageError>;

    /// What every instance holds now. An instance that does not answer is shown as silent.
    async fn look(&self) -> View;

    /// Does `act`, and says when it is done whether there was anything to do: of two viewers who
    /// press at once, the second finds it done.
    ///
    /// # Errors
    /// When there is no such instance or store, or the act failed.
    async fn act(&self, act: &Act) -> Result<bool, StageError>;

    /// The way to the `/lab` of the instances, where that is this board's to use.
    fn lab(&self) -> Option<&Lab>;
}

/// All that there is to see, for everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct View {
    /// The pools that were started so far.
    pub pools: Vec<PoolView>,
    /// The store, once it was needed.
    pub store: Option<StoreView>,
    /// Acts that this stage cannot do at all, by their names; the page does not offer them.
    pub cannot: Vec<&'static str>,
}

/// The store that instances share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreView {
    /// Whether it runs.
    pub state: InstanceState,
    /// What it is and where it comes from.
    pub what: String,
    /// Why it cannot be stopped, where it cannot.
    pub not_ours: Option<String>,
}

/// Why the stage could not do what it was asked to do.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// No instance has this name.
    #[error("there is no instance {0:?}")]
    NoSuchInstance(String),
    /// There is no store, and why.
    #[error("{0}")]
    NoStore(String),
    /// This stage cannot do it, and why.
    #[error("{0}")]
    NotHere(String),
    /// The store was not started here, so it is not stopped here.
    #[error("this Redis was not started by the board, so the board does not stop it")]
    NotOurStore,
    /// An account that the board itself acts with, or none at all.
    #[error("the account {0:?} cannot be changed here")]
    NotThisAccount(String),
    /// An instance, or a file, did not do its part.
    #[error("{0}")]
    Failed(String),
    /// The cluster could not do it.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// One pool, as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolView {
    /// Which pool.
    pub pool: Pool,
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
    /// It was frozen, and does nothing.
    Frozen,
    /// Its process runs, or should, and does not answer.
    Silent,
    /// Its process has ended.
    Dead,
}
