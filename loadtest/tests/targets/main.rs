//! The matrix on servers that somebody else has started: Flask behind HAProxy as its example has
//! it, our own servers behind HAProxy beside the embedded balancer, and targets that are not there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../beside/mod.rs"]
mod beside;
mod compare;
mod costs;
mod flask;
mod missing;
mod stack;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use beside::{free_port, root, wait_for};
use loadtest::record::{Cell, Client, Record};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Two of these at a time on two cores would measure each other.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `loadtest matrix` with these arguments and its results in `out`.
fn matrix(args: &[&str], out: &Path) -> (Output, String) {
    loadtest("matrix", args, out)
}

/// Runs this command of `loadtest` with these arguments and its results in `out`.
fn loadtest(command: &str, args: &[&str], out: &Path) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .arg(command)
        .args(args)
        .arg("--out")
        .arg(out)
        .env_remove("REDIS_URL")
        .env_remove("SVJ_TARGET")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
    (output, told)
}

/// The cell of this event, and of this kind of client.
fn cell<'a>(record: &'a Record, event: &str, client: Client) -> &'a Cell {
    let mut cells = record.cells.iter();
    let found = cells.find(|cell| cell.event == event && cell.client == client);
    found.unwrap_or_else(|| panic!("no cell {event} {client:?}"))
}
