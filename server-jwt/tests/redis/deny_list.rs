//! The deny-list that is asked in Redis on each request.

use super::*;

#[tokio::test]
async fn one_round_trip_a_request() {
    let (redis, pair) = start(Alg::Hs256, ASKED).await;
    let mia = logged_in(&pair).await;
    assert!(known(&mia, &pair.a).await);
    let calls = |redis: &Redis| -> (u64, u64) {
        let info: String = redis.run(&["INFO", "commandstats"]);
        let of = |name: &str| {
            let line = info.lines().find(|line| line.starts_with(name));
            let calls = line.and_then(|line| line.split("calls=").nth(1)?.split(',').next());
            calls.map_or(0, |calls| calls.parse().expect("a count"))
        };
        (
            of("cmdstat_mget:"),
            of("cmdstat_get:") + of("cmdstat_eval:") + of("cmdstat_set:"),
        )
    };
    let before = calls(&redis);
    for _ in 0..10 {
        assert!(known(&mia, &pair.b).await);
    }
    let after = calls(&redis);
    assert_eq!((after.0 - before.0, after.1 - before.1), (10, 0));
}

#[tokio::test]
async fn a_log_out_on_one_instance_counts_on_the_other() {
    for alg in [Alg::Hs256, Alg::Rs256, Alg::Es256, Alg::EdDsa] {
        let (_redis, pair) = start(alg, ASKED).await;
        let mia = logged_in(&pair).await;
        assert!(known(&mia, &pair.b).await);
        let (answer, _) = timed(&mia, &pair.b, "/logout").await;
        assert_eq!(answer.json, json!({ "ended": "everywhere", "at": null }));
        for server in [&pair.a, &pair.b] {
            let refused = mia.clone().get(server, "/me").await;
            assert_eq!(refused.reason(), "revoked");
            let challenge = refused.headers["www-authenticate"].to_str().expect("text");
            assert_eq!(challenge, "Bearer error=\"invalid_token\"");
        }
    }
}

#[tokio::test]
async fn a_rewritten_signature_does_not_bring_a_token_back() {
    let (_redis, pair) = start(Alg::Es256, ASKED).await;
    let mia = logged_in(&pair).await;
    let copy = mia.edited(rewritten);
    assert!(known(&copy, &pair.b).await, "it is as good as the original");
    timed(&mia, &pair.a, "/logout").await;
    assert!(!known(&copy, &pair.b).await);
}

#[tokio::test]
async fn everything_in_redis_expires_and_starts_with_the_prefix() {
    let flags = [ASKED, REFRESH, &["--store-epoch", "--access-ms", "60000"]].concat();
    let (redis, pair) = start(Alg::Hs256, &flags).await;
    let mia = logged_in(&pair).await;
    timed(&mia, &pair.a, "/logout").await;
    let mia = logged_in(&pair).await;
    timed(&mia, &pair.a, "/logout-everywhere").await;
    logged_in(&pair).await;
    let keys: Vec<String> = redis.run(&["KEYS", "*"]);
    assert!(keys.len() >= 5, "{keys:?}");
    for key in keys {
        assert!(key.starts_with("t:jwt:"), "{key}");
        let ttl_ms: i64 = redis.run(&["PTTL", &key]);
        assert!(ttl_ms > 0, "{key} never expires");
        // An ended token is remembered beyond its life by the skew of clocks.
        if key.starts_with("t:jwt:deny:") {
            assert!((170_000..=181_000).contains(&ttl_ms), "{key}: {ttl_ms}");
        }
    }
}

#[tokio::test]
async fn a_login_right_after_log_out_everywhere_counts() {
    let (_redis, pair) = start(Alg::Hs256, ASKED).await;
    for round in 0..25 {
        let old = logged_in(&pair).await;
        timed(&old, &pair.b, "/logout-everywhere").await;
        let new = logged_in(&pair).await;
        assert!(!known(&old, &pair.a).await, "round {round}");
        assert!(known(&new, &pair.b).await, "round {round}");
    }
}

#[tokio::test]
async fn clocks_that_differ_agree_about_before_and_after() {
    let flags = [ASKED, &["--leeway-ms", "120000"]].concat();
    let (_redis, pair) = start(Alg::Hs256, &flags).await;
    pair.a.clock.set_offset_ms(90_000);
    pair.b.clock.set_offset_ms(-20_000);
    let from_ahead = logged_in(&pair).await;
    assert!(known(&from_ahead, &pair.b).await);
    timed(&from_ahead, &pair.b, "/logout-everywhere").await;
    assert!(
        !known(&from_ahead, &pair.a).await,
        "it was issued before the order"
    );
    let mut from_behind = Visitor::default();
    from_behind.log_in(&pair.b, "mia").await;
    assert!(
        known(&from_behind, &pair.a).await,
        "it was issued after the order"
    );
}

#[tokio::test]
async fn a_new_login_ends_the_one_it_replaces() {
    let (_redis, pair) = start(Alg::Hs256, ASKED).await;
    let mut mia = logged_in(&pair).await;
    let old = mia.clone();
    mia.log_in(&pair.b, "mia").await;
    assert!(!known(&old, &pair.a).await);
    assert!(known(&mia, &pair.a).await);
}

#[tokio::test]
async fn a_dead_store_lets_nobody_in_and_says_so_soon() {
    let (redis, pair) = start_as_shipped(Alg::Hs256, ASKED).await;
    let mia = logged_in(&pair).await;
    redis.kill();
    for path in ["/me", "/me", "/logout", "/logout-everywhere"] {
        let (answer, took) = soonest(&mia, &pair.a, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (503, "store-unavailable")
        );
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(took < FAILS_WITHIN, "{path}: {took:?}");
    }
    let body = json!({ "username": "mia", "password": "hopper-1906" });
    let login = Visitor::default().post(&pair.a, "/login", body).await;
    assert_eq!(login.reason(), "store-unavailable");
    let ready = Visitor::default().get(&pair.a, "/readyz").await;
    assert_eq!(ready.json, json!({ "ready": true, "store_up": false }));

    let _again = redis.start_again();
    let took = wait_for(Duration::from_secs(2), async || {
        mia.clone().get(&pair.a, "/me").await.status == 200
    });
    assert!(took.await < Duration::from_secs(1));
}

/// Who seldom needs its store finds it well all the same: nobody has to be told 503 for that.
#[tokio::test]
async fn a_store_that_is_back_is_noticed_before_anybody_asks() {
    let (redis, pair) = start(Alg::Hs256, ASKED).await;
    let mia = logged_in(&pair).await;
    redis.kill();
    let answer = mia.clone().get(&pair.a, "/me").await;
    assert_eq!(answer.reason(), "store-unavailable");
    let _again = redis.start_again();
    wait_for(Duration::from_secs(20), async || {
        // This says what is known, and asks nobody.
        let ready = Visitor::default().get(&pair.a, "/readyz").await;
        ready.json["store_up"] == true
    })
    .await;
    assert!(known(&mia, &pair.a).await);
}

/// The deadline is for waiting for the store: what else a request does is not counted.
#[tokio::test]
async fn a_slow_password_check_between_two_commands_is_no_slow_store() {
    let flags = [ASKED, &["--store-deadline-ms", "30"]].concat();
    let (_redis, pair) = start_as_shipped(Alg::Hs256, &flags).await;
    let mut mia = logged_in(&pair).await;
    for (old, new) in [
        ("hopper-1906", "hopper-1992"),
        ("hopper-1992", "hopper-1906"),
    ] {
        let change = json!({ "old": old, "new": new });
        let answer = mia.post(&pair.a, "/password", change).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_frozen_store_is_no_different() {
    let (redis, pair) = start_as_shipped(Alg::Hs256, ASKED).await;
    let mia = logged_in(&pair).await;
    redis.signal(Signal::SIGSTOP);
    for path in ["/me", "/logout"] {
        let (answer, took) = soonest(&mia, &pair.a, path).await;
        assert_eq!(answer.reason(), "store-unavailable");
        assert!(took < FAILS_WITHIN, "{path}: {took:?}");
    }
    redis.signal(Signal::SIGCONT);
    wait_for(Duration::from_secs(2), async || {
        mia.clone().get(&pair.a, "/me").await.status != 503
    })
    .await;
}

#[tokio::test]
async fn open_lets_everybody_in_and_counts_it() {
    let flags = [ASKED, &["--deny-fail", "open"]].concat();
    let (redis, pair) = start_as_shipped(Alg::Hs256, &flags).await;
    let (mia, luca) = (logged_in(&pair).await, logged_in(&pair).await);
    timed(&luca, &pair.a, "/logout").await;
    let asked = mia.clone().get(&pair.a, "/me").await;
    assert_eq!(asked.headers.get("x-deny-list"), None);
    redis.kill();
    for visitor in [&mia, &luca] {
        let (answer, took) = soonest(visitor, &pair.a, "/me").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["x-deny-list"], "not-asked");
        assert!(took < FAILS_WITHIN, "{took:?}");
    }
    assert!(count(&pair.a, "deny_list_unasked_total").await >= 2);
    let (logout, _) = timed(&mia, &pair.a, "/logout").await;
    assert_eq!(logout.reason(), "store-unavailable", "nothing was written");
}

#[tokio::test]
async fn a_full_store_takes_no_log_out_and_none_is_claimed() {
    let (redis, pair) = start(Alg::Hs256, ASKED).await;
    let mia = logged_in(&pair).await;
    let _: () = redis.run(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let _: () = redis.run(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(known(&mia, &pair.a).await, "asking works");
    for path in ["/logout", "/logout-everywhere"] {
        let (answer, _) = timed(&mia, &pair.a, path).await;
        assert_eq!(answer.reason(), "store-unavailable", "{path}");
    }
    let _: () = redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
    let (answer, _) = timed(&mia, &pair.a, "/logout").await;
    assert_eq!(answer.json["ended"], "everywhere");
    assert!(!known(&mia, &pair.b).await);
}

#[tokio::test]
async fn a_store_that_forgot_everything_revives_the_ended() {
    let (redis, pair) = start(Alg::Hs256, ASKED).await;
    let mia = logged_in(&pair).await;
    timed(&mia, &pair.a, "/logout").await;
    assert!(!known(&mia, &pair.a).await);
    let _: () = redis.run(&["FLUSHALL"]);
    assert!(
        known(&mia, &pair.a).await,
        "that is what such a list is worth"
    );
}

#[tokio::test]
async fn with_the_epoch_it_ends_all_logins_instead() {
    for revoke in [ASKED, SYNCED] {
        let (redis, pair) = start(Alg::Hs256, &[revoke, &["--store-epoch"]].concat()).await;
        let (ended, other) = (logged_in(&pair).await, logged_in(&pair).await);
        timed(&ended, &pair.a, "/logout").await;
        assert!(known(&other, &pair.a).await);
        redis.kill();
        drop(redis.start_again());
        let _again = redis.start_again();
        let answers = async |visitor: &Visitor| {
            wait_for(Duration::from_secs(5), async || {
                visitor.clone().get(&pair.a, "/me").await.status == 401
            })
            .await
        };
        answers(&ended).await;
        answers(&other).await;
        let new = logged_in(&pair).await;
        assert!(known(&new, &pair.a).await);
    }
}

#[tokio::test]
async fn an_evicting_store_is_reported() {
    let redis = Redis::start();
    let _: () = redis.run(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    for n in 0..2000 {
        let key = format!("filler-{n}");
        let _: () = redis.run(&["SET", &key, &"x".repeat(1000)]);
        if n == 1000 {
            let info: String = redis.run(&["INFO", "memory"]);
            let used = info
                .lines()
                .find_map(|line| line.strip_prefix("used_memory:"));
            let _: () = redis.run(&["CONFIG", "SET", "maxmemory", used.expect("it says")]);
        }
    }
    let flags = [ASKED, &["--redis-url", &redis.url]].concat();
    let pair = pair(Alg::Hs256, &flags).await;
    wait_for(Duration::from_secs(8), async || {
        count(&pair.a, "store_evicted_keys").await > 0
    })
    .await;
}
