//! The findings of page one: sentences made from data.
//!
//! No sentence here is true of every record. Each is chosen by what was observed, and where nothing
//! was observed nothing is said.

use super::cost;
use super::headline::{self, A_KILLED, ASK_B, LOGGED_OUT, STORE_DOWN};
use super::lag;
use super::mark::Tone;
use super::view::View;
use super::words;
use crate::record::Arm;

/// One finding: what it comes to, and the figures behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Up to three findings: across servers, after log-out, and what it takes.
pub(crate) fn findings(view: View<'_>) -> Vec<Finding> {
    [across(view), log_out(view), price(view)]
        .into_iter()
        .flatten()
        .collect()
}

pub(super) fn run_headline(view: View<'_>) -> Vec<&Arm> {
    let arms = view.headline_arms().into_iter();
    arms.filter(|arm| arm.not_run_because.is_none()).collect()
}

pub(super) fn arms_where(view: View<'_>, is: impl Fn(&Arm) -> bool) -> Vec<String> {
    let arms = run_headline(view).into_iter().filter(|arm| is(arm));
    arms.map(|arm| view.short_label(arm)).collect()
}

/// The arms whose logged-out logins went on working on every server; failing these, on any.
pub(super) fn outlived(view: View<'_>) -> Vec<String> {
    let everywhere = |arm: &Arm| {
        let rows = view.revocations(&arm.arm, LOGGED_OUT);
        !rows.is_empty() && rows.into_iter().all(|row| lag::lag(row).outlives())
    };
    let arms = arms_where(view, everywhere);
    if arms.is_empty() {
        arms_where(view, |arm| outlives(view, arm))
    } else {
        arms
    }
}

pub(super) fn outlives(view: View<'_>, arm: &Arm) -> bool {
    view.revocations(&arm.arm, LOGGED_OUT)
        .iter()
        .any(|row| lag::lag(row).outlives())
}

/// Arms that say the same, together, in the order in which each was first said.
fn grouped(said: Vec<(String, String)>) -> Vec<(Vec<String>, String)> {
    let mut groups: Vec<(Vec<String>, String)> = Vec::new();
    for (arm, words) in said {
        match groups.iter_mut().find(|(_, other)| *other == words) {
            Some((arms, _)) => arms.push(arm),
            None => groups.push((vec![arm], words)),
        }
    }
    groups
}

/// `session in memory: 0 of 400; session in Redis and JWT: all of 400 each`
fn clauses(said: Vec<(String, String)>) -> String {
    let clauses: Vec<_> = grouped(said)
        .into_iter()
        .map(|(arms, words)| {
            let each = if arms.len() > 1 && words.contains(" of ") {
                " each"
            } else {
                ""
            };
            format!("{}: {words}{each}", words::join(&arms))
        })
        .collect();
    clauses.join("; ")
}

fn across(view: View<'_>) -> Option<Finding> {
    let mut asked = Vec::new();
    for arm in run_headline(view) {
        if headline::ask_b(view, arm).tone == Tone::Plain {
            asked.push((view.short_label(arm), "never sent there".to_owned()));
            continue;
        }
        let cells = view.cells(&arm.arm, ASK_B);
        let requests: u64 = cells.iter().map(|cell| cell.requests).sum();
        if requests > 0 {
            let recognised: u64 = cells.iter().map(|cell| cell.recognised).sum();
            asked.push((view.short_label(arm), words::of(recognised, requests)));
        }
    }
    if asked.is_empty() {
        return None;
    }
    let forgotten = arms_where(view, |arm| headline::ask_b(view, arm).tone == Tone::None);
    let partly = arms_where(view, |arm| headline::ask_b(view, arm).tone == Tone::Part);
    let head = match (forgotten.is_empty(), partly.is_empty()) {
        (false, _) => format!("Unknown to the next server: {}.", words::join(&forgotten)),
        (true, false) => format!(
            "Known to the next server in part: {}.",
            words::join(&partly)
        ),
        (true, true) => "Nobody was forgotten by a server that was asked.".to_owned(),
    };
    let body = format!(
        "B recognised, of requests for A\u{2019}s logins \u{2014} {}.",
        clauses(asked)
    );
    Some(Finding {
        head,
        body: format!("{body}{}", killed(view)),
    })
}

/// What an instance's death cost, as a further sentence.
fn killed(view: View<'_>) -> String {
    let mut said = Vec::new();
    for arm in run_headline(view) {
        let cells = view.cells(&arm.arm, A_KILLED);
        let visitors: u64 = cells.iter().map(|cell| cell.visitors).sum();
        let lost: u64 = cells.iter().map(|cell| cell.logins_lost).sum();
        if visitors > 0 && lost > 0 {
            said.push((view.short_label(arm), words::of(lost, visitors)));
        }
    }
    let asked = run_headline(view)
        .iter()
        .any(|arm| !view.cells(&arm.arm, A_KILLED).is_empty());
    match (asked, said.is_empty()) {
        (false, _) => String::new(),
        (true, true) => " When A was killed no login was lost.".to_owned(),
        (true, false) => {
            format!(" Logins lost when A was killed \u{2014} {}.", clauses(said))
        }
    }
}

fn log_out(view: View<'_>) -> Option<Finding> {
    let mut said = Vec::new();
    for arm in run_headline(view) {
        if let Some(mark) = lag::of_rows(&view.revocations(&arm.arm, LOGGED_OUT)) {
            said.push((view.short_label(arm), mark.word));
        }
    }
    if said.is_empty() {
        return None;
    }
    let outlived = outlived(view);
    let rows = run_headline(view)
        .into_iter()
        .flat_map(|arm| view.revocations(&arm.arm, LOGGED_OUT));
    let at_once = rows.map(lag::lag).all(|lag| lag.tone() == Tone::Full);
    let head = match (outlived.is_empty(), at_once) {
        (false, _) => format!("Still accepted after log-out: {}.", words::join(&outlived)),
        (true, true) => "Every log-out acted at once.".to_owned(),
        (true, false) => "Every log-out acted, some with a delay.".to_owned(),
    };
    let body = format!(
        "After a log-out on the other server \u{2014} {}.",
        clauses(said)
    );
    Some(Finding { head, body })
}

/// What the arms that did everything asked of them have to pay for it.
fn price(view: View<'_>) -> Option<Finding> {
    let rows: Vec<_> = run_headline(view)
        .into_iter()
        .map(|arm| (arm, judge(view, arm)))
        .collect();
    if rows.iter().all(|(_, judged)| judged.is_none()) {
        return None;
    }
    let whole: Vec<_> = rows
        .iter()
        .filter(|(_, judged)| *judged == Some(true))
        .map(|(arm, _)| *arm)
        .collect();
    let names = |arms: &[&Arm]| -> String {
        words::join(
            &arms
                .iter()
                .map(|arm| view.short_label(arm))
                .collect::<Vec<_>>(),
        )
    };
    let free: Vec<_> = whole
        .iter()
        .copied()
        .filter(|arm| !arm.needs_store)
        .collect();
    let (head, body) = if whole.is_empty() {
        let head = "Nothing tried here was good at everything.".to_owned();
        (
            head,
            "Each row lost logins, or went on accepting one that had been ended.".to_owned(),
        )
    } else if free.is_empty() {
        let head =
            "Only with a store was every login known everywhere and ended at once.".to_owned();
        (
            head,
            format!(
                "{} did it, and asked a store at each request. {}",
                words::capital(&names(&whole)),
                stopped(view, &whole)
            ),
        )
    } else {
        let head = format!(
            "{} lost nobody, let nobody linger and asked no store.",
            names(&free)
        );
        let body = "A side that wins every row is a fault of the set-up until proven otherwise: \
                    read the doubts first.";
        (words::capital(&head), body.to_owned())
    };
    Some(Finding {
        head,
        body: format!("{body}{}", what_it_cost(view)),
    })
}

/// Whether an arm was good in every survival and log-out column; nothing where too little was seen.
fn judge(view: View<'_>, arm: &Arm) -> Option<bool> {
    let row = headline::row(view, arm);
    let [ask_b, killed, _, logged_out, _] = row.marks.map(|mark| mark.tone);
    if ask_b == Tone::Blank || logged_out == Tone::Blank {
        return None;
    }
    Some(
        ask_b == Tone::Full
            && matches!(killed, Tone::Full | Tone::Blank)
            && logged_out == Tone::Full,
    )
}

fn stopped(view: View<'_>, arms: &[&Arm]) -> String {
    let mut said = Vec::new();
    for arm in arms {
        if !view.cells(&arm.arm, STORE_DOWN).is_empty() {
            let mark = headline::store_down(view, arm);
            said.push((view.short_label(arm), mark.line()));
        }
    }
    match said.is_empty() {
        true => "What happens when the store stops was not measured in this run.".to_owned(),
        false => format!("When the store stopped \u{2014} {}.", clauses(said)),
    }
}

fn what_it_cost(view: View<'_>) -> String {
    let Some(zero) = cost::zero_line(view).filter(|_| cost::may_be_shown(view)) else {
        return String::new();
    };
    let costs = run_headline(view).into_iter().filter_map(|arm| {
        let comparison = cost::difference_from_zero(view, &arm.arm)?;
        Some(format!(
            "{} {}",
            view.short_label(arm),
            words::ratio(comparison.ratio)
        ))
    });
    let costs: Vec<_> = costs.collect();
    if costs.is_empty() {
        return String::new();
    }
    let zero = view.short_label_of(zero);
    format!(
        " CPU of server and store per request, beside {zero}: {}.",
        words::join(&costs)
    )
}
