//! The little statistics that survival needs.

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's score interval of 95 % round a share of `n` independent trials.
///
/// The share need not be a whole number of trials: requests of one visitor depend on each other,
/// so `n` is the number of visitors while the share is one of requests. `None` without trials.
///
/// ```
/// use loadtest::statistics::wilson;
///
/// // None of 20 visitors was known, which leaves room for one in six.
/// let [low, high] = wilson(0.0, 20).expect("there were visitors");
/// assert_eq!(low, 0.0);
/// assert!((0.15..0.17).contains(&high));
/// assert_eq!(wilson(0.0, 0), None);
/// ```
pub fn wilson(share: f64, n: u64) -> Option<[f64; 2]> {
    if n == 0 {
        return None;
    }
    let n = n as f64;
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    Some([
        ((middle - half) / scale).max(0.0),
        ((middle + half) / scale).min(1.0),
    ])
}

/// `part` of `whole`; `None` of nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from Newcombe 1998 (81 of 263, 15 of 148, 0 of 20, 1 of 29), to four places.
    #[test]
    fn wilson_agrees_with_published_values() {
        for (part, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let [got_low, got_high] = wilson(part as f64 / n as f64, n).unwrap();
            assert!((got_low - low).abs() < 5e-5, "{part}/{n}: {got_low}");
            assert!((got_high - high).abs() < 5e-5, "{part}/{n}: {got_high}");
        }
    }

    #[test]
    fn wilson_stays_between_zero_and_one_and_says_nothing_of_nothing() {
        assert_eq!(wilson(1.0, 0), None);
        let [low, high] = wilson(1.0, 20).unwrap();
        assert!(low > 0.83 && (high - 1.0).abs() < 1e-12, "{low} {high}");
        let [low, high] = wilson(0.0, 1).unwrap();
        assert!(low.abs() < 1e-12 && high < 0.8, "{low} {high}");
    }

    #[test]
    fn a_share_of_nothing_is_no_share() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(1, 4), Some(0.25));
    }
}
