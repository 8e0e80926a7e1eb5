//! Mistakes on the command line: each is one line that names the thing and the remedy.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use super::{Run, executable, text};

/// One line on standard error that names all of these, and this exit code.
fn assert_told(output: &Output, code: i32, names: &[&str]) {
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(
        !line.contains("panicked") && !line.contains("backtrace"),
        "{line}"
    );
    for name in names {
        assert!(line.contains(name), "{name:?} is not in: {line}");
    }
}

#[test]
fn nothing_asked_for_is_five_lines() {
    let output = executable(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout).lines().count(), 5);
}

#[test]
fn mistakes_are_one_line_and_exit_2() {
    for (args, names) in [
        (&["demo", "--onec"][..], &["--onec", "--once"][..]),
        (
            &["matrix", "--arms", "session-mem"],
            &["--arms", "session-mem", "session-memory"],
        ),
        (&["matrix", "--seed", "seven"], &["--seed", "seven"]),
        (&["watch", "--port", "99999"], &["--port", "99999"]),
        (&["measures"], &["measures", "--help"]),
        (
            &["measure", "--preset", "quik"],
            &["--preset", "quik", "quick"],
        ),
        (&["measure", "--blocks", "7"], &["--blocks", "7", "8"]),
        (&["measure", "--rate", "0"], &["--rate", "above 0"]),
        (
            &["measure", "--rate", "1000000", "--seconds", "60"],
            &["--rate 1000000", "--seconds 60", "lower"],
        ),
        (&["measure", "--shard", "4/3"], &["--shard", "4/3", "i/n"]),
        (&["report", "/nowhere/at-all"], &["/nowhere/at-all"]),
        (
            &["claims", "--only", "nobody"],
            &["--only", "nobody", "claims --list"],
        ),
        (
            &["claims", "--seconds", "0"],
            &["--seconds", "at least 0.2"],
        ),
        (
            &["claims", "--replay", "/nowhere/at-all"],
            &["--replay", "/nowhere/at-all"],
        ),
        (
            &["claims", "--splice", "/nowhere/page.md"],
            &["--splice", "/nowhere/page.md"],
        ),
        (
            &["inspect", "--jwks", "/nowhere/keys.json", "a.b.c"],
            &["/nowhere/keys.json"],
        ),
    ] {
        assert_told(&executable(args).output().unwrap(), 2, names);
    }
}

#[test]
fn a_plan_that_cannot_be_made_is_one_line_and_exit_2() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let cost = format!("{root}/docs/results/cost/2026-11-26");
    let known = format!("{cost} --users 9 --rps 9");
    for (line, names) in [
        (
            "/nowhere/at-all --users 9 --rps 9",
            &["/nowhere/at-all"][..],
        ),
        ("runs --users 9", &["--rps"]),
        ("runs --users 0 --rps 9", &["--users", "above 0"]),
        ("runs --users 1e300 --rps 9", &["--users", "at most"]),
        ("runs --users 9 --rps NaN", &["--rps", "at most"]),
        ("runs --users 9 --rps 9 --regions 0", &["--regions"]),
        (
            "runs --users 9 --rps 9 --logged-in-share 2",
            &["--logged-in-share", "at most 1"],
        ),
        (&format!("{cost} --rps 9"), &["--users", "--live-logins"]),
        (
            &format!("{known} --regions 2"),
            &["--regions 2", "--round-trip-ms"],
        ),
        (
            &format!("{known} --splice {root}/README.md"),
            &["--splice", "README.md", "<!-- BEGIN: plan -->"],
        ),
        (&format!("--check {cost}"), &["--check", "--preset scale"]),
    ] {
        let args: Vec<_> = std::iter::once("plan").chain(line.split(' ')).collect();
        assert_told(&executable(&args).output().unwrap(), 2, names);
    }
}

#[test]
fn a_key_file_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = dir.path().join("accounts.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(app::users::create(&accounts, 0)).unwrap();
    let mut command = executable(&[
        "server-jwt",
        "--pool",
        "jwt",
        "--keys",
        "/nowhere/keys.json",
    ]);
    let output = command.arg("--accounts").arg(accounts).output().unwrap();
    assert_told(&output, 2, &["--keys", "/nowhere/keys.json"]);
}

#[test]
fn a_redis_url_that_is_none_is_a_mistake_and_one_that_is_silent_unreachable() {
    let run = Run::new();
    let args = [
        "matrix",
        "--arms",
        "session-redis",
        "--redis-url",
        "not a url",
    ];
    assert_told(&run.command(&args).output().unwrap(), 2, &["--redis-url"]);

    // A port that nobody listens on: taken, then given back.
    let silent = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run_dir = run.dir.path().join("second");
    let url = format!("redis://{silent}");
    let mut command = executable(&["matrix", "--arms", "session-redis", "--redis-url", &url]);
    let output = command.arg("--out").arg(run_dir).output().unwrap();
    assert_told(&output, 4, &["--redis-url", &silent.to_string()]);
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_a_mistake() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = Run::new();
    let output = run
        .command(&["demo", "--once", "--port", &port])
        .output()
        .unwrap();
    assert_told(&output, 2, &["port", &port, "--port"]);
    let output = executable(&["watch", "--port", &port]).output().unwrap();
    assert_told(&output, 2, &["port", &port, "--port"]);
}

#[test]
fn a_folder_that_cannot_be_written_or_holds_a_run_is_named() {
    let run = Run::new();
    std::fs::write(run.out(), "a file").unwrap();
    let output = run
        .command(&["matrix", "--arms", "jwt-hs256"])
        .output()
        .unwrap();
    assert_told(&output, 2, &["--out", &run.out().display().to_string()]);

    std::fs::remove_file(run.out()).unwrap();
    std::fs::create_dir(run.out()).unwrap();
    std::fs::write(run.out().join("record.json"), "{}").unwrap();
    let output = run
        .command(&["matrix", "--arms", "jwt-hs256"])
        .output()
        .unwrap();
    assert_told(&output, 2, &["--out", "holds a run already"]);
    std::fs::rename(run.out().join("record.json"), run.out().join("claims.json")).unwrap();
    let output = run
        .command(&["claims", "--only", "bytes"])
        .output()
        .unwrap();
    assert_told(&output, 2, &["--out", "holds a run already"]);

    // Root may write everywhere, so this says something only of other users.
    let locked = run.dir.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(locked.join("probe"), "").is_err() {
        let mut command = executable(&["matrix", "--arms", "jwt-hs256", "--out"]);
        let output = command.arg(locked.join("run")).output().unwrap();
        assert_told(&output, 2, &["--out", "locked"]);
    }
}
