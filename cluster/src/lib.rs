//! A cluster: instances of a server as real processes behind one address, a balancer, a store.
//!
//! It starts what it is told to start, keeps it alive or kills it on request, and leaves nothing
//! behind. It knows neither what a login is nor what an instance does with a request: an instance
//! is a program that prints `LISTENING ADDRESS` and answers `GET /readyz`.
//!
//! Start reading with [`Cluster`], then [`supervisor`], which is the parent of every process, and
//! [`balancer`], which is a process of its own.

pub mod accounting;
pub mod balancer;
mod child;
mod cluster;
mod error;
mod instance;
mod link;
mod pool;
mod probe;
mod protocol;
mod proxy;
mod redis;
pub mod supervisor;
mod tail;
mod watched;

pub use balancer::{
    ArmSpec, ArmState, Balancer, BalancerSettings, Policy, STICKY_COOKIE_PREFIX, UpstreamHealth,
    UpstreamState,
};
pub use cluster::{Cluster, ClusterSettings, Crash};
pub use error::Error;
pub use instance::{Instance, InstanceState};
pub use pool::{InstanceSpec, Pool, PoolSpec};
pub use proxy::{Fault, Proxy, Side};
pub use redis::{Redis, RedisChoice, RedisMissing, elsewhere as redis_elsewhere};
pub use watched::{die_with_parent, exec_watched};
