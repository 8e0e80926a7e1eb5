//! `logout-elsewhere`: the log-out reaches another instance than the login did.

use super::{Event, Needs, Play};
use crate::expected::Scope;
use crate::record::{Group, Wanted};
use crate::revocation::{By, Order, Telling};

/// The event.
pub static EVENT: Event = Event {
    name: "logout-elsewhere",
    label: "logged out elsewhere",
    story: "Logs in on A and logs out on B (sticky: where the balancer sends it); A and B are then \
            asked with the kept credential.",
    group: Group::Revocation,
    wanted: Wanted::Refused,
    needs: Needs::Requests,
    play: Play::Order(Order {
        by: By::TheLoginItself,
        scope: Scope::ThisLogin,
        order: Telling::LogOut,
        undo: None,
        asked: "/me",
    }),
};
