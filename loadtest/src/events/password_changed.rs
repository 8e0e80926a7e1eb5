//! `password-changed`: whoever else knows the old password should be out.

use app::users::LOAD_PASSWORD;
use reqwest::Method;
use serde_json::json;

use super::{Event, Play};
use crate::expected::Scope;
use crate::record::{Group, Wanted};
use crate::revocation::{By, Order};

/// The event.
pub static EVENT: Event = Event {
    name: "password-changed",
    label: "password changed",
    story: "A user has logins on A and on B and changes the password with a third one, on A; each \
            instance is then asked with the login it took.",
    group: Group::Revocation,
    wanted: Wanted::Refused,
    play: Play::Order(Order {
        by: By::AnotherLogin,
        scope: Scope::OtherLogins,
        request: |_| {
            let change = json!({"old": LOAD_PASSWORD, "new": "nobody-else-knows-this"});
            (Method::POST, "/password".to_owned(), Some(change))
        },
        asked: "/me",
    }),
};
