//! Failures that have an exit code of their own.

/// Why a command could not do what it was asked; one line that names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A flag, a file or a folder is wrong. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// What was named does not answer. Exit code 4.
    #[error("{0}")]
    Unreachable(String),
}

/// The exit codes of DESIGN §7.
pub mod exit {
    /// Everything as expected.
    pub const OK: u8 = 0;
    /// An expectation or a threshold failed.
    pub const UNEXPECTED: u8 = 1;
    /// Called in a way that cannot work.
    pub const USAGE: u8 = 2;
    /// The run is invalid, or could not be carried out.
    pub const INVALID: u8 = 3;
    /// The target does not answer.
    pub const UNREACHABLE: u8 = 4;
    /// Stopped by the user.
    pub const INTERRUPTED: u8 = 130;

    /// All of them, with what they mean to whoever called.
    pub const ALL: [(u8, &str); 6] = [
        (OK, "everything came out as expected"),
        (UNEXPECTED, "an expectation or a threshold failed"),
        (
            USAGE,
            "called in a way that cannot work; the line says what to write instead",
        ),
        (INVALID, "the run is invalid, or could not be carried out"),
        (UNREACHABLE, "what was named does not answer"),
        (
            INTERRUPTED,
            "stopped by the user; what was measured so far is saved",
        ),
    ];
}

/// The exit code for an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(Failure::Usage(_)) => exit::USAGE,
        Some(Failure::Unreachable(_)) => exit::UNREACHABLE,
        None => exit::INVALID,
    }
}
