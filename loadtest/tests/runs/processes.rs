//! Who is whose child, read with `ps`, so that nothing is ever killed by name.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process, told from a later one with the same number by when it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) started: String,
    pub(super) command: String,
}

fn all() -> Vec<Process> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,stat=,lstart=,args="])
        .output();
    let output = output.expect("ps is there");
    super::text(&output.stdout)
        .lines()
        .filter_map(parse)
        .collect()
}

fn parse(line: &str) -> Option<Process> {
    let mut words = line.split_whitespace();
    let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    // A zombie has ended; somebody will collect it.
    if words.next()?.starts_with('Z') {
        return None;
    }
    let started = words.by_ref().take(5).collect::<Vec<_>>().join(" ");
    Some(Process {
        pid,
        parent,
        started,
        command: words.collect::<Vec<_>>().join(" "),
    })
}

/// Every process below `ancestor`.
pub(super) fn descendants(ancestor: u32) -> Vec<Process> {
    let all = all();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![ancestor as i32];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            parents.push(child.pid);
            found.push(child.clone());
        }
    }
    found
}

/// Those of `processes` that are still there.
pub(super) fn left_of(processes: &[Process]) -> Vec<Process> {
    let all = all();
    let is_left = |process: &&Process| {
        all.iter()
            .any(|other| (other.pid, &other.started) == (process.pid, &process.started))
    };
    processes.iter().filter(is_left).cloned().collect()
}

/// Waits until none of them is left.
pub(super) fn assert_gone(processes: &[Process], patience: Duration) {
    assert!(
        !processes.is_empty(),
        "nothing was running, so nothing is shown"
    );
    let end = Instant::now() + patience;
    loop {
        let left = left_of(processes);
        if left.is_empty() {
            return;
        }
        assert!(
            Instant::now() < end,
            "still there after {patience:?}: {left:#?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(super) fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("the process is ours and runs");
}
