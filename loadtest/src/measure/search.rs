//! The highest rate that is still answered in time: which one to try next, from what was found.
//!
//! Up by doubling until one is too high, or down by halving until one is not; then the middle of
//! the gap, as a ratio, until it is narrow. A rate is too high only if it failed twice in
//! succession: on a shared machine once may be a neighbour's doing.

/// A gap this narrow is closed: the answer is known to 5 %.
pub const GAP_MAX: f64 = 1.05;

/// Beyond this no generator of ours gets; where it is still in time, the search has found nothing.
const RATE_MAX: f64 = 400_000.0;

/// Below this a turn has too few requests for a 99th percentile.
const RATE_MIN: f64 = 100.0;

/// Tries at most, so that the time is bounded whatever happens.
pub const TRIES_MAX: u32 = 32;

/// How far a search has come.
#[derive(Debug, Clone)]
pub struct Search {
    start_rps: f64,
    in_time_rps: Option<f64>,
    too_high_rps: Option<f64>,
    again_rps: Option<f64>,
    tries: u32,
}

impl Search {
    /// A search that begins at this rate.
    pub fn from(start_rps: f64) -> Search {
        Search {
            start_rps: start_rps.clamp(RATE_MIN, RATE_MAX),
            in_time_rps: None,
            too_high_rps: None,
            again_rps: None,
            tries: 0,
        }
    }

    /// The rate to try next; none when there is no more to find.
    pub fn next(&self) -> Option<f64> {
        if self.tries >= TRIES_MAX {
            return None;
        }
        match (self.in_time_rps, self.too_high_rps) {
            _ if self.again_rps.is_some() => self.again_rps,
            (None, None) => Some(self.start_rps),
            (Some(in_time), None) => (in_time < RATE_MAX).then(|| RATE_MAX.min(in_time * 2.0)),
            (None, Some(too_high)) => (too_high > RATE_MIN).then(|| RATE_MIN.max(too_high / 2.0)),
            (Some(in_time), Some(too_high)) => {
                let is_wide = too_high / in_time > GAP_MAX;
                is_wide.then(|| (in_time * too_high).sqrt().round())
            }
        }
    }

    /// What came of a try; whether that makes its rate too high.
    pub fn note(&mut self, rate_rps: f64, in_time: bool) -> bool {
        self.tries += 1;
        if in_time {
            self.again_rps = None;
            self.in_time_rps = Some(rate_rps);
        } else if self.again_rps.take().is_none() {
            self.again_rps = Some(rate_rps);
        } else {
            self.too_high_rps = Some(rate_rps);
            return true;
        }
        false
    }

    /// The highest rate that was in time and the lowest that was too high, when both are known.
    pub fn found(&self) -> Option<(f64, f64)> {
        self.in_time_rps.zip(self.too_high_rps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a server that is in time up to `limit_rps`; the rates that were tried.
    fn tried(limit_rps: f64, start_rps: f64) -> (Search, Vec<f64>) {
        let mut search = Search::from(start_rps);
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            tried.push(rate);
            search.note(rate, rate <= limit_rps);
        }
        (search, tried)
    }

    #[test]
    fn whatever_the_limit_it_is_found_to_five_per_cent_in_bounded_time() {
        for limit_rps in [150.0, 999.0, 2_000.0, 31_415.0, 150_000.0] {
            for start_rps in [100.0, 2_000.0, 50_000.0] {
                let (search, tried) = tried(limit_rps, start_rps);
                let (in_time, too_high) = search.found().expect("there is a limit");
                assert!(in_time <= limit_rps && limit_rps < too_high, "{tried:?}");
                assert!(too_high / in_time <= GAP_MAX, "{tried:?}");
                assert!(tried.len() <= TRIES_MAX as usize, "{tried:?}");
            }
        }
    }

    #[test]
    fn a_limit_out_of_reach_is_not_made_up() {
        assert_eq!(tried(1e9, 2_000.0).0.found(), None);
        let (search, tried) = tried(0.0, 2_000.0);
        assert_eq!(search.found(), None);
        assert!(tried.iter().all(|rate| *rate >= RATE_MIN), "{tried:?}");
    }

    #[test]
    fn one_failure_alone_makes_no_rate_too_high() {
        let mut search = Search::from(2_000.0);
        search.note(2_000.0, false);
        assert_eq!(search.next(), Some(2_000.0));
        search.note(2_000.0, true);
        assert_eq!(search.next(), Some(4_000.0));
        search.note(4_000.0, false);
        search.note(4_000.0, false);
        assert_eq!(search.next(), Some(2_828.0));
    }
}
