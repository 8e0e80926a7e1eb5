//! The deny-list and the refresh families against a real Redis, which is killed, frozen, filled
//! and emptied. Every test has a Redis of its own.

mod deny_list;
mod refresh;
mod refresh_races;
#[path = "../support/mod.rs"]
mod support;
mod synced;

use std::time::{Duration, Instant};

use app::conformance::{Answer, Pair, Server, Visitor, known};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use server_jwt::keys::keygen::Alg;
use support::{Redis, pair, rewritten};

/// How soon a request must be answered when the store does not (FAULTS F4).
const FAILS_WITHIN: Duration = Duration::from_millis(300);

const ASKED: &[&str] = &["--revoke", "deny-list"];
const SYNCED: &[&str] = &["--revoke", "deny-list-synced"];
const REFRESH: &[&str] = &["--refresh"];

/// Time enough for a store on a busy machine, for tests that are not about the deadline.
async fn start(alg: Alg, flags: &[&str]) -> (Redis, Pair) {
    start_as_shipped(alg, &[flags, &["--store-deadline-ms", "10000"]].concat()).await
}

/// With the deadline that servers have.
async fn start_as_shipped(alg: Alg, flags: &[&str]) -> (Redis, Pair) {
    let redis = Redis::start();
    let flags = [flags, &["--redis-url", &redis.url, "--key-prefix", "t:"]].concat();
    let pair = pair(alg, &flags).await;
    (redis, pair)
}

async fn logged_in(pair: &Pair) -> Visitor {
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    mia
}

async fn timed(visitor: &Visitor, server: &Server, path: &str) -> (Answer, Duration) {
    let started = Instant::now();
    let answer = match path {
        "/me" => visitor.clone().get(server, path).await,
        _ => visitor.clone().post(server, path, json!({})).await,
    };
    (answer, started.elapsed())
}

/// The same up to three times, and the soonest answer: a machine that runs other tests beside this
/// one may be late once, a store that is waited for is late each time.
async fn soonest(visitor: &Visitor, server: &Server, path: &str) -> (Answer, Duration) {
    let mut best = timed(visitor, server, path).await;
    for _ in 0..2 {
        if best.1 >= FAILS_WITHIN {
            best = timed(visitor, server, path).await;
        }
    }
    best
}

/// Waits until `done`, for at most `within`, and says how long it took.
async fn wait_for(within: Duration, mut done: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !done().await {
        assert!(
            started.elapsed() < within,
            "it did not happen within {within:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    started.elapsed()
}

async fn count(server: &Server, name: &str) -> u64 {
    let state = Visitor::default().get(server, "/lab/state").await;
    let counts = state.json["counts"].as_array().cloned().unwrap_or_default();
    let found = counts.iter().find(|count| count[0] == name);
    found
        .and_then(|count| count[1].as_u64())
        .unwrap_or_default()
}
