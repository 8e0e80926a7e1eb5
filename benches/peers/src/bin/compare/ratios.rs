//! Medians, and ratios with an interval.

use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

/// How often the rounds are drawn again.
const RESAMPLES: usize = 4_000;
/// What lies outside the interval, on each side.
const TAIL: f64 = 0.025;

/// A middle value and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Estimate {
    /// The median.
    pub(crate) median: f64,
    /// The interval's ends: 95 %, by resampling the rounds.
    pub(crate) interval: [f64; 2],
}

/// The median of `values` and its interval. Rounds are the unit, since whatever disturbs a machine
/// disturbs a whole round.
pub(crate) fn estimate(values: &[f64], seed: u64) -> Option<Estimate> {
    if values.is_empty() {
        return None;
    }
    let mut random = rand_pcg::Pcg64::seed_from_u64(seed);
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..values.len()).map(|_| values[random.random_range(0..values.len())]);
            median(drawn.collect())
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[((RESAMPLES - 1) as f64 * share).round() as usize];
    Some(Estimate {
        median: median(values.to_vec()),
        interval: [at(TAIL), at(1.0 - TAIL)],
    })
}

/// The middle of `values`, which must not be empty.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::estimate;

    #[test]
    fn a_constant_has_no_width() {
        let estimate = estimate(&[2.0; 9], 7).expect("there are values");
        assert_eq!((estimate.median, estimate.interval), (2.0, [2.0, 2.0]));
    }

    #[test]
    fn one_disturbed_round_does_not_move_the_median() {
        let estimate = estimate(&[1.0, 1.1, 0.9, 1.0, 50.0], 7).expect("there are values");
        assert_eq!(estimate.median, 1.0);
        assert!(estimate.interval[0] >= 0.9, "{estimate:?}");
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(estimate(&[], 7), None);
    }
}
