//! Answers before, in and after an outage that fit the properties of an arm, and some that do not.

use super::*;
use crate::arms;

/// Requests that take 1 ms each, at so many milliseconds from the beginning.
fn visited(begin: Instant, answers: &[(u64, Outcome, &str)]) -> Visited {
    let answer = |&(at_ms, outcome, reason): &(u64, Outcome, &str)| {
        let sent = begin + Duration::from_millis(at_ms);
        Answer {
            sent,
            answered: sent + Duration::from_millis(1),
            outcome,
            served_by: "x-a".to_owned(),
            attempts: 1,
            reason: reason.to_owned(),
            body: Value::Null,
        }
    };
    Visited {
        taken_by: "x-a".to_owned(),
        logged_in: begin,
        answers: answers.iter().map(answer).collect(),
        under: Vec::new(),
        kept: true,
    }
}

/// Gone from 100 to 4,000 ms, well again from 5,000 ms on.
fn outage(begin: Instant, then: Then) -> Outage {
    let at = |ms| begin + Duration::from_millis(ms);
    Outage {
        goes: (at(90), at(100)),
        returns: (at(4_000), at(5_000)),
        then,
        noise: Duration::from_millis(20),
    }
}

fn surprise(arm: &str, then: Then, answers: &[(u64, Outcome, &str)]) -> Option<String> {
    let begin = Instant::now();
    let arm = arms::find(arm).unwrap();
    outage(begin, then).unexpected(arm, &visited(begin, answers))
}

const OK: (Outcome, &str) = (Outcome::Recognised, "200");
const AWAY: (Outcome, &str) = (Outcome::Failed, UNAVAILABLE);
const OUT: (Outcome, &str) = (Outcome::Refused, "401 unknown-session");

fn at(ms: u64, (outcome, reason): (Outcome, &'static str)) -> (u64, Outcome, &'static str) {
    (ms, outcome, reason)
}

#[test]
fn an_outage_logs_nobody_out_and_is_said() {
    let right = [at(1, OK), at(200, AWAY), at(4_500, AWAY), at(5_500, OK)];
    assert_eq!(surprise("session-redis", Then::Kept, &right), None);
    for wrong in [
        at(50, AWAY),
        at(200, OK),
        at(200, OUT),
        at(200, (Outcome::Failed, "no answer in time")),
        at(4_500, OUT),
        at(5_500, AWAY),
        at(5_500, OUT),
    ] {
        assert!(surprise("session-redis", Then::Kept, &[wrong]).is_some());
    }
}

#[test]
fn what_is_remembered_is_answered_from_memory_and_not_for_ever() {
    let right = [at(300, OK), at(300, AWAY), at(1_090, OK), at(1_500, AWAY)];
    assert_eq!(surprise("jwt-denylist-synced", Then::Kept, &right), None);
    let wrong = surprise("jwt-denylist-synced", Then::Kept, &[at(1_200, OK)]);
    assert!(wrong.unwrap().contains("1s after the store was gone"));
    assert_eq!(
        surprise("session-cached", Then::Kept, &[at(1_200, OK)]),
        None
    );
    assert_eq!(surprise("jwt-refresh", Then::Kept, &[at(3_000, OK)]), None);
    assert!(surprise("jwt-refresh", Then::Kept, &[at(3_000, AWAY)]).is_some());
}

#[test]
fn an_empty_store_ends_what_it_held_and_what_is_older_than_it() {
    let after = |arm, epoch, answer| {
        let then = Then::Emptied { epoch };
        surprise(arm, then, &[at(5_500, answer)]).is_none()
    };
    assert!(after("session-redis", false, OUT) && !after("session-redis", false, OK));
    assert!(after("jwt-denylist", false, OK) && !after("jwt-denylist", false, OUT));
    assert!(after("jwt-denylist", true, OUT) && !after("jwt-denylist", true, OK));
    assert!(after("jwt-refresh", false, OK));
}

#[test]
fn an_answer_that_keeps_people_waiting_is_not_right() {
    let begin = Instant::now();
    let mut visited = visited(begin, &[at(200, AWAY)]);
    let outage = outage(begin, Then::Kept);
    let arm = arms::find("session-redis").unwrap();
    visited.answers[0].answered = visited.answers[0].sent + Duration::from_millis(310);
    assert_eq!(outage.unexpected(arm, &visited), None);
    let found = outage.details(std::slice::from_ref(&visited));
    assert_eq!(found["while_away"]["later_than_300_ms"], 1);
    visited.answers[0].answered = visited.answers[0].sent + Duration::from_millis(330);
    let said = outage.unexpected(arm, &visited).unwrap();
    assert!(said.ends_with("which should take 320ms at most"), "{said}");
}
