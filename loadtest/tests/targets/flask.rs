//! The example with Flask, run as its README says, but on free ports.

use std::path::{Path, PathBuf};
use std::process::Command;

use loadtest::record::{Client, Record};

use super::beside::engine::Kept;
use super::{alone, cell, free_port, matrix, root, wait_for};

/// Where `.ci/set-up` puts Flask.
const FLASK: &str = "target/tools/flask/bin/flask";

/// Both instances and HAProxy.
struct Example {
    dir: tempfile::TempDir,
    ports: [u16; 3],
    _running: Vec<Kept>,
}

impl Example {
    /// `sessions` is what the README says of `SESSIONS`.
    fn start(sessions: &str) -> Example {
        let dir = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port()];
        let mut example = Example {
            dir,
            ports,
            _running: Vec::new(),
        };
        let mut running = Vec::new();
        for (instance, port) in ["one", "two"].iter().zip(&ports[1..]) {
            let mut command = Command::new(root().join(FLASK));
            command
                .args(["--app", "app", "run", "--port", &port.to_string()])
                .current_dir(folder())
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .env("INSTANCE", instance)
                .env("SESSIONS", sessions)
                .env("SECRET_KEY", "anything-both-share");
            running.push(Kept::new(command));
            wait_for(*port);
        }
        let mut haproxy = Command::new("haproxy");
        haproxy.args(["-db", "-f"]).arg(example.here("haproxy.cfg"));
        running.push(Kept::new(haproxy));
        wait_for(ports[0]);
        example._running = running;
        example
    }

    /// A copy of a file of the example, with the ports of this run.
    fn here(&self, name: &str) -> PathBuf {
        let mut text = std::fs::read_to_string(folder().join(name)).unwrap();
        for (theirs, ours) in ["127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:8082"]
            .iter()
            .zip(self.ports)
        {
            assert!(text.contains(theirs), "{name} does not name {theirs}");
            text = text.replace(theirs, &format!("127.0.0.1:{ours}"));
        }
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Every event that such a target can play; the exit code, what was told, the record.
    fn asked(&self, target: &str) -> (Option<i32>, String, Record) {
        let out = self.dir.path().join("run");
        let _ = std::fs::remove_dir_all(&out);
        let target = self.here(target);
        let (output, told) = matrix(&["--all", "--target", target.to_str().unwrap()], &out);
        let record = Record::load(&out).unwrap_or_else(|error| panic!("{error}: {told}"));
        (output.status.code(), told, record)
    }
}

fn folder() -> PathBuf {
    root().join(Path::new("examples/flask-two-instances"))
}

#[test]
fn logins_in_memory_are_unknown_to_the_other_instance() {
    let _alone = alone();
    let example = Example::start("memory");
    let (code, told, record) = example.asked("target.json");
    assert_eq!(code, Some(0), "{told}");
    for client in [Client::Browser, Client::KeepsCookie] {
        let share = |event| cell(&record, event, client).recognised_share.unwrap();
        assert!((share("same-instance") - 1.0).abs() < f64::EPSILON);
        assert!(share("other-instance").abs() < f64::EPSILON);
        let balanced = share("balanced");
        assert!((0.3..0.7).contains(&balanced), "{balanced}");
    }
    let hop = |from: &str, to: &str| {
        let wanted = |hop: &&loadtest::record::Hop| {
            hop.event == "balanced" && hop.login_instance == from && hop.answering_instance == to
        };
        let hops: Vec<_> = record.hops.iter().filter(wanted).collect();
        assert!(!hops.is_empty(), "{from} {to}");
        hops.iter().fold((0, 0), |(yes, no), hop| {
            (yes + hop.recognised, no + hop.refused)
        })
    };
    assert_eq!(hop("flask-memory-a", "flask-memory-a").1, 0);
    assert_eq!(hop("flask-memory-a", "flask-memory-b").0, 0);
    // Logged out at B, which never knew: A goes on.
    let lag = |instance: &str| {
        let mut rows = record.revocations.iter();
        rows.find(|row| row.instance == instance).unwrap()
    };
    assert!(lag("flask-memory-a").censored && lag("flask-memory-a").accepted_after > 0);
    assert_eq!(lag("flask-memory-b").accepted_before, Some(0));
    not_run(&record);
    assert!(record.environment.topology["target"].contains("Flask"));
    let written = std::fs::read_to_string(example.dir.path().join("run/record.json")).unwrap();
    assert!(
        !written.contains("not-a-secret"),
        "a password in the record"
    );
}

/// What is not played says why.
fn not_run(record: &Record) {
    let why = |event: &str| {
        let mut rows = record.not_run.iter();
        let row = rows.find(|row| row.event == event);
        row.unwrap_or_else(|| panic!("{event} was played"))
            .because
            .clone()
    };
    assert!(why("instance-killed").contains("the target has no lab"));
    assert!(why("rolling-restart").contains("not ours to signal"));
    assert!(why("role-changed").contains("describes no such request"));
    let played: std::collections::BTreeSet<_> = record
        .cells
        .iter()
        .map(|cell| cell.event.as_str())
        .collect();
    let wanted = [
        "balanced",
        "client-reconnects",
        "logout-elsewhere",
        "other-instance",
        "same-instance",
        "tampered",
    ];
    assert_eq!(played.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn signed_cookies_are_known_to_both_even_after_a_log_out() {
    let _alone = alone();
    let example = Example::start("signed");
    let (code, told, record) = example.asked("target-signed.json");
    assert_eq!(code, Some(0), "{told}");
    for client in [Client::Browser, Client::KeepsCookie] {
        for event in ["same-instance", "other-instance", "balanced"] {
            let cell = cell(&record, event, client);
            assert_eq!((cell.refused, cell.failed), (0, 0), "{event}");
            assert!(cell.recognised > 0, "{event}");
        }
    }
    assert_eq!(record.revocations.len(), 2);
    for row in &record.revocations {
        assert!(row.censored && row.accepted_after > 0, "{row:?}");
    }
    assert!(record.cells.iter().all(|cell| cell.as_expected));

    // The same servers under the other file: what is declared is held against what comes out.
    let (code, told, record) = example.asked("target.json");
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("NOT AS EXPECTED  flask-memory, other-instance"),
        "{told}"
    );
    let other = cell(&record, "other-instance", Client::Browser);
    assert!(!other.as_expected && other.recognised == other.requests);
    assert!(cell(&record, "same-instance", Client::Browser).as_expected);
}
