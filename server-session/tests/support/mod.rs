//! What the tests of this crate share: memories built from flags, pairs of instances, and a real
//! Redis. Without one these tests fail and say so: a store that was never asked proves nothing.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod failover;
pub mod many_redis;
mod real_redis;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use app::conformance::{Answer, Pair, Server, Visitor};
use app::{Clock, Instance};
use clap::Parser as _;
use http::{Method, StatusCode};
pub use real_redis::Redis;
use serde_json::{Value, json};
use server_session::Args;
use server_session::memory::SessionMemory;

/// What `flags` ask for.
pub fn args(flags: &[&str]) -> Args {
    let always = ["server-session", "--pool", "unused", "--accounts", "none"];
    Args::try_parse_from(always.iter().chain(flags)).expect("the flags are right")
}

/// An instance of `pool`, whose memory `flags` ask for.
pub fn memory(pool: &str, flags: &[&str]) -> SessionMemory {
    let instance = Instance {
        pool: pool.to_owned(),
        name: "a".to_owned(),
        clock: Clock::default(),
        secure_cookies: false,
    };
    SessionMemory::new(&instance, &args(flags)).expect("the flags are right")
}

/// Time enough for a store on a busy machine: for tests that are not about the deadline.
pub const PATIENTLY: [&str; 2] = ["--store-deadline-ms", "10000"];

/// Two instances with `store`, which share the test process' Redis if they need one, under keys
/// of their own.
pub async fn pair(store: &str, flags: &[&str]) -> Pair {
    let prefix = unused_prefix();
    let flags = [&["--key-prefix", &prefix], &PATIENTLY[..], flags].concat();
    pair_on(&shared_redis().url, store, &flags).await
}

/// Two instances with `store` over the Redis at `url`.
pub async fn pair_on(url: &str, store: &str, flags: &[&str]) -> Pair {
    let args = args(&[&["--store", store, "--redis-url", url], flags].concat());
    let pool = format!("session-{store}");
    Pair::start(&pool, async |instance| {
        SessionMemory::new(&instance, &args).expect("the flags are right")
    })
    .await
}

/// What keys may start with that nobody else uses.
pub fn unused_prefix() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t{}:", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Status and reason of `GET /me` with what `visitor` holds, whatever the answer does to it.
pub async fn me(visitor: &Visitor, server: &Server) -> (u16, String) {
    let answer = visitor.clone().get(server, "/me").await;
    (answer.status.as_u16(), answer.reason().to_owned())
}

/// `POST /lab/counter` with what `visitor` holds.
pub async fn count(visitor: &Visitor, server: &Server, barrier: usize) -> Answer {
    let body = json!({ "barrier": barrier });
    let request = visitor.request(Method::POST, "/lab/counter", Some(body));
    server.send(request).await
}

/// A visitor who is logged in at `server`.
pub async fn logged_in(server: &Server, user: &str) -> Visitor {
    let mut visitor = Visitor::default();
    visitor.log_in(server, user).await;
    visitor
}

/// What `/lab/state` says.
pub async fn state(server: &Server) -> Value {
    let answer = Visitor::default().get(server, "/lab/state").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json
}

/// The Redis that tests share which do nothing to it.
pub fn shared_redis() -> &'static Redis {
    static REDIS: OnceLock<Redis> = OnceLock::new();
    REDIS.get_or_init(Redis::start)
}
