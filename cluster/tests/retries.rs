//! What becomes of requests whose instance goes away, and what a request may carry.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster::{BalancerSettings, Policy, UpstreamHealth};
use common::front::{Front, attempts, header, listen, served_by};
use common::{House, client};
use reqwest::{Method, StatusCode};

/// What a load of GETs met.
#[derive(Debug, Default)]
struct Met {
    ok: usize,
    failed: Vec<String>,
    retried: u64,
}

impl Met {
    async fn one(&mut self, client: &reqwest::Client, url: &str) {
        let answer = match client.get(url).send().await {
            Ok(answer) => answer,
            Err(error) => return self.failed.push(error.to_string()),
        };
        self.retried += u64::from(attempts(&answer).saturating_sub(1));
        let status = answer.status();
        match answer.bytes().await {
            Ok(_) if status == StatusCode::OK => self.ok += 1,
            Ok(body) => self.failed.push(format!("{status} {body:?}")),
            Err(error) => self.failed.push(error.to_string()),
        }
    }
}

/// Eight visitors ask as fast as they can until `stop`.
async fn load(url: String, stop: Arc<AtomicBool>) -> Met {
    let visitors = (0..8).map(|_| {
        let (url, stop) = (url.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let (client, mut met) = (client(), Met::default());
            while !stop.load(Ordering::Relaxed) {
                met.one(&client, &url).await;
            }
            met
        })
    });
    let mut all = Met::default();
    for visitor in visitors.collect::<Vec<_>>() {
        let met = visitor.await.unwrap();
        all.ok += met.ok;
        all.failed.extend(met.failed);
        all.retried += met.retried;
    }
    all
}

#[tokio::test]
async fn a_kill_under_load_costs_at_most_what_was_in_flight_and_retries_are_counted() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(front.url("/slow?3"), Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_millis(400)).await;
    front.pool.instance("a").unwrap().kill().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    stop.store(true, Ordering::Relaxed);
    let met = load.await.unwrap();
    // Eight visitors: eight requests can have been between an answer's head and its end.
    assert!(met.failed.len() <= 8, "{:?}", met.failed);
    assert!(met.ok > 100, "{met:?}");
    assert!(met.retried > 0, "nobody noticed the kill");
    let (requests, retries, own_answers) = front.counts().await;
    assert_eq!(retries, met.retried, "every retry stands on an answer");
    assert_eq!(requests, (met.ok + met.failed.len()) as u64);
    assert_eq!(own_answers, 0);
    front.until("a", UpstreamHealth::Down).await;
}

#[tokio::test]
async fn a_rolling_restart_loses_nothing() {
    let flags = ["--drain-wait-ms", "500"];
    let front = Front::open_with(Policy::RoundRobin, &["a", "b"], &flags).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(front.url("/slow?2"), Arc::clone(&stop)));
    for name in ["a", "b"] {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let instance = front.pool.instance(name).unwrap();
        instance.terminate().await.unwrap();
        instance.start().await.unwrap();
        // The new port was acknowledged, and the instance is known to be ready.
        assert_eq!(front.health(name).await, UpstreamHealth::Up);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.store(true, Ordering::Relaxed);
    let met = load.await.unwrap();
    assert_eq!(met.failed, [] as [&str; 0]);
    assert!(met.ok > 100, "{met:?}");
    let mut turns = front.turns(&client(), 2).await;
    turns.sort();
    assert_eq!(turns, ["toys-a", "toys-b"]);
}

#[tokio::test]
async fn a_post_that_may_have_arrived_is_never_made_again() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    let post = client().post(front.url("/write-and-die")).body("x");
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!((&*served_by(&answer), attempts(&answer)), ("balancer", 1));
    let body = answer.text().await.unwrap();
    assert!(body.contains("\"reason\":\"instance-lost\""), "{body}");
    // Nor one without a body, at the instance that is left.
    let post = client().post(front.url("/write-and-die"));
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    let log = front.house.log();
    assert_eq!(log.len(), 2, "{log:?}");
}

#[tokio::test]
async fn a_post_that_cannot_have_arrived_goes_elsewhere_body_and_all() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    let client = client();
    // Open a connection to each, so that one of them is there and closed when a is gone.
    front.turns(&client, 2).await;
    front.pool.instance("a").unwrap().kill().await.unwrap();
    let mut tries = 0;
    for number in 0..4 {
        let post = client.post(front.url("/write")).body(number.to_string());
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        tries += attempts(&answer);
    }
    assert!(tries > 4, "nobody noticed that a is gone");
    let written = ["b write 0", "b write 1", "b write 2", "b write 3"];
    assert_eq!(front.house.log(), written);
}

#[tokio::test]
async fn a_get_leaves_a_frozen_instance_and_a_post_waits_in_vain() {
    let house = House::open().await;
    let pool = house.pool(&["a", "b"]).await;
    let mut settings = BalancerSettings::new(Duration::from_secs(60));
    settings.answer_wait = Duration::from_millis(300);
    let balancer = house.cluster.balancer_with(settings).await.unwrap();
    let address = listen(&balancer, &pool, Policy::RoundRobin, None).await;
    pool.instance("a").unwrap().freeze().await.unwrap();

    let url = format!("http://{address}/");
    let answer = client().get(&url).send().await.unwrap();
    assert_eq!((&*served_by(&answer), attempts(&answer)), ("toys-b", 2));
    let answer = client().post(&url).body("x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    let body = answer.text().await.unwrap();
    assert!(body.contains("\"reason\":\"instance-silent\""), "{body}");
}

#[tokio::test]
async fn with_no_instance_left_the_balancer_says_so_itself() {
    let front = Front::open(Policy::RoundRobin, &["a", "b"]).await;
    for instance in front.pool.instances() {
        instance.kill().await.unwrap();
    }
    front.until("a", UpstreamHealth::Down).await;
    front.until("b", UpstreamHealth::Down).await;
    let answer = front.get(&client(), "/").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((&*served_by(&answer), attempts(&answer)), ("balancer", 0));
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "retry-after"), "1");
    let body = answer.text().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["reason"], "no-instance");
    assert_eq!(body["status"], 503);
    assert_eq!(front.counts().await, (1, 0, 1));

    // And one that is started again is known at once.
    front.pool.instance("a").unwrap().start().await.unwrap();
    assert_eq!(front.turns(&client(), 2).await, ["toys-a", "toys-a"]);
}

#[tokio::test]
async fn an_instance_that_is_not_ready_gets_nobody() {
    let house = House::open().await;
    let pool = house.pool(&["a", "b"]).await;
    let mut settings = BalancerSettings::new(Duration::from_secs(60));
    settings.connect_wait = Duration::from_millis(300);
    let balancer = house.cluster.balancer_with(settings).await.unwrap();
    pool.instance("a").unwrap().kill().await.unwrap();
    let address = listen(&balancer, &pool, Policy::RoundRobin, None).await;
    for _ in 0..3 {
        let answer = client().get(format!("http://{address}/")).send();
        let answer = answer.await.unwrap();
        assert_eq!((&*served_by(&answer), attempts(&answer)), ("toys-b", 1));
    }
}

#[tokio::test]
async fn what_is_said_for_one_hop_or_from_outside_does_not_pass() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    let request = client()
        .get(front.url("/path?query=1"))
        .header("host", "lab.example:81")
        .header("connection", "x-private")
        .header("x-private", "1")
        .header("te", "trailers")
        .header("x-forwarded-for", "10.1.2.3")
        .header("x-forwarded-host", "evil")
        .header("forwarded", "for=10.1.2.3")
        .header("x-served-by", "jwt-a")
        .header("x-public", "1");
    let seen = request.send().await.unwrap().text().await.unwrap();
    let mut lines: Vec<_> = seen.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "GET /path?query=1",
            "accept: */*",
            "body: ",
            "host: lab.example:81",
            "instance: a",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: lab.example:81",
            "x-forwarded-proto: http",
            "x-public: 1",
        ]
    );

    let answer = front.get(&client(), "/hop-by-hop").await;
    for gone in ["x-private", "keep-alive", "connection"] {
        assert_eq!(header(&answer, gone), "none");
    }
    assert_eq!(header(&answer, "x-public"), "for everybody");
    assert_eq!(header(&answer, "x-attempts"), "1");
    assert_eq!(served_by(&answer), "toys-a");
}

#[tokio::test]
async fn bodies_pass_in_both_directions_whatever_their_length() {
    let front = Front::open(Policy::RoundRobin, &["a"]).await;
    let client = client();
    let large = "x".repeat(3_000_000);
    for method in [Method::POST, Method::PUT, Method::GET] {
        let request = client.request(method, front.url("/")).body(large.clone());
        let seen = request.send().await.unwrap().text().await.unwrap();
        assert!(seen.contains(&format!("body: {large}\n")));
    }
    let streamed = front.get(&client, "/stream?1").await.text().await.unwrap();
    assert_eq!(streamed, "begin end");
    let head = client.head(front.url("/")).send().await.unwrap();
    assert_eq!(
        (head.status(), &*served_by(&head)),
        (StatusCode::OK, "toys-a")
    );
    assert_eq!(head.text().await.unwrap(), "");
}
