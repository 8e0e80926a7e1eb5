//! Mutations of bytes, drawn from a seed: what a fuzzer does, without one. Both servers' tests use
//! this; it knows neither cookies nor tokens.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

/// How many are tried, unless `$MUTATIONS` says otherwise.
const USUALLY: u64 = 200_000;

/// How many edits one mutation has at most.
const EDITS_MAX: usize = 4;

/// What is put in, beside single bytes: whatever means something somewhere.
const PIECES: [&[u8]; 20] = [
    b".",
    b"..",
    b"=",
    b";",
    b"; ",
    b",",
    b" ",
    b"\t",
    b"\n",
    b"%00",
    b"%20",
    b"\"",
    b"{}",
    b"null",
    b"\xc2\xa0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"e30",
    b"none",
    b"eyJhbGciOiJub25lIn0",
];

/// An endless supply of mutations of some seeds.
pub struct Mutations {
    random: Pcg64,
    seeds: Vec<Vec<u8>>,
}

impl Mutations {
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Self {
        let random = Pcg64::seed_from_u64(seed);
        Self { random, seeds }
    }

    /// Writes the next one.
    pub fn next(&mut self, into: &mut Vec<u8>) {
        let seed = &self.seeds[self.random.random_range(0..self.seeds.len())];
        into.clear();
        into.extend_from_slice(seed);
        for _ in 0..self.random.random_range(1..=EDITS_MAX) {
            self.edit(into);
        }
    }

    /// One edit of `bytes`.
    pub fn edit(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.random_range(0..=bytes.len());
        let end = (at + self.random.random_range(1..=16)).min(bytes.len());
        match self.random.random_range(0..9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = self.random.random(),
            2 => bytes.insert(at, self.random.random()),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let piece = PIECES[self.random.random_range(0..PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            7 => {
                let other = &self.seeds[self.random.random_range(0..self.seeds.len())];
                let from = self.random.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ if at + 1 < bytes.len() => bytes.swap(at, at + 1),
            _ => bytes.push(self.random.random()),
        }
    }

    /// One of `n`, by lot.
    pub fn lot(&mut self, n: usize) -> usize {
        self.random.random_range(0..n)
    }
}

/// Runs `try_one` as often as `$MUTATIONS` says, spread over the machine's cores where that is
/// often, and prints how many there were and how many a second. `begin` is called on each thread
/// with a seed of its own.
pub fn run<T>(what: &str, begin: impl Fn(u64) -> T + Sync, try_one: impl Fn(&mut T) + Sync) {
    let count = std::env::var("MUTATIONS")
        .map_or(USUALLY, |text| text.parse().expect("MUTATIONS is a number"));
    let threads = match count {
        0..=USUALLY => 1,
        _ => std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (begin, try_one) = (&begin, &try_one);
            let share = count / threads + u64::from(thread < count % threads);
            scope.spawn(move || {
                let mut state = begin(thread);
                for _ in 0..share {
                    try_one(&mut state);
                }
            });
        }
    });
    let rate = count as f64 / began.elapsed().as_secs_f64();
    println!("{count} mutated {what}, {rate:.0} a second: no panic, no false accept");
}
