//! A map in 64 parts, each behind a lock of its own.
//!
//! One lock over one map is a queue as soon as two threads use it. Locks here are held for a few
//! hundred nanoseconds and never over an await, which is what `std::sync::Mutex` is for.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many parts there are.
pub(super) const SHARDS: usize = 64;

/// The map.
#[derive(Debug)]
pub(super) struct Shards<K, V>([Mutex<Part<K, V>>; SHARDS]);

/// One part of the map.
pub(super) type Part<K, V> = HashMap<K, V, BuildHasherDefault<Fold>>;

/// Hashes what is random already, by folding it: only names that this process drew, or that
/// SHA-256 made, ever get into the map, so nobody can choose keys that collide.
#[derive(Debug, Default)]
pub(super) struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            // Turned a little each time, so that equal words do not cancel each other out.
            self.0 = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A key that says which part it lives in. Ours are random already: nothing to hash for that.
pub(super) trait Spread {
    /// Any number; what counts is its remainder.
    fn spread(&self) -> usize;
}

impl<K: Spread, V> Shards<K, V> {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }

    /// The part in which `key` lives, locked.
    pub(super) fn of(&self, key: &K) -> MutexGuard<'_, Part<K, V>> {
        self.part(key.spread())
    }

    /// One part by its number, locked.
    pub(super) fn part(&self, number: usize) -> MutexGuard<'_, Part<K, V>> {
        // A panic elsewhere leaves the map whole: every change here is one call.
        self.0[number % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries there are in all parts.
    pub(super) fn len(&self) -> u64 {
        (0..SHARDS)
            .map(|number| self.part(number).len() as u64)
            .sum()
    }
}
