//! A generator that is starved of CPU on purpose: the run is INVALID, exits 3 and shows no speed.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::processes::send;
use super::{Run, text};

/// Whether the generator of this process is at work: its threads have a name.
fn generates(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let names = tasks.into_iter().flatten().flatten();
    let mut names = names.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.any(|name| name.starts_with("generator-"))
}

/// Goal: what a starved generator measured is not shown. Method: from the second turn on the
/// instrument gets 2 ms of CPU in each half second that it sends, as from a quota of a control
/// group, while the servers have all they want. In the 0.9 s of a turn it is awake twice, and each
/// of its 32 connections can then send a request or two: of some 400 planned ones most are never
/// sent, however quick or busy the machine is.
#[test]
fn a_generator_that_is_starved_of_cpu_is_invalid_and_shows_no_speed() {
    let run = Run::new();
    let args = [
        "measure",
        "--arms",
        "jwt-hs256",
        "--rate",
        "450",
        "--seconds",
        "0.3",
    ];
    let mut child = run.start_until(&args, |record| !record.measures.is_empty());
    let pid = child.id();
    while child.try_wait().unwrap().is_none() {
        if generates(pid) {
            send(pid as i32, Signal::SIGSTOP);
            std::thread::sleep(Duration::from_millis(498));
            send(pid as i32, Signal::SIGCONT);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let record = run.record();
    assert!(!record.valid && record.comparisons.is_empty());
    let starved = record.measures.last().expect("a turn was written down");
    assert!(starved.repeated, "it was given another chance: {starved:?}");
    for measure in &record.measures {
        assert!(measure.latency_ns.is_none(), "{measure:?}");
        assert!(measure.cpu_ns_per_request.server.is_none(), "{measure:?}");
    }
    let report = fs::read_to_string(run.out().join("report.md")).unwrap();
    assert!(report.contains("INVALID"), "{report}");
    assert!(report.contains("were not sent in time"), "{report}");
    assert!(!report.contains("µs") && !report.contains('×'), "{report}");
}
