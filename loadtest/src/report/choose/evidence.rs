//! What a record has to say about one claim: that it is so, that it is not, or nothing.

use super::Says;
use crate::record::{Cell, Group, Revocation, Verdict};
use crate::report::cost;
use crate::report::lag::{self, Lag};
use crate::report::observed;
use crate::report::view::View;
use crate::report::words;

/// What came of looking a claim up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The record shows it.
    Shown,
    /// The record shows something else.
    Contradicted,
    /// The record has nothing on it.
    NotMeasured,
}

/// Where the report shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the matrix, among the events of a group.
    Matrix(Group),
    /// Among the lags.
    Lags,
    /// In the table of costs.
    Costs,
}

/// One claim, looked up.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// The event in plain words, or `cost per check`.
    pub(crate) about: String,
    /// The event's name; none for the cost.
    pub(crate) event: Option<&'static str>,
    /// What the path says; nothing for the cost, of which it says nothing.
    pub(crate) claim: &'static str,
    /// What the record says, or which command would find out.
    pub(crate) words: String,
    /// Whether that is the same.
    pub(crate) outcome: Outcome,
    /// Where the report shows it.
    pub(crate) place: Place,
}

/// What was observed for an arm under an event, held against a claim.
pub(crate) fn of_event(
    view: View<'_>,
    arm: &'static str,
    event: &'static str,
    says: Says,
) -> Evidence {
    let story = view.event(event);
    let cells = view.cells(arm, event);
    let rows = view.revocations(arm, event);
    let place = match rows.is_empty() {
        true => Place::Matrix(story.group),
        false => Place::Lags,
    };
    let outcome = match says {
        Says::AtOnce | Says::WithinItsBound | Says::Lingers => of_lags(&rows, says),
        Says::Known | Says::Kept | Says::LosesSome | Says::Waits => of_cells(&cells, says),
    };
    let ran = view.arm(arm).filter(|_| outcome != Outcome::NotMeasured);
    let words = match ran {
        Some(arm) => {
            let parts = observed::of(view, arm, &story).into_iter().map(|part| {
                let who = match part.who.as_slice() {
                    [] => String::new(),
                    who => format!("{}: ", words::join(who)),
                };
                format!("{who}{}", part.mark.line())
            });
            parts.collect::<Vec<_>>().join("; ")
        }
        None => format!("not measured in this run; `loadtest matrix --all --arms {arm}` does"),
    };
    Evidence {
        about: story.label,
        event: Some(event),
        claim: says.words(),
        words,
        outcome,
        place,
    }
}

/// What a check of an arm costs; the path claims nothing of it.
pub(crate) fn of_cost(view: View<'_>, arm: &'static str) -> Evidence {
    let shown = cost::may_be_shown(view);
    let comparison = cost::against_zero(view, arm).filter(|_| shown);
    let (words, outcome) = match comparison {
        Some(one) if one.verdict == Verdict::NoDifferenceShown => {
            ("no difference shown".to_owned(), Outcome::Shown)
        }
        Some(one) => {
            let zero = view.short_label_of(&one.against);
            let ratio = cost::ratio_words(one);
            (format!("{ratio} the CPU of {zero}"), Outcome::Shown)
        }
        None => (
            format!("not measured in this run; `loadtest measure --arms {arm}` does"),
            Outcome::NotMeasured,
        ),
    };
    Evidence {
        about: "cost per check".to_owned(),
        event: None,
        claim: "",
        words,
        outcome,
        place: Place::Costs,
    }
}

fn of_cells(cells: &[&Cell], says: Says) -> Outcome {
    if cells.iter().all(|cell| cell.requests == 0) {
        return Outcome::NotMeasured;
    }
    let of = |figure: fn(&Cell) -> u64| cells.iter().map(|cell| figure(cell)).sum::<u64>();
    let lost = of(|cell| cell.logins_lost);
    let refused = of(|cell| cell.refused);
    let failed = of(|cell| cell.failed);
    let recognised = of(|cell| cell.recognised);
    judged(match says {
        Says::Known => lost == 0 && refused == 0 && failed == 0 && recognised > 0,
        Says::Kept => lost == 0 && refused == 0 && recognised > 0,
        Says::LosesSome => lost > 0 || refused > 0,
        Says::Waits => lost == 0 && refused == 0 && failed > 0,
        Says::AtOnce | Says::WithinItsBound | Says::Lingers => return Outcome::NotMeasured,
    })
}

fn of_lags(rows: &[&Revocation], says: Says) -> Outcome {
    let lags: Vec<_> = rows.iter().map(|row| lag::lag(row)).collect();
    // A login that nobody knew before it was ended shows nothing of how it ends.
    if lags.iter().all(|lag| *lag == Lag::NeverKnown) {
        return Outcome::NotMeasured;
    }
    let at_once = |lag: &Lag| matches!(lag, Lag::NeverKnown | Lag::AtOnce);
    judged(match says {
        Says::AtOnce => lags.iter().all(at_once),
        Says::WithinItsBound => {
            let kept = |lag: &Lag| at_once(lag) || matches!(lag, Lag::Within { .. });
            lags.iter().all(kept)
        }
        Says::Lingers => lags.iter().any(|lag| lag.outlives()),
        Says::Known | Says::Kept | Says::LosesSome | Says::Waits => return Outcome::NotMeasured,
    })
}

fn judged(is_so: bool) -> Outcome {
    match is_so {
        true => Outcome::Shown,
        false => Outcome::Contradicted,
    }
}
