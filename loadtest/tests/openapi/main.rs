//! The interface as it is written down: the published documents are what the code makes, and
//! schemathesis finds no answer of a started server that is not as its document says.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// Where `.ci/set-up` puts schemathesis.
const SCHEMATHESIS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/tools/schemathesis/bin/schemathesis"
);
/// How it shows a login.
const LOGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/login.py");
const POOL: &str = "interface";

/// The two servers, and what each needs beside the pool and the accounts.
const SERVERS: [&str; 2] = ["server-session", "server-jwt"];

fn published(server: &str) -> PathBuf {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi");
    docs.join(format!("{server}.json"))
}

fn made(server: &str) -> Value {
    match server {
        "server-jwt" => server_jwt::openapi(),
        _ => server_session::openapi(&app::Instance {
            pool: POOL.to_owned(),
            name: "a".to_owned(),
            clock: app::Clock::default(),
            secure_cookies: false,
        }),
    }
}

/// `UPDATE_OPENAPI=1 cargo test --workspace --test openapi` writes them anew.
#[test]
fn the_published_documents_are_what_the_code_makes() {
    for server in SERVERS {
        let file = published(server);
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            let text = serde_json::to_string_pretty(&made(server)).unwrap() + "\n";
            fs::write(&file, text).unwrap();
        }
        let published: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert!(
            published == made(server),
            "docs/openapi/{server}.json is stale: run this test with UPDATE_OPENAPI=1"
        );
    }
}

/// A started server; it ends with its standard input, and with this.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start(server: &str, folder: &Path) -> Server {
    let accounts = folder.join("accounts.sqlite");
    app::users::create(&accounts, 0).await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args([server, "--pool", POOL, "--end-with-stdin", "--accounts"]);
    command.arg(&accounts);
    if server == "server-jwt" {
        let keys = folder.join("keys.json");
        command.arg("--make-keys").arg("--keys").arg(keys);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("LISTENING ").unwrap();
    let url = format!("http://{address}");
    Server { child, url }
}

/// The header that carries a new login of the admin.
async fn log_in(server: &Server) -> String {
    let [admin, ..] = app::users::DEMO_USERS;
    let sent = json!({ "username": admin.name, "password": admin.password });
    let client = reqwest::Client::new();
    let answer = client.post(format!("{}/login", server.url)).json(&sent);
    let answer = answer.send().await.unwrap().error_for_status().unwrap();
    let cookie = answer.headers().get("set-cookie").cloned();
    match cookie {
        Some(cookie) => {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            format!("Cookie: {cookie}")
        }
        None => {
            let body: Value = answer.json().await.unwrap();
            let token = body["access_token"].as_str().unwrap();
            format!("Authorization: Bearer {token}")
        }
    }
}

/// Runs schemathesis over the routes that `select` leaves, with a login of their own.
async fn conforms(name: &str, server: &Server, select: [&str; 2]) {
    let login = log_in(server).await;
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(SCHEMATHESIS)
        .arg("run")
        .arg(published(name))
        .args(["--url", &server.url])
        .args(["--checks", "all", "--max-examples", "25", "--seed", "1"])
        .args(["--phases", "examples,coverage,fuzzing", "--no-color"])
        .args(select)
        .env("SCHEMATHESIS_HOOKS", LOGIN)
        .env("SVJ_LOGIN", login)
        // It keeps what it found in the current folder.
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("schemathesis is missing, .ci/set-up installs it: {error}"));
    let said = String::from_utf8_lossy(&run.stdout);
    let erred = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{name}: {said}{erred}");
}

async fn server_conforms(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let server = start(name, folder.path()).await;
    conforms(name, &server, ["--exclude-path-regex", "^/logout"]).await;
    // These end the login that they come with.
    for path in ["/logout", "/logout-everywhere"] {
        conforms(name, &server, ["--include-path", path]).await;
    }
}

#[tokio::test]
async fn server_session_answers_as_its_document_says() {
    server_conforms("server-session").await;
}

#[tokio::test]
async fn server_jwt_answers_as_its_document_says() {
    server_conforms("server-jwt").await;
}
