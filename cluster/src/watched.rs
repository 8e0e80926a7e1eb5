//! How a child makes sure that it does not outlive its parent.
//!
//! The supervisor kills its children when it ends in order. This is for the other case: a
//! SIGKILL of the supervisor itself. Linux tells a process of its parent's death if it asks;
//! elsewhere a child still sees its standard input end, unless it is frozen or is not ours.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// Where a child finds its supervisor's process id.
pub(crate) const SUPERVISOR_PID: &str = "CLUSTER_SUPERVISOR_PID";

/// Ends this process when the supervisor that started it ends, however that ends.
///
/// Call it first in every hidden subcommand that runs as a child of the supervisor. In a process
/// that no supervisor started it does nothing.
pub fn die_with_parent() {
    let Some(supervisor) = std::env::var(SUPERVISOR_PID)
        .ok()
        .and_then(|pid| pid.parse::<i32>().ok())
    else {
        return;
    };
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL) {
        tracing::warn!(%error, "this process may outlive its supervisor");
    }
    // The supervisor may have died before the line above; then nobody would tell us.
    if nix::unistd::getppid().as_raw() != supervisor {
        std::process::exit(1);
    }
}

/// Becomes `program`, tied to the supervisor: the hidden subcommand `exec-watched PROGRAM ARGS…`.
/// Returns only if the program cannot be run.
///
/// A program that is not ours, Redis above all, cannot ask to die with its parent. What was asked
/// for before `exec` holds after it.
pub fn exec_watched(program: OsString, args: Vec<OsString>) -> ExitCode {
    die_with_parent();
    let mut command = Command::new(program);
    let error = command.args(args).exec();
    eprintln!("{}: {error}", command.get_program().display());
    // What a shell says of a program that it cannot run.
    ExitCode::from(127)
}
