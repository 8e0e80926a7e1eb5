//! An engine for tests: it keeps commands running, and starts again whatever ends, as engines of
//! containers do.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between an end and the next start. Engines take longer.
const PAUSE: Duration = Duration::from_millis(100);

/// A command that is kept running until this is dropped.
pub(crate) struct Kept {
    stop: Arc<AtomicBool>,
    starts: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Kept {
    /// Starts it, again and again; nobody hears what it says.
    pub(crate) fn new(mut command: Command) -> Kept {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Kept::run(command)
    }

    /// The same, and what it says goes into a file.
    pub(crate) fn heard(mut command: Command, log: &Path) -> Kept {
        let log = File::create(log).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Kept::run(command)
    }

    fn run(mut command: Command) -> Kept {
        command.stdin(Stdio::null());
        let stop = Arc::new(AtomicBool::new(false));
        let starts = Arc::new(AtomicU32::new(0));
        let mut child = started(&mut command, &starts);
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&starts));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
                if child.try_wait().unwrap().is_some() {
                    std::thread::sleep(PAUSE);
                    child = started(&mut command, &counted);
                }
            }
            let _ = child.kill();
            let _ = child.wait();
        });
        Kept {
            stop,
            starts,
            thread: Some(thread),
        }
    }

    /// How often it was started.
    pub(crate) fn starts(&self) -> u32 {
        self.starts.load(Ordering::Relaxed)
    }
}

fn started(command: &mut Command, starts: &AtomicU32) -> Child {
    starts.fetch_add(1, Ordering::Relaxed);
    let program = command.get_program().to_owned();
    let child = command.spawn();
    child.unwrap_or_else(|error| panic!("{program:?}, which .ci/set-up installs: {error}"))
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
