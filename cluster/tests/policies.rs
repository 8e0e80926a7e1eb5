//! Who gets which request, through a real balancer over real instances.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::collections::BTreeMap;
use std::net::IpAddr;

use cluster::{ArmSpec, Error, Policy, UpstreamHealth};
use common::client;
use common::front::{Front, attempts, header, listen, served_by};
use reqwest::{Client, StatusCode};

#[tokio::test]
async fn round_robin_alternates_strictly_whatever_the_health_checks_do() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    let client = client();
    let mut turns = Vec::new();
    for _ in 0..8 {
        turns.extend(front.turns(&client, 5).await);
        // Twice this is long enough for a health check of each.
        tokio::time::sleep(common::HEALTH_INTERVAL / 2).await;
    }
    for (index, turn) in turns.iter().enumerate() {
        assert_eq!(turn, ["toys-a", "toys-b"][index % 2], "request {index}");
    }
    assert_eq!(front.counts().await, (40, 0, 0));
    front.until_idle().await;
    let state = front.balancer.state(front.address).await.unwrap();
    assert!(
        state
            .upstreams
            .iter()
            .all(|upstream| upstream.attempts == 20)
    );
}

#[tokio::test]
async fn two_addresses_over_one_pool_take_turns_of_their_own() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    let other = listen(&front.balancer, &front.pool, Policy::RoundRobin, None).await;
    let client = client();
    let other_url = format!("http://{other}/");
    for expected in ["toys-a", "toys-b", "toys-a"] {
        assert_eq!(front.turns(&client, 1).await, [expected]);
        let answer = client.get(&other_url).send().await.unwrap();
        assert_eq!(served_by(&answer), expected);
    }
    // One closes, the other stays.
    front.balancer.close(other).await.unwrap();
    assert!(client.get(&other_url).send().await.is_err());
    assert_eq!(front.turns(&client, 1).await, ["toys-b"]);
    let again = front.balancer.close(other).await;
    assert!(matches!(again, Err(Error::Balancer(_))), "{again:?}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    let arm = ArmSpec {
        arm: "y".to_owned(),
        policy: Policy::RoundRobin,
        pool: &front.pool,
        issuer: None,
        address: Some(front.address),
    };
    let error = front.balancer.listen(arm).await.unwrap_err();
    assert!(matches!(error, Error::CannotListen { .. }));
    let text = error.to_string();
    assert!(text.contains(&front.address.to_string()), "{text}");
    assert!(text.contains("choose another port"), "{text}");
}

#[tokio::test]
async fn a_sticky_visitor_stays_and_moves_when_its_instance_is_gone() {
    let front = Front::open(Policy::Sticky, &["a", "b"]).await;
    let client = client();
    let first = front.get(&client, "/").await;
    let home = served_by(&first);
    let name = home.strip_prefix("toys-").unwrap();
    assert_eq!(
        header(&first, "set-cookie"),
        format!("svj-lb-x={name}; Path=/; HttpOnly; SameSite=Lax")
    );
    // A visitor without a cookie goes elsewhere in the meantime.
    let other = served_by(&front.get(&client, "/").await);
    assert_ne!(other, home);

    let pinned = async |value: &str| {
        let cookies = format!("sid-toys=1; svj-lb-x={value}; theme=dark");
        let request = client.get(front.url("/")).header("cookie", cookies);
        request.send().await.unwrap()
    };
    for _ in 0..6 {
        let answer = pinned(name).await;
        assert_eq!(served_by(&answer), home);
        assert_eq!(header(&answer, "set-cookie"), "none", "said once is enough");
        let seen = answer.text().await.unwrap();
        assert!(
            seen.contains("\ncookie: sid-toys=1; theme=dark\n"),
            "{seen}"
        );
    }
    // A name that nobody has pins to nobody.
    let answer = pinned("../etc").await;
    assert!(header(&answer, "set-cookie").starts_with("svj-lb-x="));

    front.pool.instance(name).unwrap().kill().await.unwrap();
    // At once, by a retry, and later, because the checks have seen it.
    let answer = pinned(name).await;
    assert_eq!(served_by(&answer), other);
    assert!(attempts(&answer) > 1);
    let moved = format!("svj-lb-x={}; Path=/; HttpOnly; SameSite=Lax", &other[5..]);
    assert_eq!(header(&answer, "set-cookie"), moved);
    front.until(name, UpstreamHealth::Down).await;
    let answer = pinned(name).await;
    assert_eq!((served_by(&answer), attempts(&answer)), (other, 1));
    assert_eq!(header(&answer, "set-cookie"), moved);
}

#[tokio::test]
async fn a_draining_instance_keeps_its_own_visitors_and_gets_no_others() {
    let flags = ["--drain-wait-ms", "1500"];
    let front = Front::open_with(Policy::Sticky, &["a", "b"], &flags).await;
    let client = client();
    let of_a = async || {
        let request = client.get(front.url("/")).header("cookie", "svj-lb-x=a");
        request.send().await.unwrap()
    };
    let a = front.pool.instance("a").unwrap();
    let draining = tokio::spawn(async move { a.terminate().await });
    front.until("a", UpstreamHealth::Draining).await;
    for _ in 0..4 {
        let own = of_a().await;
        assert_eq!((served_by(&own), attempts(&own)), ("toys-a".to_owned(), 1));
        assert_eq!(front.turns(&client, 1).await, ["toys-b"]);
    }
    draining.await.unwrap().unwrap();
    let moved = of_a().await;
    assert_eq!(served_by(&moved), "toys-b");
    assert!(header(&moved, "set-cookie").starts_with("svj-lb-x=b;"));
}

#[tokio::test]
async fn least_connections_goes_to_the_idle_one_until_the_last_byte_of_a_body() {
    let front = Front::open(Policy::LeastConnections, &["a", "b"]).await;
    let client = client();
    // Its head comes at once and its end much later: it is in flight until then.
    let mut slow = front.get(&client, "/stream?700").await;
    let busy = served_by(&slow);
    assert_eq!(slow.chunk().await.unwrap().unwrap(), "begin ");
    let turns = front.turns(&client, 6).await;
    assert!(
        turns.iter().all(|turn| *turn != busy),
        "{turns:?} while {busy} is busy"
    );
    while slow.chunk().await.unwrap().is_some() {}
    front.until_idle().await;
    let turns = front.turns(&client, 4).await;
    assert!(turns.contains(&busy), "{turns:?} after {busy} is idle");
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_its_lease() {
    let front = Front::open(Policy::LeastConnections, &["a"]).await;
    let impatient = client();
    let slow = impatient.get(front.url("/slow?60000")).send();
    let gone = tokio::time::timeout(common::HEALTH_INTERVAL, slow).await;
    assert!(gone.is_err());
    drop(impatient);
    front.until_idle().await;
}

#[tokio::test]
async fn source_hash_sends_an_address_to_one_instance() {
    let front = Front::open(Policy::SourceHash, &["a", "b"]).await;
    let mut homes = BTreeMap::<String, usize>::new();
    for last in 1..=24 {
        let from = IpAddr::from([127, 0, 0, last]);
        let client = Client::builder().no_proxy().local_address(from);
        let client = client.build().unwrap();
        let turns = front.turns(&client, 4).await;
        assert!(
            turns.iter().all(|turn| *turn == turns[0]),
            "{from}: {turns:?}"
        );
        let seen = front.get(&client, "/").await.text().await.unwrap();
        assert!(
            seen.contains(&format!("x-forwarded-for: {from}\n")),
            "{seen}"
        );
        *homes.entry(turns[0].clone()).or_default() += 1;
    }
    assert_eq!(
        homes.len(),
        2,
        "24 addresses, all at one instance: {homes:?}"
    );
}

#[tokio::test]
async fn an_instance_that_is_added_gets_its_share() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    front.pool.add(front.house.toy("c", &[])).await.unwrap();
    let mut turns = front.turns(&client(), 6).await;
    turns.sort();
    let fair = ["toys-a", "toys-a", "toys-b", "toys-b", "toys-c", "toys-c"];
    assert_eq!(turns, fair);
}

#[tokio::test]
async fn logins_go_to_the_issuer_and_do_not_take_a_turn() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    let address = listen(&front.balancer, &front.pool, Policy::RoundRobin, Some("b")).await;
    let client = client();
    let at = async |path: &str| {
        let request = client.post(format!("http://{address}{path}")).body("x");
        request.send().await.unwrap()
    };
    let mut turns = Vec::new();
    for _ in 0..3 {
        assert_eq!(served_by(&at("/login").await), "toys-b");
        turns.push(served_by(&at("/me").await));
        assert_eq!(served_by(&at("/token/refresh").await), "toys-b");
    }
    assert_eq!(turns, ["toys-a", "toys-b", "toys-a"]);

    front.pool.instance("b").unwrap().kill().await.unwrap();
    let answer = at("/login").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().await.unwrap().contains("no-instance"));
    assert_eq!(served_by(&at("/me").await), "toys-a");
}
