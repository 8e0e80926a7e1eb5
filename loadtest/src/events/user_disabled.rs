//! `user-disabled`: somebody is to be kept out from now on.

use reqwest::Method;
use serde_json::json;

use super::{Event, Needs, Play};
use crate::expected::Scope;
use crate::record::{Group, Wanted};
use crate::revocation::{By, Order, Request, Telling, Undo};
use crate::visitors::Account;

/// The event.
pub static EVENT: Event = Event {
    name: "user-disabled",
    label: "user disabled",
    story: "A user has logins on A and on B; an admin on A disables the account; each instance is \
            then asked with the login it took.",
    group: Group::Revocation,
    wanted: Wanted::Refused,
    needs: Needs::OurServers,
    play: Play::Order(Order {
        by: By::Admin,
        scope: Scope::OtherLogins,
        order: Telling::Request(|user| disabled(user, true)),
        undo: Some(Undo::ByAdmin(|user| disabled(user, false))),
        asked: "/me",
    }),
};

fn disabled(user: &Account, disabled: bool) -> Request {
    let path = format!("/admin/users/{}", user.name);
    (Method::PATCH, path, Some(json!({"disabled": disabled})))
}
