//! A Redis of our own, and one that is not. There must be one on this machine for these tests.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::time::Duration;

use cluster::{Error, InstanceState, Redis, RedisChoice, RedisMissing};
use common::{House, lives};

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
