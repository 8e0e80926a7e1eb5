//! An arm in the words of a record: what it is, and the settings that matter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::arms::{Arm, Lifetime, Server};
use crate::pools::{INSTANCES, Lives};
use crate::record;

/// An arm as it stands in a record.
pub fn describe(arm: &Arm, not_run_because: Option<String>) -> record::Arm {
    let policy = serde_json::to_value(arm.policy).unwrap_or_default();
    record::Arm {
        arm: arm.name.to_owned(),
        pool: arm.pool.to_owned(),
        policy: policy.as_str().unwrap_or_default().to_owned(),
        instances: INSTANCES.len() as u32,
        settings: settings(arm),
        not_run_because,
        label: arm.label.to_owned(),
        headline: arm.headline,
        needs_store: arm.server.needs_store(),
        teaches: arm.teaches.to_owned(),
    }
}

fn settings(arm: &Arm) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: Value| settings.insert(name.to_owned(), value);
    match arm.server {
        Server::Trusting | Server::Elsewhere => {}
        Server::Session { store } => {
            set("store", json!(store));
            if arm.properties.lifetime == Lifetime::Session {
                set("idle_ms", json!(Lives::USUAL.idle_ms));
                set("absolute_ms", json!(Lives::USUAL.absolute_ms));
            }
        }
        Server::Jwt { alg, flags, .. } => {
            set("alg", json!(alg));
            set("access_ms", json!(Lives::USUAL.access_ms));
            set("leeway_ms", json!(arm.properties.leeway_ms));
            if !flags.is_empty() {
                set("flags", json!(flags.join(" ")));
            }
        }
    }
    match arm.properties.lifetime {
        Lifetime::None | Lifetime::TwoWeeks => {}
        Lifetime::Session => {
            set(
                "lifetime_where_waited_for_ms",
                json!(Lives::BRIEF.absolute_ms),
            );
        }
        Lifetime::AccessToken => {
            set(
                "lifetime_where_waited_for_ms",
                json!(Lives::BRIEF.access_ms),
            );
        }
    }
    settings
}
