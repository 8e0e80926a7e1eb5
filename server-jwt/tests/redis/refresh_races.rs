//! Refresh tokens against restarts, against each other within one second, and against the end of
//! all logins at the same moment. Most are defects that somebody's server once had.

use super::refresh::{first, holding, refresh_token, refused, renew};
use super::*;

const GRACE: &[&str] = &["--refresh", "--refresh-grace-ms", "60000"];
const LISTED: &[&str] = &["--refresh", "--revoke", "deny-list"];

/// Two instances over a Redis that is there already, as after a restart of both.
async fn over(redis: &Redis, flags: &[&str]) -> Pair {
    let more = ["--redis-url", &redis.url, "--key-prefix", "t:"];
    let patiently = ["--store-deadline-ms", "10000"];
    pair(Alg::Hs256, &[flags, &more, &patiently].concat()).await
}

/// A login without its password check, which would take most of the time here.
async fn remembered(pair: &Pair) -> (Visitor, String) {
    let mut mia = Visitor::default();
    let answer = mia
        .post(&pair.a, "/lab/remember", json!({ "user": "mia" }))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (mia, refresh_token(&answer.json))
}

/// A server that kept in its memory what was used would take it again (CVE-2026-9802).
#[tokio::test]
async fn a_restart_forgets_neither_what_is_good_nor_what_was_used() {
    let redis = Redis::start();
    let before = over(&redis, REFRESH).await;
    let (_, one) = first(&before).await;
    let two = refresh_token(&renew(&before.a, &one).await.json);
    drop(before);
    let after = over(&redis, REFRESH).await;
    let three = renew(&after.a, &two).await;
    assert_eq!(three.status, 200, "{}", three.text);
    assert!(
        refused(&renew(&after.b, &one).await),
        "used before the restart"
    );
    let three = refresh_token(&three.json);
    assert!(
        refused(&renew(&after.a, &three).await),
        "the family ended with it"
    );
}

/// The client never got the answer, and the server was restarted meanwhile.
#[tokio::test]
async fn a_lost_answer_is_given_again_within_the_grace_also_after_a_restart() {
    let redis = Redis::start();
    let before = over(&redis, GRACE).await;
    let (_, one) = first(&before).await;
    let lost = refresh_token(&renew(&before.a, &one).await.json);
    drop(before);
    let after = over(&redis, GRACE).await;
    let again = refresh_token(&renew(&after.b, &one).await.json);
    assert_eq!(again, lost);
    assert_eq!(renew(&after.a, &again).await.status, 200);
}

/// A store that comes back empty knows no family: everybody logs in again, and nobody is let in.
#[tokio::test]
async fn after_a_store_that_lost_everything_a_refresh_is_refused() {
    let (redis, pair) = start(Alg::Hs256, REFRESH).await;
    let (_, one) = first(&pair).await;
    redis.kill();
    let _redis = redis.start_again();
    wait_for(Duration::from_secs(10), async || {
        let answer = renew(&pair.a, &one).await;
        assert_ne!(answer.status, 200);
        refused(&answer)
    })
    .await;
    let (_, fresh) = first(&pair).await;
    assert_eq!(renew(&pair.b, &fresh).await.status, 200);
}

/// Whoever tells tokens apart by the second in which they were made takes an old one for the new.
#[tokio::test]
async fn rotations_within_one_second_are_told_apart() {
    let (redis, pair) = start(Alg::Hs256, REFRESH).await;
    let second = || redis.run::<Vec<String>>(&["TIME"])[0].clone();
    for _ in 0..20 {
        let (_, first) = remembered(&pair).await;
        let began = second();
        let mut all = vec![first];
        let mut access = Vec::new();
        for server in [&pair.a, &pair.b, &pair.a] {
            let answer = renew(server, all.last().expect("there is one")).await;
            access.push(answer.json["access_token"].to_string());
            all.push(refresh_token(&answer.json));
        }
        let together = second() == began;
        access.dedup();
        assert_eq!(access.len(), 3, "every access token is another");
        assert!(refused(&renew(&pair.b, &all[2]).await), "replaced just now");
        assert!(refused(&renew(&pair.a, &all[3]).await), "the family ended");
        if together {
            return;
        }
    }
    panic!("never three rotations in one second");
}

/// Renews `token` while somebody ends all logins. In every round one of the two begins a little
/// later, now this one and now that.
async fn against(
    pair: &Pair,
    round: u32,
    token: &str,
    end: impl Future<Output = Answer>,
) -> Answer {
    let (renew_later, end_later) = match round % 2 {
        0 => (round / 4, 0),
        _ => (0, round * 4),
    };
    let renewing = async {
        later(renew_later).await;
        renew(&pair.a, token).await
    };
    let ending = async {
        later(end_later).await;
        end.await
    };
    let (renewed, ended) = tokio::join!(renewing, ending);
    assert_eq!(ended.status, 200, "{}", ended.text);
    renewed
}

async fn later(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// Whichever came first: once the end was answered, neither the family nor what was just made of
/// it opens anything.
#[tokio::test]
async fn a_refresh_does_not_overtake_the_end_of_all_logins() {
    let (_redis, pair) = start(Alg::Hs256, LISTED).await;
    let mut won = 0;
    for round in 0..200 {
        let (mia, token) = remembered(&pair).await;
        let mut other = mia.clone();
        let end = other.post(&pair.b, "/logout-everywhere", json!({}));
        let renewed = against(&pair, round, &token, end).await;
        if renewed.status == 200 {
            won += 1;
            let thief = holding(&renewed.json["access_token"]);
            for server in [&pair.a, &pair.b] {
                assert!(!known(&thief, server).await, "round {round}");
            }
            let next = refresh_token(&renewed.json);
            assert!(refused(&renew(&pair.b, &next).await), "round {round}");
        } else {
            assert!(refused(&renewed), "{}", renewed.text);
        }
        assert!(!known(&mia, &pair.a).await);
    }
    println!("{won} of 200 refreshes came first");
}

/// The same of a role: what is handed out after the change has the new one, or opens nothing.
#[tokio::test]
async fn a_refresh_does_not_bring_an_old_role_back() {
    let (_redis, pair) = start(Alg::Hs256, LISTED).await;
    let mut ada = Visitor::default();
    for round in 0..100 {
        ada.post(&pair.a, "/lab/remember", json!({ "user": "ada" }))
            .await;
        let change = json!({ "role": "accountant" });
        ada.patch(&pair.a, "/admin/users/mia", change).await;
        let (_, token) = remembered(&pair).await;
        let mut admin = ada.clone();
        let end = admin.patch(&pair.b, "/admin/users/mia", json!({ "role": "member" }));
        let renewed = against(&pair, round, &token, end).await;
        assert_eq!(renewed.status, 200, "{}", renewed.text);
        let mut mia = holding(&renewed.json["access_token"]);
        let records = mia.get(&pair.a, "/records").await;
        assert!(
            [401, 403].contains(&records.status.as_u16()),
            "round {round}: {}",
            records.text
        );
    }
}

/// Without a list the family ends all the same.
#[tokio::test]
async fn a_refresh_does_not_revive_a_family_that_is_ending() {
    let (_redis, pair) = start(Alg::Hs256, REFRESH).await;
    for round in 0..100 {
        let (mia, token) = remembered(&pair).await;
        let mut other = mia.clone();
        let end = other.post(&pair.b, "/logout", json!({}));
        let renewed = against(&pair, round, &token, end).await;
        let next = match renewed.status.as_u16() {
            200 => refresh_token(&renewed.json),
            _ => token,
        };
        for server in [&pair.a, &pair.b] {
            assert!(refused(&renew(server, &next).await), "round {round}");
        }
    }
}
