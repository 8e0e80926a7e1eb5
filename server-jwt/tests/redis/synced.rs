//! The deny-list in memory, fed through Redis.

use super::*;

#[tokio::test]
async fn a_log_out_is_known_here_at_once_and_elsewhere_within_a_second() {
    let (_redis, pair) = start(Alg::Hs256, SYNCED).await;
    for path in ["/logout", "/logout-everywhere"] {
        let mia = logged_in(&pair).await;
        assert!(known(&mia, &pair.b).await);
        let before_ms = pair.a.clock.now_ms();
        let (answer, _) = timed(&mia, &pair.a, path).await;
        assert_eq!(answer.json["ended"], "here");
        let at_ms = answer.json["at"].as_u64().expect("it says when");
        assert!((before_ms + 1000..before_ms + 1500).contains(&at_ms));
        assert!(!known(&mia, &pair.a).await);
        let took = wait_for(Duration::from_secs(1), async || !known(&mia, &pair.b).await);
        let took = took.await;
        assert!(took < Duration::from_millis(500), "{took:?}");
    }
}

#[tokio::test]
async fn a_request_costs_no_round_trip() {
    let (redis, pair) = start_as_shipped(Alg::Hs256, SYNCED).await;
    let mia = logged_in(&pair).await;
    redis.signal(Signal::SIGSTOP);
    for _ in 0..50 {
        assert!(known(&mia, &pair.b).await);
    }
    redis.signal(Signal::SIGCONT);
}

#[tokio::test]
async fn a_second_without_its_feed_it_answers_nobody() {
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        let (redis, pair) = start_as_shipped(Alg::Hs256, SYNCED).await;
        let (mia, ended) = (logged_in(&pair).await, logged_in(&pair).await);
        timed(&ended, &pair.a, "/logout").await;
        redis.signal(signal);
        assert!(known(&mia, &pair.a).await, "from memory");
        let silent = wait_for(Duration::from_millis(1500), async || {
            mia.clone().get(&pair.a, "/me").await.status == 503
        });
        let silent = silent.await;
        assert!(silent > Duration::from_millis(500), "{silent:?}");
        let (answer, _) = timed(&mia, &pair.a, "/me").await;
        assert_eq!(answer.reason(), "store-unavailable");
        let refused = ended.clone().get(&pair.a, "/me").await;
        assert_eq!(refused.reason(), "revoked", "what is known stays known");

        // A Redis that lost everything does not make this instance forget.
        let _again = match signal {
            Signal::SIGKILL => Some(redis.start_again()),
            _ => {
                redis.signal(Signal::SIGCONT);
                None
            }
        };
        wait_for(Duration::from_secs(2), async || {
            mia.clone().get(&pair.a, "/me").await.status == 200
        })
        .await;
        assert!(!known(&ended, &pair.a).await);
        // Nobody needed the connection of log-outs meanwhile: it is well again all the same.
        wait_for(Duration::from_secs(2), async || {
            let ready = Visitor::default().get(&pair.a, "/readyz").await;
            ready.json["store_up"] == true
        })
        .await;
        let (answer, _) = timed(&mia, &pair.a, "/logout").await;
        assert_eq!(answer.json["ended"], "here");
    }
}

#[tokio::test]
async fn open_goes_on_from_what_is_known() {
    let flags = [SYNCED, &["--deny-fail", "open"]].concat();
    let (redis, pair) = start_as_shipped(Alg::Hs256, &flags).await;
    let (mia, ended) = (logged_in(&pair).await, logged_in(&pair).await);
    timed(&ended, &pair.a, "/logout").await;
    redis.kill();
    wait_for(Duration::from_secs(2), async || {
        let answer = mia.clone().get(&pair.a, "/me").await;
        assert_eq!(answer.status, 200);
        answer.headers.contains_key("x-deny-list")
    })
    .await;
    assert!(!known(&ended, &pair.a).await);
}

#[tokio::test]
async fn an_instance_that_starts_late_knows_what_was_ended() {
    let redis = Redis::start();
    let secret = support::file("0123456789abcdef0123456789abcdef");
    let secret = secret.to_str().expect("text");
    let flags = [
        SYNCED,
        &["--redis-url", &redis.url, "--secret-file", secret],
    ]
    .concat();
    let early = support::pair_of(&flags, &[], &[]).await;
    let mut ended = Vec::new();
    for _ in 0..3 {
        let mia = logged_in(&early).await;
        timed(&mia, &early.a, "/logout").await;
        ended.push(mia);
    }
    let luca = {
        let mut luca = Visitor::default();
        luca.log_in(&early.a, "luca").await;
        timed(&luca, &early.a, "/logout-everywhere").await;
        luca
    };
    let late = support::pair_of(&flags, &[], &[]).await;
    for visitor in ended.iter().chain([&luca]) {
        assert!(!known(visitor, &late.b).await);
    }
    assert_eq!(count(&late.b, "deny_list_entries").await, 4);
}
