//! The headline table as the terminal streams it: one row as soon as its data is known.
//!
//! The words are chosen from what was observed and from nothing else; a test with altered
//! observations gets other words.

use crate::arms::Arm;
use crate::pools::Lives;
use crate::record::{Cell, Client, Hop, Record, Revocation};
use crate::revocation::SoFar;
use crate::scene::short;

use serde_json::Value;

/// The first line.
pub const HEAD: &str = "Log in on A. Then ...    ask B       kill A     log out, replay";

/// How long after its answer an accepted request means that the order does not reach that
/// instance at all, in milliseconds.
const SPREAD_MS: f64 = 1_000.0;

/// The words of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    ask_b: String,
    kill_a: String,
    logged_out: String,
    /// Whether a lifetime is part of the answer, so that its footnote must follow.
    pub until_expiry: bool,
}

/// The words for `arm`, from what the record holds, and, as long as its log-out is still being
/// watched, from what was seen so far. `None`: not yet known.
pub fn words(record: &Record, arm: &Arm, so_far: Option<&[SoFar]>) -> Option<Words> {
    let (logged_out, until_expiry) = logged_out(record, arm, so_far)?;
    Some(Words {
        ask_b: ask_b(record, arm)?,
        kill_a: kill_a(record, arm)?,
        logged_out,
        until_expiry,
    })
}

/// One line of the table, with the seconds since the run began.
pub fn line(arm: &Arm, words: Option<&Words>, seconds: u64) -> String {
    let Some(Words {
        ask_b,
        kill_a,
        logged_out,
        ..
    }) = words
    else {
        return format!("{:<25}failed, see the report", label(arm));
    };
    let seconds = format!("{seconds}s");
    format!(
        "{:<24} {ask_b:<11} {kill_a:<10} {logged_out:<25} {seconds:>4}",
        label(arm)
    )
}

/// The line of an arm that cannot run. The reason stands once, below the table.
pub fn not_run_line(arm: &Arm) -> String {
    format!("{:<25}not run, see below", label(arm))
}

/// The lines below the table.
pub fn notes(shown: &[&Arm], not_run: &[(&Arm, String)], until_expiry: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if until_expiry {
        let [here, usual] = [Lives::BRIEF, Lives::USUAL].map(|lives| lives.access_ms / 1_000);
        notes.push(format!(
            "  * {here} s here so that you can watch; with {0} minutes it is {0} minutes.",
            usual / 60
        ));
    }
    let ran = |arm: &&&Arm| !not_run.iter().any(|(not, _)| not.name == arm.name);
    let depend: Vec<_> = shown
        .iter()
        .filter(|arm| arm.server.needs_store())
        .filter(ran)
        .map(|arm| arm.label)
        .collect();
    if !depend.is_empty() {
        let depends = if depend.len() == 1 {
            "depends"
        } else {
            "depend"
        };
        let depend = depend.join(" and ");
        let text = format!("No row is free: {depend} {depends} on a store.");
        notes.extend(wrapped(&text));
    }
    if let Some((_, why)) = not_run.first() {
        let arms = match not_run.len() {
            1 => "an arm that needs".to_owned(),
            arms => format!("{arms} arms that need"),
        };
        notes.extend(wrapped(&format!("Not run: {arms} a Redis, because {why}")));
    }
    notes
}

/// Broken at spaces into lines of at most 80 characters.
pub fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a last line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 80 {
            lines.push(format!("  {word}"));
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn label(arm: &Arm) -> String {
    let indent = if arm.label.starts_with('+') { "  " } else { "" };
    format!("{indent}{}", arm.label)
}

/// The cell of the client that keeps its credential: what a browser loses by obeying is another
/// question, and stands in the report.
fn cell<'r>(record: &'r Record, arm: &Arm, event: &str) -> Option<&'r Cell> {
    record
        .cells
        .iter()
        .find(|cell| cell.arm == arm.name && cell.event == event && cell.client != Client::Browser)
}

fn hops<'r>(record: &'r Record, arm: &str, event: &str) -> impl Iterator<Item = &'r Hop> {
    let (arm, event) = (arm.to_owned(), event.to_owned());
    record
        .hops
        .iter()
        .filter(move |hop| hop.arm == arm && hop.event == event && hop.client != Client::Browser)
}

fn ask_b(record: &Record, arm: &Arm) -> Option<String> {
    let mut balanced = hops(record, arm.name, "balanced").peekable();
    let balanced_was_run = balanced.peek().is_some();
    if balanced_was_run && balanced.all(|hop| hop.login_instance == hop.answering_instance) {
        return Some("not sent".to_owned());
    }
    let cell = cell(record, arm, "other-instance")?;
    Some(match cell.recognised {
        0 if cell.failed > 0 => "FAILED".to_owned(),
        0 => "FORGOTTEN".to_owned(),
        known if known == cell.requests => "known".to_owned(),
        known => format!("{known} of {}", cell.requests),
    })
}

fn kill_a(record: &Record, arm: &Arm) -> Option<String> {
    let cell = cell(record, arm, "instance-killed")?;
    let detail = &cell.detail.more;
    let killed = detail
        .get("killed")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let lost_there = detail
        .get("lost_by_login_instance")
        .and_then(|lost| lost[killed].as_u64());
    Some(match cell.logins_lost {
        0 => "all kept".to_owned(),
        lost if lost == cell.visitors => "all LOST".to_owned(),
        lost if Some(lost) == lost_there => "A's LOST".to_owned(),
        lost => format!("{lost}/{} LOST", cell.visitors),
    })
}

/// What one instance does with a credential after it was logged out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Unknown,
    RefusedAtOnce,
    RefusedAfter { ms: u64 },
    WorksUntilExpiry,
    WorksStill,
}

fn logged_out(record: &Record, arm: &Arm, so_far: Option<&[SoFar]>) -> Option<(String, bool)> {
    let ours = |row: &&Revocation| row.arm == arm.name && row.event == "logout-elsewhere";
    let rows: Vec<_> = record.revocations.iter().filter(ours).collect();
    let mut fates: Vec<_> = rows
        .iter()
        .map(|row| (short(&row.instance).to_uppercase(), fate(row)))
        .collect();
    if fates.is_empty() {
        // Before the end of the watch it can only be said who never knew it, and where it works on
        // although another instance refuses it: how long, nobody knows yet.
        let so_far = so_far?;
        let works_on = so_far.iter().filter(|seen| seen.works_on).count();
        let unknown = so_far.iter().filter(|seen| !seen.known).count();
        if works_on == 0 || works_on + unknown < so_far.len() || unknown == 0 {
            return None;
        }
        fates = so_far
            .iter()
            .map(|seen| {
                let fate = if seen.works_on {
                    Fate::WorksStill
                } else {
                    Fate::Unknown
                };
                (short(&seen.asked).to_uppercase(), fate)
            })
            .collect();
    }
    Some(said(&fates))
}

fn fate(row: &Revocation) -> Fate {
    if row.censored {
        return Fate::WorksStill;
    }
    if row.accepted_after == 0 {
        return match row.accepted_before {
            Some(0) => Fate::Unknown,
            _ => Fate::RefusedAtOnce,
        };
    }
    // A token's expiry counts whole seconds, so it may come up to one second early.
    let near_expiry =
        |remaining: u64| row.lag_ms >= remaining as f64 - SPREAD_MS - row.resolution_ms;
    match row.remaining_ms {
        Some(remaining) if row.lag_ms > SPREAD_MS && near_expiry(remaining) => {
            Fate::WorksUntilExpiry
        }
        _ => Fate::RefusedAfter {
            ms: row.lag_ms as u64,
        },
    }
}

fn said(fates: &[(String, Fate)]) -> (String, bool) {
    let until_expiry = fates
        .iter()
        .any(|(_, fate)| *fate == Fate::WorksUntilExpiry);
    let all = |wanted: Fate| fates.iter().all(|(_, fate)| *fate == wanted);
    // One that never knew it says nothing; another must have refused what it knew.
    let ended = |fate: Fate| matches!(fate, Fate::Unknown | Fate::RefusedAtOnce);
    if !all(Fate::Unknown) && fates.iter().all(|(_, fate)| ended(*fate)) {
        return ("refused at once".to_owned(), false);
    }
    if all(Fate::WorksUntilExpiry) {
        return ("WORKS until it expires*".to_owned(), true);
    }
    if all(Fate::WorksStill) {
        return ("WORKS for ever".to_owned(), false);
    }
    let each: Vec<_> = fates
        .iter()
        .map(|(name, fate)| match fate {
            Fate::Unknown => format!("unknown to {name}"),
            Fate::RefusedAtOnce => format!("refused by {name}"),
            Fate::RefusedAfter { ms } => format!("refused after {ms} ms by {name}"),
            Fate::WorksUntilExpiry | Fate::WorksStill => format!("works on {name}"),
        })
        .collect();
    (each.join(", "), until_expiry && each.len() == 1)
}

#[cfg(test)]
mod tests;
