//! Sessions behind Sentinels, and in a Cluster: the suite that all memories pass, and a failover
//! under load.

mod support;

use std::time::Instant;

use support::failover::{OF_EACH, both_write, fail_over};
use support::many_redis::{Many, shared_cluster, shared_watched, wait_for_master};
use support::{PATIENTLY, logged_in, pair_on, unused_prefix};
use tokio::task::block_in_place;

async fn pair_in(many: &Many, store: &str) -> app::conformance::Pair {
    let prefix = unused_prefix();
    pair_on(
        &many.url,
        store,
        &[&["--key-prefix", &prefix], &PATIENTLY[..]].concat(),
    )
    .await
}

mod behind_sentinels {
    app::conformance_tests!(super::pair_in(super::shared_watched(), "redis"));
}
mod in_a_cluster {
    app::conformance_tests!(super::pair_in(super::shared_cluster(), "redis"));
}
mod cached_in_a_cluster {
    app::conformance_tests!(super::pair_in(super::shared_cluster(), "cached"));
}

/// What the replica had heard of is kept. The rest is gone without a word: logins are lost, and
/// logins that were ended work again.
async fn a_failover_takes_the_last_changes_along(many: Many) {
    let pair = pair_on(&many.url, "redis", &[]).await;
    let found = fail_over(&many, &pair).await;
    println!("{found:?}");
    assert_eq!((found.lost, found.undone), (OF_EACH, OF_EACH), "{found:?}");
    found.assert_nobody_else_is_concerned();
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_have_a_replica_take_over() {
    a_failover_takes_the_last_changes_along(Many::watched()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_has_a_replica_take_over() {
    a_failover_takes_the_last_changes_along(Many::cluster()).await;
}

/// The old master is still there, and refuses to write (READONLY) or sends elsewhere (MOVED).
async fn a_change_of_places_costs_nothing(many: Many) {
    let pair = pair_on(&many.url, "redis", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    let (_, replica) = many.holder();
    let asked_at = Instant::now();
    block_in_place(|| {
        many.turn_over(replica);
        wait_for_master(replica);
    });
    both_write(&pair, asked_at).await;
    println!("both write again after {:?}", asked_at.elapsed());
    for server in [&pair.a, &pair.b] {
        assert_eq!(support::me(&mia, server).await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demoted_master_is_left_by_itself() {
    a_change_of_places_costs_nothing(Many::watched()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_slot_is_followed() {
    a_change_of_places_costs_nothing(Many::cluster()).await;
}
