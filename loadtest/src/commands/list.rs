//! The command `list`: arms and events, and what each one shows.

use crate::arms;
use crate::events;
use crate::report::list::{Entry, text as columns};

/// The list.
pub fn text() -> String {
    let arms = arms::ALL.iter().map(|arm| Entry {
        name: arm.name,
        label: arm.label,
        shows: arm.teaches,
    });
    let events = events::ALL.into_iter().map(|event| Entry {
        name: event.name,
        label: event.label,
        shows: event.story,
    });
    columns(&[
        ("Arms (--arms)", arms.collect()),
        ("Events", events.collect()),
    ])
}
