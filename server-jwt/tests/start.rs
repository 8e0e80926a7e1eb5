//! What `keygen` writes, and what keeps a server from starting: the real binary.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use server_jwt::keys::keygen::{Alg, make};
use support::{path, refused, run, text};

#[test]
fn keygen_writes_for_this_user_alone_and_never_over_a_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder can be made");
    for alg in ["HS256", "RS256", "ES256", "EdDSA"] {
        let (out, public) = (
            folder.path().join(alg),
            folder.path().join(format!("{alg}.pub")),
        );
        let mut arguments = vec!["keygen", "--alg", alg, "--kid", "k1", "--out", path(&out)];
        if alg != "HS256" {
            arguments.extend(["--public-out", path(&public)]);
        }
        let output = run(&arguments, b"");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        assert!(output.stdout.is_empty());
        let mode = std::fs::metadata(&out)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let before = std::fs::read(&out).expect("it can be read");
        let (code, line) = (run(&arguments, b""), "choose a new file");
        assert_eq!(code.status.code(), Some(2));
        assert!(refused(&code).1.contains(line));
        assert_eq!(std::fs::read(&out).expect("it can be read"), before);
    }
    let public = folder.path().join("no.pub");
    let arguments = [
        "keygen",
        "--alg",
        "HS256",
        "--kid",
        "k",
        "--public-out",
        path(&public),
    ];
    let output = run(&arguments, b"");
    assert!(
        refused(&output)
            .1
            .contains("a shared secret has no public half")
    );
    let printed = run(&["keygen", "--alg", "EdDSA", "--kid", "k9"], b"");
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("it is JSON");
    assert_eq!(printed["keys"][0]["kid"], "k9");
}

/// Accounts for a server that nobody logs in to, and the folder they live in.
fn accounts() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("accounts.sqlite");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime
        .block_on(app::users::create(&path, 0))
        .expect("accounts are made");
    (folder, path)
}

/// A server that is told something wrong says so in one line and does not start.
#[test]
fn a_server_with_bad_settings_is_exit_2_with_one_line() {
    let (_folder, accounts) = accounts();
    let (weak, good) = (support::file("short"), support::file([7; 32]));
    let eddsa = make(Alg::EdDsa, "k1").expect("a key is made").public;
    let eddsa = support::file(eddsa.expect("it has one").to_string());
    let (weak, good, eddsa) = (path(&weak), path(&good), path(&eddsa));
    for (flags, fragment) in [
        (&[][..], "--keys or --secret-file is missing"),
        (&["--secret-file", weak], "--secret-file /"),
        (&["--keys", "/nowhere"], "--keys /nowhere: No such file"),
        (&["--keys", good], "not a JWK"),
        (
            &["--keys", eddsa, "--sign-with", "k1"],
            "key \"k1\": no key of this name can sign",
        ),
        (
            &["--secret-file", good, "--revoke", "deny-list"],
            "--redis-url is missing",
        ),
        (
            &["--secret-file", good, "--refresh"],
            "--redis-url is missing",
        ),
        (
            &["--secret-file", good, "--refresh", "--redis-url", "htp:/x"],
            "--redis-url: ",
        ),
        (
            &["--secret-file", good, "--refresh", "--carry", "cookie"],
            "--refresh: ",
        ),
        (&["--keys", eddsa, "--stock"], "--stock: "),
    ] {
        let always = ["--pool", "jwt", "--accounts", path(&accounts)];
        let output = run(&[&always, flags].concat(), b"");
        let (code, line) = refused(&output);
        assert_eq!(code, Some(2), "{flags:?}: {line}");
        assert!(
            line.starts_with("server-jwt: ") && line.contains(fragment),
            "{line}"
        );
        assert!(output.stdout.is_empty());
    }
}

/// A store that is not there is no reason not to start: the instance says 503 until it is.
#[test]
fn a_server_starts_without_its_redis() {
    let (_folder, accounts) = accounts();
    let secret = support::file([7; 32]);
    for revoke in ["deny-list", "deny-list-synced"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_server-jwt"))
            .args([
                "--pool",
                "jwt",
                "--accounts",
                path(&accounts),
                "--end-with-stdin",
            ])
            .args(["--secret-file", path(&secret), "--revoke", revoke])
            .args(["--redis-url", "redis://127.0.0.1:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line
            .trim()
            .strip_prefix("LISTENING ")
            .expect("the one line");
        let mut connection = TcpStream::connect(address).expect("it listens");
        let request = "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("\"ready\":true"), "{answer}");
        drop(child.stdin.take());
        assert!(child.wait().expect("it ends with its input").success());
    }
}

/// Instances that start at once with no keys make one key, and all sign with it.
#[test]
fn keys_that_nobody_made_are_made_once() {
    let (folder, accounts) = accounts();
    let keys = folder.path().join("keys.json");
    let flags = ["--pool", "jwt", "--make-keys", "--end-with-stdin"];
    let mut instances = [(); 3].map(|()| {
        Command::new(env!("CARGO_BIN_EXE_server-jwt"))
            .args(flags)
            .args(["--keys", path(&keys), "--accounts", path(&accounts)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs")
    });
    for instance in &mut instances {
        let mut line = String::new();
        let said = instance.stdout.as_mut().expect("it is piped");
        BufReader::new(said).read_line(&mut line).expect("a line");
        assert!(line.starts_with("LISTENING"), "{line}");
    }
    let made = std::fs::read(&keys).expect("the keys");
    let made: Value = serde_json::from_slice(&made).expect("it is JSON");
    assert_eq!(made["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!(made["keys"][0]["alg"], "HS256");
    let left = std::fs::read_dir(folder.path()).expect("a folder");
    let left = left.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        !name.to_string_lossy().starts_with("accounts")
    });
    assert_eq!(left.count(), 1, "no half-made file stays behind");
}
