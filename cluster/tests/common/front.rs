//! A balancer over a pool of toys.

use std::net::SocketAddr;
use std::time::Duration;

use cluster::{ArmSpec, Balancer, Policy, Pool, UpstreamHealth};
use reqwest::{Client, Response};

use super::{House, eventually};

pub(crate) struct Front {
    pub(crate) house: House,
    pub(crate) pool: Pool,
    pub(crate) balancer: Balancer,
    pub(crate) address: SocketAddr,
}

impl Front {
    pub(crate) async fn open(policy: Policy, names: &[&str]) -> Self {
        Self::open_with(policy, names, &[]).await
    }

    pub(crate) async fn open_with(policy: Policy, names: &[&str], flags: &[&str]) -> Self {
        let house = House::open().await;
        let pool = house.pool_with(names, flags).await;
        let balancer = house.cluster.balancer().await.expect("a balancer");
        let address = listen(&balancer, &pool, policy, None).await;
        Self {
            house,
            pool,
            balancer,
            address,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, client: &Client, path: &str) -> Response {
        client.get(self.url(path)).send().await.expect("an answer")
    }

    /// Which instances answer `count` requests in a row.
    pub(crate) async fn turns(&self, client: &Client, count: usize) -> Vec<String> {
        let mut turns = Vec::new();
        for _ in 0..count {
            turns.push(served_by(&self.get(client, "/").await));
        }
        turns
    }

    pub(crate) async fn health(&self, instance: &str) -> UpstreamHealth {
        let state = self.balancer.state(self.address).await.expect("it listens");
        let upstreams = state.upstreams.into_iter();
        let mut found = upstreams.filter(|upstream| upstream.instance == instance);
        found.next().expect("it is in the pool").health
    }

    pub(crate) async fn until(&self, instance: &str, health: UpstreamHealth) {
        let what = format!("{instance} is seen {health:?}");
        eventually(&what, Duration::from_secs(5), async || {
            self.health(instance).await == health
        })
        .await;
    }

    /// Waits until no request is in flight any more.
    pub(crate) async fn until_idle(&self) {
        eventually("the lease ends", Duration::from_secs(2), async || {
            let state = self.balancer.state(self.address).await.expect("it listens");
            let mut upstreams = state.upstreams.iter();
            upstreams.all(|upstream| upstream.in_flight == 0)
        })
        .await;
    }

    /// Requests, retries, answers of the balancer's own.
    pub(crate) async fn counts(&self) -> (u64, u64, u64) {
        let state = self.balancer.state(self.address).await.expect("it listens");
        (state.requests, state.retries, state.own_answers)
    }
}

/// A further address of the arm `x`.
pub(crate) async fn listen(
    balancer: &Balancer,
    pool: &Pool,
    policy: Policy,
    issuer: Option<&str>,
) -> SocketAddr {
    let arm = ArmSpec {
        arm: "x".to_owned(),
        policy,
        pool,
        issuer: issuer.map(str::to_owned),
        address: None,
    };
    balancer.listen(arm).await.expect("an address")
}

/// A field of an answer's header, `none` if it is not there.
pub(crate) fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name);
    value
        .map_or("none", |value| value.to_str().expect("ASCII"))
        .to_owned()
}

pub(crate) fn served_by(answer: &Response) -> String {
    header(answer, "x-served-by")
}

pub(crate) fn attempts(answer: &Response) -> u32 {
    header(answer, "x-attempts").parse().expect("a number")
}
