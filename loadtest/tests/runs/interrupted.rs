//! Somebody stops a run, politely or not.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::processes::{assert_gone, descendants, send};
use super::{Run, text};

/// Ctrl-C reaches the main process alone; what was observed is there, and nobody else is.
#[test]
fn ctrl_c_saves_what_was_observed_and_leaves_no_process() {
    let run = Run::new();
    let child = run.start(&["matrix", "--arms", "session-memory,jwt-hs256"]);
    let processes = descendants(child.id());
    send(child.id() as i32, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let record = run.record();
    assert!(record.interrupted && !record.cells.is_empty());
    assert!(
        record
            .doubts
            .iter()
            .any(|doubt| doubt.kind == "interrupted")
    );
    assert!(run.out().join("report.html").exists());
    assert_gone(&processes, Duration::from_millis(100));
}

#[test]
fn a_killed_main_process_leaves_nothing_behind() {
    let run = Run::new();
    let mut child = run.start(&["matrix", "--all", "--arms", "session-memory,jwt-denylist"]);
    let processes = descendants(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_gone(&processes, Duration::from_secs(5));
}

/// A frozen instance cannot notice that anything ended.
#[test]
fn a_killed_main_process_leaves_no_frozen_instance_behind() {
    let run = Run::new();
    let mut child = run.start(&["matrix", "--all", "--arms", "session-memory,jwt-hs256"]);
    let processes = descendants(child.id());
    let instance = processes
        .iter()
        .find(|process| process.command.contains(" server-session "));
    let instance = instance.unwrap_or_else(|| panic!("no instance among {processes:#?}"));
    send(instance.pid, Signal::SIGSTOP);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_gone(&processes, Duration::from_secs(5));
}
