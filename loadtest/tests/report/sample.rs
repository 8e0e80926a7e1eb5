//! A record as a run of every arm might have written it, to make reports from and to alter.
//!
//! The figures are invented, but each follows from what its arm is: they are no results.
//!
//! Long because one run is one piece, from its arms to its costs.

use std::collections::BTreeMap;

use loadtest::doubts;
use loadtest::record::{
    Arm, ByProcess, Bytes, Cell, Client, Comparison, Detail, Environment, EventStory, Group, Hop,
    Measure, Record, Revocation, Verdict, Wanted,
};
use serde_json::json;

const VISITORS: u64 = 20;
const REQUESTS: u64 = 400;
const LIFETIME_MS: u64 = 4_000;

/// Name, label, headline, needs a store.
const ARMS: [(&str, &str, bool, bool); 15] = [
    ("trusting", "no check at all", false, false),
    ("session-memory", "Session in memory", true, false),
    ("session-memory-sticky", "+ sticky balancer", true, false),
    (
        "session-memory-stock",
        "as tower-sessions ships it",
        false,
        false,
    ),
    ("session-redis", "Session in Redis", true, true),
    ("session-cached", "+ 2 s local cache", false, true),
    ("jwt-hs256", "JWT, one shared secret", true, false),
    ("jwt-hs256-stock", "as jsonwebtoken ships it", false, false),
    ("jwt-hs256-split", "JWT, a secret each", false, false),
    ("jwt-eddsa", "JWT, key pair (EdDSA)", false, false),
    ("jwt-es256", "JWT, key pair (ES256)", false, false),
    ("jwt-rs256", "JWT, key pair (RS256)", false, false),
    ("jwt-denylist", "JWT + deny-list", true, true),
    ("jwt-denylist-synced", "JWT + synced deny-list", false, true),
    ("jwt-refresh", "JWT, short + refresh", false, true),
];

/// A whole run.
pub(crate) fn record() -> Record {
    let mut record = Record::new(7, "loadtest matrix --all --seed 7");
    record.started_at = "2026-11-24T09:30:00Z".into();
    record.finished_at = "2026-11-24T09:33:12Z".into();
    record.environment = environment();
    record.events = events();
    record.arms = ARMS.iter().map(arm).collect();
    for (name, ..) in ARMS {
        plain(&mut record, name);
        instances(&mut record, name);
        revocations(&mut record, name);
        let (all, none) = if name == "trusting" {
            (REQUESTS, 0)
        } else {
            (0, REQUESTS)
        };
        push(
            &mut record,
            name,
            "tampered",
            client(name),
            [all, none, 0],
            0,
        );
    }
    costs(&mut record);
    record.doubts = doubts::find(&record).into_iter().map(Into::into).collect();
    record
}

/// The same run where there was no store: the arms that need one are missing.
pub(crate) fn without_store() -> Record {
    let mut record = record();
    let because = "no Redis was found; install redis-server, or name one with --redis-url";
    let missing: Vec<String> = ARMS
        .iter()
        .filter(|arm| arm.3)
        .map(|arm| arm.0.to_owned())
        .collect();
    for arm in record.arms.iter_mut().filter(|arm| arm.needs_store) {
        arm.not_run_because = Some(because.to_owned());
    }
    record.cells.retain(|cell| !missing.contains(&cell.arm));
    record.hops.retain(|hop| !missing.contains(&hop.arm));
    record.revocations.retain(|row| !missing.contains(&row.arm));
    record
        .measures
        .retain(|measure| !missing.contains(&measure.arm));
    record.comparisons.retain(|one| !missing.contains(&one.arm));
    record.doubts = doubts::find(&record).into_iter().map(Into::into).collect();
    record
}

fn environment() -> Environment {
    let versions = [
        ("axum", "0.8.9"),
        ("tower-sessions", "0.15.0"),
        ("redis-server", "7.0.15"),
    ];
    let topology = [
        ("balancer", "embedded, a process of its own"),
        ("store", "found on PATH"),
    ];
    let words = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, word)| ((*name).to_owned(), (*word).to_owned()))
            .collect()
    };
    Environment {
        cpu: "Example CPU".into(),
        cores: 2,
        memory_bytes: 16_000_000_000,
        kernel: "Linux, kernel 6.18".into(),
        rustc: "rustc 1.95.0".into(),
        commit: "0123456789ab".into(),
        versions: words(&versions),
        topology: words(&topology),
        profile: "release".into(),
        load_average_1m: Some(0.31),
        cpu_pressure_percent: Some(2.5),
        cpu_quota_cores: None,
    }
}

/// Event, label, story, group, and what one would want to see.
const EVENTS: [(&str, &str, &str, Group, Wanted); 11] = {
    use {Group::*, Wanted::*};
    [
        (
            "same-instance",
            "ask A again",
            "Log in at A, ask A.",
            Plain,
            Recognised,
        ),
        (
            "other-instance",
            "ask B",
            "Log in at A, ask B.",
            Plain,
            Recognised,
        ),
        (
            "balanced",
            "balanced",
            "All ask the balancer.",
            Plain,
            Recognised,
        ),
        (
            "instance-killed",
            "A is killed",
            "A is killed, all ask.",
            Instances,
            Recognised,
        ),
        (
            "rolling-restart",
            "rolling restart",
            "One by one.",
            Instances,
            Recognised,
        ),
        (
            "logout-elsewhere",
            "log out at B",
            "At B, replay at both.",
            Revocation,
            Refused,
        ),
        (
            "logout-everywhere",
            "log out everywhere",
            "At A.",
            Revocation,
            Refused,
        ),
        (
            "role-changed",
            "role changed",
            "By an admin, at A.",
            Revocation,
            Refused,
        ),
        (
            "user-disabled",
            "user disabled",
            "By an admin, at A.",
            Revocation,
            Refused,
        ),
        (
            "password-changed",
            "password changed",
            "At A.",
            Revocation,
            Refused,
        ),
        (
            "tampered",
            "tampered",
            "Forged, to both.",
            HostileAndRacing,
            Refused,
        ),
    ]
};

fn events() -> Vec<EventStory> {
    let told = EVENTS
        .into_iter()
        .map(|(event, label, story, group, wanted)| EventStory {
            event: event.to_owned(),
            label: label.to_owned(),
            story: story.to_owned(),
            group,
            wanted,
        });
    told.collect()
}

fn arm(&(name, label, headline, needs_store): &(&str, &str, bool, bool)) -> Arm {
    let policy = if name.ends_with("sticky") {
        "sticky"
    } else {
        "round-robin"
    };
    Arm {
        arm: name.to_owned(),
        pool: pool(name).to_owned(),
        policy: policy.to_owned(),
        instances: 2,
        settings: BTreeMap::from([("lifetime_ms".to_owned(), json!(LIFETIME_MS))]),
        not_run_because: None,
        label: label.to_owned(),
        headline,
        needs_store,
        teaches: String::new(),
    }
}

fn pool(arm: &str) -> &str {
    if arm == "jwt-hs256" { "jwt" } else { arm }
}

fn client(arm: &str) -> Client {
    if arm.starts_with("session") {
        Client::KeepsCookie
    } else {
        Client::Bearer
    }
}

fn only_a_knows(arm: &str) -> bool {
    arm.starts_with("session-memory") || arm == "jwt-hs256-split"
}

fn push<'a>(
    record: &'a mut Record,
    arm: &str,
    event: &str,
    client: Client,
    [recognised, refused, failed]: [u64; 3],
    logins_lost: u64,
) -> &'a mut Cell {
    let requests = recognised + refused + failed;
    let share = recognised as f64 / requests as f64;
    record.cells.push(Cell {
        arm: arm.to_owned(),
        event: event.to_owned(),
        variant: None,
        client,
        visitors: VISITORS,
        requests,
        recognised,
        refused,
        failed,
        logins_lost,
        expected: "as computed".to_owned(),
        as_expected: true,
        recognised_share: Some(share),
        interval: Some([(share - 0.2).max(0.0), (share + 0.2).min(1.0)]),
        detail: Detail::default(),
    });
    record.cells.last_mut().expect("one was pushed")
}

fn hop(record: &mut Record, arm: &str, event: &str, client: Client, pair: [&str; 2], known: bool) {
    let (recognised, refused) = if known { (100, 0) } else { (0, 100) };
    record.hops.push(Hop {
        arm: arm.to_owned(),
        event: event.to_owned(),
        variant: None,
        client,
        login_instance: format!("{}-{}", pool(arm), pair[0]),
        answering_instance: format!("{}-{}", pool(arm), pair[1]),
        recognised,
        refused,
        failed: 0,
    });
}

fn plain(record: &mut Record, arm: &str) {
    let client = client(arm);
    let elsewhere = !only_a_knows(arm);
    push(record, arm, "same-instance", client, [REQUESTS, 0, 0], 0);
    hop(record, arm, "same-instance", client, ["a", "a"], true);
    let asked_b = if elsewhere {
        [REQUESTS, 0, 0]
    } else {
        [0, REQUESTS, 0]
    };
    push(record, arm, "other-instance", client, asked_b, 0);
    hop(record, arm, "other-instance", client, ["a", "b"], elsewhere);

    let sticky = arm.ends_with("sticky");
    let half = [REQUESTS / 2, REQUESTS / 2, 0];
    let balanced = if elsewhere || sticky {
        [REQUESTS, 0, 0]
    } else {
        half
    };
    push(record, arm, "balanced", client, balanced, 0);
    for login in ["a", "b"] {
        for answering in ["a", "b"] {
            if login == answering || !sticky {
                let known = login == answering || elsewhere;
                hop(record, arm, "balanced", client, [login, answering], known);
            }
        }
    }
    if arm.starts_with("session-memory") && !sticky {
        let mixed = [20, REQUESTS - 20, 0];
        let cell = push(record, arm, "balanced", Client::Browser, mixed, VISITORS);
        cell.detail.recognised_at_end = Some(0);
    }
}

fn instances(record: &mut Record, arm: &str) {
    let client = client(arm);
    if only_a_knows(arm) {
        push(
            record,
            arm,
            "instance-killed",
            client,
            [200, 198, 2],
            VISITORS / 2,
        );
        push(
            record,
            arm,
            "rolling-restart",
            client,
            [40, 360, 0],
            VISITORS,
        );
        return;
    }
    let key_pair = ["jwt-eddsa", "jwt-es256", "jwt-rs256"].contains(&arm);
    let cell = push(
        record,
        arm,
        "instance-killed",
        client,
        [REQUESTS - 2, 0, 2],
        0,
    );
    cell.detail.retried = Some(11);
    if key_pair {
        cell.variant = Some("issuer".into());
        let verifier = push(record, arm, "instance-killed", client, [REQUESTS, 0, 0], 0);
        verifier.variant = Some("verifier".into());
    }
    push(record, arm, "rolling-restart", client, [REQUESTS, 0, 0], 0);
}

/// Lag at A and at B of one arm after one event.
fn lags(arm: &str, event: &str) -> [f64; 2] {
    let never = LIFETIME_MS as f64 - 40.0;
    match (arm, event) {
        ("session-redis" | "jwt-denylist", _) => [0.0, 0.0],
        ("session-cached", _) => [0.0, 1_310.0],
        ("jwt-denylist-synced", _) => [30.0, 0.0],
        ("session-memory" | "session-memory-stock", "logout-elsewhere") => [never, 0.0],
        ("session-memory-sticky", "logout-elsewhere") => [0.0, 0.0],
        ("jwt-hs256-split", "logout-elsewhere") => [never, 0.0],
        ("session-memory" | "session-memory-sticky" | "session-memory-stock", _) => [0.0, never],
        _ => [never, never],
    }
}

/// A log-out elsewhere follows one login: where it was not taken, memory does not know it.
fn never_knew(arm: &str, event: &str, instance: &str) -> bool {
    event == "logout-elsewhere" && instance == "b" && only_a_knows(arm)
}

fn revocations(record: &mut Record, arm: &str) {
    for event in [
        "logout-elsewhere",
        "logout-everywhere",
        "role-changed",
        "user-disabled",
        "password-changed",
    ] {
        let leeway_ms = if arm == "jwt-hs256-stock" { 60_000 } else { 0 };
        for (instance, lag_ms) in ["a", "b"].into_iter().zip(lags(arm, event)) {
            let late = lag_ms > 3_000.0;
            record.revocations.push(Revocation {
                arm: arm.to_owned(),
                event: event.to_owned(),
                variant: None,
                instance: format!("{}-{instance}", pool(arm)),
                lag_ms: if late {
                    lag_ms + leeway_ms as f64
                } else {
                    lag_ms
                },
                censored: arm == "trusting",
                resolution_ms: 10.0,
                lifetime_ms: (arm != "trusting").then_some(LIFETIME_MS + leeway_ms),
                accepted_after: (lag_ms / 10.0) as u64,
                bound_ms: match arm {
                    "session-cached" => Some(2_000),
                    "jwt-denylist-synced" => Some(1_000),
                    _ => None,
                },
                as_expected: true,
                accepted_before: Some(if never_knew(arm, event, instance) {
                    0
                } else {
                    20
                }),
                remaining_ms: None,
                expected: "as computed".to_owned(),
                said: Some("everywhere".to_owned()),
            });
        }
        push(
            record,
            arm,
            event,
            client(arm),
            [REQUESTS / 4, REQUESTS * 3 / 4, 0],
            0,
        );
    }
}

fn costs(record: &mut Record) {
    let costs = [
        ("trusting", 5_700.0, None),
        ("session-memory", 8_100.0, None),
        ("session-memory-sticky", 8_150.0, None),
        ("session-redis", 12_900.0, Some(3_100.0)),
        ("jwt-hs256", 7_200.0, None),
        ("jwt-denylist", 13_400.0, Some(3_000.0)),
    ];
    let zero = 5_700.0;
    for (arm, server, store) in costs {
        for block in 0..3 {
            record.measures.push(Measure {
                arm: arm.to_owned(),
                block,
                variant: Some("quick hint, closed loop".to_owned()),
                rate_offered_rps: None,
                rate_achieved_rps: 20_000.0,
                requests: 5_000,
                not_sent: 0,
                wrong_answers: 0,
                latency_ns: None,
                cpu_ns_per_request: ByProcess {
                    server: Some(server + f64::from(block) * 40.0),
                    store,
                    generator: Some(9_800.0),
                    ..ByProcess::default()
                },
                run_queue_ns_per_request: ByProcess::default(),
                bytes_per_request: Bytes {
                    sent: Some(142.0),
                    received: Some(377.0),
                },
                store_commands_per_request: Some(if store.is_some() { 1.0 } else { 0.0 }),
                memory_bytes_per_login: None,
                memory: None,
                hlog: None,
                repeated: false,
                capacity: None,
            });
        }
        let total = server + store.unwrap_or(0.0);
        if arm != "trusting" {
            let (ratio, difference_ns) = (total / zero, total - zero);
            record.comparisons.push(Comparison {
                arm: arm.to_owned(),
                against: "trusting".to_owned(),
                metric: "cpu_ns_per_request".to_owned(),
                ratio,
                interval: Some([ratio * 0.94, ratio * 1.07]),
                difference_ns,
                difference_interval: Some([difference_ns * 0.9, difference_ns * 1.1]),
                verdict: Verdict::More,
                variant: None,
                against_variant: None,
                minimum_detectable_share: None,
            });
        }
    }
}
