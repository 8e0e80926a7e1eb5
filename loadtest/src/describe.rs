//! An arm in the words of a record: what it is, and the settings that matter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::arms::{Arm, Lifetime, Server, State};
use crate::pools::{INSTANCES, Lives};
use crate::record;

/// An arm as it stands in a record.
pub fn describe(arm: &Arm, not_run_because: Option<String>) -> record::Arm {
    let mut settings = settings(arm, Lives::USUAL);
    match arm.properties.lifetime {
        Lifetime::None | Lifetime::TwoWeeks => {}
        Lifetime::Session => wait_for(&mut settings, Lives::BRIEF.absolute_ms),
        Lifetime::AccessToken => wait_for(&mut settings, Lives::BRIEF.access_ms),
    }
    with(arm, settings, not_run_because)
}

/// An arm of a target: its lifetimes are what they are, and none is shortened to wait for it.
pub fn describe_target(arm: &Arm, lives: Lives) -> record::Arm {
    with(arm, settings(arm, lives), None)
}

fn with(
    arm: &Arm,
    settings: BTreeMap<String, Value>,
    not_run_because: Option<String>,
) -> record::Arm {
    let policy = serde_json::to_value(arm.policy).unwrap_or_default();
    let theirs = arm.server == Server::Elsewhere && arm.properties.state == State::Store;
    record::Arm {
        arm: arm.name.to_owned(),
        pool: arm.pool.to_owned(),
        policy: policy.as_str().unwrap_or_default().to_owned(),
        instances: INSTANCES.len() as u32,
        settings,
        not_run_because,
        label: arm.label.to_owned(),
        headline: arm.headline,
        needs_store: arm.server.needs_store() || theirs,
        teaches: arm.teaches.to_owned(),
    }
}

fn wait_for(settings: &mut BTreeMap<String, Value>, lifetime_ms: u64) {
    let name = "lifetime_where_waited_for_ms".to_owned();
    settings.insert(name, json!(lifetime_ms));
}

fn settings(arm: &Arm, lives: Lives) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: Value| settings.insert(name.to_owned(), value);
    match arm.server {
        Server::Trusting => {}
        Server::Elsewhere => {
            if arm.properties.lifetime != Lifetime::None {
                set("lifetime_ms", json!(lives.absolute_ms));
            }
        }
        Server::Session { store } => {
            set("store", json!(store));
            if arm.properties.lifetime == Lifetime::Session {
                set("idle_ms", json!(lives.idle_ms));
                set("absolute_ms", json!(lives.absolute_ms));
            }
        }
        Server::SealedCookie => {
            set("alg", json!("A256GCM"));
            set("lifetime_ms", json!(lives.access_ms));
        }
        Server::Jwt { alg, flags, .. } => {
            set("alg", json!(alg));
            set("access_ms", json!(lives.access_ms));
            set("leeway_ms", json!(arm.properties.leeway_ms));
            if !flags.is_empty() {
                set("flags", json!(flags.join(" ")));
            }
        }
    }
    settings
}
