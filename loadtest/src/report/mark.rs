//! One observation as a mark: how full, in which words, and whether it was expected.
//!
//! Outcome and expectation are two signs: a failure that was expected stays a failure.

use super::words;
use crate::record::{Cell, EventStory, RETRIED_TOGETHER, Wanted, Wish};

/// How much of what one would want was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Nothing was observed.
    Blank,
    /// A figure that is neither good nor bad.
    Plain,
    /// Not at all what one would want.
    None,
    /// In part.
    Part,
    /// All of it.
    Full,
}

impl Tone {
    /// The sign: its fill says the same as its colour.
    pub fn sign(self) -> &'static str {
        match self {
            Tone::Full => "●",
            Tone::Part => "◐",
            Tone::None => "○",
            Tone::Plain => "",
            Tone::Blank => "–",
        }
    }

    /// The name, for style sheets.
    pub fn name(self) -> &'static str {
        match self {
            Tone::Full => "full",
            Tone::Part => "part",
            Tone::None => "none",
            Tone::Plain => "plain",
            Tone::Blank => "blank",
        }
    }
}

/// Whether an observation is what was computed beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// It is.
    Met,
    /// It is not; this was expected.
    Missed(String),
}

/// One observation, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its fill.
    pub tone: Tone,
    /// A few words.
    pub word: String,
    /// What else one should know, each a few words.
    pub notes: Vec<String>,
    /// Whether it was expected; nothing where nothing was.
    pub expectation: Option<Expectation>,
}

impl Mark {
    pub(crate) fn new(tone: Tone, word: impl Into<String>) -> Mark {
        Mark {
            tone,
            word: word.into(),
            notes: Vec::new(),
            expectation: None,
        }
    }

    pub(crate) fn not_measured() -> Mark {
        Mark::new(Tone::Blank, "not measured")
    }

    pub(crate) fn needs_no_store() -> Mark {
        Mark::new(Tone::Plain, "needs no store")
    }

    pub(crate) fn not_run() -> Mark {
        Mark::new(Tone::Blank, "not run")
    }

    pub(crate) fn note(mut self, note: Option<String>) -> Mark {
        self.notes.extend(note);
        self
    }

    pub(crate) fn judged(mut self, as_expected: bool, expected: &str) -> Mark {
        self.expectation = Some(match as_expected {
            true => Expectation::Met,
            false if expected.is_empty() => Expectation::Missed("something else".to_owned()),
            false => Expectation::Missed(expected.to_owned()),
        });
        self
    }

    /// The word and its notes in one line.
    pub(crate) fn line(&self) -> String {
        let notes = self.notes.join(", ");
        if notes.is_empty() {
            self.word.clone()
        } else {
            format!("{} ({notes})", self.word)
        }
    }
}

/// Marks of one word as one; a note that not all of them have says whose it is.
pub(crate) fn together(marks: &[(String, Mark)]) -> Option<Mark> {
    let (_, first) = marks.first()?;
    let missed = marks
        .iter()
        .find(|(_, mark)| matches!(mark.expectation, Some(Expectation::Missed(_))));
    let mut mark = missed.map_or(first, |(_, mark)| mark).clone();
    mark.notes.clear();
    for (who, own) in marks {
        for note in &own.notes {
            let all = marks.iter().all(|(_, other)| other.notes.contains(note));
            let note = if all {
                note.clone()
            } else {
                format!("{who}: {note}")
            };
            if !mark.notes.contains(&note) {
                mark.notes.push(note);
            }
        }
    }
    Some(mark)
}

/// What was observed in a cell of this event, seen by somebody who wants what the event wants.
pub(crate) fn of_cell(cell: &Cell, event: &EventStory) -> Mark {
    if let Some(outcome) = &cell.detail.outcome {
        let tone = match outcome.wish {
            Wish::Granted => Tone::Full,
            Wish::InPart => Tone::Part,
            Wish::Denied => Tone::None,
        };
        return Mark::new(tone, &outcome.words).judged(cell.as_expected, &cell.expected);
    }
    let mark = match event.wanted {
        Wanted::Recognised => known(cell).note(lost(cell)),
        Wanted::Refused => kept_out(cell),
    };
    let mark = mark
        .note(failures(cell))
        .note(retries(cell))
        .note(refused_logins(cell))
        .note(back(
            cell,
            "ended_before",
            "accepted_afterwards",
            "ended logins came back",
        ))
        .note(back(
            cell,
            "last_log_outs",
            "undone",
            "last log-outs undone",
        ))
        .note(back(cell, "last_logins", "undone", "last logins gone"))
        .note(done_all_the_same(cell))
        .note(log_outs_refused(cell))
        .note(farther(cell));
    mark.judged(cell.as_expected, &cell.expected)
}

fn known(cell: &Cell) -> Mark {
    if cell.requests == 0 {
        Mark::new(Tone::Blank, "no request")
    } else if cell.recognised == cell.requests {
        Mark::new(Tone::Full, "all known")
    } else if cell.recognised > 0 {
        let share = cell.recognised as f64 / cell.requests as f64;
        Mark::new(Tone::Part, format!("{} known", words::percent(share))).note(interval(cell))
    } else if cell.failed == cell.requests {
        Mark::new(Tone::None, "all failed")
    } else {
        Mark::new(Tone::None, "none known")
    }
}

fn kept_out(cell: &Cell) -> Mark {
    if cell.requests == 0 {
        Mark::new(Tone::Blank, "no request")
    } else if cell.recognised == cell.requests {
        Mark::new(Tone::None, "all accepted")
    } else if cell.recognised > 0 {
        let word = format!("{} accepted", words::of(cell.recognised, cell.requests));
        Mark::new(Tone::Part, word)
    } else if cell.failed == cell.requests {
        Mark::new(Tone::Full, "none accepted")
    } else {
        Mark::new(Tone::Full, "all refused")
    }
}

/// Who lost the login for good: more than an answer that was no.
fn lost(cell: &Cell) -> Option<String> {
    let lost = || format!("{} logins lost", words::of(cell.logins_lost, cell.visitors));
    (cell.logins_lost > 0).then(lost)
}

/// Wilson's interval over visitors, in per cent.
pub(crate) fn interval(cell: &Cell) -> Option<String> {
    let [low, high] = cell.interval?;
    Some(format!("{:.0} to {:.0} %", low * 100.0, high * 100.0))
}

pub(crate) fn failures(cell: &Cell) -> Option<String> {
    let some = cell.failed > 0 && cell.failed < cell.requests;
    some.then(|| format!("{} failed", words::of(cell.failed, cell.requests)))
}

pub(crate) fn retries(cell: &Cell) -> Option<String> {
    let together = cell.detail.more.get(RETRIED_TOGETHER);
    let together = together.and_then(serde_json::Value::as_u64);
    let some = |retried: &u64| *retried > 0;
    match (cell.detail.retried.filter(some), together.filter(some)) {
        (Some(retried), _) => Some(format!("{} retried", words::count(retried))),
        (None, Some(all)) => Some(format!("{} retried for all clients", words::count(all))),
        (None, None) => None,
    }
}

fn refused_logins(cell: &Cell) -> Option<String> {
    let refused = cell.detail.logins_refused.filter(|refused| *refused > 0)?;
    Some(format!(
        "{} refused",
        words::counted(refused, "new login", "new logins")
    ))
}

/// What a store that forgot has undone: so many of how many, if any.
fn back(cell: &Cell, name: &str, count: &str, what: &str) -> Option<String> {
    let found = cell.detail.more.get(name)?;
    let all = found.get("logins").or_else(|| found.get("confirmed"));
    let (undone, all) = (found.get(count)?.as_u64()?, all?.as_u64()?);
    (undone > 0).then(|| format!("{} {what}", words::of(undone, all)))
}

/// Writes that were reported as failed and took place.
fn done_all_the_same(cell: &Cell) -> Option<String> {
    let count = |name: &str| cell.detail.more.get(name)?.as_u64();
    let done = count("of_these_done_all_the_same").filter(|done| *done > 0)?;
    let done = words::of(done, count("writes_reported_failed")?);
    Some(format!("{done} failed writes were done"))
}

fn log_outs_refused(cell: &Cell) -> Option<String> {
    let outs = cell.detail.more.get("log_outs")?;
    let (tried, confirmed) = (outs["tried"].as_u64()?, outs["confirmed"].as_u64()?);
    let refused = tried.saturating_sub(confirmed);
    (refused > 0).then(|| format!("{} log-outs refused", words::of(refused, tried)))
}

/// How long a request takes beside a store that is near, and one that is far.
fn farther(cell: &Cell) -> Option<String> {
    let median = |name: &str| cell.detail.more.get(name)?.as_f64();
    let (near, far) = (median("near_median_ms")?, median("far_median_ms")?);
    Some(format!("{near:.1} ms near, {far:.1} ms far"))
}
