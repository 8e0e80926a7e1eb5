//! Hostile requests over raw sockets, each to both servers on three paths: to an instance itself,
//! through the embedded balancer, and through a real HAProxy with the configuration of the stack.
//!
//! The table is in `credentials.rs`, `bodies.rs`, `messages.rs` and `slow.rs`: a number, what is
//! sent, what has to come back. After each case nobody has panicked, no secret stands in an answer
//! or a log, and the next good request is served.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../beside/mod.rs"]
mod beside;
mod bodies;
mod case;
mod credentials;
mod forwarded;
mod house;
mod judge;
mod messages;
mod slow;
mod stories;
mod wire;

use std::collections::BTreeSet;

use case::{Case, Known, Sends, Server, Way};
use house::House;
use judge::judge;

/// Every case there is for a server.
fn table(known: &Known) -> Vec<Case> {
    let mut cases = credentials::cases(known);
    cases.extend(bodies::cases(known));
    cases.extend(messages::cases(known));
    cases.extend(slow::cases());
    cases.extend(stories::cases());
    cases.sort_by_key(|case| case.number);
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_request_is_answered_alike_on_every_path() {
    let house = House::start().await;
    let mut complaints = Vec::new();
    let mut tables = Vec::new();
    for server in Server::BOTH {
        let known = house.log_in(server).await;
        tables.push((table(&known), known));
    }
    // What takes seconds takes them at the same time.
    let mut slow = tokio::task::JoinSet::new();
    for (cases, known) in &tables {
        for case in cases {
            if let Sends::Slowly(slowly) = &case.sends {
                for way in Way::ALL {
                    let address = house.address(known.server, way);
                    slow.spawn(slow::run(*slowly, known.server, way, address));
                }
            }
        }
    }
    for (cases, known) in &tables {
        for case in cases {
            for way in Way::ALL {
                complaints.extend(one(&house, known, case, way).await);
            }
        }
    }
    complaints.extend(slow.join_all().await.into_iter().flatten());
    for (_, known) in &tables {
        complaints.extend(house.unwell(known, "what was slow").await);
    }
    complaints.extend(stories::tell(&house, &tables).await);
    assert_eq!(house.haproxy_starts(), 1, "HAProxy has ended");
    assert_eq!(house.crashes(), 0, "a process has ended");
    assert!(
        complaints.is_empty(),
        "{} complaints:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

/// Sends one case on one path, and looks at everything afterwards.
async fn one(house: &House, known: &Known, case: &Case, way: Way) -> Vec<String> {
    let address = house.address(known.server, way);
    let (bytes, ends, canary) = match &case.sends {
        Sends::Once(bytes) => (bytes, false, false),
        Sends::ThenEnds(bytes) => (bytes, true, false),
        Sends::WithCanary(bytes) => (bytes, false, true),
        Sends::Slowly(_) | Sends::Story => return Vec::new(),
    };
    let before = (house.records(), house.canaries(known.server, canary).await);
    let exchange = wire::exchange(address, bytes, ends).await;
    let mut complaints = judge(case, known, way, &exchange);
    let after = (house.records(), house.canaries(known.server, canary).await);
    if before != after {
        complaints.push(format!(
            "(store, canaries) were {before:?} and are {after:?}"
        ));
    }
    complaints.extend(house.unwell(known, "afterwards").await);
    if !house.serves(known, way).await {
        complaints.push("the next good request was not served".to_owned());
    }
    let of = format!(
        "H{} {} ({:?}, {way:?})",
        case.number, case.what, known.server
    );
    let told = |complaint| format!("{of}: {complaint}\n    {}", exchange.shown());
    complaints.into_iter().map(told).collect()
}

#[test]
fn every_number_is_in_the_table() {
    let numbers: BTreeSet<u8> = Server::BOTH
        .iter()
        .flat_map(|server| table(&Known::nobody(*server)))
        .map(|case| case.number)
        .collect();
    assert_eq!(numbers, (1..=46).collect());
}
