//! The ladder: what one check costs, rung by rung, a table for each size of claims.

use std::collections::BTreeSet;

use super::view::View;
use super::words;
use crate::record::LadderRung;

/// What the tables say of themselves.
pub(crate) const ABOUT: &str = "Measured by `cargo bench --bench ladder`: time of one thread, the \
     mean. Rungs 1 to 3 are parts of a check; 4 is all of it, 5 the library as shipped, 6 our \
     layers around it, 7 the whole request but for its socket. So what is HTTP's is not booked on \
     authentication, nor a library on a scheme.";

/// One size of claims.
pub(crate) struct Block<'a> {
    /// The size, about.
    pub(crate) claims_bytes: u64,
    /// The arms, in the order of the columns.
    pub(crate) arms: Vec<&'a str>,
    /// The rungs from the ground up: what was done, and what it cost each arm, where it has it.
    pub(crate) rungs: Vec<(&'a str, Vec<Option<String>>)>,
}

/// A block for each size, the smallest first; none where no ladder was measured.
pub(crate) fn blocks(view: View<'_>) -> Vec<Block<'_>> {
    let ladder = &view.record.ladder;
    let sizes: BTreeSet<u64> = ladder.iter().map(|rung| rung.claims_bytes).collect();
    sizes.into_iter().map(|size| block(ladder, size)).collect()
}

fn block(ladder: &[LadderRung], claims_bytes: u64) -> Block<'_> {
    let here = || {
        ladder
            .iter()
            .filter(move |rung| rung.claims_bytes == claims_bytes)
    };
    let arms: BTreeSet<&str> = here().map(|rung| rung.arm.as_str()).collect();
    let names: BTreeSet<&str> = here().map(|rung| rung.rung.as_str()).collect();
    let time = |name: &str, arm: &str| {
        let found = here().find(|rung| rung.rung == name && rung.arm == arm)?;
        Some(words::nanoseconds(found.time_ns))
    };
    let row = |name| (name, arms.iter().map(|arm| time(name, arm)).collect());
    Block {
        claims_bytes,
        rungs: names.into_iter().map(row).collect(),
        arms: arms.into_iter().collect(),
    }
}
