//! Sessions in a real Redis: what is written there, what a request costs, and what happens when
//! it is gone, frozen, full, demoted or empty.
//! Long because each fault of the store is a test with its set-up and its recovery.

mod support;

use std::time::{Duration, Instant};

use app::conformance::{Answer, Pair, Server, Visitor, known};
use http::header::{RETRY_AFTER, SET_COOKIE};
use serde_json::json;
use support::{PATIENTLY, Redis, count, logged_in, me, pair, pair_on, state};

/// Until something is so. What takes longer is a failure, whatever the machine is doing.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < patience, "not within 20 s: {what}");
        tokio::task::yield_now().await;
    }
}

fn unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.reason(), "store-unavailable");
    assert!(answer.headers.contains_key(RETRY_AFTER));
    assert!(
        !answer.headers.contains_key(SET_COOKIE),
        "{:?}",
        answer.headers
    );
}

/// Asks everything that needs the store: 503 each time, the cookie kept, nobody logged out.
async fn everything_is_unavailable(mia: &Visitor, pair: &Pair) {
    for server in [&pair.a, &pair.b] {
        let mut mia = mia.clone();
        unavailable(&mia.get(server, "/me").await);
        unavailable(&mia.get(server, "/records").await);
        unavailable(&mia.post(server, "/logout", json!({})).await);
        unavailable(&mia.post(server, "/logout-everywhere", json!({})).await);
        unavailable(&count(&mia, server, 0).await);
        let login = json!({ "username": "luca", "password": "pacioli-1494" });
        unavailable(&Visitor::default().post(server, "/login", login).await);
        assert_eq!(Visitor::default().get(server, "/healthz").await.status, 200);
        assert_eq!(Visitor::default().get(server, "/readyz").await.status, 200);
        assert_eq!(state(server).await["store_up"], false);
        assert_eq!(
            Visitor::default().get(server, "/me").await.reason(),
            "no-credential"
        );
    }
}

/// The time until `server` answers `GET /me`, in milliseconds.
async fn me_ms(mia: &Visitor, server: &Server) -> u128 {
    let asked = Instant::now();
    unavailable(&mia.clone().get(server, "/me").await);
    asked.elapsed().as_millis()
}

#[tokio::test]
async fn a_killed_redis_means_503_at_once_and_comes_back_empty() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    assert!(known(&mia, &pair.b).await);
    redis.kill();
    let first_ms = me_ms(&mia, &pair.a).await;
    assert!(first_ms < 300, "{first_ms} ms");
    everything_is_unavailable(&mia, &pair).await;

    let back = redis.start_again();
    let back_at = Instant::now();
    until("answers again", async || me(&mia, &pair.a).await.0 != 503).await;
    until("answers again at B", async || {
        me(&mia, &pair.b).await.0 != 503
    })
    .await;
    let took_ms = back_at.elapsed().as_millis();
    assert!(took_ms < 1000, "{took_ms} ms");
    // It kept nothing: the login is gone, once, and a new one counts.
    assert_eq!(me(&mia, &pair.a).await, (401, "unknown-session".to_owned()));
    let again = logged_in(&pair.a, "mia").await;
    assert!(known(&again, &pair.b).await);
    assert_eq!(state(&pair.a).await["store_up"], true);
    drop(back);
}

#[tokio::test]
async fn a_frozen_redis_means_503_within_the_deadline_and_costs_no_login() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    // The quickest of three: other processes may keep this one from the processor.
    let mut quickest_ms = u128::MAX;
    for _ in 0..3 {
        redis.freeze();
        quickest_ms = quickest_ms.min(me_ms(&mia, &pair.a).await);
        redis.thaw();
        until("answers again", async || me(&mia, &pair.a).await.0 == 200).await;
    }
    assert!((150..300).contains(&quickest_ms), "{quickest_ms} ms");

    redis.freeze();
    unavailable(&mia.clone().get(&pair.a, "/me").await);
    unavailable(&mia.clone().get(&pair.b, "/me").await);
    everything_is_unavailable(&mia, &pair).await;
    redis.thaw();
    until("answers again", async || me(&mia, &pair.b).await.0 == 200).await;
}

/// A log-out that was not answered may have been taken all the same: "unknown", never "not done".
#[tokio::test]
async fn what_was_given_up_may_still_happen() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &[]).await;
    let mut mia = logged_in(&pair.a, "mia").await;
    // Reads go through, DEL does not come back in time.
    let _: () = redis.run(&["CLIENT", "PAUSE", "600", "WRITE"]);
    let answer = mia.post(&pair.a, "/logout", json!({})).await;
    unavailable(&answer);
    until("answers again", async || me(&mia, &pair.b).await.0 != 503).await;
    mia.post(&pair.b, "/logout", json!({})).await;
    assert_eq!(me(&mia, &pair.a).await.0, 401, "ended by one of the two");
}

#[tokio::test]
async fn a_full_redis_refuses_logins_and_changes_but_not_reads_and_log_outs() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &[]).await;
    let mut mia = logged_in(&pair.a, "mia").await;
    let mut other = logged_in(&pair.a, "mia").await;
    let _: () = redis.run(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let _: () = redis.run(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(known(&mia, &pair.a).await);
    let login = json!({ "username": "luca", "password": "pacioli-1494" });
    unavailable(&Visitor::default().post(&pair.a, "/login", login).await);
    unavailable(&count(&mia, &pair.a, 0).await);
    assert!(known(&mia, &pair.a).await, "a failed change costs nothing");
    let kept = mia.clone();
    assert_eq!(
        mia.post(&pair.a, "/logout", json!({})).await.json["ended"],
        "everywhere"
    );
    assert!(!known(&kept, &pair.b).await);
    let kept = other.clone();
    let answer = other.post(&pair.a, "/logout-everywhere", json!({})).await;
    assert_eq!(answer.json["ended"], "everywhere", "{}", answer.text);
    assert!(!known(&kept, &pair.b).await);
    let _: () = redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(known(&logged_in(&pair.a, "luca").await, &pair.b).await);
}

/// In a failover the old node goes on answering, and refuses: 503, and a new connection.
#[tokio::test]
async fn a_demoted_redis_means_503_until_a_connection_leads_to_the_new_one() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    let connected = || redis.run::<String>(&["CLIENT", "LIST", "TYPE", "normal"]);
    let before = connected();
    let _: () = redis.run(&["REPLICAOF", "127.0.0.1", "1"]);
    unavailable(&mia.clone().get(&pair.a, "/me").await);
    let _: () = redis.run(&["REPLICAOF", "NO", "ONE"]);
    until("answers again", async || me(&mia, &pair.a).await.0 == 200).await;
    let ids = |list: &str| {
        list.lines()
            .filter_map(|l| l.split(' ').next())
            .map(str::to_owned)
            .collect()
    };
    let (before, after): (Vec<_>, Vec<_>) = (ids(&before), ids(&connected()));
    assert!(
        after.iter().any(|id| !before.contains(id)),
        "{before:?} {after:?}"
    );
}

/// What `session-cached` is for, and its price.
#[tokio::test]
async fn a_cached_login_outlives_its_redis_for_a_moment() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "cached", &["--cache-ms", "2000"]).await;
    let mia = logged_in(&pair.a, "mia").await;
    until("cached at A", async || known(&mia, &pair.a).await).await;
    let read_at = Instant::now();
    redis.kill();
    if read_at.elapsed() < Duration::from_millis(1500) {
        assert_eq!(me(&mia, &pair.a).await.0, 200, "A remembers");
    }
    unavailable(&mia.clone().get(&pair.b, "/me").await);
    until("A asks again", async || me(&mia, &pair.a).await.0 == 503).await;
    assert!(
        read_at.elapsed() >= Duration::from_millis(1900),
        "{:?}",
        read_at.elapsed()
    );
}

/// A login ended through B works on at A as long as A remembers, and no longer.
#[tokio::test]
async fn a_cached_login_outlives_a_log_out_elsewhere_for_a_moment() {
    let pair = pair("cached", &["--cache-ms", "1500"]).await;
    let mut mia = logged_in(&pair.a, "mia").await;
    let kept = mia.clone();
    assert!(known(&kept, &pair.a).await);
    let ended_at = Instant::now();
    let answer = mia.post(&pair.b, "/logout", json!({})).await;
    assert_eq!(answer.json["ended"], "here", "{}", answer.text);
    assert!(!known(&kept, &pair.b).await, "here at once");
    if ended_at.elapsed() < Duration::from_millis(1000) {
        assert!(known(&kept, &pair.a).await, "A remembers");
    }
    until("A asks again", async || !known(&kept, &pair.a).await).await;
    let bound_ms = answer.json["at"].as_u64().expect("it says when");
    assert!(bound_ms <= app::Clock::default().now_ms() + 1500);
}

/// A question costs one command, a login two, a log-out two; a script's own calls stand beside.
#[tokio::test]
async fn commands_are_counted() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &PATIENTLY).await;
    logged_in(&pair.a, "mia").await;
    let spent = async |step: &mut dyn AsyncStep| {
        let before = redis.calls();
        step.run().await;
        let mut after = redis.calls();
        after.retain(|name, calls| {
            *calls -= before.get(name).copied().unwrap_or(0);
            *calls > 0 && name != "info"
        });
        // The look itself connects anew each time.
        after.retain(|name, _| !name.starts_with("client") && name != "hello" && name != "config");
        after
            .into_iter()
            .map(|(name, calls)| format!("{name} {calls}"))
            .collect::<Vec<_>>()
    };
    let mut mia = Step {
        pair: &pair,
        visitor: Visitor::default(),
        what: "login",
    };
    let in_script = ["zadd 1", "zremrangebyscore 1"];
    let login = spent(&mut mia).await;
    assert!(
        in_script
            .iter()
            .all(|call| login.contains(&(*call).to_owned())),
        "{login:?}"
    );
    assert!(login.contains(&"eval 1".to_owned()), "{login:?}");
    assert!(
        login.contains(&"time 2".to_owned()),
        "one by us, one in the script: {login:?}"
    );
    assert!(
        !login
            .iter()
            .any(|call| call.starts_with("getex") || call.starts_with("del"))
    );
    mia.what = "me";
    assert_eq!(spent(&mut mia).await, ["getex 1"]);
    mia.what = "count";
    let change = spent(&mut mia).await;
    assert_eq!(change, ["eval 1", "getex 1", "getrange 1", "set 1"]);
    mia.what = "logout";
    assert_eq!(spent(&mut mia).await, ["del 1", "getex 1"]);
}

#[async_trait::async_trait]
trait AsyncStep: Send {
    async fn run(&mut self);
}

struct Step<'p> {
    pair: &'p Pair,
    visitor: Visitor,
    what: &'static str,
}

#[async_trait::async_trait]
impl AsyncStep for Step<'_> {
    async fn run(&mut self) {
        let answer = match self.what {
            "login" => self.visitor.log_in(&self.pair.a, "mia").await,
            "me" => self.visitor.get(&self.pair.a, "/me").await,
            "count" => count(&self.visitor, &self.pair.a, 0).await,
            _ => self.visitor.post(&self.pair.a, "/logout", json!({})).await,
        };
        assert_eq!(answer.status, 200, "{}: {}", self.what, answer.text);
    }
}

/// Every key starts with the prefix and expires, and no key or value shows the cookie's name.
#[tokio::test]
async fn keys_are_hashed_prefixed_and_expire() {
    let redis = Redis::start();
    let pair = pair_on(
        &redis.url,
        "redis",
        &[&["--key-prefix", "run7:"], &PATIENTLY[..]].concat(),
    )
    .await;
    let mut mia = logged_in(&pair.a, "mia").await;
    mia.post(&pair.a, "/logout-everywhere", json!({})).await;
    mia.log_in(&pair.a, "mia").await;
    let keys: Vec<String> = redis.run(&["KEYS", "*"]);
    assert_eq!(
        keys.len(),
        3,
        "a session, its user's names, when they were ended: {keys:?}"
    );
    let (_, id) = mia
        .credential()
        .split_once('=')
        .expect("a cookie has a value");
    for key in &keys {
        assert!(key.starts_with("run7:session-redis:"), "{key}");
        assert!(!key.contains(id));
        let expires_ms: i64 = redis.run(&["PTTL", key]);
        assert!(
            (1..=28_800_000).contains(&expires_ms),
            "{key}: {expires_ms}"
        );
    }
    let session = keys
        .iter()
        .find(|key| key.contains(":s:"))
        .expect("the session is there");
    assert!((890_000..=900_000).contains(&redis.run::<i64>(&["PTTL", session])));
    let bytes: Vec<u8> = redis.run(&["GET", session]);
    assert!(!String::from_utf8_lossy(&bytes).contains(id));
    let held = &state(&pair.b).await["held"];
    assert_eq!(held[0]["user"], "mia");
    assert_eq!(
        held[0]["id"],
        session.rsplit(':').next().expect("a last part")[..4]
    );
}

/// Whoever looks at a full store looks for the login that was just made.
#[tokio::test]
async fn of_many_sessions_the_newest_are_shown() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &PATIENTLY).await;
    let _luca = logged_in(&pair.a, "luca").await;
    let session = redis.run::<Vec<String>>(&["KEYS", "*:s:*"]).remove(0);
    for n in 0..300 {
        let _: u8 = redis.run(&["COPY", &session, &format!("{session}{n}")]);
    }
    let _mia = logged_in(&pair.b, "mia").await;
    let state = state(&pair.a).await;
    let held = state["held"].as_array().expect("a list");
    assert_eq!(held.len(), app::Status::HELD_MAX);
    assert_eq!(held[0]["user"], "mia");
    assert_eq!(held[1]["user"], "luca");
}

/// Reading renews a session, in Redis' own time: the instances' clocks have no say.
#[tokio::test]
async fn reading_renews_and_wrong_clocks_change_nothing() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &PATIENTLY).await;
    let mia = logged_in(&pair.a, "mia").await;
    let session = redis.run::<Vec<String>>(&["KEYS", "*:s:*"]).remove(0);
    let _: () = redis.run(&["PEXPIRE", &session, "60000"]);
    for offset_ms in [-90_000, 90_000, 40_000_000] {
        pair.b.clock.set_offset_ms(offset_ms);
        assert!(known(&mia, &pair.b).await, "{offset_ms}");
        assert!(redis.run::<i64>(&["PTTL", &session]) > 890_000);
    }
    let _: () = redis.run(&["DEL", &session]);
    assert!(!known(&mia, &pair.b).await);
}

/// However often it is used, a session ends in its time.
#[tokio::test]
async fn a_session_ends_however_much_it_is_used() {
    let redis = Redis::start();
    let pair = pair_on(
        &redis.url,
        "redis",
        &[&["--absolute-ms", "400"], &PATIENTLY[..]].concat(),
    )
    .await;
    let mia = logged_in(&pair.a, "mia").await;
    let since = Instant::now();
    until("ended", async || !known(&mia, &pair.a).await).await;
    assert!(
        since.elapsed() > Duration::from_millis(250),
        "{:?}",
        since.elapsed()
    );
    assert!(!known(&mia, &pair.b).await);
    until("nothing is left", async || {
        redis.run::<Vec<String>>(&["KEYS", "*"]).is_empty()
    })
    .await;
}

/// A laboratory can shorten one login's life.
#[tokio::test]
async fn one_login_can_be_shortened() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &PATIENTLY).await;
    let longer = logged_in(&pair.a, "mia").await;
    let mut brief = Visitor::default();
    brief.log_in_for(&pair.a, "mia", 400).await;
    until("ended", async || !known(&brief, &pair.b).await).await;
    assert!(known(&longer, &pair.b).await);
}

/// One deadline for all commands of a request, and none with 0.
#[tokio::test]
async fn without_a_deadline_a_request_waits_for_its_store() {
    let redis = Redis::start();
    let pair = pair_on(&redis.url, "redis", &["--store-deadline-ms", "0"]).await;
    let mia = logged_in(&pair.a, "mia").await;
    let _: () = redis.run(&["CLIENT", "PAUSE", "500", "ALL"]);
    let asked = Instant::now();
    assert!(known(&mia, &pair.a).await);
    assert!(
        asked.elapsed() > Duration::from_millis(300),
        "{:?}",
        asked.elapsed()
    );
}
