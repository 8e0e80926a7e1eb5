//! The command `list`: arms, events and presets, and what each one shows.

use crate::arms;
use crate::events;
use crate::measure::presets;
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
    let presets = presets::ALL.iter().map(|preset| Entry {
        name: preset.name,
        label: preset.label,
        shows: preset.shows,
    });
    columns(&[
        ("Arms (--arms)", arms.collect()),
        ("Events", events.collect()),
        ("Presets (measure --preset)", presets.collect()),
    ])
}
