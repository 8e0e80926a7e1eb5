//! In which order arms take their turns: every arm once a block, the order of each block drawn from
//! the seed, and balanced.
//!
//! A machine grows warmer, a neighbour's build begins, a cache is left behind by whoever ran
//! before. A fixed order books all that on the arms; plain shuffling only on average over many
//! blocks. Williams' squares do it within few: every arm stands in each place, and after each other
//! arm, equally often.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

/// The order of each block, as numbers of arms.
///
/// With `blocks` a multiple of `arms` (of twice `arms` where that is odd) the balance is exact.
pub fn order(arms: usize, blocks: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut order = Vec::with_capacity(blocks);
    while arms > 0 && order.len() < blocks {
        let mut square = square(arms);
        let mut names: Vec<usize> = (0..arms).collect();
        names.shuffle(&mut random);
        square.shuffle(&mut random);
        order.extend(
            square
                .into_iter()
                .map(|row| row.into_iter().map(|arm| names[arm]).collect()),
        );
    }
    order.truncate(blocks);
    order
}

/// Williams' square: 0, 1, n-1, 2, n-2, … and its shifts. Neighbours in the first row differ by
/// every distance once, so shifting it makes every pair once. An odd number of arms needs the
/// mirrored rows too.
fn square(arms: usize) -> Vec<Vec<usize>> {
    let zigzag = |place: usize| match place % 2 {
        0 => (arms - place / 2) % arms,
        _ => place.div_ceil(2),
    };
    let first: Vec<usize> = (0..arms).map(zigzag).collect();
    let row = |shift: usize| first.iter().map(|arm| (arm + shift) % arms).collect();
    let mut rows: Vec<Vec<usize>> = (0..arms).map(row).collect();
    if arms % 2 == 1 {
        let mirrored: Vec<Vec<usize>> = rows
            .iter()
            .map(|row| row.iter().rev().copied().collect())
            .collect();
        rows.extend(mirrored);
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Goal: no arm has a better place than another. Method: count places and neighbours over one
    /// whole set of squares, for every number of arms that a run may have.
    #[test]
    fn places_and_neighbours_are_balanced() {
        for arms in 2..=13 {
            let blocks = if arms % 2 == 0 { arms } else { 2 * arms };
            let (mut places, mut neighbours) = (BTreeMap::new(), BTreeMap::new());
            for block in order(arms, blocks, 7) {
                let mut sorted = block.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..arms).collect::<Vec<_>>(), "every arm once");
                for (place, arm) in block.iter().enumerate() {
                    *places.entry((*arm, place)).or_insert(0) += 1;
                }
                for pair in block.windows(2) {
                    *neighbours.entry((pair[0], pair[1])).or_insert(0) += 1;
                }
            }
            assert_eq!(places.len(), arms * arms);
            assert!(
                places.values().all(|count| *count == blocks / arms),
                "{places:?}"
            );
            assert_eq!(neighbours.len(), arms * (arms - 1));
            assert!(
                neighbours.values().all(|count| *count == blocks / arms),
                "{neighbours:?}"
            );
        }
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        assert_eq!(order(6, 9, 7), order(6, 9, 7));
        assert_ne!(order(6, 9, 7), order(6, 9, 8));
        assert_eq!(order(6, 9, 7).len(), 9);
        assert_eq!(order(1, 3, 7), vec![vec![0]; 3]);
        assert!(order(0, 3, 7).is_empty());
    }
}
