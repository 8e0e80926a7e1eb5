//! What may be said of figures, on data whose truth is known.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use loadtest::load::stats::{BLOCKS_MIN, Band, Effect};
use loadtest::record::Verdict;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Blocks of a simulated machine. Each block has a speed of its own that both arms share (a
/// neighbour's build), each arm in it a disturbance of its own, and now and then one is hit hard.
struct Machine {
    random: Pcg64,
    outliers: bool,
}

impl Machine {
    fn new(seed: u64, outliers: bool) -> Machine {
        let random = Pcg64::seed_from_u64(seed);
        Machine { random, outliers }
    }

    /// Twelve uniform draws make a bell of deviation 1.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.random.random::<f64>()).sum::<f64>() - 6.0
    }

    /// Figures of arms with these true costs, one row for each arm.
    fn measure<const N: usize>(&mut self, costs: [f64; N], blocks: usize) -> [Vec<f64>; N] {
        let mut figures = costs.map(|_| Vec::new());
        for _ in 0..blocks {
            let block = (0.05 * self.bell()).exp();
            for (cost, figures) in costs.iter().zip(&mut figures) {
                let hit = self.outliers && self.random.random::<f64>() < 0.05;
                let own = (0.02 * self.bell()).exp() * if hit { 1.1 } else { 1.0 };
                figures.push(cost * block * own);
            }
        }
        figures
    }

    /// One run: an arm, another, and an A/A pair of a third; the effect and the band.
    fn run(&mut self, ratio: f64, blocks: usize) -> (Effect, Band) {
        let [arm, against, a1, a2] = self.measure([1e4 * ratio, 1e4, 2e4, 2e4], blocks);
        let a_a = Effect::between(&a1, &a2, 7).unwrap();
        (
            Effect::between(&arm, &against, 7).unwrap(),
            Band::of(&[a_a]),
        )
    }
}

/// Goal: the instrument does not cry wolf. Method: 40 comparisons of an arm with itself, eight
/// blocks each, with and without outliers; at most 4 may be called.
#[test]
fn an_arm_does_not_differ_from_itself() {
    for (seed, outliers) in [(1, false), (2, true), (3, false), (4, true)] {
        let mut machine = Machine::new(seed, outliers);
        let called = (0..40)
            .map(|_| machine.run(1.0, 8))
            .filter(|(effect, band)| effect.verdict(band) != Verdict::NoDifferenceShown)
            .count();
        assert!(called <= 4, "{called} of 40 called, seed {seed}");
    }
}

/// Goal: what is printed as detectable is detected. Method: inject twice the minimum detectable
/// effect that a run with itself prints, and measure again; at least 36 of 40 must be called, each
/// to the right side.
#[test]
fn twice_the_minimum_detectable_effect_is_called() {
    for (seed, outliers) in [(1, false), (2, true), (3, false), (4, true)] {
        let mut machine = Machine::new(seed, outliers);
        let (mut called_at_least, mut called) = (0, 0);
        for _ in 0..40 {
            let (effect, band) = machine.run(1.0, 8);
            let detectable = effect.minimum_detectable(&band).unwrap();
            let (effect, band) = machine.run(1.0 + detectable, 8);
            called_at_least += u32::from(effect.verdict(&band) == Verdict::More);
            let (effect, band) = machine.run(1.0 + 2.0 * detectable, 8);
            called += u32::from(effect.verdict(&band) == Verdict::More);
        }
        assert!(called >= 36, "{called} of 40 called, seed {seed}");
        assert!(
            called_at_least >= 20,
            "{called_at_least} of 40 called, seed {seed}"
        );
    }
}

/// The interval covers the truth about as often as it says, at eight blocks already: of 400 runs
/// 380 on average; 367 is three standard errors below, and more than plain percentiles reach.
#[test]
fn intervals_of_eight_blocks_cover_the_truth() {
    let mut machine = Machine::new(5, false);
    let covered = (0..400)
        .filter(|_| {
            let [arm, against] = machine.measure([1.3e4, 1e4], 8);
            let [low, high] = Effect::between(&arm, &against, 7)
                .unwrap()
                .ratio_interval
                .unwrap();
            (low..high).contains(&1.3)
        })
        .count();
    assert!((367..=393).contains(&covered), "{covered}");
}

#[test]
fn a_plain_effect_is_read_exactly() {
    let against = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0].map(|x| x * 1e3);
    let arm = against.map(|x| x * 1.5);
    let effect = Effect::between(&arm, &against, 7).unwrap();
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    assert!(near(effect.ratio, 1.5));
    // Every block agrees on the ratio, so there is nothing between the bounds; on the difference
    // not at all.
    let [low, high] = effect.ratio_interval.unwrap();
    assert!(near(low, 1.5) && near(high, 1.5));
    assert!(near(effect.difference, 255.0 * 500.0 / 8.0));
    let [low, high] = effect.difference_interval.unwrap();
    assert!(low < effect.difference / 2.0 && high > effect.difference * 1.5);
    assert_eq!(effect.verdict(&Band::default()), Verdict::More);
    let back = Effect::between(&against, &arm, 7).unwrap();
    assert_eq!(back.verdict(&Band::default()), Verdict::Less);
    assert!(near(back.ratio * effect.ratio, 1.0));
    assert_eq!(
        effect,
        Effect::between(&arm, &against, 7).unwrap(),
        "the seed decides"
    );
}

/// An effect that is sure, but no larger than what an arm differs from itself, is not shown.
#[test]
fn inside_the_band_nothing_is_shown() {
    let against = [1e4, 1.01e4, 0.99e4, 1e4, 1.02e4, 0.98e4, 1e4, 1e4];
    let effect = Effect::between(&against.map(|x| x * 1.03), &against, 7).unwrap();
    let a_a = Effect::between(&against.map(|x| x * 0.96), &against, 7).unwrap();
    let band = Band::of(&[a_a]);
    assert_eq!(effect.verdict(&Band::default()), Verdict::More);
    assert_eq!(effect.verdict(&band), Verdict::NoDifferenceShown);
    let [low, high] = band.ratios();
    assert!(
        (low - 0.96).abs() < 1e-9 && (high - 1.0 / 0.96).abs() < 1e-9,
        "{low} {high}"
    );
    // These figures have no noise, so nothing but the band is in the way.
    assert!((effect.minimum_detectable(&band).unwrap() - (high - 1.0)).abs() < 1e-9);
}

#[test]
fn too_few_blocks_show_no_interval_and_no_difference() {
    let few = vec![1e4; BLOCKS_MIN - 1];
    let more: Vec<f64> = few.iter().map(|x| x * 2.0).collect();
    let effect = Effect::between(&more, &few, 7).unwrap();
    assert_eq!(
        (effect.ratio_interval, effect.difference_interval),
        (None, None)
    );
    assert_eq!(effect.verdict(&Band::default()), Verdict::NoDifferenceShown);
    assert_eq!(effect.minimum_detectable(&Band::default()), None);
}

#[test]
fn figures_that_make_no_ratio_make_no_effect() {
    for (arm, against) in [
        (vec![], vec![]),
        (vec![1.0], vec![1.0, 2.0]),
        (vec![0.0], vec![1.0]),
        (vec![1.0], vec![f64::NAN]),
        (vec![-1.0], vec![1.0]),
    ] {
        assert_eq!(
            Effect::between(&arm, &against, 7),
            None,
            "{arm:?} {against:?}"
        );
    }
}
