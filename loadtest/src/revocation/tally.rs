//! From a watched order to a cell, its hops and its rows of revocation lag.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Revoked, Row};
use crate::answer::Outcome;
use crate::arms::{Arm, Properties, Server};
use crate::expected::{Lag, Scope, Seen};
use crate::record::{Cell, Detail, Hop, Revocation};
use crate::scene::short;
use crate::statistics::{share, wilson};
use crate::visitors::steadfast;

/// What a record holds of one order.
#[derive(Debug)]
pub struct Tallied {
    /// The cell.
    pub cell: Cell,
    /// One for each instance asked.
    pub hops: Vec<Hop>,
    /// One for each instance asked.
    pub revocations: Vec<Revocation>,
}

impl Revoked {
    /// Counts what was seen and compares it with what `arm` declares. `lifetime_ms` is what ends
    /// the logins by themselves.
    pub fn tally(&self, arm: &Arm, lifetime_ms: Option<u64>) -> Tallied {
        let revocations: Vec<_> = self
            .rows
            .iter()
            .map(|row| self.revocation(arm, row, lifetime_ms))
            .collect();
        let hops = self.rows.iter().map(|row| self.hop(arm, row)).collect();
        Tallied {
            cell: self.cell(arm, &revocations),
            hops,
            revocations,
        }
    }

    fn cell(&self, arm: &Arm, revocations: &[Revocation]) -> Cell {
        let sum = |count: fn(&Row) -> u64| self.rows.iter().map(count).sum::<u64>();
        let recognised = sum(|row| row.reading.accepted_after);
        let refused = sum(|row| row.reading.refused_after);
        let failed = sum(|row| row.reading.failed_after);
        let requests = recognised + refused + failed;
        let recognised_share = share(recognised, requests);
        let visitors = self.rows.len() as u64;
        let surprise = self.surprise(arm, revocations);
        Cell {
            arm: arm.name.to_owned(),
            event: self.event.name.to_owned(),
            variant: None,
            client: steadfast(arm),
            visitors,
            requests,
            recognised,
            refused,
            failed,
            logins_lost: self.rows.iter().filter(|row| !row.reading.censored).count() as u64,
            expected: self.in_words(&arm.properties),
            as_expected: surprise.is_none(),
            recognised_share,
            interval: recognised_share.and_then(|share| wilson(share, visitors)),
            detail: self.detail(surprise),
        }
    }

    fn detail(&self, surprise: Option<String>) -> Detail {
        let still = self.rows.iter().filter(|row| row.reading.censored).count() as u64;
        let mut more = BTreeMap::from([
            ("told".to_owned(), json!(self.told)),
            ("order_answered".to_owned(), json!(self.answer.reason)),
        ]);
        if let Some(refreshed) = &self.refreshed {
            more.insert("refresh_answered".to_owned(), json!(refreshed.reason));
        }
        if let Some(why) = &self.not_undone {
            more.insert("not_undone".to_owned(), json!(why));
        }
        Detail {
            recognised_at_end: Some(still),
            note: surprise,
            more,
            ..Detail::default()
        }
    }

    fn hop(&self, arm: &Arm, row: &Row) -> Hop {
        Hop {
            arm: arm.name.to_owned(),
            event: self.event.name.to_owned(),
            variant: None,
            client: steadfast(arm),
            login_instance: row.taken_by.clone(),
            answering_instance: row.asked.clone(),
            recognised: row.reading.accepted_after,
            refused: row.reading.refused_after,
            failed: row.reading.failed_after,
        }
    }

    fn revocation(&self, arm: &Arm, row: &Row, lifetime_ms: Option<u64>) -> Revocation {
        let lag = self.lag(&arm.properties, row);
        let seen = row.seen();
        Revocation {
            arm: arm.name.to_owned(),
            event: self.event.name.to_owned(),
            variant: None,
            instance: row.asked.clone(),
            lag_ms: rounded(seen.lag_ms),
            censored: seen.censored,
            resolution_ms: rounded(seen.resolution_ms),
            lifetime_ms,
            accepted_after: seen.accepted_after,
            bound_ms: match lag {
                Lag::AtOnce => Some(0),
                Lag::Within(ms) => Some(ms),
                Lag::NeverKnown | Lag::UntilExpiry | Lag::ForEver => None,
            },
            as_expected: row.reading.failed_after == 0 && arm.properties.is_as_expected(lag, &seen),
            accepted_before: Some(seen.accepted_before),
            remaining_ms: row.remaining_ms.map(|ms| ms.max(0.0) as u64),
            expected: lag.to_string(),
            said: self.said(),
        }
    }

    fn lag(&self, properties: &Properties, row: &Row) -> Lag {
        properties.lag(self.order.scope, &row.taken_by, &self.told, &row.asked)
    }

    /// What the server said when it was told: `everywhere`, `here` or `later`.
    fn said(&self) -> Option<String> {
        let body = &self.answer.body;
        body["ended"].as_str().map(str::to_owned)
    }

    fn in_words(&self, properties: &Properties) -> String {
        let lags: Vec<_> = self
            .rows
            .iter()
            .map(|row| (short(&row.asked), self.lag(properties, row)))
            .collect();
        match lags.as_slice() {
            [(_, first), rest @ ..] if rest.iter().all(|(_, lag)| lag == first) => {
                first.to_string()
            }
            lags => {
                let each: Vec<_> = lags
                    .iter()
                    .map(|(asked, lag)| format!("{}: {lag}", asked.to_uppercase()))
                    .collect();
                each.join("; ")
            }
        }
    }

    /// The first thing that is not as it should be, in words.
    fn surprise(&self, arm: &Arm, revocations: &[Revocation]) -> Option<String> {
        self.wrong_answer(arm)
            .or_else(|| revocations.iter().find_map(Revocation::surprise))
            .or_else(|| self.lie(revocations))
            .or_else(|| self.wrong_refresh(&arm.properties))
    }

    /// The order itself must be accepted by an instance that knows the login that gave it.
    fn wrong_answer(&self, arm: &Arm) -> Option<String> {
        let known = arm.properties.knows(&self.given_with, &self.told, false);
        if !known && arm.server == Server::Elsewhere && self.answer.outcome != Outcome::Failed {
            // Many an application thanks whoever logs out, known or not.
            return None;
        }
        let wanted = if known {
            Outcome::Recognised
        } else {
            Outcome::Refused
        };
        (self.answer.outcome != wanted).then(|| {
            format!(
                "the order, given with a login of {}, was answered {} by {}; it should have been \
                 {wanted}",
                self.given_with, self.answer.reason, self.told
            )
        })
    }

    /// "Everywhere" means at once and on every instance.
    fn lie(&self, revocations: &[Revocation]) -> Option<String> {
        let accepted: u64 = revocations.iter().map(|row| row.accepted_after).sum();
        let lied = self.said().as_deref() == Some("everywhere") && accepted > 0;
        lied.then(|| {
            format!(
                "{} said \"everywhere\", yet {accepted} were accepted",
                self.told
            )
        })
    }

    /// What ends a login ends its refresh token too; a changed role does not end a login.
    fn wrong_refresh(&self, properties: &Properties) -> Option<String> {
        if !properties.refreshes {
            return None;
        }
        let wanted = match self.order.scope {
            Scope::OldRole => Outcome::Recognised,
            Scope::ThisLogin | Scope::OtherLogins => Outcome::Refused,
        };
        match &self.refreshed {
            Some(answer) if answer.outcome == wanted => None,
            Some(answer) => Some(format!(
                "the refresh token was answered {}; it should have been {wanted}",
                answer.reason
            )),
            None => Some("there was no refresh token to try".to_owned()),
        }
    }
}

impl Revocation {
    fn surprise(&self) -> Option<String> {
        (!self.as_expected).then(|| {
            let still = if self.censored {
                ", and still at the end"
            } else {
                ""
            };
            format!(
                "{} accepted {} requests, the last {:.0} ms after the order{still}; expected: {}",
                self.instance, self.accepted_after, self.lag_ms, self.expected
            )
        })
    }
}

impl Row {
    fn seen(&self) -> Seen {
        let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1_000.0;
        Seen {
            accepted_before: self.reading.accepted_before,
            accepted_after: self.reading.accepted_after,
            lag_ms: ms(self.reading.lag),
            censored: self.reading.censored,
            remaining_ms: self.remaining_ms,
            resolution_ms: ms(self.reading.resolution),
        }
    }
}

/// To a tenth of a millisecond: more would pretend.
fn rounded(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}
