//! Mutated cookies: the loop that a fuzzer would run, with a seed, on any toolchain.
//! `MUTATIONS=100000000 cargo test --release -p server-session --test mutations -- --nocapture`
//! runs so many.

#[path = "support/mutation.rs"]
mod mutation;

use mutation::Mutations;
use server_session::carry::Sent;
use server_session::trial::{SEEDS, cookies};

#[test]
fn no_mutated_cookie_is_read_in_two_ways() {
    let seeds = || SEEDS.map(<[u8]>::to_vec).to_vec();
    mutation::run(
        "cookies",
        |seed| (Mutations::new(seed, seeds()), Vec::new()),
        |(mutations, bytes)| {
            mutations.next(bytes);
            cookies(bytes);
        },
    );
}

/// The trial itself can tell: the seeds have every verdict.
#[test]
fn the_seeds_have_every_verdict() {
    let verdicts = SEEDS.map(cookies);
    assert_eq!(
        verdicts,
        [
            Sent::One,
            Sent::One,
            Sent::Twice,
            Sent::Malformed,
            Sent::Malformed,
            Sent::Malformed,
            Sent::Malformed,
            Sent::Malformed,
        ]
    );
}

/// The corpus that a fuzzer begins with is the same.
#[test]
fn the_fuzzers_corpus_is_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/cookie");
    for (n, seed) in SEEDS.iter().enumerate() {
        let held = std::fs::read(format!("{folder}/{n}")).expect("the seed is there");
        assert_eq!(held, *seed, "fuzz/seeds/cookie/{n}");
    }
}
