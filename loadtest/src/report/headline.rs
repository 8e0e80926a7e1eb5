//! The table of page one: the five arms against the five questions.
//!
//! The terminal prints the same rows, so it is data here and not markup.

use super::cost;
use super::lag;
use super::mark::{self, Mark, Tone};
use super::observed;
use super::validity;
use super::view::View;
use super::words;
use serde_json::Value;

use crate::record::{Arm, Cell, Section, Validity, Verdict};

/// The event that asks the other instance directly.
pub(crate) const ASK_B: &str = "other-instance";
/// The event in which everybody goes through the balancer.
pub(crate) const BALANCED: &str = "balanced";
/// The event that kills the instance that took the login.
pub(crate) const A_KILLED: &str = "instance-killed";
/// The event that takes the store away.
pub(crate) const STORE_DOWN: &str = "store-stopped";
/// The event that logs out on the other instance.
pub(crate) const LOGGED_OUT: &str = "logout-elsewhere";

/// The events of the columns that observe one.
pub(crate) const EVENTS: [&str; 4] = [ASK_B, A_KILLED, STORE_DOWN, LOGGED_OUT];

/// The column headings, in the order of [`Row::marks`].
pub const COLUMNS: [&str; 5] = [
    "ask B",
    "A killed",
    "store down",
    "logged out",
    "cost per check",
];

/// One arm in the headline table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The arm's name.
    pub arm: String,
    /// Its plain label.
    pub label: String,
    /// One mark for each of [`COLUMNS`].
    pub marks: [Mark; 5],
    /// Why the arm did not run, if it did not.
    pub not_run_because: Option<String>,
}

/// The rows of the headline table.
pub(crate) fn rows(view: View<'_>) -> Vec<Row> {
    view.headline_arms()
        .into_iter()
        .map(|arm| row(view, arm))
        .collect()
}

pub(crate) fn row(view: View<'_>, arm: &Arm) -> Row {
    let marks = if arm.not_run_because.is_some() {
        std::array::from_fn(|_| Mark::not_run())
    } else {
        [
            ask_b(view, arm),
            a_killed(view, arm),
            store_down(view, arm),
            logged_out(view, arm),
            check(view, arm),
        ]
    };
    Row {
        arm: arm.arm.clone(),
        label: view.label(arm).to_owned(),
        marks,
        not_run_because: arm.not_run_because.clone(),
    }
}

/// Whether B knows who logged in at A.
///
/// Behind a sticky balancer nobody gets to B: that is said instead, if the hops show it.
pub(crate) fn ask_b(view: View<'_>, arm: &Arm) -> Mark {
    if arm.policy == "sticky" && never_elsewhere(view, &arm.arm) {
        return Mark::new(Tone::Plain, "not sent to B");
    }
    let cells = view.cells(&arm.arm, ASK_B);
    merged(view, arm, ASK_B, &cells, |cell| {
        mark::of_cell(cell, &view.event(ASK_B))
    })
}

/// Whether balanced requests of this arm were all answered where the login was.
pub(crate) fn never_elsewhere(view: View<'_>, arm: &str) -> bool {
    let hops = view.hops(arm, BALANCED);
    let stayed = hops
        .iter()
        .all(|hop| hop.login_instance == hop.answering_instance);
    !hops.is_empty() && stayed
}

/// Who is still logged in after an instance was killed.
fn a_killed(view: View<'_>, arm: &Arm) -> Mark {
    merged(
        view,
        arm,
        A_KILLED,
        &view.cells(&arm.arm, A_KILLED),
        |cell| {
            let mark = match (cell.logins_lost, cell.visitors) {
                (_, 0) => Mark::new(Tone::Blank, "nobody was logged in"),
                (0, _) => Mark::new(Tone::Full, "all kept"),
                (lost, visitors) if lost >= visitors => Mark::new(Tone::None, "all lost"),
                (lost, visitors) => {
                    Mark::new(Tone::Part, format!("{} lost", words::of(lost, visitors)))
                }
            };
            mark.note(mark::failures(cell))
                .note(mark::retries(cell))
                .judged(cell.as_expected, &cell.expected)
        },
    )
}

pub(crate) fn store_down(view: View<'_>, arm: &Arm) -> Mark {
    let cells = view.cells(&arm.arm, STORE_DOWN);
    if cells.is_empty() && !arm.needs_store {
        return Mark::needs_no_store();
    }
    merged(view, arm, STORE_DOWN, &cells, |cell| {
        let mark = while_away(cell);
        mark.unwrap_or_else(|| mark::of_cell(cell, &view.event(STORE_DOWN)))
    })
}

/// What people met while the store was away, and whether it cost them their login.
fn while_away(cell: &Cell) -> Option<Mark> {
    let away = cell.detail.more.get("while_away")?;
    let count = |name: &str| away.get(name)?.as_u64();
    let (requests, known) = (count("requests")?, count("recognised")?);
    let known_for_ms = away.get("recognised_for_ms").and_then(Value::as_f64);
    let mark = match (count("refused")?, known, known_for_ms) {
        (_, _, _) if requests == 0 => return None,
        (1.., _, _) => Mark::new(Tone::None, "logged out"),
        (_, 0, _) => Mark::new(Tone::None, "503 until it is back"),
        (_, known, _) if known == requests => Mark::new(Tone::Full, "all known"),
        (.., known_for_ms) => {
            let seconds = known_for_ms.unwrap_or_default() / 1_000.0;
            Mark::new(Tone::Part, format!("503 after {seconds:.1} s"))
        }
    };
    let kept = match (cell.logins_lost, cell.visitors) {
        (0, _) => "no login lost".to_owned(),
        (lost, visitors) => format!("{} logins lost", words::of(lost, visitors)),
    };
    let mark = mark.note(Some(kept));
    Some(mark.judged(cell.as_expected, &cell.expected))
}

fn logged_out(view: View<'_>, arm: &Arm) -> Mark {
    let rows = view.revocations(&arm.arm, LOGGED_OUT);
    lag::of_rows(&rows).unwrap_or_else(|| missing(view, arm, LOGGED_OUT))
}

fn check(view: View<'_>, arm: &Arm) -> Mark {
    match validity::of(view, Section::Cost).validity {
        Validity::Invalid => {
            return Mark::new(Tone::Blank, "not shown").note(Some("invalid".into()));
        }
        Validity::NotMeasured => return Mark::not_measured(),
        Validity::Ok | Validity::HintOnly => {}
    }
    let Some(comparison) = cost::against_zero(view, &arm.arm) else {
        return Mark::not_measured();
    };
    if comparison.verdict == Verdict::NoDifferenceShown {
        return Mark::new(Tone::Plain, "no difference shown");
    }
    let difference = words::signed_nanoseconds(comparison.difference_ns);
    let interval = comparison
        .interval
        .map(|[low, high]| format!("{low:.2} to {high:.2}"));
    Mark::new(Tone::Plain, words::ratio(comparison.ratio))
        .note(interval)
        .note(Some(difference))
}

/// The marks of an arm's cells as one: a single word where all clients saw the same.
fn merged(
    view: View<'_>,
    arm: &Arm,
    event: &str,
    cells: &[&Cell],
    mark_of: impl Fn(&Cell) -> Mark,
) -> Mark {
    let marks: Vec<_> = cells
        .iter()
        .map(|cell| (observed::who(cell), mark_of(cell)))
        .collect();
    let Some((_, first)) = marks.first() else {
        return missing(view, arm, event);
    };
    if marks.iter().all(|(_, mark)| mark.word == first.word) {
        return mark::together(&marks).unwrap_or_else(|| first.clone());
    }
    let tones: Vec<_> = marks.iter().map(|(_, mark)| mark.tone).collect();
    let tone = if tones.iter().all(|tone| *tone == tones[0]) {
        tones[0]
    } else {
        Tone::Part
    };
    let said: Vec<_> = marks
        .iter()
        .map(|(who, mark)| format!("{who}: {}", mark.line()))
        .collect();
    let missed = cells.iter().find(|cell| !cell.as_expected);
    let mark = Mark::new(tone, said.join("; "));
    mark.judged(
        missed.is_none(),
        missed.map_or("", |cell| cell.expected.as_str()),
    )
}

/// Nothing was observed: not run if the record says why, else not measured.
fn missing(view: View<'_>, arm: &Arm, event: &str) -> Mark {
    match view.why_not(&arm.arm, event) {
        Some(_) => Mark::not_run(),
        None => Mark::not_measured(),
    }
}
