//! Answers that fit the properties of an arm, and answers that do not.

use super::*;
use crate::answer::NOBODY;
use crate::arms;
use std::time::Duration;

fn answer(sent: Instant, by: &str, outcome: Outcome) -> Answer {
    let reason = match outcome {
        Outcome::Recognised => "200",
        Outcome::Refused => "401 unknown-session",
        Outcome::Failed => "connection broke",
    };
    Answer {
        sent,
        answered: sent + Duration::from_millis(1),
        outcome,
        served_by: by.to_owned(),
        attempts: 1,
        reason: reason.to_owned(),
        body: Value::Null,
    }
}

fn visited(taken_by: &str, answers: &[(&str, Outcome)]) -> Visited {
    let start = Instant::now();
    let nth = |(n, (by, outcome)): (usize, &(&str, Outcome))| {
        answer(
            start + Duration::from_millis(10 * (n as u64 + 1)),
            by,
            *outcome,
        )
    };
    let answers: Vec<_> = answers.iter().enumerate().map(nth).collect();
    Visited {
        taken_by: taken_by.to_owned(),
        logged_in: start,
        kept: answers
            .last()
            .is_some_and(|answer| answer.outcome == Outcome::Recognised),
        answers,
        under: vec![],
    }
}

fn tally(arm: &str, happening: Happening, client: Client, visits: Vec<Visited>) -> Cell {
    let observed = Observed {
        visits,
        ..Observed::new("balanced", happening, client)
    };
    observed.tally(arms::find(arm).unwrap()).0
}

const A: &str = "session-memory-a";
const B: &str = "session-memory-b";

#[test]
fn half_refused_is_as_expected_only_if_it_is_the_right_half() {
    use Outcome::{Recognised, Refused};
    let right = visited(
        A,
        &[(A, Recognised), (B, Refused), (A, Recognised), (B, Refused)],
    );
    let cell = tally(
        "session-memory",
        Happening::Balanced,
        Client::KeepsCookie,
        vec![right],
    );
    assert!(cell.as_expected, "{:?}", cell.detail.note);
    assert_eq!((cell.recognised, cell.refused, cell.logins_lost), (2, 2, 1));
    assert_eq!(cell.recognised_share, Some(0.5));

    let wrong = visited(
        A,
        &[(A, Refused), (B, Recognised), (A, Recognised), (B, Refused)],
    );
    let cell = tally(
        "session-memory",
        Happening::Balanced,
        Client::KeepsCookie,
        vec![wrong],
    );
    assert!(!cell.as_expected);
    let note = cell.detail.note.unwrap();
    assert!(note.starts_with("session-memory-a answered 401 unknown-session to a login of"));
    assert!(
        note.ends_with("session-memory-a; it should have been recognised"),
        "{note}"
    );
}

#[test]
fn a_browser_is_gone_after_its_first_visit_elsewhere() {
    use Outcome::{Recognised, Refused};
    let visit = || {
        visited(
            A,
            &[(A, Recognised), (B, Refused), (A, Refused), (B, Refused)],
        )
    };
    let as_expected =
        |client| tally("session-memory", Happening::Balanced, client, vec![visit()]).as_expected;
    assert!(as_expected(Client::Browser));
    assert!(!as_expected(Client::KeepsCookie));
}

#[test]
fn a_failure_is_expected_only_in_flight_when_something_was_killed() {
    let visit = visited(A, &[(A, Outcome::Recognised), (NOBODY, Outcome::Failed)]);
    let failed_at = visit.answers[1].sent;
    let mut observed = Observed {
        visits: vec![visit],
        ..Observed::new("x", Happening::Killed { issuer: true }, Client::KeepsCookie)
    };
    let arm = arms::find("session-memory").unwrap();
    assert!(!observed.tally(arm).0.as_expected);
    observed.blows.push((failed_at, failed_at));
    let (cell, hops) = observed.tally(arm);
    assert!(
        cell.as_expected && cell.failed == 1,
        "{:?}",
        cell.detail.note
    );
    assert_eq!(hops.len(), 2);
}

#[test]
fn turns_that_were_not_taken_prove_nothing() {
    let visits = vec![visited(
        A,
        &[(A, Outcome::Recognised), (A, Outcome::Recognised)],
    )];
    let cell = tally(
        "session-memory",
        Happening::Balanced,
        Client::KeepsCookie,
        visits,
    );
    assert!(
        cell.detail
            .note
            .unwrap()
            .contains("although turns are taken strictly")
    );
}

#[test]
fn a_restart_ends_what_a_process_held_and_nothing_else() {
    use Outcome::{Recognised, Refused};
    let visit = || visited(A, &[(A, Recognised), (A, Refused)]);
    let restarted = |arm| {
        let visit = visit();
        let between = visit.answers[1].sent;
        let observed = Observed {
            visits: vec![visit],
            restarts: vec![(A.to_owned(), between)],
            ..Observed::new("x", Happening::Restarted, Client::KeepsCookie)
        };
        observed.tally(arms::find(arm).unwrap()).0.as_expected
    };
    assert!(restarted("session-memory"));
    assert!(!restarted("session-redis"));
}

#[test]
fn a_forgery_is_to_be_refused_by_all_but_the_one_who_checks_nothing() {
    let visits = || vec![visited(A, &[(A, Outcome::Recognised)])];
    let forged = |arm, client| tally(arm, Happening::Forged, client, visits()).as_expected;
    assert!(!forged("jwt-hs256", Client::Bearer));
    assert!(forged("trusting", Client::Bearer));
}

#[test]
fn an_answer_is_judged_by_its_own_circumstance_and_not_where_that_is_open() {
    use crate::expected::circumstance::{Held, Key};
    use Outcome::{Recognised, Refused};
    let keys = |first, last| Circumstance::Keys {
        signed_with: Key::Old,
        first,
        last,
    };
    let judged = |outcome, under| {
        let mut visit = visited("jwt-a", &[("jwt-b", outcome)]);
        visit.under.push(under);
        let happening = Happening::KeysReplaced {
            in_two_phases: false,
        };
        tally("jwt-hs256", happening, Client::Bearer, vec![visit]).as_expected
    };
    assert!(judged(Refused, keys(Held::NEW, Held::NEW)));
    assert!(!judged(Recognised, keys(Held::NEW, Held::NEW)));
    assert!(judged(Refused, keys(Held::OLD, Held::NEW)));
    assert!(judged(Recognised, keys(Held::OLD, Held::NEW)));
}

#[test]
fn what_no_answer_shows_is_a_surprise_too() {
    let observed = Observed {
        visits: vec![visited("jwt-a", &[("jwt-b", Outcome::Recognised)])],
        wrong: Some("both hold the same secret".to_owned()),
        ..Observed::new("x", Happening::AskedOther, Client::Bearer)
    };
    let cell = observed.tally(arms::find("jwt-hs256").unwrap()).0;
    assert_eq!(
        cell.detail.note.as_deref(),
        Some("both hold the same secret")
    );
    assert!(!cell.as_expected);
}
