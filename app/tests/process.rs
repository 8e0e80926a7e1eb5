//! An instance as a process: it says where it listens, ends when told, and refuses to start in
//! one line.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it stands"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The example beside this test: the smallest server there is.
fn server() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    folder.join("examples/trusting")
}

fn accounts() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(app::users::create(&path, 0)).unwrap();
    (folder, path)
}

fn start(accounts: &Path) -> Child {
    let mut child = spawn(accounts, &[]);
    listening(&mut child);
    child
}

fn spawn(accounts: &Path, args: &[&str]) -> Child {
    Command::new(server())
        .args(["--pool", "trusting", "--end-with-stdin", "--accounts"])
        .arg(accounts)
        .args(args)
        .env_remove("LAB_SECRET")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Where it says that it listens.
fn listening(child: &mut Child) -> SocketAddr {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("LISTENING ").unwrap();
    address.parse().unwrap()
}

fn ends_within(child: &mut Child, limit: Duration) -> std::process::ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it still ran after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sigterm_ends_it_even_while_its_standard_input_stays_open() {
    let (_folder, accounts) = accounts();
    let mut child = start(&accounts);
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert!(ends_within(&mut child, Duration::from_secs(5)).success());
}

#[test]
fn the_end_of_standard_input_ends_it() {
    let (_folder, accounts) = accounts();
    let mut child = start(&accounts);
    drop(child.stdin.take());
    assert!(ends_within(&mut child, Duration::from_secs(5)).success());
}

/// What an engine starts again at once stays away while somebody wants it to.
#[test]
fn an_instance_that_is_held_starts_when_it_is_let_go() {
    let (folder, accounts) = accounts();
    let held = folder.path().join("a");
    std::fs::write(&held, "").unwrap();
    let mut child = spawn(&accounts, &["--hold-file", held.to_str().unwrap()]);
    let (told, line) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        told.send(listening(&mut child)).unwrap();
        child
    });
    assert!(line.recv_timeout(Duration::from_millis(700)).is_err());
    std::fs::remove_file(&held).unwrap();
    line.recv_timeout(Duration::from_secs(10)).unwrap();
}

/// The status line of `GET /lab/state` with that secret.
fn lab_state(at: SocketAddr, secret: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    let request = format!(
        "GET /lab/state HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         x-lab-secret: {secret}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn instances_that_find_no_secret_make_one_for_all() {
    let (folder, accounts) = accounts();
    let file = folder.path().join("lab-secret");
    let flags = ["--lab", "--lab-secret-file", file.to_str().unwrap()];
    let mut instances = [(); 3].map(|()| spawn(&accounts, &flags));
    let addresses = instances.each_mut().map(listening);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert_eq!(secret.len(), 32);
    for at in addresses {
        assert_eq!(lab_state(at, &secret), "HTTP/1.1 200 OK");
        assert_eq!(lab_state(at, "0123456789abcdef"), "HTTP/1.1 403 Forbidden");
    }
}

fn refused(args: &[&str], secret: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(server());
    command
        .args(["--pool", "trusting"])
        .args(args)
        .env_remove("LAB_SECRET");
    if let Some(secret) = secret {
        command.env("LAB_SECRET", secret);
    }
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn bad_settings_are_refused_in_one_line_that_names_the_flag() {
    let (_folder, accounts) = accounts();
    let accounts = accounts.to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let short = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&short, "short").unwrap();
    let short = short.path().to_str().unwrap();
    let secret_in = |file| ["--accounts", accounts, "--lab", "--lab-secret-file", file];
    let cases: [(&[&str], Option<&str>, &str); 7] = [
        (&secret_in(short), None, "--lab-secret-file"),
        (&secret_in("nowhere/secret"), None, "--lab-secret-file"),
        (
            &["--accounts", "nowhere/accounts.sqlite"],
            None,
            "--accounts",
        ),
        (
            &["--make-accounts", "--accounts", "nowhere/accounts.sqlite"],
            None,
            "--make-accounts",
        ),
        (
            &["--accounts", accounts, "--listen", &taken],
            None,
            "--listen",
        ),
        (&["--accounts", accounts, "--lab"], None, "--lab"),
        (&["--accounts", accounts, "--lab"], Some("short"), "--lab"),
    ];
    for (args, secret, flag) in cases {
        let (code, said) = refused(args, secret);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
        assert!(
            said.starts_with("trusting: ") && said.contains(flag),
            "{args:?}: {said}"
        );
    }
}
