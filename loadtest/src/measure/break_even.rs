//! How far away a store may be until asking it takes longer than a way that asks none: a pure
//! function of the record.
//!
//! A request that asks a store `trips` times takes `trips` milliseconds longer for each millisecond
//! of round trip. That slope is taken between the nearest and the farthest store that a proxy held
//! back, where what the proxy itself adds cancels out; what the request takes next door is taken
//! without the proxy. So the break-even is (other - next door) / slope, of medians on the service
//! clock, each a mean over blocks.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

use crate::load::stats::{BLOCKS_MIN, RESAMPLES, tail};
use crate::record::{BreakEven, Censored, Measure, Record};

/// An arm that waits less often than this for its store has no break-even that could be reached.
const TRIPS_MIN: f64 = 0.01;

/// Every arm that asks a store against every arm that asks none.
pub fn break_evens(record: &Record) -> Vec<BreakEven> {
    let of_kind = |stored: bool| {
        let arms = record.arms.iter();
        arms.filter(move |arm| arm.needs_store == stored)
    };
    let mut found = Vec::new();
    for arm in of_kind(true) {
        for against in of_kind(false) {
            let pair = (arm.arm.as_str(), against.arm.as_str());
            found.extend(Distances::of(record, pair).and_then(|seen| seen.break_even(record.seed)));
        }
    }
    found
}

/// Of one block: the medians of both next door, and those of the store's arm near and far.
#[derive(Debug, Clone, Copy)]
struct Block {
    against_ms: f64,
    next_door_ms: f64,
    near_ms: f64,
    far_ms: f64,
}

/// What two arms took, block by block.
#[derive(Debug)]
struct Distances<'a> {
    pair: (&'a str, &'a str),
    near_ms: f64,
    far_ms: f64,
    blocks: Vec<Block>,
}

impl<'a> Distances<'a> {
    /// None where no store was far away, or no block has all four figures.
    fn of(record: &'a Record, pair: (&'a str, &'a str)) -> Option<Distances<'a>> {
        let asked = record.measuring.as_ref()?;
        let by_distance = |(name, ms): (&'a String, &u64)| (*ms, name.as_str());
        let variants = asked.store_round_trips_ms.iter().map(by_distance);
        let (near, far) = (variants.clone().min()?, variants.max()?);
        if near.0 == far.0 {
            return None;
        }
        let median_ms = |arm: &str, variant: Option<&str>, block: u32| {
            let mut measures = record.measures.iter();
            let same = |one: &&Measure| {
                (one.arm.as_str(), one.variant.as_deref(), one.block) == (arm, variant, block)
            };
            let latency = measures.find(same)?.latency_ns.as_ref()?;
            Some(latency.service.p50 as f64 / 1e6)
        };
        let block = |block| {
            Some(Block {
                against_ms: median_ms(pair.1, None, block)?,
                next_door_ms: median_ms(pair.0, None, block)?,
                near_ms: median_ms(pair.0, Some(near.1), block)?,
                far_ms: median_ms(pair.0, Some(far.1), block)?,
            })
        };
        let blocks: Vec<_> = (0..asked.blocks).filter_map(block).collect();
        (!blocks.is_empty()).then_some(Distances {
            pair,
            near_ms: near.0 as f64,
            far_ms: far.0 as f64,
            blocks,
        })
    }

    /// Trips a request, and the round trip at which both take as long, of these blocks.
    fn solve(&self, blocks: &[Block]) -> (f64, f64) {
        let mean = |figure: fn(&Block) -> f64| {
            blocks.iter().map(figure).sum::<f64>() / blocks.len() as f64
        };
        let trips = mean(|block| block.far_ms - block.near_ms) / (self.far_ms - self.near_ms);
        let margin_ms = mean(|block| block.against_ms - block.next_door_ms);
        let round_trip_ms = match trips > TRIPS_MIN {
            true => margin_ms / trips,
            // It hardly waits for its store: the sign of the margin decides for any distance.
            false => margin_ms.signum() * f64::INFINITY,
        };
        (trips, round_trip_ms)
    }

    fn break_even(&self, seed: u64) -> Option<BreakEven> {
        let (trips_per_request, round_trip_ms) = self.solve(&self.blocks);
        let censored = match round_trip_ms {
            below if below < 0.0 => Some(Censored::Below),
            above if above > self.far_ms => Some(Censored::Above),
            _ => None,
        };
        Some(BreakEven {
            arm: self.pair.0.to_owned(),
            against: self.pair.1.to_owned(),
            round_trip_ms: censored.is_none().then_some(round_trip_ms),
            interval: self.interval(seed),
            censored,
            trips_per_request,
            farthest_ms: self.far_ms,
        })
    }

    /// Blocks are drawn anew, and all four figures of a block together: they share its noise.
    fn interval(&self, seed: u64) -> Option<[f64; 2]> {
        let count = self.blocks.len();
        if count < BLOCKS_MIN {
            return None;
        }
        let mut random = Pcg64::seed_from_u64(seed);
        let mut resample = || {
            let draw = |_| self.blocks[random.random_range(0..count)];
            let drawn: Vec<_> = (0..count).map(draw).collect();
            self.solve(&drawn).1.clamp(0.0, self.far_ms)
        };
        let mut found: Vec<_> = (0..RESAMPLES).map(|_| resample()).collect();
        found.sort_unstable_by(f64::total_cmp);
        let tail = tail(count);
        let at = |share: f64| found[(share * (RESAMPLES - 1) as f64).round() as usize];
        Some([at(tail), at(1.0 - tail)])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::record::{Arm, Latency, Measuring, Percentiles};

    /// Ten blocks in which a request takes `next_door_ms` and `trips` round trips, the proxy adds a
    /// fifth of a millisecond of its own, and the other way takes 1 ms; all share their noise.
    fn record(next_door_ms: f64, trips: f64) -> Record {
        let mut record = Record::new(7, "loadtest measure");
        record.arms = [("stored", true), ("none", false)]
            .map(|(arm, needs_store)| Arm {
                arm: arm.to_owned(),
                needs_store,
                ..Arm::default()
            })
            .into();
        let far = [("near", 1), ("middle", 5), ("far", 20)];
        record.measuring = Some(Measuring {
            blocks: 10,
            store_round_trips_ms: far.map(|(name, ms)| (name.to_owned(), ms)).into(),
            ..Measuring::default()
        });
        for block in 0..10 {
            let noise_ms = 0.05 * f64::from(block % 3);
            let mut note = |arm: &str, variant: Option<&str>, ms: f64| {
                record
                    .measures
                    .push(measure(arm, variant, block, ms + noise_ms));
            };
            note("none", None, 1.0);
            note("stored", None, next_door_ms);
            for (name, ms) in far {
                note("stored", Some(name), next_door_ms + 0.2 + trips * ms as f64);
            }
        }
        record
    }

    fn measure(arm: &str, variant: Option<&str>, block: u32, ms: f64) -> Measure {
        let p50 = (ms * 1e6) as u64;
        let percentiles = Percentiles {
            p50,
            p90: p50,
            p99: p50,
            p999: p50,
            max: p50,
        };
        Measure {
            arm: arm.to_owned(),
            variant: variant.map(str::to_owned),
            block,
            latency_ns: Some(Latency {
                intended: percentiles.clone(),
                service: percentiles,
            }),
            ..Measure::default()
        }
    }

    fn found(next_door_ms: f64, trips: f64) -> BreakEven {
        let found = break_evens(&record(next_door_ms, trips));
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().expect("it is one")
    }

    #[test]
    fn the_distance_is_found_again_and_the_proxy_is_in_no_figure() {
        // 0.4 ms next door leave 0.6 ms, for one and for three trips.
        for (trips, expected_ms) in [(1.0, 0.6), (3.0, 0.2)] {
            let found = found(0.4, trips);
            let round_trip_ms = found
                .round_trip_ms
                .expect("it lies within what was measured");
            assert!((round_trip_ms - expected_ms).abs() < 0.001, "{found:?}");
            assert!((found.trips_per_request - trips).abs() < 0.001, "{found:?}");
            let [low, high] = found.interval.expect("ten blocks are enough");
            assert!(low <= round_trip_ms && round_trip_ms <= high, "{found:?}");
            assert!(
                high - low < 0.01,
                "noise that all share is no noise: {found:?}"
            );
        }
    }

    #[test]
    fn what_lies_outside_is_said_to_and_not_made_up() {
        let below = found(1.3, 1.0);
        assert_eq!(
            (below.censored, below.round_trip_ms),
            (Some(Censored::Below), None)
        );
        assert_eq!(below.interval, Some([0.0, 0.0]));
        for (next_door_ms, trips) in [(0.4, 0.02), (0.4, 0.0)] {
            let above = found(next_door_ms, trips);
            assert_eq!(
                (above.censored, above.round_trip_ms),
                (Some(Censored::Above), None)
            );
        }
        let never = found(1.3, 0.0);
        assert_eq!(never.censored, Some(Censored::Below));
    }

    #[test]
    fn without_a_store_far_away_there_is_none() {
        let mut record = record(0.4, 1.0);
        record.measuring = Some(Measuring {
            blocks: 10,
            store_round_trips_ms: BTreeMap::new(),
            ..Measuring::default()
        });
        assert_eq!(break_evens(&record), []);
    }
}
