//! The frontier: what an arm costs against how long it goes on accepting an ended login.
//!
//! Nobody is both cheapest and quickest to forget, and this is the picture of it. Which marks there
//! are is said here, and their places are computed; [`super::html::frontier`] draws them.

use super::cost;
use super::headline::LOGGED_OUT;
use super::lag::{self, Lag};
use super::view::View;
use crate::record::Verdict;

/// Lifetimes that people choose, in milliseconds: where only time ends a login, the lag is the rest
/// of whichever it is.
pub(crate) const LIFETIMES_MS: (f64, f64) = (60_000.0, 3_600_000.0);

/// An arm in the plane of the two.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    /// The arm.
    pub(crate) arm: String,
    /// How long an ended login went on working somewhere.
    pub(crate) lag: Span,
    /// CPU of server, store and database for one request, beyond that of no check at all, in
    /// nanoseconds.
    pub(crate) cost_ns: f64,
    /// Its interval.
    pub(crate) cost_interval_ns: Option<[f64; 2]>,
    /// Whether it is a difference at all.
    pub(crate) differs: bool,
}

/// A lag, as far as it can be a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Span {
    /// So many milliseconds; none is less than the time between two polls.
    Ms(f64),
    /// What is left of a lifetime, whichever was chosen.
    Lifetime,
}

/// The arms of which the record knows both, in its order.
pub(crate) fn marks(view: View<'_>) -> Vec<Mark> {
    if !cost::may_be_shown(view) {
        return Vec::new();
    }
    let arms = view.run_arms().into_iter();
    arms.filter_map(|arm| {
        let lag = longest(view, &arm.arm)?;
        let beside = cost::against_zero(view, &arm.arm)?;
        Some(Mark {
            arm: arm.arm.clone(),
            lag,
            cost_ns: beside.difference_ns,
            cost_interval_ns: beside.difference_interval,
            differs: beside.verdict != Verdict::NoDifferenceShown,
        })
    })
    .collect()
}

/// The longest that any instance went on accepting a login after a log-out somewhere.
fn longest(view: View<'_>, arm: &str) -> Option<Span> {
    let rows = view.revocations(arm, LOGGED_OUT);
    let mut longest = None;
    for row in rows {
        let span = match lag::lag(row) {
            Lag::UntilExpiry { .. } => return Some(Span::Lifetime),
            // It was not watched to its end, so nobody knows where it belongs.
            Lag::Still { .. } => return None,
            // Where nobody knew the login there was nothing to end.
            Lag::NeverKnown => continue,
            Lag::AtOnce => row.resolution_ms,
            Lag::Within { lag_ms, .. } | Lag::For { lag_ms } => lag_ms.max(row.resolution_ms),
        };
        longest = Some(longest.map_or(span, |so_far: f64| so_far.max(span)));
    }
    longest.map(Span::Ms)
}
