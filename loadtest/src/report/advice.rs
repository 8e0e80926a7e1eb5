//! The smaller sentences of page one: the setting, what carries over, whether the cost matters.

use super::cost;
use super::headline::{EVENTS, LOGGED_OUT};
use super::lag::{self, Lag};
use super::mark::Expectation;
use super::validity;
use super::view::View;
use super::words;
use crate::record::{Section, Validity, Verdict};

/// What was compared, in one line.
pub(crate) fn setting(view: View<'_>) -> String {
    let arms = view.run_arms();
    if arms.is_empty() {
        return "No arm was run.".to_owned();
    }
    let visitors = view.record.cells.iter().map(|cell| cell.visitors).max();
    let visitors = visitors.map_or_else(String::new, |most| {
        format!(
            ", up to {} each",
            words::counted(most, "visitor", "visitors")
        )
    });
    format!(
        "One application on {} servers each, {} of remembering a login{visitors}.",
        view.instances(),
        words::counted(arms.len() as u64, "way", "ways"),
    )
}

/// Machine, seed and day, for the upper corner.
pub(crate) fn run_line(view: View<'_>) -> String {
    let record = view.record;
    let mut parts = Vec::new();
    if !record.environment.kernel.is_empty() {
        parts.push(first_word(&record.environment.kernel));
    }
    if record.environment.cores > 0 {
        parts.push(words::counted(
            u64::from(record.environment.cores),
            "core",
            "cores",
        ));
    }
    parts.push(format!("seed {}", record.seed));
    if let Some(day) = record.started_at.get(..10) {
        parts.push(day.to_owned());
    }
    parts.join(" · ")
}

fn first_word(words: &str) -> String {
    words.split(',').next().unwrap_or(words).to_owned()
}

/// The command that repeats the run, its seed included.
pub(crate) fn command(view: View<'_>) -> String {
    let record = view.record;
    if record.command.is_empty() {
        return format!("(the record names no command; its seed is {})", record.seed);
    }
    let has_none = record.command.starts_with("loadtest merge");
    if record.command.contains("--seed") || has_none {
        return record.command.clone();
    }
    format!("{} --seed {}", record.command, record.seed)
}

/// What may be taken along to another language or another machine.
pub(crate) fn carries_over(view: View<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if validity::of(view, Section::Survival).validity != Validity::NotMeasured {
        lines.push("Who is still known where: it follows from where the login is kept.".to_owned());
    }
    if validity::of(view, Section::Revocation).validity != Validity::NotMeasured {
        lines.push(
            "When an ended login stops working: the kind of answer, with your own lifetimes in it."
                .to_owned(),
        );
    }
    let costs = cost::by_arm(view);
    let trips = costs.iter().any(|cost| cost.store_commands.is_some());
    let bytes = costs
        .iter()
        .any(|cost| cost.bytes_sent.is_some() || cost.bytes_received.is_some());
    match (bytes, trips) {
        (true, true) => {
            lines.push("Bytes on the wire and trips to the store per request.".to_owned())
        }
        (true, false) => lines.push("Bytes on the wire per request.".to_owned()),
        (false, true) => lines.push("Trips to the store per request.".to_owned()),
        (false, false) => {}
    }
    if lines.is_empty() {
        lines.push("Nothing: this record holds no outcome.".to_owned());
    }
    lines
}

/// What holds only here.
pub(crate) fn stays_here(view: View<'_>) -> Vec<String> {
    let environment = &view.record.environment;
    let mut lines = Vec::new();
    let measured = validity::of(view, Section::Cost).validity;
    if cost::may_be_shown(view) {
        let cpu = if environment.cpu.is_empty() {
            "this machine"
        } else {
            &environment.cpu
        };
        lines.push(format!("Ratios of CPU time: Rust, these crates, {cpu}."));
    } else if measured == Validity::NotMeasured {
        lines.push("Cost was not measured in this run.".to_owned());
    } else {
        lines.push(
            "Cost was measured and found invalid, so there is no figure to carry.".to_owned(),
        );
    }
    if !view.record.cells.is_empty() || !view.record.measures.is_empty() {
        lines.push("Times of any kind: yours depend on your network and your load.".to_owned());
    }
    lines
}

/// The cost beside the reader's own handler.
pub(crate) fn does_it_matter(view: View<'_>, handler_ms: f64) -> Vec<String> {
    let cost_validity = validity::of(view, Section::Cost);
    match cost_validity.validity {
        Validity::NotMeasured => return vec!["Not measured in this run.".to_owned()],
        Validity::Invalid => {
            let because = cost_validity
                .because
                .unwrap_or_else(|| "the run is invalid".to_owned());
            return vec![format!("Not shown, because {because}.")];
        }
        Validity::Ok | Validity::HintOnly => {}
    }
    let mut lines = Vec::new();
    for arm in view.headline_arms() {
        let Some(comparison) = cost::against_zero(view, &arm.arm) else {
            continue;
        };
        if comparison.verdict == Verdict::NoDifferenceShown {
            let label = words::capital(&view.short_label(arm));
            lines.push(format!("{label}: no difference shown"));
            continue;
        }
        let share = comparison.difference_ns / (handler_ms * 1e6);
        lines.push(format!(
            "{}: {} beside {} is {}",
            words::capital(&view.short_label(arm)),
            words::signed_nanoseconds(comparison.difference_ns),
            words::duration_ms(handler_ms),
            signed_percent(share),
        ));
    }
    match lines.is_empty() {
        true => vec!["No arm of the table was compared with another.".to_owned()],
        false => lines,
    }
}

/// Which handler the cost stands beside, and how far to trust it.
pub(crate) fn beside_which(view: View<'_>, handler_ms: f64) -> Option<String> {
    let hint = match validity::of(view, Section::Cost).validity {
        Validity::Ok => "",
        Validity::HintOnly => " A hint only.",
        Validity::Invalid | Validity::NotMeasured => return None,
    };
    let handler = words::duration_ms(handler_ms);
    let more = cost::zero_line(view).map(|zero| {
        let zero = view.short_label_of(zero);
        format!(" What is said is the difference from {zero}.")
    });
    let more = more.unwrap_or_default();
    Some(format!("Beside a handler of {handler}.{more}{hint}"))
}

fn signed_percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() < 0.005 {
        "less than 0.01 %".to_owned()
    } else {
        format!("{percent:.2} %")
    }
}

/// What has to stand under the headline table.
pub(crate) fn footnotes(view: View<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let lifetimes = view
        .record
        .revocations
        .iter()
        .filter(|row| row.event == LOGGED_OUT);
    let expired = lifetimes.filter_map(|row| match lag::lag(row) {
        Lag::UntilExpiry { lifetime_ms } => Some(lifetime_ms),
        _ => None,
    });
    let mut expired: Vec<_> = expired.collect();
    expired.sort_unstable();
    if let Some(shortest) = expired.first() {
        let here = words::duration_ms(*shortest as f64);
        notes.push(format!(
            "\u{201c}Until expiry\u{201d}: the lifetime was set to {here} here so that it can be \
             watched; with 15 minutes it is 15 minutes."
        ));
    }
    if let Some(zero) = cost::zero_line(view).filter(|_| cost::may_be_shown(view)) {
        let hint = match validity::of(view, Section::Cost).validity {
            Validity::HintOnly => " A hint, not to be quoted.",
            _ => "",
        };
        let interval = view
            .record
            .comparisons
            .iter()
            .any(|one| one.interval.is_some());
        notes.push(format!(
            "Cost per check: CPU of server, store and database for one request, as a ratio to \
             \u{201c}{}\u{201d}{}, and as a difference.{hint}",
            view.short_label_of(zero),
            if interval {
                " with its 95 % interval"
            } else {
                ""
            },
        ));
    }
    notes.extend(foreseen(view));
    for (arm, because) in view.missing_arms() {
        if arm.headline {
            notes.push(format!("{} was not run: {because}", view.full_label(arm)));
        }
    }
    notes.extend(not_run(view));
    notes
}

/// Whether the table of page one came out as computed beforehand.
fn foreseen(view: View<'_>) -> Option<String> {
    let rows = super::headline::rows(view);
    let judged: Vec<_> = rows
        .iter()
        .flat_map(|row| &row.marks)
        .filter_map(|mark| mark.expectation.as_ref())
        .collect();
    let missed = judged
        .iter()
        .filter(|judged| ***judged != Expectation::Met)
        .count();
    match (judged.len(), missed) {
        (0, _) => None,
        (_, 0) => Some("Every outcome in this table is as computed beforehand.".to_owned()),
        (total, missed) => Some(format!(
            "{} outcomes in this table are not as computed beforehand; they are marked \u{2260}.",
            words::of(missed as u64, total as u64)
        )),
    }
}

/// Squares of the table that were not run: the reason where all share one, else where to read them.
fn not_run(view: View<'_>) -> Vec<String> {
    let arms = view.headline_arms();
    let label = |name: &str| {
        arms.iter()
            .find(|arm| arm.arm == name)
            .map(|arm| view.short_label(arm))
    };
    let notes = EVENTS.into_iter().filter_map(|event| {
        let rows = view.record.not_run.iter().filter(|row| row.event == event);
        let (names, reasons): (Vec<_>, Vec<_>) = rows
            .filter_map(|row| Some((label(&row.arm)?, row.because.as_str())))
            .unzip();
        let first = reasons.first()?;
        let what = format!(
            "Not run: {}, for {}",
            view.event(event).label,
            words::join(&names)
        );
        Some(match reasons.iter().all(|reason| reason == first) {
            true => format!("{what}; because {first}"),
            false => format!("{what}; the reasons stand under the whole matrix"),
        })
    });
    notes.collect()
}
