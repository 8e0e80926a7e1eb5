//! How long an ended login went on working, in words.
//!
//! A lag that is nothing but a configured lifetime is printed as that lifetime, never as a speed.

use super::mark::{Mark, Tone};
use super::view::letter;
use super::words;
use crate::record::Revocation;

/// What kind of lag it is, with the milliseconds that its words need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Lag {
    /// Nothing was accepted, before or after.
    NeverKnown,
    /// Nothing was accepted after the answer.
    AtOnce,
    /// Something was, within the bound that the arm promises.
    Within { lag_ms: f64, bound_ms: u64 },
    /// Until the credential expired by itself.
    UntilExpiry { lifetime_ms: u64 },
    /// Something was, for that long.
    For { lag_ms: f64 },
    /// Something was, still, when the observation ended.
    Still { lag_ms: f64 },
}

/// How far from the end of a lifetime a lag may be and still be it: token times are whole seconds,
/// and the last accepted poll may be one poll early.
fn slack_ms(row: &Revocation) -> f64 {
    1_000.0 + 2.0 * row.resolution_ms
}

pub(crate) fn lag(row: &Revocation) -> Lag {
    let lag_ms = row.lag_ms;
    if row.censored {
        return Lag::Still { lag_ms };
    }
    if row.accepted_after == 0 {
        return if row.accepted_before == Some(0) {
            Lag::NeverKnown
        } else {
            Lag::AtOnce
        };
    }
    let bound_ms = row.bound_ms.filter(|bound_ms| lag_ms <= *bound_ms as f64);
    if let Some(lifetime_ms) = row.lifetime_ms {
        let end_ms = row.remaining_ms.unwrap_or(lifetime_ms) as f64;
        let promised_earlier = bound_ms.is_some_and(|bound_ms| (bound_ms as f64) < end_ms);
        if !promised_earlier && (lag_ms - end_ms).abs() <= slack_ms(row).min(end_ms / 2.0) {
            return Lag::UntilExpiry { lifetime_ms };
        }
    }
    match bound_ms {
        Some(bound_ms) => Lag::Within { lag_ms, bound_ms },
        None => Lag::For { lag_ms },
    }
}

impl Lag {
    /// Whether the lag stays however fast the machine is: only time or a restart ends the login.
    pub(crate) fn outlives(self) -> bool {
        matches!(self, Lag::UntilExpiry { .. } | Lag::Still { .. })
    }

    /// Whether the two would be told in the same words but for the time measured.
    fn is_kind_of(self, other: Lag) -> bool {
        match (self, other) {
            (Lag::Within { bound_ms: a, .. }, Lag::Within { bound_ms: b, .. })
            | (Lag::UntilExpiry { lifetime_ms: a }, Lag::UntilExpiry { lifetime_ms: b }) => a == b,
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        }
    }

    fn ms(self) -> f64 {
        match self {
            Lag::NeverKnown | Lag::AtOnce => 0.0,
            Lag::UntilExpiry { lifetime_ms } => lifetime_ms as f64,
            Lag::Within { lag_ms, .. } | Lag::For { lag_ms } | Lag::Still { lag_ms } => lag_ms,
        }
    }

    pub(crate) fn tone(self) -> Tone {
        match self {
            Lag::NeverKnown | Lag::AtOnce => Tone::Full,
            Lag::Within { .. } | Lag::For { .. } => Tone::Part,
            Lag::UntilExpiry { .. } | Lag::Still { .. } => Tone::None,
        }
    }

    /// What one instance did: `refused at once`, `works until expiry (4 s here)`.
    pub(crate) fn statement(self) -> String {
        match self {
            Lag::NeverKnown => "never knew it".to_owned(),
            Lag::AtOnce => "refused at once".to_owned(),
            Lag::Within { lag_ms, bound_ms } => format!(
                "refused within {} ({} here)",
                words::duration_ms(bound_ms as f64),
                words::duration_ms(lag_ms)
            ),
            Lag::UntilExpiry { lifetime_ms } => {
                format!(
                    "works until expiry ({} here)",
                    words::duration_ms(lifetime_ms as f64)
                )
            }
            Lag::For { lag_ms } => format!("refused after {}", words::duration_ms(lag_ms)),
            Lag::Still { lag_ms } => {
                format!("still works after {}", words::duration_ms(lag_ms))
            }
        }
    }
}

/// What the instances of one arm did after one event, in one mark.
pub(crate) fn of_rows(rows: &[&Revocation]) -> Option<Mark> {
    let worst = rows.iter().map(|row| lag(row).tone()).min()?;
    let missed = rows.iter().find(|row| !row.as_expected);
    let said = statements(rows);
    // One instance that goes on accepting is enough for a login not to be ended, but part of it is.
    let best = rows.iter().map(|row| lag(row).tone()).max()?;
    let tone = if worst == Tone::None && best == Tone::Full {
        Tone::Part
    } else {
        worst
    };
    let mark = Mark::new(tone, said.join("; "));
    Some(mark.judged(
        missed.is_none(),
        missed.map_or("", |row| row.expected.as_str()),
    ))
}

/// One statement where all instances agree, else one for each group of them; of lags of one kind
/// the longest is told.
fn statements(rows: &[&Revocation]) -> Vec<String> {
    let mut groups: Vec<(Lag, Vec<String>)> = Vec::new();
    for row in rows {
        let (lag, name) = (lag(row), letter(&row.instance));
        match groups.iter_mut().find(|(other, _)| other.is_kind_of(lag)) {
            Some((longest, names)) => {
                if lag.ms() > longest.ms() {
                    *longest = lag;
                }
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            None => groups.push((lag, vec![name])),
        }
    }
    match groups.as_slice() {
        [(lag, _)] => vec![lag.statement()],
        _ => groups
            .into_iter()
            .map(|(lag, names)| format!("{} {}", words::join(&names), lag.statement()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(lag_ms: f64) -> Revocation {
        Revocation {
            arm: "an-arm".into(),
            event: "logout-elsewhere".into(),
            variant: None,
            instance: "an-arm-a".into(),
            lag_ms,
            censored: false,
            resolution_ms: 10.0,
            lifetime_ms: Some(4_000),
            accepted_after: (lag_ms / 10.0) as u64,
            bound_ms: None,
            as_expected: true,
            accepted_before: Some(10),
            remaining_ms: Some(3_200),
            expected: String::new(),
            said: None,
        }
    }

    #[test]
    fn no_lag_is_at_once_only_where_the_login_was_known() {
        assert_eq!(lag(&row(0.0)), Lag::AtOnce);
        assert_eq!(
            lag(&Revocation {
                accepted_before: None,
                ..row(0.0)
            }),
            Lag::AtOnce
        );
        assert_eq!(
            lag(&Revocation {
                accepted_before: Some(0),
                ..row(0.0)
            }),
            Lag::NeverKnown
        );
    }

    #[test]
    fn a_lag_that_is_what_was_left_of_the_lifetime_is_that_lifetime() {
        let until = Lag::UntilExpiry { lifetime_ms: 4_000 };
        // Token times are whole seconds: the end may come up to one early.
        for lag_ms in [3_210.0, 3_190.0, 2_200.0] {
            assert_eq!(lag(&row(lag_ms)), until, "{lag_ms}");
        }
        assert_eq!(lag(&row(900.0)), Lag::For { lag_ms: 900.0 });
        assert_eq!(
            lag(&Revocation {
                lifetime_ms: None,
                ..row(3_200.0)
            }),
            Lag::For { lag_ms: 3_200.0 }
        );
        assert_eq!(until.statement(), "works until expiry (4 s here)");
    }

    #[test]
    fn a_promised_bound_that_was_kept_is_named_before_the_lifetime() {
        let bounded = |lag_ms| Revocation {
            bound_ms: Some(2_500),
            ..row(lag_ms)
        };
        assert_eq!(
            lag(&bounded(2_300.0)),
            Lag::Within {
                lag_ms: 2_300.0,
                bound_ms: 2_500
            }
        );
        assert_eq!(
            lag(&bounded(3_000.0)),
            Lag::UntilExpiry { lifetime_ms: 4_000 }
        );
        assert_eq!(
            lag(&bounded(30.0)).statement(),
            "refused within 2.5 s (30 ms here)"
        );
    }

    #[test]
    fn what_is_still_accepted_is_never_called_an_expiry() {
        let row = Revocation {
            censored: true,
            ..row(3_200.0)
        };
        assert_eq!(lag(&row), Lag::Still { lag_ms: 3_200.0 });
        assert!(lag(&row).outlives());
    }

    #[test]
    fn instances_that_agree_are_told_together_and_the_longest_lag_counts() {
        let at = |instance: &str, lag_ms| Revocation {
            instance: format!("an-arm-{instance}"),
            bound_ms: Some(1_000),
            ..row(lag_ms)
        };
        let (a, b, c) = (at("a", 30.0), at("b", 50.0), at("c", 0.0));
        let mark = of_rows(&[&a, &b, &c]).unwrap();
        assert_eq!(
            mark.word,
            "A and B refused within 1 s (50 ms here); C refused at once"
        );
        assert_eq!(mark.tone, Tone::Part);
        assert_eq!(of_rows(&[]), None);
    }
}
