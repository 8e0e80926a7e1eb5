//! What may be said of figures that were taken several times.
//!
//! The unit is the block: requests of one block share its noise, so resampling single requests
//! would make intervals far too narrow. The effect between two arms is the mean over blocks of the
//! logarithm of their ratio (blocks are pairs: both arms had the same neighbours), its interval
//! comes from 10,000 seeded resamples of blocks, and a difference is called only beyond what an arm
//! differs from itself. Wilson's interval for shares is in [`crate::statistics`].

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::record::Verdict;

/// How often blocks are drawn anew.
pub const RESAMPLES: usize = 10_000;

/// With fewer blocks the range of all resamples is no interval of 95 %.
pub const BLOCKS_MIN: usize = 5;

/// Upper 10 % of the normal distribution: what nine of ten samples stay below.
const Z_90: f64 = 1.281_551_565_544_600_4;

/// By how much one arm differs from another.
///
/// ```
/// use loadtest::load::stats::{Band, Effect};
/// use loadtest::record::Verdict;
///
/// // Microseconds a request, block by block; the machine was twice as slow in the last four.
/// let free = [10.0, 10.2, 9.9, 10.1, 20.1, 19.8, 20.0, 20.2];
/// let checked = [12.0, 12.3, 11.8, 12.2, 24.0, 23.9, 24.1, 24.2];
/// let effect = Effect::between(&checked, &free, 7).expect("as many blocks of each");
/// assert!((1.19..1.21).contains(&effect.ratio));
/// assert_eq!(effect.verdict(&Band::default()), Verdict::More);
///
/// // An arm that differs from itself by as much says that this may be noise.
/// let band = Band::of(&[effect.clone()]);
/// assert_eq!(effect.verdict(&band), Verdict::NoDifferenceShown);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Geometric mean over blocks of arm / against.
    pub ratio: f64,
    /// Its interval of 95 %; none with fewer than [`BLOCKS_MIN`] blocks.
    pub ratio_interval: Option<[f64; 2]>,
    /// Mean over blocks of arm - against.
    pub difference: f64,
    /// Its interval of 95 %; none like the other.
    pub difference_interval: Option<[f64; 2]>,
    /// Standard error of the logarithm of the ratio; none like the intervals.
    log_error: Option<f64>,
}

impl Effect {
    /// Compares figures of two arms, block by block; none unless both have the same number of
    /// figures, at least one, all above 0.
    pub fn between(arm: &[f64], against: &[f64], seed: u64) -> Option<Effect> {
        let sound = |figures: &[f64]| {
            figures
                .iter()
                .all(|figure| figure.is_finite() && *figure > 0.0)
        };
        if arm.is_empty() || arm.len() != against.len() || !sound(arm) || !sound(against) {
            return None;
        }
        let pairs = || arm.iter().zip(against);
        let logs: Vec<f64> = pairs().map(|(arm, against)| (arm / against).ln()).collect();
        let differences: Vec<f64> = pairs().map(|(arm, against)| arm - against).collect();
        let log = Bootstrap::of(&logs, seed);
        let difference = Bootstrap::of(&differences, seed);
        Some(Effect {
            ratio: mean(&logs).exp(),
            ratio_interval: log.as_ref().map(|log| log.interval.map(f64::exp)),
            difference: mean(&differences),
            difference_interval: difference.map(|difference| difference.interval),
            log_error: log.map(|log| log.error),
        })
    }

    /// The least difference, as a share (0.03 is 3 %), that a run as noisy as this one would show
    /// more often than not, three of four times in simulation; twice as much it shows nearly
    /// always. None without an interval.
    pub fn minimum_detectable(&self, band: &Band) -> Option<f64> {
        let [low, high] = self.ratio_interval?.map(f64::ln);
        let edge = ((high - low) / 2.0).max(band.log);
        Some((edge + Z_90 * self.log_error?).exp_m1())
    }

    /// What may be said: a difference only if the interval excludes none and the ratio lies outside
    /// what an arm differs from itself.
    pub fn verdict(&self, band: &Band) -> Verdict {
        match self.ratio_interval {
            _ if band.holds(self.ratio) => Verdict::NoDifferenceShown,
            Some([low, _]) if low > 1.0 => Verdict::More,
            Some([_, high]) if high < 1.0 => Verdict::Less,
            _ => Verdict::NoDifferenceShown,
        }
    }
}

/// The A/A band: what an arm may differ from itself, pools spawned separately.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Band {
    log: f64,
}

impl Band {
    /// The farthest bound of all A/A comparisons, to either side. Without any, nothing.
    pub fn of(comparisons: &[Effect]) -> Band {
        let intervals = comparisons
            .iter()
            .filter_map(|effect| effect.ratio_interval);
        let bounds = intervals.flatten().map(|bound| bound.ln().abs());
        Band {
            log: bounds.fold(0.0, f64::max),
        }
    }

    /// The ratios it reaches from and to.
    pub fn ratios(&self) -> [f64; 2] {
        [(-self.log).exp(), self.log.exp()]
    }

    /// Whether a ratio lies inside.
    pub fn holds(&self, ratio: f64) -> bool {
        ratio.ln().abs() <= self.log
    }
}

/// The mean of some values, and how far it may be off.
struct Bootstrap {
    interval: [f64; 2],
    error: f64,
}

impl Bootstrap {
    /// The same seed and number of values draw the same blocks.
    fn of(values: &[f64], seed: u64) -> Option<Bootstrap> {
        if values.len() < BLOCKS_MIN {
            return None;
        }
        let mut random = Pcg64::seed_from_u64(seed);
        let mut draw = || values[random.random_range(0..values.len())];
        let mut resample = || (0..values.len()).map(|_| draw()).sum::<f64>() / values.len() as f64;
        let mut means: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
        means.sort_unstable_by(f64::total_cmp);
        let tail = tail(values.len());
        let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
        // A resample varies less than a sample, by (n - 1) / n.
        let unbiased = values.len() as f64 / (values.len() - 1) as f64;
        let center = mean(&means);
        let square = |mean: &f64| (mean - center) * (mean - center);
        let variance = means.iter().map(square).sum::<f64>() / RESAMPLES as f64;
        Some(Bootstrap {
            interval: [at(tail), at(1.0 - tail)],
            error: (variance * unbiased).sqrt(),
        })
    }
}

/// What to cut off at each end of the resamples for an interval of 95 %.
///
/// With 2.5 % a percentile interval of eight blocks covers 90 %: resamples vary too little, and the
/// normal tail is too thin. Hesterberg's expanded percentiles (2015, arXiv:1411.5279, section 3.2)
/// put both right.
pub fn tail(blocks: usize) -> f64 {
    let n = blocks as f64;
    let student =
        StudentsT::new(0.0, 1.0, n - 1.0).expect("two blocks leave one degree of freedom");
    Normal::standard().cdf(-(n / (n - 1.0)).sqrt() * student.inverse_cdf(0.975))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
