//! `logout-everywhere`: one login ends all others of the same user.

use reqwest::Method;

use super::{Event, Needs, Play};
use crate::expected::Scope;
use crate::record::{Group, Wanted};
use crate::revocation::{By, Order, Telling};

/// The event.
pub static EVENT: Event = Event {
    name: "logout-everywhere",
    label: "logged out everywhere",
    story: "Has logins on A and on B and logs out everywhere with a third one, on A; each instance \
            is then asked with the login it took.",
    group: Group::Revocation,
    wanted: Wanted::Refused,
    needs: Needs::OurServers,
    play: Play::Order(Order {
        by: By::AnotherLogin,
        scope: Scope::OtherLogins,
        order: Telling::Request(|_| (Method::POST, "/logout-everywhere".to_owned(), None)),
        undo: None,
        asked: "/me",
    }),
};
