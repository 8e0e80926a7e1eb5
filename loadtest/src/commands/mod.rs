//! The commands, one file each.

pub mod claims;
pub mod completions;
pub mod demo;
pub mod list;
pub mod man;
pub mod matrix;
pub mod measure;
pub mod merge;
pub mod plan;
pub mod report;
pub mod self_test;
pub mod soak;
pub mod watch;

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;

use crate::board::BoardError;
use crate::failure::{Failure, exit};

/// Prints `text` as it is. Whoever stops reading it, as `head` does, has seen enough.
fn written(text: &[u8]) -> anyhow::Result<u8> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(exit::OK),
    }
}

/// A taken port is a mistake in how the program was called; everything else is not.
fn board_failure(error: BoardError) -> anyhow::Error {
    match error {
        BoardError::Port { .. } => Failure::Usage(error.to_string()).into(),
        error => error.into(),
    }
}
