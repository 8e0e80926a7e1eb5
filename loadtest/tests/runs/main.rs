//! The executable as people run it: the matrix against its own expectations, a broken arm, a cost
//! run, published claims, an interruption, a killed parent, bad input, a machine without Redis.
//!
//! Every test starts the real thing with a folder of its own. They take turns: two runs at a time on
//! two cores would measure each other.

mod claims;
mod demo;
mod inputs;
mod interrupted;
mod matrix;
mod measure;
mod processes;
mod self_test;
mod soak;
mod starved;
mod stores;
mod sweeps;
mod untamed;

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use loadtest::record::Record;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A run with a folder of its own, alone on the machine as far as these tests go.
struct Run {
    dir: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Run {
    fn new() -> Run {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        Run {
            dir: tempfile::tempdir().expect("a folder can be made"),
            _turn: turn,
        }
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// The executable with these arguments, its results in this run's folder.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = executable(args);
        command
            .arg("--out")
            .arg(self.out())
            .current_dir(self.dir.path());
        command
    }

    fn record(&self) -> Record {
        Record::load(&self.out()).expect("a run leaves a record")
    }

    /// Starts it and waits until its record holds a cell.
    fn start(&self, args: &[&str]) -> Child {
        self.start_until(args, |record| !record.cells.is_empty())
    }

    /// Starts it and waits until its record is as wanted.
    fn start_until(&self, args: &[&str], is_wanted: impl Fn(&Record) -> bool) -> Child {
        let mut command = self.command(args);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the executable was built");
        let patience = Instant::now() + Duration::from_secs(60);
        while !Record::load(&self.out()).is_ok_and(|record| is_wanted(&record)) {
            assert!(
                matches!(child.try_wait(), Ok(None)),
                "it ended before anything was observed"
            );
            assert!(
                Instant::now() < patience,
                "nothing was observed for a minute"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        child
    }
}

/// The executable, whatever the machine's own environment says.
fn executable(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command
        .args(args)
        .env_remove("REDIS_URL")
        .env_remove("SVJ_TARGET")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn told(output: &Output) -> String {
    format!("{}\n{}", text(&output.stdout), text(&output.stderr))
}
