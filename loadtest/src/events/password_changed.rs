//! `password-changed`: whoever else knows the old password should be out.

use reqwest::Method;
use serde_json::json;

use super::{Event, Needs, Play};
use crate::expected::Scope;
use crate::record::{Group, Wanted};
use crate::revocation::{By, Order, Request, Telling, Undo};

/// What the password becomes.
const NEW: &str = "nobody-else-knows-this";

/// The event.
pub static EVENT: Event = Event {
    name: "password-changed",
    label: "password changed",
    story: "A user has logins on A and on B and changes the password with a third one, on A; each \
            instance is then asked with the login it took.",
    group: Group::Revocation,
    wanted: Wanted::Refused,
    needs: Needs::OurServers,
    play: Play::Order(Order {
        by: By::AnotherLogin,
        scope: Scope::OtherLogins,
        order: Telling::Request(|user| changed(&user.password, NEW)),
        undo: Some(Undo::WithPassword(NEW, |user| changed(NEW, &user.password))),
        asked: "/me",
    }),
};

fn changed(old: &str, new: &str) -> Request {
    let change = json!({"old": old, "new": new});
    (Method::POST, "/password".to_owned(), Some(change))
}
