//! Where one way begins to cost as much as another: how far the store, how many requests a login,
//! how long an access token, how many bytes of claims.

use serde::Serialize;

use super::figure::{Known, Missing};
use super::needs::Needs;
use super::units::{Spent, Units};
use crate::record::{BreakEven, Censored};

/// Where the first of two ways costs less than the second, as something is varied from nothing up.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Less {
    /// From there on.
    From(f64),
    /// Up to there.
    UpTo(f64),
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
    /// A unit cost is missing, and this is why.
    NotMeasured(Missing),
}

/// Where the first of two straight lines lies below the second, if it begins `behind` above it
/// (below, if that is negative) and gains `gain` on it with each step.
pub fn less(behind: f64, gain: f64) -> Less {
    match (behind > 0.0, gain) {
        (true, gain) if gain > 0.0 => Less::From(behind / gain),
        (true, _) => Less::Never,
        (false, gain) if gain < 0.0 => Less::UpTo(behind / gain),
        (false, _) => Less::Always,
    }
}

/// What is varied until two arms cost the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// The round trip to the store, in milliseconds; latency at the median.
    RoundTripMs,
    /// Requests a login; CPU time, the login's own without the check of the password.
    RequestsPerLogin,
    /// The lifetime of an access token that is renewed, in seconds; CPU time.
    AccessLifetimeS,
    /// Claims, in bytes; CPU time.
    ClaimsBytes,
}

/// Where one arm costs less than another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// What is varied.
    pub of: Of,
    /// The arm whose credentials are signed.
    pub arm: String,
    /// Its plain label.
    pub label: String,
    /// The arm that asks a store at each request.
    pub against: String,
    /// Its plain label.
    pub against_label: String,
    /// Where the first costs less than the second.
    pub less: Less,
}

/// Every point of every pair: one arm that signs and asks no store, one that asks a store.
pub fn points(units: &[Units], measured: &[&BreakEven], needs: &Needs) -> Vec<Point> {
    let mut found = Vec::new();
    for stored in units
        .iter()
        .filter(|units| units.nature.asks_store && !units.nature.refreshes)
    {
        for signed in units.iter().filter(|units| units.nature.signed) {
            if signed.nature.refreshes {
                found.push(access_lifetime(signed, stored, needs));
            } else if !signed.nature.asks_store {
                found.push(round_trip(signed, stored, measured));
                found.push(requests_per_login(signed, stored));
                found.push(claims(signed, stored));
            }
        }
    }
    found.sort_by_key(|point| point.of);
    found
}

fn round_trip(signed: &Units, stored: &Units, measured: &[&BreakEven]) -> Point {
    let mut measured = measured.iter();
    let found = measured.find(|one| one.arm == stored.arm && one.against == signed.arm);
    let less = found.map(|one| match (one.censored, one.round_trip_ms) {
        (Some(Censored::Below), _) => Less::Always,
        (None, Some(at)) => Less::From(at),
        _ => Less::Never,
    });
    let missing = || Missing {
        arms: vec![stored.arm.clone(), signed.arm.clone()],
        ..Missing::of(
            "how far a store may be",
            "measure --preset store-distance",
            "",
        )
    };
    point(Of::RoundTripMs, (signed, stored), less.ok_or_else(missing))
}

fn requests_per_login(signed: &Units, stored: &Units) -> Point {
    let found = || -> Known<Less> {
        let login = total(signed.remember.clone()?) - total(stored.remember.clone()?);
        Ok(less(login, check(stored)? - check(signed)?))
    };
    point(Of::RequestsPerLogin, (signed, stored), found())
}

fn access_lifetime(renewing: &Units, stored: &Units, needs: &Needs) -> Point {
    let found = || -> Known<Less> {
        let saved = check(stored)? - check(renewing)?;
        let renewal = total(renewing.remember.clone()?);
        Ok(access_lifetime_s(renewal, saved, needs.rate_of_a_login()))
    };
    point(Of::AccessLifetimeS, (renewing, stored), found())
}

/// How long an access token must be good so that renewing it costs no more than what is saved at
/// each request in the meantime: `renewal_ns` once, `saved_ns` at each of the requests.
pub fn access_lifetime_s(renewal_ns: f64, saved_ns: f64, requests_per_second: f64) -> Less {
    less(renewal_ns, saved_ns * requests_per_second)
}

fn claims(signed: &Units, stored: &Units) -> Point {
    let found = || -> Known<Less> {
        let without = check(signed)? - check(stored)?;
        let of = |units: &Units| units.claims.clone().map(|claims| total(claims.spent));
        Ok(less(without, of(stored)? - of(signed)?))
    };
    point(Of::ClaimsBytes, (signed, stored), found())
}

fn check(units: &Units) -> Known<f64> {
    units.check.clone().map(|check| total(check.spent))
}

fn total(spent: Spent) -> f64 {
    spent.server_ns + spent.store_ns
}

fn point(of: Of, (signed, stored): (&Units, &Units), found: Known<Less>) -> Point {
    Point {
        of,
        arm: signed.arm.clone(),
        label: signed.label.clone(),
        against: stored.arm.clone(),
        against_label: stored.label.clone(),
        less: found.unwrap_or_else(Less::NotMeasured),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_meet_where_the_lead_is_used_up() {
        // 60 behind, 20 gained each time: even after three.
        assert_eq!(less(60.0, 20.0), Less::From(3.0));
        assert_eq!(less(-60.0, -20.0), Less::UpTo(3.0));
        assert_eq!(less(-60.0, 20.0), Less::Always);
        assert_eq!(less(60.0, -20.0), Less::Never);
        assert_eq!(less(60.0, 0.0), Less::Never);
        assert_eq!(less(0.0, 0.0), Less::Always);
    }

    #[test]
    fn a_renewal_is_paid_by_the_lookups_that_are_saved_until_the_next() {
        // 100 µs once against 20 µs at each of two requests a second: 2.5 s.
        assert_eq!(access_lifetime_s(100_000.0, 20_000.0, 2.0), Less::From(2.5));
        assert_eq!(access_lifetime_s(100_000.0, -1.0, 2.0), Less::Never);
    }
}
