//! The commands, one file each.

pub mod claims;
pub mod demo;
pub mod list;
pub mod matrix;
pub mod measure;
pub mod merge;
pub mod plan;
pub mod report;
pub mod self_test;
pub mod soak;
pub mod watch;

use crate::board::BoardError;
use crate::failure::Failure;

/// A taken port is a mistake in how the program was called; everything else is not.
fn board_failure(error: BoardError) -> anyhow::Error {
    match error {
        BoardError::Port { .. } => Failure::Usage(error.to_string()).into(),
        error => error.into(),
    }
}
