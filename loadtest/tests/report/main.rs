//! Reports from records: what the data says is what the report says, and nothing else.

mod against;
mod choose;
mod contrast;
mod forms;
mod frontier;
mod ladder;
mod measured;
mod outage;
mod reading;
mod sample;
mod valid;

use loadtest::record::{Client, Record, Section, SectionValidity, Validity};
use loadtest::report::{self, Options, Tone, html, markdown};

use reading::{behaves_like, page, words};

#[test]
fn the_first_page_says_what_was_observed() {
    let words = words(&page(&sample::record()));
    for said in [
        "Session in memory was forgotten by the next server; JWT still worked after log-out",
        "session in memory: 0 of 400",
        "session in Redis, JWT and JWT + deny-list: 400 of 400 each",
        "session in memory + sticky balancer: never sent there",
        "works until expiry (4 s here)",
        "What happens when the store stops was not measured in this run.",
        "hint only : cost (quick run, 3 of at least 8 blocks)",
        "All 320 outcomes were as computed beforehand",
        "loadtest matrix --all --seed 7",
    ] {
        assert!(words.contains(said), "{said:?} is missing in {words}");
    }
}

#[test]
fn the_headline_table_has_a_mark_for_each_arm_and_question() {
    let rows = report::headline(&sample::record());
    let tones: Vec<_> = rows
        .iter()
        .map(|row| (row.arm.as_str(), row.marks.clone().map(|m| m.tone)))
        .collect();
    let (full, part, none, plain, blank) =
        (Tone::Full, Tone::Part, Tone::None, Tone::Plain, Tone::Blank);
    assert_eq!(
        tones,
        [
            ("session-memory", [none, part, plain, part, plain]),
            ("session-memory-sticky", [plain, part, plain, full, plain]),
            ("session-redis", [full, full, blank, full, plain]),
            ("jwt-hs256", [full, full, plain, none, plain]),
            ("jwt-denylist", [full, full, blank, full, plain]),
        ]
    );
    assert_eq!(rows[0].marks[1].word, "10 of 20 lost");
    assert_eq!(rows[2].marks[2].word, "not measured");
}

/// The opposite world: every sentence about winners and losers has to turn round.
#[test]
fn where_jwt_loses_and_sessions_win_the_report_says_so() {
    let mut record = sample::record();
    behaves_like(&mut record, "jwt-hs256", "session-memory");
    behaves_like(&mut record, "jwt-denylist", "session-memory");
    behaves_like(&mut record, "session-memory", "session-redis");
    let words = words(&page(&record));
    assert!(
        words.contains("JWT and JWT + deny-list were forgotten by the next server"),
        "{words}"
    );
    assert!(
        words.contains("Unknown to the next server: JWT and JWT + deny-list."),
        "{words}"
    );
    assert!(words.contains("Session in memory lost nobody, let nobody linger and asked no store."));
    assert!(words.contains("A side that wins every row is a fault of the set-up until proven"));
    assert!(
        !words.contains("Session in memory was forgotten"),
        "{words}"
    );
    assert!(!words.contains("Only with a store"), "{words}");
}

#[test]
fn where_nobody_loses_anything_nobody_is_blamed() {
    let mut record = sample::record();
    for arm in [
        "session-memory",
        "session-memory-sticky",
        "jwt-hs256",
        "jwt-denylist",
    ] {
        behaves_like(&mut record, arm, "session-redis");
    }
    let words = words(&page(&record));
    assert!(
        words.contains("The next server knew every login; no login outlived its log-out"),
        "{words}"
    );
    assert!(
        words.contains("When A was killed no login was lost."),
        "{words}"
    );
    assert!(words.contains("Every log-out acted at once."), "{words}");
    assert!(!words.contains("still worked"), "{words}");
}

#[test]
fn where_everybody_fails_nobody_is_praised() {
    let mut record = sample::record();
    for arm in [
        "session-memory-sticky",
        "session-redis",
        "jwt-hs256",
        "jwt-denylist",
    ] {
        behaves_like(&mut record, arm, "session-memory");
    }
    let words = words(&page(&record));
    assert!(
        words.contains("Nothing tried here was good at everything."),
        "{words}"
    );
    assert!(!words.contains("Only with a store"), "{words}");
}

/// Costs turn round too: JWT dearer than everything, memory cheaper than no check.
#[test]
fn the_cost_sentences_follow_the_figures() {
    let mut record = sample::record();
    for one in &mut record.comparisons {
        match one.arm.as_str() {
            "jwt-hs256" => (one.ratio, one.difference_ns) = (9.5, 48_000.0),
            "session-memory" => (one.ratio, one.difference_ns) = (0.9, -570.0),
            _ => {}
        }
    }
    let options = Options {
        handler_ms: 2.0,
        ..Options::default()
    };
    let words = words(&html(&record, &options));
    let title = "A request took from 0.90\u{a0}× (session in memory) to 9.50\u{a0}× (JWT)";
    assert!(
        words.contains(&title.split_whitespace().collect::<Vec<_>>().join(" ")),
        "{words}"
    );
    assert!(
        words.contains("JWT: +48 µs beside 2 ms is 2.40 %"),
        "{words}"
    );
    assert!(
        words.contains("Session in memory: \u{2212}570 ns beside 2 ms is -0.03 %"),
        "{words}"
    );
}

#[test]
fn an_empty_record_makes_a_page_that_claims_nothing() {
    let page = page(&Record::default());
    let words = words(&page);
    assert!(
        words.contains("Nothing was observed in this run"),
        "{words}"
    );
    assert_eq!(words.matches("not measured :").count(), 3, "{words}");
    for claim in [
        "forgotten",
        "still worked",
        "refused",
        "OK :",
        "×",
        "0 of 0",
        "NaN",
        "inf",
    ] {
        assert!(!words.contains(claim), "{claim:?} in {words}");
    }
    assert!(markdown(&Record::default(), &Options::default()).contains("Nothing was observed"));
}

#[test]
fn arms_that_did_not_run_stand_under_the_table_with_their_reason() {
    let record = sample::without_store();
    let words = words(&page(&record));
    let because = "no Redis was found; install redis-server, or name one with --redis-url";
    assert!(
        words.contains(&format!("Session in Redis was not run: {because}")),
        "{words}"
    );
    assert!(
        words.contains(&format!("JWT, short + refresh ( jwt-refresh ): {because}")),
        "{words}"
    );
    assert!(
        words.contains("5 arms that need a store did not run"),
        "{words}"
    );
    let rows = report::headline(&record);
    assert!(
        rows[2].marks.iter().all(|mark| mark.word == "not run"),
        "{:?}",
        rows[2]
    );
    // And what is missing is not talked about as if it had been seen.
    assert!(
        words.contains("Nothing tried here was good at everything."),
        "{words}"
    );
    assert!(!words.contains("session in Redis 2.81"), "{words}");
}

#[test]
fn an_invalid_cost_run_shows_no_cost_anywhere() {
    let mut by_row = sample::record();
    by_row.validity.push(SectionValidity {
        section: Section::Cost,
        validity: Validity::Invalid,
        because: Some("the generator used 91 % of a core".into()),
    });
    let mut by_data = sample::record();
    by_data.measures[0].wrong_answers = 1;
    for record in [by_row, by_data] {
        for text in [
            words(&page(&record)),
            markdown(&record, &Options::default()),
        ] {
            assert!(text.contains("INVALID"), "{text}");
            assert!(
                !text.contains("µs") && !text.contains('×'),
                "a speed is shown: {text}"
            );
        }
    }
    let mut all = sample::record();
    all.valid = false;
    let words = words(&page(&all));
    assert!(
        words.contains("INVALID : who stays logged in (the run says so)"),
        "{words}"
    );
    assert!(!words.contains("µs"), "{words}");
}

#[test]
fn an_unexpected_outcome_is_marked_whatever_it_is() {
    let mut record = sample::record();
    let known = |cell: &&mut loadtest::record::Cell| {
        cell.arm == "session-redis" && cell.event == "other-instance"
    };
    let cell = record.cells.iter_mut().find(known).unwrap();
    cell.as_expected = false;
    cell.expected = "refused at B".into();
    let page = page(&record);
    let words = words(&page);
    // All known is what one would wish, and still not what was computed: both signs show.
    assert!(
        page.contains("<td class=\"full\">all known<span class=\"missed\">"),
        "{page}"
    );
    assert!(words.contains("≠ expected: refused at B"), "{words}");
    assert!(
        words.contains("1 of 320 outcomes were not as computed beforehand"),
        "{words}"
    );
    assert!(words.contains("1 of 14 outcomes in this table"), "{words}");
}

#[test]
fn two_kinds_of_client_are_told_apart() {
    let mut record = sample::record();
    let browser = |cell: &&loadtest::record::Cell| cell.client == Client::Browser;
    let mut other = record.cells.iter().find(browser).unwrap().clone();
    other.event = "other-instance".into();
    record.cells.push(other);
    let row = &report::headline(&record)[0];
    assert_eq!(row.marks[0].tone, Tone::Part);
    assert!(
        row.marks[0]
            .word
            .starts_with("keeps its cookie: none known; browser: 5 % known"),
        "{row:?}"
    );
}
