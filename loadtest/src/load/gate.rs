//! The gate: whether the generator did its part, so that what was measured is the server.
//!
//! A pure function of a few figures. What it finds makes a run INVALID: counts may be looked at, no
//! speed of it may be shown.
//!
//! Long because each reason is named, worded and tried in one place.

use std::fmt;

use super::counts::Wrong;
use super::generator::Readings;

/// Below this share of the offered rate, it was not the offered rate that was measured.
pub const ACHIEVED_MIN: f64 = 0.99;

/// Above this share of unsent requests, the load was not the planned one.
pub const NOT_SENT_MAX: f64 = 0.001;

/// Above this share of its CPU time, the generator may have been what was slow.
pub const GENERATOR_CPU_MAX: f64 = 0.8;

/// One reason why a run is invalid.
#[derive(Debug, Clone, PartialEq)]
pub enum Invalid {
    /// Somebody was let in who should have been refused. This fails the run.
    WrongAccepts(Wrong),
    /// Answers were not what their credentials deserve.
    WrongAnswers(Wrong),
    /// Requests were planned and not sent.
    NotSent {
        /// How many.
        count: u64,
        /// Of how many.
        planned: u64,
    },
    /// Fewer answers came than were asked for.
    Achieved {
        /// Answers a second.
        rps: f64,
        /// Requests a second that were planned.
        offered_rps: f64,
    },
    /// The generator was near the end of its means.
    GeneratorBusy {
        /// CPU time of its threads as a share of what they could have had.
        share: f64,
    },
    /// Nothing was answered, so there is nothing to show.
    NoAnswers,
    /// The generator was at the end of its means before the servers were.
    GeneratorFirst {
        /// The highest rate that was in time.
        rps: f64,
    },
    /// No rate that was tried was in time, or every one was.
    NoLimit,
}

impl Invalid {
    /// Whether the load was at fault and not an answer: then the same turn may do better when the
    /// machine is quieter.
    pub fn is_about_load(&self) -> bool {
        !matches!(self, Invalid::WrongAccepts(_) | Invalid::WrongAnswers(_))
    }
}

/// What the gate looks at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Answers.
    pub answered: u64,
    /// Requests planned; 0 in a closed loop.
    pub planned: u64,
    /// Of these, not sent.
    pub not_sent: u64,
    /// Answers a second.
    pub achieved_rps: f64,
    /// Requests a second that were planned; none in a closed loop.
    pub offered_rps: Option<f64>,
    /// CPU time of the generator's threads as a share of what they could have had. A closed loop
    /// without think time always takes what it gets: there, it is not looked at.
    pub generator_cpu_share: f64,
    /// Those who were let in wrongly.
    pub wrong_accepts: Wrong,
    /// Other answers that were wrong.
    pub wrong_answers: Wrong,
}

impl From<&Readings> for Facts {
    fn from(readings: &Readings) -> Facts {
        let counts = &readings.tally.counts;
        Facts {
            answered: readings.tally.answered(),
            planned: counts.planned,
            not_sent: counts.not_sent,
            achieved_rps: readings.achieved_rps(),
            offered_rps: readings.offered_rps(),
            generator_cpu_share: readings.effort.cpu_share(),
            wrong_accepts: counts.wrong_accepts.clone(),
            wrong_answers: counts.wrong_answers.clone(),
        }
    }
}

/// Every reason why a run with these figures is invalid, the gravest first; none if it is valid.
pub fn judge(facts: &Facts) -> Vec<Invalid> {
    let mut invalid = Vec::new();
    if facts.wrong_accepts.count > 0 {
        invalid.push(Invalid::WrongAccepts(facts.wrong_accepts.clone()));
    }
    if facts.wrong_answers.count > 0 {
        invalid.push(Invalid::WrongAnswers(facts.wrong_answers.clone()));
    }
    if facts.answered == 0 {
        invalid.push(Invalid::NoAnswers);
    }
    if facts.not_sent as f64 > NOT_SENT_MAX * facts.planned as f64 {
        invalid.push(Invalid::NotSent {
            count: facts.not_sent,
            planned: facts.planned,
        });
    }
    if let Some(offered_rps) = facts.offered_rps {
        let rps = facts.achieved_rps;
        if rps < ACHIEVED_MIN * offered_rps {
            invalid.push(Invalid::Achieved { rps, offered_rps });
        }
        let share = facts.generator_cpu_share;
        if share > GENERATOR_CPU_MAX {
            invalid.push(Invalid::GeneratorBusy { share });
        }
    }
    invalid
}

/// Every reason why a search for the highest rate has found nothing that may be shown: what was
/// found, and what the gate said of the last rate that was too high.
pub fn judge_search(found: Option<(f64, f64)>, too_high: Option<&[Invalid]>) -> Vec<Invalid> {
    let Some((rps, _)) = found else {
        return vec![Invalid::NoLimit];
    };
    let busy = |reason: &Invalid| matches!(reason, Invalid::GeneratorBusy { .. });
    match too_high.is_some_and(|reasons| reasons.iter().any(busy)) {
        true => vec![Invalid::GeneratorFirst { rps }],
        false => Vec::new(),
    }
}

/// The exit code that these reasons ask for: 0 without any, 1 if a wrong credential was accepted,
/// else 3.
pub fn exit_code(invalid: &[Invalid]) -> u8 {
    let accepted = |reason: &Invalid| matches!(reason, Invalid::WrongAccepts(_));
    match invalid {
        [] => 0,
        reasons if reasons.iter().any(accepted) => 1,
        _ => 3,
    }
}

/// What is wrong; what to do.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::WrongAccepts(wrong) => {
                let count = wrong.count;
                write!(
                    f,
                    "{count} requests were let in that should have been refused"
                )?;
                example(f, wrong)
            }
            Invalid::WrongAnswers(wrong) => {
                let count = wrong.count;
                write!(f, "{count} answers were not what their credential deserves")?;
                example(f, wrong)
            }
            Invalid::NoAnswers => f.write_str("no request was answered"),
            Invalid::GeneratorFirst { rps } => write!(
                f,
                "the generator was the limit and not the servers, which were in time up to \
                 {rps:.0} requests a second at least; give it more threads and cores"
            ),
            Invalid::NoLimit => f.write_str(
                "no highest rate was found: every rate that was tried was in time, or none was; \
                 change --p99-ms, or begin at another --rate",
            ),
            Invalid::NotSent { count, planned } => write!(
                f,
                "{count} of {planned} requests were not sent in time ({:.1} %; at most {:.1} % \
                 may be); lower the rate or give it more connections",
                *count as f64 / *planned as f64 * 100.0,
                NOT_SENT_MAX * 100.0
            ),
            Invalid::Achieved { rps, offered_rps } => write!(
                f,
                "{rps:.0} requests a second were answered of {offered_rps:.0} offered ({:.1} %; at \
                 least {:.0} % must be); lower the rate",
                rps / offered_rps * 100.0,
                ACHIEVED_MIN * 100.0
            ),
            Invalid::GeneratorBusy { share } => write!(
                f,
                "the generator used {:.0} % of its CPU time (at most {:.0} % is safe); lower the \
                 rate, or give it more threads and cores",
                share * 100.0,
                GENERATOR_CPU_MAX * 100.0
            ),
        }
    }
}

fn example(f: &mut fmt::Formatter<'_>, wrong: &Wrong) -> fmt::Result {
    match wrong.first.first() {
        Some(first) => write!(f, ", the first: {first}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::counts::WrongAnswer;
    use crate::load::request::CredentialKind;

    fn fine() -> Facts {
        Facts {
            answered: 9_990,
            planned: 10_000,
            not_sent: 10,
            achieved_rps: 990.0,
            offered_rps: Some(1_000.0),
            generator_cpu_share: 0.8,
            ..Facts::default()
        }
    }

    fn wrong(count: u64) -> Wrong {
        let which = WrongAnswer {
            index: 4711,
            visitor: 3,
            kind: CredentialKind::Forged,
            instance: "jwt-b".into(),
            expected: 401,
            got: 200,
        };
        Wrong {
            count,
            first: vec![which],
        }
    }

    #[test]
    fn the_limits_themselves_are_valid() {
        assert_eq!(judge(&fine()), []);
        assert_eq!(exit_code(&[]), 0);
    }

    /// Each limit by itself, one step beyond it.
    #[test]
    fn beyond_a_limit_is_invalid_and_says_which() {
        type Change = fn(&mut Facts);
        let cases: [(Change, &str); 5] = [
            (
                |facts| facts.not_sent = 11,
                "11 of 10000 requests were not sent",
            ),
            (
                |facts| facts.achieved_rps = 989.0,
                "989 requests a second were answered of 1000",
            ),
            (
                |facts| facts.generator_cpu_share = 0.81,
                "the generator used 81 %",
            ),
            (
                |facts| facts.wrong_answers = wrong(2),
                "2 answers were not what",
            ),
            (|facts| facts.answered = 0, "no request was answered"),
        ];
        for (change, words) in cases {
            let mut facts = fine();
            change(&mut facts);
            let invalid = judge(&facts);
            assert_eq!(invalid.len(), 1, "{invalid:?}");
            assert!(invalid[0].to_string().starts_with(words), "{}", invalid[0]);
            assert_eq!(exit_code(&invalid), 3);
        }
    }

    #[test]
    fn a_wrong_accept_fails_the_run_and_says_which_it_was() {
        let facts = Facts {
            wrong_accepts: wrong(1),
            wrong_answers: wrong(5),
            ..fine()
        };
        let invalid = judge(&facts);
        assert_eq!(exit_code(&invalid), 1);
        assert_eq!(
            invalid[0].to_string(),
            "1 requests were let in that should have been refused, the first: request 4711 of \
             visitor 3 with a credential that was forged: jwt-b answered 200 instead of 401"
        );
    }

    #[test]
    fn a_closed_loop_may_take_all_the_cpu_it_gets() {
        let facts = Facts {
            planned: 0,
            not_sent: 0,
            offered_rps: None,
            generator_cpu_share: 1.0,
            ..fine()
        };
        assert_eq!(judge(&facts), []);
    }
}
