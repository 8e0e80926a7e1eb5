//! `user-disabled`: somebody is to be kept out from now on.

use reqwest::Method;
use serde_json::json;

use super::{Event, Play};
use crate::expected::Scope;
use crate::record::{Group, Wanted};
use crate::revocation::{By, Order};

/// The event.
pub static EVENT: Event = Event {
    name: "user-disabled",
    label: "user disabled",
    story: "A user has logins on A and on B; an admin on A disables the account; each instance is \
            then asked with the login it took.",
    group: Group::Revocation,
    wanted: Wanted::Refused,
    play: Play::Order(Order {
        by: By::Admin,
        scope: Scope::OtherLogins,
        request: |user| {
            (
                Method::PATCH,
                format!("/admin/users/{user}"),
                Some(json!({"disabled": true})),
            )
        },
        asked: "/me",
    }),
};
