//! A record with its questions answered: which arms, in which order, called what.
//!
//! Nothing here knows an arm or an event by name: names, labels, order and what one would want to
//! see all come from the record.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::words;
use crate::record::{Arm, Cell, Client, EventStory, Group, Hop, Record, Revocation, Wanted};

/// A record, to be asked.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) record: &'a Record,
}

impl<'a> View<'a> {
    pub(crate) fn new(record: &'a Record) -> View<'a> {
        View { record }
    }

    /// Whether the run watched who stays logged in; one of `measure` alone did not.
    pub(crate) fn watched(self) -> bool {
        let measured_alone = self.record.measuring.is_some() && self.record.cells.is_empty();
        !measured_alone
    }

    /// The arms of the headline table; all of them where none is marked.
    pub(crate) fn headline_arms(self) -> Vec<&'a Arm> {
        let marked: Vec<_> = self.record.arms.iter().filter(|arm| arm.headline).collect();
        if marked.is_empty() {
            self.record.arms.iter().collect()
        } else {
            marked
        }
    }

    /// The arms that ran and have something to show.
    pub(crate) fn run_arms(self) -> Vec<&'a Arm> {
        self.record
            .arms
            .iter()
            .filter(|arm| arm.not_run_because.is_none())
            .collect()
    }

    /// The arms that did not run, each with its reason.
    pub(crate) fn missing_arms(self) -> Vec<(&'a Arm, &'a str)> {
        let arms = self.record.arms.iter();
        arms.filter_map(|arm| Some((arm, arm.not_run_because.as_deref()?)))
            .collect()
    }

    pub(crate) fn arm(self, name: &str) -> Option<&'a Arm> {
        self.record.arms.iter().find(|arm| arm.arm == name)
    }

    /// The plain label, or the name where there is none.
    pub(crate) fn label(self, arm: &'a Arm) -> &'a str {
        if arm.label.is_empty() {
            &arm.arm
        } else {
            &arm.label
        }
    }

    /// The label on its own: `+ sticky balancer` and `as tower-sessions ships it` are completed by
    /// the arm that they vary.
    pub(crate) fn full_label(self, arm: &'a Arm) -> Cow<'a, str> {
        let label = self.label(arm);
        if !varies(label) {
            return Cow::Borrowed(label);
        }
        let before = self
            .record
            .arms
            .iter()
            .take_while(|other| other.arm != arm.arm);
        let base = before
            .map(|other| self.label(other))
            .filter(|label| !varies(label))
            .last();
        match base {
            Some(base) if label.starts_with('+') => Cow::Owned(format!("{base} {label}")),
            Some(base) => Cow::Owned(format!("{base}, {label}")),
            None => Cow::Borrowed(label.trim_start_matches(['+', ' '])),
        }
    }

    /// The label in the middle of a sentence: `JWT` for `JWT, one shared secret` where that is
    /// enough to tell it from the headline arms.
    pub(crate) fn short_label(self, arm: &'a Arm) -> String {
        let short = |arm| first_clause(&self.full_label(arm)).to_owned();
        let own = short(arm);
        let others = self
            .headline_arms()
            .into_iter()
            .filter(|other| other.arm != arm.arm);
        let unlike = others.map(short).all(|other| other != own);
        words::small(&if unlike {
            Cow::Owned(own)
        } else {
            self.full_label(arm)
        })
    }

    pub(crate) fn short_label_of(self, arm: &str) -> String {
        self.arm(arm)
            .map_or_else(|| arm.to_owned(), |arm| self.short_label(arm))
    }

    /// Every event that was run or was to run, with its story, in the record's order.
    pub(crate) fn events(self) -> Vec<EventStory> {
        let mut events = self.record.events.clone();
        let cells = self.record.cells.iter().map(|cell| &cell.event);
        let others = self.record.revocations.iter().map(|row| &row.event);
        for event in cells.chain(others) {
            if !events.iter().any(|story| story.event == *event) {
                events.push(untold(event));
            }
        }
        events
    }

    pub(crate) fn event(self, name: &str) -> EventStory {
        let told = self.record.events.iter().find(|story| story.event == name);
        told.cloned().unwrap_or_else(|| untold(name))
    }

    pub(crate) fn cells(self, arm: &str, event: &str) -> Vec<&'a Cell> {
        let cells = self.record.cells.iter();
        cells
            .filter(|cell| cell.arm == arm && cell.event == event)
            .collect()
    }

    pub(crate) fn hops(self, arm: &str, event: &str) -> Vec<&'a Hop> {
        let hops = self.record.hops.iter();
        hops.filter(|hop| hop.arm == arm && hop.event == event)
            .collect()
    }

    pub(crate) fn revocations(self, arm: &str, event: &str) -> Vec<&'a Revocation> {
        let rows = self.record.revocations.iter();
        rows.filter(|row| row.arm == arm && row.event == event)
            .collect()
    }

    /// Why this arm has nothing to show for this event, if the record says so.
    pub(crate) fn why_not(self, arm: &str, event: &str) -> Option<&'a str> {
        let missing = self.arm(arm).and_then(|arm| arm.not_run_because.as_deref());
        let mut rows = self.record.not_run.iter();
        missing.or_else(|| {
            let row = rows.find(|row| row.arm == arm && row.event == event)?;
            Some(row.because.as_str())
        })
    }

    /// What was asked for and not run: an arm, the reason, and the events it kept from running.
    pub(crate) fn not_run(self) -> Vec<(String, &'a str, Vec<String>)> {
        let mut rows: Vec<(String, &'a str, Vec<String>)> = Vec::new();
        for row in &self.record.not_run {
            let arm = self
                .arm(&row.arm)
                .map_or(row.arm.as_str().into(), |arm| self.full_label(arm));
            let mut event = self.event(&row.event).label;
            if let Some(variant) = &row.variant {
                event = format!("{event} ({variant})");
            }
            match rows
                .iter_mut()
                .find(|(name, because, _)| *name == arm && *because == row.because)
            {
                Some((.., events)) => events.push(event),
                None => rows.push((arm.into_owned(), &row.because, vec![event])),
            }
        }
        rows
    }

    /// Distinct values of one field of the arms that ran, joined.
    pub(crate) fn instances(self) -> String {
        let counts: BTreeSet<_> = self.run_arms().iter().map(|arm| arm.instances).collect();
        let counts: Vec<_> = counts.into_iter().map(|n| n.to_string()).collect();
        words::join(&counts)
    }
}

/// `session-memory-a` is `A`, as people call it.
pub(crate) fn letter(instance: &str) -> String {
    match instance.rsplit_once('-') {
        Some((_, name)) if name.len() == 1 => name.to_uppercase(),
        Some((_, name)) => name.to_owned(),
        None => instance.to_owned(),
    }
}

/// Whether a label says only how an arm differs from the one above it.
fn varies(label: &str) -> bool {
    label.starts_with('+') || label.starts_with("as ")
}

fn first_clause(label: &str) -> &str {
    label.split(',').next().unwrap_or(label)
}

/// What kind of client, in plain words.
pub(crate) fn client(client: Client) -> &'static str {
    match client {
        Client::Browser => "browser",
        Client::KeepsCookie => "keeps its cookie",
        Client::Bearer => "sends its token",
    }
}

/// The heading of a group of events.
pub(crate) fn group(group: Group) -> &'static str {
    match group {
        Group::Plain => "nothing but requests",
        Group::Instances => "an instance fails or restarts",
        Group::Revocation => "a login is ended or a right withdrawn",
        Group::KeysAndClocks => "keys and clocks",
        Group::Store => "the store fails",
        Group::HostileAndRacing => "attacks and races",
    }
}

/// An event of which the record tells no story: its name has to do.
fn untold(event: &str) -> EventStory {
    EventStory {
        event: event.to_owned(),
        label: event.replace('-', " "),
        story: String::new(),
        group: Group::Plain,
        wanted: Wanted::Recognised,
    }
}
