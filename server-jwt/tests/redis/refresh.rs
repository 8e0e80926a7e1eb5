//! Refresh tokens: rotation, reuse, grace, and what ends a family.

use super::*;

pub(crate) async fn renew(server: &Server, token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    Visitor::default()
        .post(server, "/token/refresh", body)
        .await
}

pub(crate) fn refresh_token(from: &Value) -> String {
    from["refresh_token"]
        .as_str()
        .expect("a refresh token")
        .to_owned()
}

pub(crate) async fn first(pair: &Pair) -> (Visitor, String) {
    let mut mia = Visitor::default();
    let login = mia.log_in(&pair.a, "mia").await;
    (mia, refresh_token(&login.json))
}

pub(crate) fn holding(token: &Value) -> Visitor {
    Visitor {
        token: token.as_str().map(str::to_owned),
        ..Visitor::default()
    }
}

pub(crate) fn refused(answer: &Answer) -> bool {
    answer.status == 400
        && answer.reason() == "invalid-grant"
        && answer.json["error"] == "invalid_grant"
}

#[tokio::test]
async fn each_token_works_once_and_on_any_instance() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (mia, mut token) = first(&pair).await;
    let me = mia.clone().get(&pair.a, "/me").await;
    for server in [&pair.b, &pair.a, &pair.b] {
        let answer = renew(server, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["token_type"], "Bearer");
        assert_eq!(answer.json["expires_in"], 900);
        assert_eq!(answer.headers["cache-control"], "no-store");
        let mut renewed = holding(&answer.json["access_token"]);
        assert_ne!(renewed.token, mia.token);
        assert_eq!(
            renewed.get(&pair.a, "/me").await.json,
            me.json,
            "the same login"
        );
        let next = refresh_token(&answer.json);
        assert_ne!(next, token);
        token = next;
    }
}

#[tokio::test]
async fn a_token_used_again_ends_its_family_on_every_instance() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (mia, stolen) = first(&pair).await;
    let second = refresh_token(&renew(&pair.a, &stolen).await.json);
    assert!(refused(&renew(&pair.b, &stolen).await));
    for server in [&pair.a, &pair.b] {
        assert!(
            refused(&renew(server, &second).await),
            "the successor ends with it"
        );
    }
    assert_eq!(count(&pair.b, "refresh_reused_total").await, 1);
    assert!(
        known(&mia, &pair.a).await,
        "the access token lives until it expires"
    );
    // Another family of the same user goes on.
    let (_, other) = first(&pair).await;
    assert_eq!(renew(&pair.a, &other).await.status, 200);
}

#[tokio::test]
async fn of_a_hundred_at_once_exactly_one_wins() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (_, token) = first(&pair).await;
    let mut all = tokio::task::JoinSet::new();
    for n in 0..100 {
        let server = if n % 2 == 0 { &pair.a } else { &pair.b }.clone();
        let token = token.clone();
        all.spawn(async move { renew(&server, &token).await });
    }
    let answers = all.join_all().await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1);
    assert_eq!(answers.iter().filter(|answer| refused(answer)).count(), 99);
    assert!(refused(&renew(&pair.a, &refresh_token(&won[0].json)).await));
}

#[tokio::test]
async fn within_the_grace_the_predecessor_gets_the_same_successor() {
    let flags = [REFRESH, &["--refresh-grace-ms", "60000"]].concat();
    let (_redis, pair) = start(Alg::Hs256, &flags).await;
    let (_, one) = first(&pair).await;
    let mut all = tokio::task::JoinSet::new();
    for n in 0..20 {
        let server = if n % 2 == 0 { &pair.a } else { &pair.b }.clone();
        let one = one.clone();
        all.spawn(async move { refresh_token(&renew(&server, &one).await.json) });
    }
    let mut successors = all.join_all().await;
    successors.dedup();
    let [two] = &successors[..] else {
        panic!("they got {} successors", successors.len());
    };
    let three = refresh_token(&renew(&pair.a, two).await.json);
    // Now `one` is no longer the immediate predecessor.
    assert!(refused(&renew(&pair.b, &one).await));
    assert!(refused(&renew(&pair.b, &three).await));
}

#[tokio::test]
async fn after_the_grace_it_is_reuse() {
    let flags = [REFRESH, &["--refresh-grace-ms", "2000"]].concat();
    let (_redis, pair) = start(Alg::Hs256, &flags).await;
    let (_, one) = first(&pair).await;
    let two = refresh_token(&renew(&pair.a, &one).await.json);
    assert_eq!(refresh_token(&renew(&pair.b, &one).await.json), two);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert!(refused(&renew(&pair.a, &one).await));
    assert!(refused(&renew(&pair.a, &two).await));
}

#[tokio::test]
async fn a_log_out_ends_the_family_and_says_when_the_access_token_ends() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    for path in ["/logout", "/logout-everywhere"] {
        let (mia, token) = first(&pair).await;
        let (answer, _) = timed(&mia, &pair.b, path).await;
        assert_eq!(answer.json["ended"], "later");
        let at_ms = answer.json["at"].as_u64().expect("it says when");
        let left_ms = at_ms - pair.a.clock.now_ms();
        assert!((898_000..=900_000).contains(&left_ms), "{left_ms}");
        assert!(refused(&renew(&pair.a, &token).await), "{path}");
        assert!(known(&mia, &pair.a).await);
    }
}

#[tokio::test]
async fn a_new_login_ends_the_family_it_replaces() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (mut mia, old) = first(&pair).await;
    let login = mia.log_in(&pair.b, "mia").await;
    assert!(refused(&renew(&pair.a, &old).await));
    assert_eq!(
        renew(&pair.a, &refresh_token(&login.json)).await.status,
        200
    );
}

#[tokio::test]
async fn a_changed_role_comes_with_the_next_access_token() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (mia, token) = first(&pair).await;
    let mut ada = Visitor::default();
    ada.log_in(&pair.a, "ada").await;
    let change = json!({ "role": "accountant" });
    let answer = ada.patch(&pair.a, "/admin/users/mia", change).await;
    assert_eq!(answer.json["ended"], "later");
    assert_eq!(mia.clone().get(&pair.a, "/records").await.status, 403);
    let answer = renew(&pair.b, &token).await;
    let mut renewed = holding(&answer.json["access_token"]);
    assert_eq!(renewed.get(&pair.a, "/records").await.status, 200);
}

#[tokio::test]
async fn a_disabled_user_and_a_changed_password_end_all_families() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    let ((_, one), (mut two, _)) = (first(&pair).await, first(&pair).await);
    let change = json!({ "old": "hopper-1906", "new": "hopper-1992" });
    let changed = two.post(&pair.b, "/password", change).await;
    assert!(refused(&renew(&pair.a, &one).await));
    let mut ada = Visitor::default();
    ada.log_in(&pair.a, "ada").await;
    let own = refresh_token(&changed.json);
    let own = refresh_token(&renew(&pair.a, &own).await.json);
    ada.patch(&pair.a, "/admin/users/mia", json!({ "disabled": true }))
        .await;
    assert!(refused(&renew(&pair.a, &own).await));
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_refused() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (mia, token) = first(&pair).await;
    let access = mia.token.clone().expect("an access token");
    let (family, secret) = token.split_once('.').expect("two parts");
    for wrong in [
        "",
        ".",
        "a.b",
        family,
        secret,
        &format!("{secret}.{family}"),
        &access,
    ] {
        assert!(refused(&renew(&pair.a, wrong).await), "{wrong}");
    }
    for (body, status) in [
        (json!({}), 422),
        (json!({ "refresh_token": 1 }), 422),
        (json!({ "refresh_token": token, "x": 1 }), 422),
        (json!([]), 422),
    ] {
        let answer = Visitor::default()
            .post(&pair.a, "/token/refresh", body)
            .await;
        assert_eq!(answer.status, status);
    }
    // A refresh token opens nothing by itself.
    let thief = holding(&json!(token));
    assert!(!known(&thief, &pair.a).await);
    assert_eq!(
        renew(&pair.a, &token).await.status,
        200,
        "none of that used it up"
    );
}

#[tokio::test]
async fn redis_holds_no_token() {
    let (redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (mia, one) = first(&pair).await;
    let two = refresh_token(&renew(&pair.a, &one).await.json);
    let mut held = String::new();
    for key in redis.run::<Vec<String>>(&["KEYS", "*"]) {
        held.push_str(&key);
        if redis.run::<String>(&["TYPE", &key]) == "hash" {
            held.push_str(&redis.run::<Vec<String>>(&["HGETALL", &key]).join(" "));
        }
    }
    assert!(held.contains("mia"));
    let (family, secret) = one.split_once('.').expect("two parts");
    let (_, successor) = two.split_once('.').expect("two parts");
    for secret in [family, secret, successor, mia.credential()] {
        assert!(!held.contains(secret), "{held}");
    }
}

#[tokio::test]
async fn a_family_lives_from_its_login_on_however_often_it_is_used() {
    let flags = [REFRESH, &["--refresh-ms", "4000"]].concat();
    let (redis, pair) = start(Alg::Hs256, &flags).await;
    let (_, mut token) = first(&pair).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1_500) {
        token = refresh_token(&renew(&pair.a, &token).await.json);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let left = Duration::from_millis(4_100).saturating_sub(began.elapsed());
    tokio::time::sleep(left).await;
    assert!(refused(&renew(&pair.a, &token).await));
    assert_eq!(
        redis.run::<Vec<String>>(&["KEYS", "*"]),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn without_the_store_access_goes_on_and_renewing_waits() {
    let (redis, pair) = start_as_shipped(Alg::Hs256, REFRESH).await;
    let (mia, token) = first(&pair).await;
    redis.kill();
    assert!(known(&mia, &pair.a).await);
    let started = Instant::now();
    let answer = renew(&pair.a, &token).await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (503, "store-unavailable")
    );
    assert!(started.elapsed() < FAILS_WITHIN);
    let (logout, _) = timed(&mia, &pair.a, "/logout").await;
    assert_eq!(logout.reason(), "store-unavailable");
}

#[tokio::test]
async fn other_modes_hand_out_none() {
    let (_redis, pair) = start(Alg::Hs256, ASKED).await;
    let mut mia = Visitor::default();
    let login = mia.log_in(&pair.a, "mia").await;
    assert_eq!(login.json.get("refresh_token"), None);
    assert_eq!(renew(&pair.a, "x.y").await.status, 404);
}
