//! The stand-alone server as a process: what it says when it is started wrongly, and that a
//! store which is not there keeps nobody from starting.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn server(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server-session"));
    command
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["REDIS_URL", "KEY_PREFIX", "STORE", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

async fn accounts() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder can be made");
    let path = folder.path().join("accounts.sqlite");
    app::users::create(&path, 0)
        .await
        .expect("the accounts are made");
    (folder, path)
}

fn ended(flags: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = server(flags).output().expect("it runs");
    assert_eq!(stdout, b"", "{flags:?}");
    (
        status.code(),
        String::from_utf8(stderr).expect("it writes text"),
    )
}

/// A wrong address is refused with one line that names the flag and the remedy, and does not
/// repeat what may hold a password.
#[tokio::test]
async fn a_wrong_redis_url_is_refused_in_one_line() {
    let (_folder, path) = accounts().await;
    let path = path.to_str().expect("the path is text");
    let always = [
        "--pool",
        "session-redis",
        "--accounts",
        path,
        "--store",
        "redis",
    ];
    for wrong in [
        &[][..],
        &["--redis-url", "http://a:s3cret@localhost"],
        &["--redis-url", "s3cret"],
        &["--redis-url", "redis://:s3cret@localhost:port"],
    ] {
        let (code, said) = ended(&[&always, wrong].concat());
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{wrong:?}: {said}");
        assert!(said.starts_with("server-session: --redis-url: "), "{said}");
        assert!(said.contains("redis://127.0.0.1:6379"), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_wrong_flag_is_refused() {
    for wrong in [
        &["--pool", "p"][..],
        &["--pool", "p", "--accounts", "a", "--store", "disk"],
        &["--pool", "p", "--accounts", "a", "--idle-ms", "0"],
        &["--pool", "p", "--accounts", "a", "--cache-ms", "-1"],
    ] {
        let (code, said) = ended(wrong);
        assert_eq!(code, Some(2), "{wrong:?}");
        assert!(said.contains("Usage") || said.contains("--help"), "{said}");
    }
}

/// Nobody answers at the address: the server starts, and its sessions are 503 until somebody
/// does. Standard output has its one line.
#[tokio::test]
async fn a_store_that_is_not_there_is_no_reason_not_to_start() {
    let (_folder, path) = accounts().await;
    let path = path.to_str().expect("the path is text");
    let mut child = server(&[
        "--pool",
        "session-redis",
        "--accounts",
        path,
        "--store",
        "redis",
    ])
    .args(["--redis-url", "redis://127.0.0.1:1", "--end-with-stdin"])
    .spawn()
    .expect("it runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout
        .read_line(&mut line)
        .expect("it says where it listens");
    let address = line
        .trim()
        .strip_prefix("LISTENING ")
        .expect("in these words");

    let mut connection = TcpStream::connect(address).expect("it listens");
    let request = "GET /me HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                   cookie: sid-session-redis=AAECAwQFBgcICQoLDA0ODw\r\n\r\n";
    connection.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("store-unavailable"), "{answer}");

    drop(child.stdin.take());
    let status = child.wait().expect("it ends with its standard input");
    assert_eq!(status.code(), Some(0));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("it is closed");
    assert_eq!(rest, "");
}

/// Where somebody said how long to wait for it, a store that does not come is a reason to end.
#[tokio::test]
async fn a_store_that_never_comes_is_told_in_one_line() {
    let (_folder, path) = accounts().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("redis://{}", nobody.local_addr().expect("it has one"));
    drop(nobody);
    let path = path.to_str().expect("the path is text");
    let flags = [
        "--pool",
        "session-redis",
        "--accounts",
        path,
        "--store",
        "redis",
        "--redis-url",
        &url,
        "--start-wait-ms",
        "800",
    ];
    let (code, said) = ended(&flags);
    assert_eq!(code, Some(4), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("server-session: --start-wait-ms"),
        "{said}"
    );
}
