//! A Redis of our own, and one that is not. There must be one on this machine for these tests.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::time::Duration;

use cluster::{Error, Fault, InstanceState, Proxy, Redis, RedisChoice, RedisMissing};
use common::{House, eventually, lives};

async fn ours(house: &House) -> Redis {
    let choice = RedisChoice {
        url: None,
        tag: "test".to_owned(),
    };
    let redis = house.cluster.redis(choice).await;
    redis.expect("these tests need a Redis: `apt install redis-server`")
}

async fn connect(url: &str) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
    let client = redis::Client::open(url)?;
    let connect = client.get_multiplexed_async_connection();
    tokio::time::timeout(Duration::from_secs(2), connect)
        .await
        .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}

async fn keys(url: &str) -> usize {
    let mut connection = connect(url).await.unwrap();
    redis::cmd("DBSIZE")
        .query_async(&mut connection)
        .await
        .unwrap()
}

async fn set(url: &str) {
    let mut connection = connect(url).await.unwrap();
    let set = redis::cmd("SET")
        .arg("key")
        .arg("value")
        .exec_async(&mut connection)
        .await;
    set.unwrap();
}

#[tokio::test]
async fn a_redis_of_our_own_lives_and_dies_as_told() {
    let house = House::open().await;
    let redis = ours(&house).await;
    assert!(redis.ours());
    assert!(
        redis
            .version()
            .starts_with(|first: char| first.is_ascii_digit())
    );
    let first = redis.pid().expect("it is a process of ours");
    let url = redis.url().to_owned();
    set(&url).await;
    assert_eq!(keys(&url).await, 1);
    redis.flush().await.unwrap();
    assert_eq!(keys(&url).await, 0);

    set(&url).await;
    redis.kill().await.unwrap();
    assert!(!lives(first));
    assert_eq!((redis.pid(), redis.state()), (None, InstanceState::Dead));
    assert!(connect(&url).await.is_err());
    assert!(redis.flush().await.is_err());

    // The same address, and nothing left of what it held: it writes nothing to the disk.
    redis.start().await.unwrap();
    assert_ne!(redis.pid().unwrap(), first);
    assert_eq!(redis.url(), url);
    assert_eq!(keys(&url).await, 0);
    let left: Vec<_> = std::fs::read_dir(house.folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    redis.freeze().await.unwrap();
    assert!(connect(&url).await.is_err(), "a frozen Redis answered");
    redis.thaw().await.unwrap();
    assert_eq!(keys(&url).await, 0);
    assert_eq!(house.cluster.crashes_so_far(), []);
}

/// What was answered outlives a kill, until it is made to forget.
#[tokio::test]
async fn a_redis_that_keeps_comes_back_with_what_it_held() {
    let house = House::open().await;
    let redis = house.cluster.keeping_redis("test").await.unwrap();
    assert!(
        redis.can_keep(),
        "this test needs a Redis that is no container"
    );
    for _ in 0..2 {
        set(redis.url()).await;
        redis.kill().await.unwrap();
        redis.start().await.unwrap();
        assert_eq!(redis.keys("k*").await.unwrap(), ["key"]);
        assert!(redis.forget().is_err(), "it runs");
        redis.kill().await.unwrap();
        redis.forget().unwrap();
        redis.start().await.unwrap();
        assert_eq!(keys(redis.url()).await, 0);
    }
    set(redis.url()).await;
    assert_eq!(redis.calls().await.unwrap()["set"], 1);
    redis.configure("maxmemory", "1").await.unwrap();
    assert!(redis.fill("f", 1, 1).await.is_err(), "it is full");
    redis.configure("maxmemory", "0").await.unwrap();
    redis.fill("f", 1_500, 10).await.unwrap();
    assert_eq!(redis.keys("f*").await.unwrap().len(), 1_500);
    assert_eq!(redis.info("memory").await.unwrap()["maxmemory"], "0");
}

/// What was written while the replica did not hear of it is lost, although it was answered.
#[tokio::test]
async fn a_sentinel_makes_a_replica_the_master() {
    let house = House::open().await;
    let (one, other) = tokio::join!(
        house.cluster.keeping_redis("one"),
        house.cluster.keeping_redis("other")
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    let link = Proxy::to(one.address().unwrap()).unwrap();
    other.follow(link.address()).await.unwrap();
    let patience = Duration::from_secs(60);
    let is = async |redis: &Redis, field: &str, value: &str| {
        let info = redis.info("replication").await;
        info.is_ok_and(|info| info.get(field).is_some_and(|said| said == value))
    };
    eventually("the replica follows", patience, async || {
        is(&other, "master_link_status", "up").await
    })
    .await;
    set(one.url()).await;
    eventually("the key is there", patience, async || {
        other.keys("*").await.is_ok_and(|keys| keys == ["key"])
    })
    .await;
    let sentinel = house.cluster.sentinel(&one).await.unwrap();
    eventually("the sentinel knows it", patience, async || {
        sentinel.replicas().await.is_ok_and(|known| known == 1)
    })
    .await;
    link.set(Fault::Stall);
    one.fill("unheard-of", 1, 1).await.unwrap();
    // It must have heard from the replica itself before it can choose it.
    eventually("it begins", patience, async || {
        sentinel.fail_over().await.is_ok()
    })
    .await;
    eventually("the other is the master", patience, async || {
        sentinel
            .master()
            .await
            .is_ok_and(|master| master == other.address())
    })
    .await;
    assert!(is(&other, "role", "master").await);
    assert_eq!(other.keys("*").await.unwrap(), ["key"]);
    eventually("the old master follows", patience, async || {
        is(&one, "role", "slave").await && one.keys("unheard*").await.is_ok_and(|k| k.is_empty())
    })
    .await;
    assert_eq!(house.cluster.crashes_so_far(), []);
    sentinel.kill().await.unwrap();
}

#[tokio::test]
async fn each_call_starts_one_of_its_own() {
    let house = House::open().await;
    let (one, other) = tokio::join!(ours(&house), ours(&house));
    assert_ne!(one.url(), other.url());
    set(one.url()).await;
    assert_eq!(keys(other.url()).await, 0);
}

#[tokio::test]
async fn a_redis_of_somebody_elses_is_left_alone() {
    let theirs_house = House::open().await;
    let theirs = ours(&theirs_house).await;
    set(theirs.url()).await;

    let house = House::open().await;
    let choice = RedisChoice {
        url: Some(theirs.url().to_owned()),
        tag: "test".to_owned(),
    };
    let redis = house.cluster.redis(choice).await.unwrap();
    assert!(!redis.ours());
    assert_eq!(
        (redis.url(), redis.version()),
        (theirs.url(), theirs.version())
    );
    assert_eq!((redis.pid(), &*redis.how()), (None, "given by --redis-url"));
    for refused in [
        redis.flush().await,
        redis.kill().await,
        redis.freeze().await,
        redis.thaw().await,
        redis.start().await,
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error}");
        assert!(
            error.to_string().contains("given by --redis-url"),
            "{error}"
        );
    }
    assert_eq!(keys(theirs.url()).await, 1);
}

#[tokio::test]
async fn a_named_redis_that_does_not_answer_is_never_replaced_by_another() {
    let house = House::open().await;
    let named = async |url: &str| {
        let choice = RedisChoice {
            url: Some(url.to_owned()),
            tag: "test".to_owned(),
        };
        house.cluster.redis(choice).await.unwrap_err()
    };
    // Port 1 is nobody's.
    let error = named("redis://user:secret@127.0.0.1:1/").await;
    assert!(error.is_unreachable(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("--redis-url 127.0.0.1:1"), "{text}");
    assert!(!text.contains("secret") && !text.contains('\n'), "{text}");

    let error = named("memcached://127.0.0.1:1/").await;
    assert!(matches!(error, RedisMissing::BadUrl { .. }), "{error:?}");
    assert!(!error.to_string().contains('\n'), "{error}");
}
