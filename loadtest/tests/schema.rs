//! The record's contract: what is written is what the published schema describes, and can be read.

use std::fs;
use std::path::{Path, PathBuf};

use loadtest::record::{Client, Record};
use serde_json::{Value, json};

/// The published file is what the types say. `UPDATE_SCHEMA=1 cargo test -p loadtest --test schema`
/// writes it anew.
#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let wanted = Record::json_schema();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        let text = serde_json::to_string_pretty(&wanted).unwrap() + "\n";
        fs::write(schema_file(), text).unwrap();
    }
    let published = fs::read_to_string(schema_file()).unwrap();
    // As values: the order of names depends on a feature of serde_json that any crate may turn on.
    let published: Value = serde_json::from_str(&published).unwrap();
    assert!(
        published == wanted,
        "record.schema.json is stale: run this test with UPDATE_SCHEMA=1"
    );
}

#[test]
fn a_record_in_the_words_of_the_contract_is_valid_and_survives_a_round_trip() {
    let written = full_record();
    assert_eq!(problems(&written), Vec::<String>::new());
    let record: Record = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(record.cells[0].client, Client::KeepsCookie);
    assert_eq!(record.cells[0].detail.retried, Some(2));
    assert_eq!(record.cells[0].detail.more["something_else"], json!([1, 2]));

    let again = serde_json::to_value(&record).unwrap();
    assert_eq!(problems(&again), Vec::<String>::new());
    // Everything that was there still is, under the same name and with the same value.
    for (name, value) in written.as_object().unwrap() {
        assert_contains(&again[name], value, name);
    }
}

#[test]
fn a_misspelt_value_or_a_missing_field_is_found() {
    let mut wrong = full_record();
    wrong["cells"][0]["client"] = json!("robot");
    wrong["comparisons"][0]["verdict"] = json!("a bit more");
    wrong["hops"][0].as_object_mut().unwrap().remove("refused");
    assert_eq!(problems(&wrong).len(), 3, "{:?}", problems(&wrong));
}

#[test]
fn a_saved_record_is_whole_and_replaces_the_earlier_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut record = Record::new(7, "loadtest demo");
    record.save(dir.path()).unwrap();
    record.interrupted = true;
    let path = record.save(dir.path()).unwrap();

    assert_eq!(Record::load(dir.path()).unwrap(), record);
    assert_eq!(Record::load(&path).unwrap(), record);
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["record.json"], "nothing half-written stays behind");
    assert_eq!(
        problems(&serde_json::to_value(&record).unwrap()),
        Vec::<String>::new()
    );
}

#[test]
fn an_unreadable_record_is_one_line_with_its_path_and_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Record::load(&dir.path().join("nowhere"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("nowhere") && missing.contains("name the folder"),
        "{missing}"
    );

    fs::write(dir.path().join("record.json"), "{\"schema\": 2}").unwrap();
    let newer = Record::load(dir.path()).unwrap_err().to_string();
    assert!(newer.contains("schema 2"), "{newer}");

    fs::write(
        dir.path().join("record.json"),
        "{\"schema\": 1, \"seed\": \"seven\"}",
    )
    .unwrap();
    let broken = Record::load(dir.path()).unwrap_err().to_string();
    assert!(
        broken.contains("is not a record") && broken.lines().count() == 1,
        "{broken}"
    );

    let unwritable = Record::new(1, "x")
        .save(&dir.path().join("no-such-folder"))
        .unwrap_err();
    assert!(unwritable.to_string().contains("--out"), "{unwritable}");
}

fn schema_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("record.schema.json")
}

fn problems(record: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&Record::json_schema()).expect("a schema");
    validator
        .iter_errors(record)
        .map(|error| error.to_string())
        .collect()
}

/// `after` holds everything that `before` held; it may hold more.
fn assert_contains(after: &Value, before: &Value, at: &str) {
    match (after, before) {
        (Value::Object(after), Value::Object(before)) => {
            for (name, value) in before {
                assert_contains(&after[name], value, &format!("{at}.{name}"));
            }
        }
        (Value::Array(after), Value::Array(before)) => {
            assert_eq!(after.len(), before.len(), "{at}");
            for (after, before) in after.iter().zip(before) {
                assert_contains(after, before, at);
            }
        }
        _ => assert_eq!(after, before, "{at}"),
    }
}

/// A record in which every list has an entry, in the words of the contract.
fn full_record() -> Value {
    let percentiles = json!({"p50": 1, "p90": 2, "p99": 3, "p999": 4, "max": 5});
    json!({
        "schema": 1, "seed": 7, "command": "loadtest matrix --seed 7", "valid": true,
        "doubts": [{"kind": "few-cores", "text": "Two cores.", "about": "cost"}],
        "environment": {
            "cpu": "a cpu", "cores": 2, "memory_bytes": 1024, "kernel": "Linux 6", "rustc": "1.95",
            "commit": "abc", "versions": {"redis": "7"}, "topology": {"balancer": "embedded"}
        },
        "arms": [{"arm": "session-memory", "pool": "session-memory", "policy": "round-robin",
                  "instances": 2, "settings": {"idle_ms": 900_000}, "not_run_because": null}],
        "cells": [{"arm": "session-memory", "event": "balanced", "variant": null,
                   "client": "keeps-cookie", "visitors": 20, "requests": 400, "recognised": 200,
                   "refused": 200, "failed": 0, "logins_lost": 0, "expected": "half",
                   "as_expected": true, "recognised_share": 0.5, "interval": [0.3, 0.7],
                   "detail": {"retried": 2, "something_else": [1, 2]}}],
        "hops": [{"arm": "session-memory", "event": "balanced", "variant": null,
                  "client": "keeps-cookie", "login_instance": "session-memory-a",
                  "answering_instance": "session-memory-b", "recognised": 0, "refused": 200,
                  "failed": 0}],
        "revocations": [{"arm": "session-memory", "event": "logout-elsewhere", "variant": null,
                         "instance": "session-memory-a", "lag_ms": 3990.0, "censored": false,
                         "resolution_ms": 10.0, "lifetime_ms": 4000, "accepted_after": 399,
                         "bound_ms": null, "as_expected": true}],
        "measures": [{"arm": "session-memory", "block": 0, "variant": null,
                      "rate_offered_rps": 1000.0, "rate_achieved_rps": 999.0, "requests": 5000,
                      "not_sent": 0, "wrong_answers": 0,
                      "latency_ns": {"intended": percentiles, "service": percentiles},
                      "cpu_ns_per_request": {"server": 5700.0, "balancer": null, "store": null,
                                             "database": null, "generator": 4800.0},
                      "run_queue_ns_per_request": {"server": 1.0, "balancer": null, "store": null,
                                                   "database": null, "generator": null},
                      "bytes_per_request": {"sent": 120.0, "received": 300.0},
                      "store_commands_per_request": 1.0, "memory_bytes_per_login": 151.0,
                      "hlog": "session-memory-0.hlog"}],
        "comparisons": [{"arm": "session-memory", "against": "trusting",
                         "metric": "cpu_ns_per_request", "ratio": 1.4, "interval": [1.3, 1.5],
                         "difference_ns": 2300.0, "difference_interval": [2000.0, 2600.0],
                         "verdict": "more"}]
    })
}
