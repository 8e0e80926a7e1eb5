//! Whatever happens to the main process or to the supervisor, nothing is left after 5 s.

// A test's helpers are tests too: what goes wrong in them is a failure.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{EXECUTABLE, eventually, lives};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A main process with a supervisor, two instances (one of them frozen), a balancer and a Redis.
struct Held {
    main: Child,
    /// The supervisor first.
    pids: Vec<u32>,
    _folder: TempDir,
}

impl Held {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut main = Command::new(EXECUTABLE)
            .arg("hold")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = main.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let pids: Vec<u32> = line
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect();
        assert_eq!(
            pids.len(),
            5,
            "supervisor, a, b, balancer and Redis, not {line:?}"
        );
        for &pid in &pids {
            assert!(lives(pid), "{pid} of {pids:?}");
        }
        Self {
            main,
            pids,
            _folder: folder,
        }
    }

    async fn nothing_is_left(&self) {
        let mut left = Vec::new();
        eventually("everything ends", Duration::from_secs(5), async || {
            left = self.pids.iter().filter(|&&pid| lives(pid)).collect();
            left.is_empty()
        })
        .await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.main.kill();
        let _ = self.main.wait();
    }
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

#[tokio::test]
async fn nothing_outlives_a_main_process_that_is_killed() {
    let mut held = Held::start();
    held.main.kill().unwrap();
    held.main.wait().unwrap();
    held.nothing_is_left().await;
}

#[tokio::test]
async fn nothing_outlives_a_supervisor_that_is_told_to_end() {
    let held = Held::start();
    signal(held.pids[0], Signal::SIGTERM);
    held.nothing_is_left().await;
}

// Only Linux tells a process of its parent's death; elsewhere a frozen instance would stay.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_outlives_a_supervisor_that_is_killed() {
    let held = Held::start();
    signal(held.pids[0], Signal::SIGKILL);
    held.nothing_is_left().await;
}

#[tokio::test]
async fn the_children_are_in_a_process_group_of_their_own() {
    let held = Held::start();
    let group = |pid: u32| {
        let output = Command::new("ps")
            .args(["-o", "pgid=", "-p", &pid.to_string()])
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.trim().parse::<u32>().unwrap()
    };
    // Ctrl-C goes to the terminal's foreground group, which is the main process's.
    for &pid in &held.pids {
        assert_eq!(group(pid), held.pids[0]);
    }
    assert_ne!(group(held.main.id()), held.pids[0]);
}
