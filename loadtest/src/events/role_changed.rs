//! `role-changed`: authorisation goes out of date in its own way.

use reqwest::Method;
use serde_json::json;

use super::{Event, Needs, Play};
use crate::expected::Scope;
use crate::record::{Group, Wanted};
use crate::revocation::{By, Order, Telling};

/// The event.
pub static EVENT: Event = Event {
    name: "role-changed",
    label: "role taken away",
    story: "An accountant has logins on A and on B; an admin on A makes them a plain member; each \
            instance is then asked for the records with the login it took.",
    group: Group::Revocation,
    wanted: Wanted::Refused,
    needs: Needs::OurServers,
    play: Play::Order(Order {
        by: By::Admin,
        scope: Scope::OldRole,
        order: Telling::Request(|user| {
            let path = format!("/admin/users/{}", user.name);
            (Method::PATCH, path, Some(json!({"role": "member"})))
        }),
        // A member is what load users are.
        undo: None,
        asked: "/records",
    }),
};
