//! Targets that are not there, or cannot be what the file says.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use super::{free_port, loadtest, matrix};

#[test]
fn an_address_that_does_not_answer_is_named_and_exits_4() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (served("x-served-by: session-memory-a"), free_port());
    let (code, told) = asked(dir.path(), a, b, &[]);
    assert_eq!(code, Some(4), "{told}");
    let wanted = format!("arms[0].instances.b: http://127.0.0.1:{b} does not take a connection");
    assert!(told.contains(&wanted), "{told}");
    assert!(told.contains("start it, or correct the address"), "{told}");
    assert!(!dir.path().join("run").exists(), "nothing was run");
}

#[test]
fn who_cannot_be_told_apart_is_no_target() {
    let dir = tempfile::tempdir().unwrap();
    let a = served("x-served-by: session-memory-a");
    for (header, wanted) in [
        ("x-nothing: here", "answered without the header x-served-by"),
        (
            "x-served-by: session-memory-a",
            "calls itself session-memory-a",
        ),
    ] {
        let (code, told) = asked(dir.path(), a, served(header), &[]);
        assert_eq!(code, Some(2), "{told}");
        assert!(
            told.contains("arms[0].instances.b: ") && told.contains(wanted),
            "{told}"
        );
        assert!(!dir.path().join("run").exists(), "nothing was run");
    }
}

#[test]
fn an_arm_that_the_file_does_not_describe_is_answered_with_those_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let (code, told) = asked(
        dir.path(),
        free_port(),
        free_port(),
        &["--arms", "jwt-hs256"],
    );
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("use one or more of session-memory"), "{told}");
}

#[test]
fn a_file_that_is_wrong_or_missing_exits_2() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("target.json");
    let out = dir.path().join("run");
    for (text, wanted) in [
        (None, "--target "),
        (Some("{"), "EOF"),
        (
            Some(r#"{"target": 1, "arms": [], "colour": "red"}"#),
            "unknown field `colour`",
        ),
    ] {
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let (output, told) = matrix(&["--target", path.to_str().unwrap()], &out);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains("target.json") && told.contains(wanted),
            "{told}"
        );
        assert_eq!(told.trim().lines().count(), 1, "{told}");
    }
    let (output, told) = matrix(&["--target", "x", "--redis-url", "redis://x"], &out);
    assert_eq!(output.status.code(), Some(2), "{told}");
}

#[test]
fn what_a_target_cannot_be_measured_in_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let a = served("x-served-by: session-memory-a");
    let b = served("x-served-by: session-memory-b");
    let (code, told) = command("measure", dir.path(), (a, b), &[]);
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("not run  session-memory: ") && told.contains("lab_secret_file"),
        "{told}"
    );
    assert!(told.contains("nothing of this can be measured"), "{told}");
    for (more, wanted) in [
        (
            ["--preset", "capacity"],
            "starts servers of its own; with --target use quick or ",
        ),
        (["--shard", "1/2"], "--shard: with --target"),
        (["--redis-url", "redis://x"], "cannot be used with"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (code, told) = command("measure", dir.path(), (a, b), &more);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(wanted), "{told}");
        assert!(!dir.path().join("run").exists(), "nothing was run");
    }
}

/// The matrix on a session-memory with `a` as its balancer, too.
fn asked(dir: &Path, a: u16, b: u16, more: &[&str]) -> (Option<i32>, String) {
    command("matrix", dir, (a, b), more)
}

/// A command on such a target.
fn command(command: &str, dir: &Path, (a, b): (u16, u16), more: &[&str]) -> (Option<i32>, String) {
    let base = |port: u16| format!("http://127.0.0.1:{port}");
    let path = dir.join("target.json");
    let file = json!({
        "target": 1,
        "arms": [{
            "arm": "session-memory", "balanced": base(a), "instances": {"a": base(a), "b": base(b)}
        }]
    });
    std::fs::write(&path, file.to_string()).unwrap();
    let mut args = vec!["--target", path.to_str().unwrap()];
    args.extend(more);
    let (output, told) = loadtest(command, &args, &dir.join("run"));
    (output.status.code(), told)
}

/// Answers 401 with this header to whoever comes, until the test ends.
fn served(header: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close";
            let _ = stream.write_all(format!("{head}\r\n{header}\r\n\r\n").as_bytes());
        }
    });
    port
}
