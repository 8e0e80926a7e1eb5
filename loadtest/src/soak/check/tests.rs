//! Histories in which nothing is wrong, and the same with one violation planted in each.

use super::*;

const SECOND: Moment = 1_000_000;

fn promises() -> BTreeMap<String, Promise> {
    let stored = Promise {
        ended_within_us: Some(0),
        life_us: None,
        expiry_step_us: 1_000,
        logins_in_store: true,
        log_outs_in_store: false,
        asks_store: true,
    };
    let token = Promise {
        ended_within_us: None,
        life_us: Some(60 * SECOND),
        expiry_step_us: SECOND,
        logins_in_store: false,
        log_outs_in_store: false,
        asks_store: false,
    };
    let listed = Promise {
        ended_within_us: Some(0),
        log_outs_in_store: true,
        asks_store: true,
        ..token.clone()
    };
    let synced = Promise {
        ended_within_us: Some(SECOND),
        ..listed.clone()
    };
    [
        ("stored", stored),
        ("token", token),
        ("listed", listed),
        ("synced", synced),
    ]
    .map(|(name, promise)| (name.to_owned(), promise))
    .into()
}

/// A request that takes 10 ms.
fn asked(arm: &str, what: What, at_s: f64, came: Came) -> Line {
    let sent_us = (at_s * 1e6) as Moment;
    let reason = match came {
        Came::Done => "200",
        Came::Refused => "401 unknown-session",
        Came::Failed => "503 store-unavailable",
    };
    Line::Asked(Asked {
        arm: arm.to_owned(),
        login: 1,
        what,
        sent_us,
        answered_us: sent_us + 10_000,
        came,
        reason: reason.to_owned(),
        served_by: format!("{arm}-a"),
    })
}

fn struck(fault: Fault, arm: &str, from_s: f64, to_s: f64) -> Line {
    Line::Struck(Struck {
        fault,
        arm: arm.to_owned(),
        instance: fault.is_of_an_instance().then(|| "a".to_owned()),
        from_us: (from_s * 1e6) as Moment,
        to_us: (to_s * 1e6) as Moment,
    })
}

fn log_in(arm: &str) -> Line {
    asked(arm, What::LogIn, 1.0, Came::Done)
}

/// The rules that a history breaks.
fn rules(history: &[Line]) -> Vec<Rule> {
    let found = check(history, &promises());
    found.iter().map(|violation| violation.rule).collect()
}

use Came::{Done, Failed, Refused};
use What::{LogIn, LogOut, WhoAmI};

#[test]
fn who_logs_in_is_recognised_and_after_the_log_out_no_more() {
    for arm in ["stored", "listed"] {
        let good = [
            log_in(arm),
            asked(arm, WhoAmI, 2.0, Done),
            asked(arm, LogOut, 3.0, Done),
            asked(arm, WhoAmI, 3.1, Refused),
        ];
        assert_eq!(rules(&good), []);
        let mut planted = good.to_vec();
        planted[3] = asked(arm, WhoAmI, 3.1, Done);
        assert_eq!(rules(&planted), [Rule::EndedIsEnded], "{arm}");
    }
}

/// It was sent before anybody could know that the log-out had been done.
#[test]
fn what_overlaps_the_log_out_proves_nothing() {
    let history = [
        log_in("stored"),
        asked("stored", LogOut, 3.0, Done),
        asked("stored", WhoAmI, 3.005, Done),
        asked("stored", WhoAmI, 3.005, Refused),
    ];
    assert_eq!(rules(&history), []);
}

#[test]
fn a_bound_is_a_bound_and_not_more() {
    let history = |at| {
        [
            log_in("synced"),
            asked("synced", LogOut, 3.0, Done),
            asked("synced", WhoAmI, at, Done),
        ]
    };
    assert_eq!(rules(&history(3.9)), []);
    assert_eq!(rules(&history(4.2)), [Rule::EndedIsEnded]);
}

/// Where nobody hears of a log-out it must not end the login either: that would be a loss.
#[test]
fn a_token_works_until_it_expires() {
    let history = |at, came| {
        [
            log_in("token"),
            asked("token", LogOut, 3.0, Done),
            asked("token", WhoAmI, at, came),
        ]
    };
    assert_eq!(rules(&history(50.0, Done)), []);
    assert_eq!(rules(&history(50.0, Refused)), [Rule::NothingIsLost]);
    assert_eq!(rules(&history(61.5, Refused)), []);
    assert_eq!(rules(&history(63.0, Done)), [Rule::ExpiredIsEnded]);
}

#[test]
fn a_login_that_nothing_ended_is_not_lost() {
    let history = [log_in("stored"), asked("stored", WhoAmI, 2.0, Refused)];
    assert_eq!(rules(&history), [Rule::NothingIsLost]);
    let history = [log_in("stored"), asked("stored", LogOut, 2.0, Refused)];
    assert_eq!(rules(&history), [Rule::NothingIsLost]);
    let history = [asked("stored", LogIn, 1.0, Refused)];
    assert_eq!(rules(&history), [Rule::NothingIsLost]);
}

/// Neither a killed instance nor a frozen store is a reason to lose a login.
#[test]
fn only_a_store_that_is_emptied_takes_logins_along() {
    let history = |strike| {
        [
            log_in("stored"),
            strike,
            asked("stored", WhoAmI, 9.0, Refused),
        ]
    };
    let emptied = struck(Fault::StoreEmptied, "stored", 3.0, 5.0);
    assert_eq!(rules(&history(emptied)), []);
    for other in [
        struck(Fault::StoreFrozen, "stored", 3.0, 5.0),
        struck(Fault::StoreKilled, "stored", 3.0, 5.0),
        struck(Fault::StoreEmptied, "listed", 3.0, 5.0),
        struck(Fault::Killed, "stored", 3.0, 5.0),
        struck(Fault::Restarted, "stored", 3.0, 5.0),
        struck(Fault::KeyReplaced, "stored", 3.0, 5.0),
    ] {
        assert_eq!(rules(&history(other)), [Rule::NothingIsLost]);
    }
    // Made after the store was back: nothing took it along.
    let history = [
        struck(Fault::StoreEmptied, "stored", 0.1, 0.9),
        log_in("stored"),
        asked("stored", WhoAmI, 2.0, Refused),
    ];
    assert_eq!(rules(&history), [Rule::NothingIsLost]);
    // A token does not lie in the store.
    let history = [
        log_in("listed"),
        struck(Fault::StoreEmptied, "listed", 3.0, 5.0),
        asked("listed", WhoAmI, 9.0, Refused),
    ];
    assert_eq!(rules(&history), [Rule::NothingIsLost]);
}

/// A list of log-outs that is emptied forgets them; a session that is gone stays gone.
#[test]
fn only_a_list_that_was_emptied_may_forget_a_log_out() {
    let history = |arm: &str| {
        [
            log_in(arm),
            asked(arm, LogOut, 2.0, Done),
            struck(Fault::StoreEmptied, arm, 3.0, 5.0),
            asked(arm, WhoAmI, 9.0, Done),
        ]
    };
    assert_eq!(rules(&history("listed")), []);
    assert_eq!(rules(&history("stored")), [Rule::EndedIsEnded]);
    // It was logged out after that.
    let history = [
        log_in("listed"),
        struck(Fault::StoreEmptied, "listed", 1.5, 2.0),
        asked("listed", LogOut, 3.0, Done),
        asked("listed", WhoAmI, 9.0, Done),
    ];
    assert_eq!(rules(&history), [Rule::EndedIsEnded]);
}

/// "I do not know whether that was done" leaves both open.
#[test]
fn a_log_out_that_failed_may_have_been_done() {
    let history = |came| {
        [
            log_in("stored"),
            struck(Fault::StoreFrozen, "stored", 1.9, 2.5),
            asked("stored", LogOut, 2.0, Failed),
            asked("stored", WhoAmI, 9.0, came),
        ]
    };
    assert_eq!(rules(&history(Done)), []);
    assert_eq!(rules(&history(Refused)), []);
}

#[test]
fn a_failure_needs_a_fault_that_explains_it() {
    let history = |arm: &str, at, strike: Option<Line>| {
        let mut history = vec![log_in(arm), asked(arm, WhoAmI, at, Failed)];
        history.extend(strike);
        history
    };
    let unexplained = [Rule::EverythingIsExplained];
    assert_eq!(rules(&history("stored", 4.0, None)), unexplained);
    let store = || Some(struck(Fault::StoreKilled, "stored", 3.0, 5.0));
    let none = Some(struck(Fault::StoreKilled, "token", 3.0, 5.0));
    assert_eq!(
        rules(&history("token", 4.0, none)),
        unexplained,
        "it asks none"
    );
    assert_eq!(rules(&history("listed", 4.0, store())), unexplained);
    assert_eq!(rules(&history("stored", 4.0, store())), []);
    assert_eq!(rules(&history("stored", 7.9, store())), []);
    assert_eq!(rules(&history("stored", 8.2, store())), unexplained);
    assert_eq!(rules(&history("stored", 2.9, store())), unexplained);
    assert_eq!(
        rules(&history("token", 4.0, store())),
        unexplained,
        "it asks none"
    );
    for fault in [Fault::StoreLate, Fault::InstanceLate] {
        let late = |arm, from, to| Some(struck(fault, arm, from, to));
        let stored = |from, to| rules(&history("stored", 4.0, late("stored", from, to)));
        assert_eq!(stored(3.9, 4.2), []);
        assert_eq!(stored(4.1, 4.2), unexplained);
        assert_eq!(stored(3.7, 3.9), unexplained);
        // A list that is fed may be as old as its bound before that is noticed, and no older.
        let synced = |from, to| rules(&history("synced", 4.0, late("synced", from, to)));
        assert_eq!(synced(2.9, 3.1), []);
        assert_eq!(synced(2.7, 2.9), unexplained);
        let token = rules(&history("token", 4.0, late("token", 3.9, 4.2)));
        assert_eq!(token, unexplained, "it asks none");
    }
    let killed = |arm| Some(struck(Fault::Killed, arm, 3.0, 9.0));
    assert_eq!(rules(&history("token", 3.5, killed("token"))), []);
    assert_eq!(rules(&history("token", 6.2, killed("token"))), unexplained);
    assert_eq!(rules(&history("token", 3.5, killed("stored"))), unexplained);
    for unnoticed in [Fault::Restarted, Fault::KeyReplaced] {
        let strike = Some(struck(unnoticed, "token", 3.0, 9.0));
        assert_eq!(rules(&history("token", 3.5, strike)), unexplained);
    }
}

/// A fault excuses "not now", never an answer that makes no sense.
#[test]
fn no_fault_explains_somebody_elses_name() {
    let Line::Asked(mut wrong) = asked("stored", WhoAmI, 4.0, Failed) else {
        panic!("it is a request");
    };
    wrong.reason = "200 another user".to_owned();
    let history = [
        log_in("stored"),
        struck(Fault::StoreKilled, "stored", 3.0, 5.0),
        Line::Asked(wrong),
    ];
    assert_eq!(rules(&history), [Rule::EverythingIsExplained]);
}
