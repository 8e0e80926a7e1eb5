//! What the main process and the balancer say to each other: one JSON object a line, each order
//! acknowledged once it is in force.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) order: Order,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// The first one.
    Settings {
        health_interval: Duration,
        connect_wait: Duration,
        answer_wait: Duration,
    },
    /// Which instances a pool has, and where.
    Pool {
        pool: u64,
        name: String,
        members: Vec<Member>,
    },
    Listen {
        arm: String,
        policy: Policy,
        pool: u64,
        issuer: Option<String>,
        address: SocketAddr,
    },
    State {
        address: SocketAddr,
    },
    Close {
        address: SocketAddr,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) id: u64,
    pub(crate) answer: Result<Answer, Refusal>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Done,
    Listening(SocketAddr),
    State(ArmState),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Refusal {
    CannotListen(String),
    Unknown(String),
}

/// How the balancer picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Strictly in turn.
    RoundRobin,
    /// A cookie of the balancer's own pins a browser to the instance that answered it first.
    Sticky,
    /// The one with the fewest requests in flight.
    LeastConnections,
    /// The client's address decides.
    SourceHash,
}

/// What the balancer thinks of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamHealth {
    /// Not asked yet.
    Unknown,
    /// It gets requests.
    Up,
    /// It said that it is not ready: it keeps the visitors that are pinned to it, no others.
    Draining,
    /// It does not answer.
    Down,
}

/// An instance as the balancer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamState {
    /// Its name in the pool.
    pub instance: String,
    /// What the health checks say.
    pub health: UpstreamHealth,
    /// Requests whose answers have not ended, over all arms that share the pool.
    pub in_flight: u64,
    /// Attempts made, over all arms that share the pool.
    pub attempts: u64,
}

/// An arm's counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmState {
    /// Requests taken.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Requests that the balancer answered itself, because no instance could.
    pub own_answers: u64,
    /// The instances behind it.
    pub upstreams: Vec<UpstreamState>,
}
