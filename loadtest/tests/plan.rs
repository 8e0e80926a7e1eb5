//! The plan, from a record whose truth is known, and the document that shows it.

use std::fs;
use std::path::{Path, PathBuf};

use loadtest::cli::{self, Command};
use loadtest::commands;
use loadtest::measure::presets;
use loadtest::plan::arm::ArmPlan;
use loadtest::plan::break_even::{Less, Of};
use loadtest::plan::check::{Check, Error};
use loadtest::plan::needs::Needs;
use loadtest::plan::{Plan, plan};
use loadtest::record::{Arm, ByProcess, Bytes, Measure, Measuring, Memory, Record};
use loadtest::report;

const ARMS: [(&str, bool); 4] = [
    ("trusting", false),
    ("session-memory", false),
    ("session-redis", true),
    ("jwt-hs256", false),
];

/// A request takes 10 µs where nothing is checked, a process 10 MB; accounts take 200 bytes a login
/// up to 20,000 of them.
fn cpu_ns(arm: &str) -> (f64, Option<f64>) {
    match arm {
        "session-memory" => (13_000.0, None),
        "session-redis" => (20_000.0, Some(10_000.0)),
        "jwt-hs256" => (15_000.0, None),
        _ => (10_000.0, None),
    }
}

fn memory(arm: &str, instances: u32, live_logins: u64) -> Memory {
    let each = (live_logins / u64::from(instances)).min(20_000);
    let (server_login, store_login) = match arm {
        "session-memory" => (300, None),
        "session-redis" => (0, Some(600)),
        _ => (0, None),
    };
    Memory {
        instances,
        live_logins,
        server_bytes: u64::from(instances) * (10_000_000 + 200 * each) + live_logins * server_login,
        store_bytes: store_login.map(|bytes| 8_000_000 + live_logins * bytes),
        further_logins: 20_000,
        server_bytes_per_login: 200.0 + server_login as f64,
        store_bytes_per_login: store_login.map(|bytes| bytes as f64),
    }
}

/// A run of `scale` in which everything is as the model says.
fn record() -> Record {
    let preset = presets::find("scale").expect("a preset");
    let mut record = Record::new(7, "loadtest measure --preset scale");
    record.arms = ARMS
        .map(|(arm, needs_store)| Arm {
            arm: arm.to_owned(),
            label: arm.to_owned(),
            needs_store,
            ..Arm::default()
        })
        .into();
    record.measuring = Some(Measuring {
        preset: "scale".to_owned(),
        blocks: 8,
        rate_rps: 2_000.0,
        ..Measuring::default()
    });
    for (arm, _) in ARMS {
        for variant in preset.variants {
            let (server, store) = cpu_ns(arm);
            let instances = variant.instances.len() as u32;
            record.measures.extend((0..8).map(|block| Measure {
                arm: arm.to_owned(),
                block,
                variant: variant.name.map(str::to_owned),
                rate_achieved_rps: 2_000.0 * variant.rate_share,
                requests: 2_000,
                cpu_ns_per_request: ByProcess {
                    server: Some(server),
                    store,
                    ..ByProcess::default()
                },
                bytes_per_request: Bytes {
                    sent: Some(100.0),
                    received: Some(250.0),
                },
                store_commands_per_request: store.map(|_| 1.0),
                memory: Some(memory(arm, instances, 100 + u64::from(variant.live_logins))),
                ..Measure::default()
            }));
        }
    }
    record
}

/// A run of `login`: a login takes 20 ms, and 40 µs without the check of the password; a token
/// 70 µs more.
fn logins() -> Record {
    let mut record = record();
    record.measuring.as_mut().expect("set above").preset = "login".to_owned();
    record
        .measures
        .retain(|one| one.variant.is_none() && one.block == 0);
    for (name, server) in [("a login", 20e6), ("a login without the hash", 40e3)] {
        let usual: Vec<_> = record.measures[..ARMS.len()].to_vec();
        record.measures.extend(usual.into_iter().map(|mut one| {
            one.variant = Some(name.to_owned());
            one.cpu_ns_per_request.server = Some(server);
            if one.arm == "jwt-hs256" {
                one.cpu_ns_per_request.server = Some(server + 70e3);
            }
            one
        }));
    }
    record
}

fn needs() -> Needs {
    Needs {
        live_logins: 1_000_000.0,
        requests_per_second: 100_000.0,
        logins_per_second: 100.0,
        lifetime_s: 10_000.0,
        access_lifetime_s: 900.0,
        claims_bytes: 0.0,
        regions: 1.0,
        round_trip_ms: 0.0,
        handler_ns: 0.0,
        utilisation_max: 0.5,
        instances_min: 2.0,
        store_node_bytes: 400e6,
    }
}

fn of<'a>(plan: &'a Plan, arm: &str) -> &'a ArmPlan {
    plan.arms
        .iter()
        .find(|one| one.arm == arm)
        .expect("an arm of the record")
}

#[test]
fn a_plan_is_what_one_computes_by_hand() {
    let plan = plan(&[record(), logins()], needs());
    let redis = of(&plan, "session-redis");
    // 100,000 × 20 µs, 100 × 20 ms; (2 + 2) / 0.5.
    assert_eq!(redis.request_cores.value(), Some(2.0));
    assert_eq!(redis.login_cores.value(), Some(2.0));
    assert_eq!(redis.instances.value(), Some(8.0));
    // 8 × (10 MB + 200 × 20,000).
    assert_eq!(redis.server_bytes.value(), Some(112e6));
    // 100,000 × 10 µs and 100 logins as much again: 1.001 cores, so three nodes at half; and
    // 8 MB + 600 MB over nodes of 400 MB.
    assert_eq!(redis.store_request_cores.value(), Some(1.0));
    assert_eq!(redis.store_login_cores.value(), Some(0.001));
    assert_eq!(redis.store_nodes_by_commands.value(), Some(3.0));
    assert_eq!(redis.store_bytes.value(), Some(608e6));
    assert_eq!(redis.store_nodes_by_memory.value(), Some(2.0));
    assert_eq!(redis.store_commands_per_second.value(), Some(100_000.0));
    // 100 bytes × 8 bits.
    assert_eq!(redis.in_bits_per_second.value(), Some(80e6));
    let memory = of(&plan, "session-memory");
    // (1.3 + 2) / 0.5 = 6.6; 7 × (10 MB + 200 × 20,000) + 1,000,000 × 300.
    assert_eq!(memory.instances.value(), Some(7.0));
    assert_eq!(memory.server_bytes.value(), Some(398e6));
    assert_eq!(memory.store_bytes.value(), Some(0.0));
    // A token takes 110 µs to make and 15 µs to check, a session 40 + 10 and 20 + 10: (110 - 50) /
    // (30 - 15), so from four requests on.
    let point = plan.break_evens.iter().find(|point| {
        (point.of, &*point.arm, &*point.against)
            == (Of::RequestsPerLogin, "jwt-hs256", "session-redis")
    });
    assert_eq!(point.unwrap().less, Less::From(4.0));
}

#[test]
fn what_no_record_has_is_said_and_never_a_number() {
    let plan = plan(&[record()], needs());
    let memory = of(&plan, "session-memory");
    assert_eq!(memory.request_cores.value(), Some(1.3));
    for figure in [
        &memory.login_cores,
        &memory.instances,
        &memory.server_bytes,
        &memory.balancer_cores,
        &memory.revocation_window_s,
    ] {
        assert_eq!(figure.value(), None);
    }
    let lines = report::plan_lines(&plan).join("\n");
    for remedy in [
        "`measure --preset login --arms trusting,session-memory,session-redis,jwt-hs256`",
        "`measure --preset balanced --arms trusting",
        "`measure --preset store-distance --arms session-redis,jwt-hs256`",
        "`matrix --arms trusting",
    ] {
        assert!(lines.contains(remedy), "{remedy} is not in:\n{lines}");
    }
    let html = report::plan_html(&plan);
    assert!(html.contains("not measured") && html.starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_thousand_million_users_are_planned_for() {
    let needs = Needs {
        live_logins: 1e9,
        requests_per_second: 1e9,
        lifetime_s: 1e9,
        ..needs()
    };
    let plan = plan(&[record(), logins()], needs);
    let bytes = of(&plan, "session-redis").store_bytes.value().unwrap();
    assert!((bytes / 600e9 - 1.0).abs() < 0.001, "{bytes}");
}

#[test]
fn the_model_holds_where_everything_is_as_it_says_and_not_where_it_is_not() {
    let mut record = record();
    let check = Check::of(std::slice::from_ref(&record)).unwrap();
    // Six points of four arms, CPU and memory of each, of one arm those of a store as well.
    assert_eq!(check.points.len(), 6 * (4 * 2 + 2));
    let worst = check.points.iter().map(|point| point.error.abs());
    assert!(worst.fold(0.0, f64::max) < 1e-9, "{:#?}", check.points);
    assert!(check.holds());
    let larger = record.measures.iter_mut().filter(|one| {
        one.arm == "session-memory" && one.variant.as_deref() == Some("100,000 users logged in")
    });
    for memory in larger.filter_map(|one| one.memory.as_mut()) {
        memory.server_bytes = memory.server_bytes * 12 / 10;
    }
    let check = Check::of(&[record]).unwrap();
    let off: Vec<_> = check.points.iter().filter(|point| !point.holds()).collect();
    assert_eq!(off.len(), 1, "{off:#?}");
    assert_eq!(
        (&*off[0].arm, off[0].live_logins),
        ("session-memory", 100_100)
    );
}

#[test]
fn a_record_that_says_nothing_of_the_model_is_refused() {
    let mut other = logins();
    assert!(matches!(
        Check::of(std::slice::from_ref(&other)),
        Err(Error::NotOfThePreset)
    ));
    other.measuring.as_mut().unwrap().preset = "scale".to_owned();
    other.measures.clear();
    assert!(matches!(Check::of(&[other]), Err(Error::NothingToCompare)));
}

/// Each block says itself by which command it was made; this makes it again.
#[test]
fn the_blocks_in_scale_md_are_what_their_commands_make() {
    let text = fs::read_to_string(root().join("docs/SCALE.md")).unwrap();
    let made_by = text.lines().filter_map(|line| {
        let line = line.strip_prefix("<!-- Do not edit: made by `")?;
        line.strip_suffix("` -->")
    });
    let mut blocks = 0;
    for typed in made_by {
        let words = typed.split(' ').map(Into::into);
        let Some(Command::Plan(mut args)) = cli::parse(words).unwrap().command else {
            panic!("{typed}: is no plan");
        };
        for dir in &mut args.dirs {
            *dir = root().join(&*dir);
        }
        let found = commands::plan::find(&args).unwrap();
        let made = (typed, found.markdown.as_str());
        let again = report::block_spliced(found.block, made, &text).unwrap();
        assert!(again == text, "docs/SCALE.md: run `{typed}` again");
        blocks += 1;
    }
    // What nobody has measured yet is empty, and says so by being empty.
    let empty = ["plan", "check"].map(|name| {
        text.matches(&format!("<!-- BEGIN: {name} -->\n<!-- END: {name} -->"))
            .count()
    });
    assert!(blocks > 0, "docs/SCALE.md: no block was made");
    assert_eq!(
        text.matches("<!-- BEGIN: ").count(),
        blocks + empty.iter().sum::<usize>()
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
