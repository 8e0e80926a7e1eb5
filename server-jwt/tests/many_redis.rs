//! Deny-lists and refresh tokens behind Sentinels, and in a Cluster: the suite that all memories
//! pass, and a failover under load.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use app::conformance::Pair;
use server_jwt::keys::keygen::Alg;
use support::failover::{OF_EACH, fail_over};
use support::many_redis::{Many, shared_cluster, shared_watched};
use support::pair;

const DENY_LIST: [&str; 2] = ["--revoke", "deny-list"];
const SYNCED: [&str; 2] = ["--revoke", "deny-list-synced"];
const BOTH: [&str; 3] = ["--refresh", "--revoke", "deny-list"];

async fn pair_in(many: &Many, flags: &[&str]) -> Pair {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let prefix = format!("t{}:", COUNT.fetch_add(1, Ordering::Relaxed));
    let own = ["--redis-url", &many.url, "--key-prefix", &prefix];
    // Time enough for a store on a busy machine: these tests are not about the deadline.
    let patiently = ["--store-deadline-ms", "10000"];
    pair(Alg::Hs256, &[flags, &own, &patiently].concat()).await
}

mod deny_list_behind_sentinels {
    app::conformance_tests!(super::pair_in(super::shared_watched(), &super::DENY_LIST));
}
mod synced_behind_sentinels {
    app::conformance_tests!(super::pair_in(super::shared_watched(), &super::SYNCED));
}
mod deny_list_and_refresh_in_a_cluster {
    app::conformance_tests!(super::pair_in(super::shared_cluster(), &super::BOTH));
}
mod synced_in_a_cluster {
    app::conformance_tests!(super::pair_in(super::shared_cluster(), &super::SYNCED));
}

/// Nobody's login is lost, since none is in the store; the last log-outs are undone.
async fn a_failover_forgets_the_last_log_outs(many: Many) {
    let flags = [&DENY_LIST[..], &["--redis-url", &many.url]].concat();
    let pair = pair(Alg::Hs256, &flags).await;
    let found = fail_over(&many, &pair).await;
    println!("{found:?}");
    assert_eq!((found.lost, found.undone), (0, OF_EACH), "{found:?}");
    found.assert_nobody_else_is_concerned();
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_have_a_replica_take_over() {
    a_failover_forgets_the_last_log_outs(Many::watched()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_has_a_replica_take_over() {
    a_failover_forgets_the_last_log_outs(Many::cluster()).await;
}
