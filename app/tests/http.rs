//! The application over real sockets: limits, timeouts, error shapes and the drain.
//!
//! Long because the tables of bad requests stand beside the server they are sent to.
//! The memory is the trusting one: nothing here depends on how a login is remembered.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it stands"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::application::{Application, Parts};
use app::metrics::Metrics;
use app::password::Hasher;
use app::serve::{Drain, serve};
use app::trusting::Trusting;
use app::users::{self, Users};
use app::{Clock, Instance};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Running {
    address: std::net::SocketAddr,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

async fn start(drain: Drain) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().join("accounts.sqlite");
    users::create(&accounts, 0).await.unwrap();
    let instance = Instance {
        pool: "trusting".into(),
        name: "a".into(),
        clock: Clock::default(),
        secure_cookies: false,
    };
    let application = Application::new(Parts {
        memory: Trusting::new(&instance),
        instance,
        users: Users::open(&accounts).await.unwrap(),
        hasher: Hasher::start(1).unwrap(),
        metrics: Arc::new(Metrics::default()),
        lab_secret: None,
        read_user_each_request: false,
        draining: drain.flag(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, told) = oneshot::channel();
    let told_to_end = async move { drop(told.await) };
    let served = tokio::spawn(serve(application, listener, drain, told_to_end));
    Running {
        address,
        end: Some(end),
        served,
        _folder: folder,
    }
}

async fn started() -> Running {
    start(Drain::new(Duration::ZERO, Duration::from_secs(1))).await
}

impl Running {
    /// Sends `raw` on a connection of its own and reads until the server closes it.
    async fn exchange(&self, raw: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(raw).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(8), read)
            .await
            .expect("it closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        let raw = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        self.exchange(raw.as_bytes()).await
    }

    async fn post(&self, path: &str, content_type: &str, body: &[u8]) -> String {
        let mut raw = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\
             \r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        raw.extend_from_slice(body);
        self.exchange(&raw).await
    }
}

/// Status and reason, which is what a client decides by.
fn outcome(answer: &str) -> (u16, String) {
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    (
        status,
        problem["reason"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn every_answer_names_its_instance_and_must_not_be_stored() {
    let server = started().await;
    for path in ["/healthz", "/readyz", "/metrics", "/me", "/nowhere"] {
        let answer = server.get(path, "").await;
        assert!(
            answer.contains("x-served-by: trusting-a\r\n"),
            "{path}: {answer}"
        );
        assert!(
            answer.contains("cache-control: no-store\r\n"),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn bad_requests_get_the_status_and_reason_that_the_interface_promises() {
    let server = started().await;
    let long = "x".repeat(9 * 1024);
    let (host, two_hosts) = ("Host: x\r\n", "Host: x\r\nHost: x\r\n");
    let credentials = format!("{host}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n");
    let large = format!("{host}Cookie: {long}\r\n");
    let coded = format!("{host}Transfer-Encoding: gzip, chunked\r\n");
    let cases = [
        ("unknown path", "/me/", host, 404, "not-found"),
        ("wrong method", "/login", host, 405, "method-not-allowed"),
        ("no host", "/me", "", 400, "malformed-request"),
        ("two hosts", "/me", two_hosts, 400, "malformed-request"),
        (
            "another host in the target",
            "http://y/me",
            host,
            400,
            "malformed-request",
        ),
        (
            "raw UTF-8 in the path",
            "/m\u{e9}",
            host,
            400,
            "malformed-request",
        ),
        ("large header", "/me", &large, 431, "header-too-large"),
        ("another coding", "/me", &coded, 400, "malformed-request"),
        (
            "long target",
            &format!("/{long}"),
            host,
            414,
            "uri-too-long",
        ),
        (
            "two credentials",
            "/me",
            &credentials,
            400,
            "malformed-credential",
        ),
        ("lab that is closed", "/lab/state", host, 404, "not-found"),
    ];
    for (case, target, headers, status, reason) in cases {
        let raw = format!("GET {target} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        let answer = server.exchange(raw.as_bytes()).await;
        assert_eq!(
            outcome(&answer),
            (status, reason.to_owned()),
            "{case}: {answer}"
        );
        assert!(
            answer.contains("application/problem+json"),
            "{case}: {answer}"
        );
    }
    let allow = server.get("/login", "").await;
    assert!(allow.to_lowercase().contains("allow: post"), "{allow}");
    // The server is still well.
    assert_eq!(outcome(&server.get("/healthz", "").await).0, 200);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn bodies_are_bounded_json_in_utf8_or_a_form() {
    let server = started().await;
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let good = br#"{"username":"mia","password":"hopper-1906"}"#;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let long = format!(r#"{{"username":"mia","password":"{}"}}"#, "x".repeat(5000));
    let hebrew = "{\"username\":\"\u{5d0}\u{5d1}\",\"password\":\"x\"}";
    let twice: &[u8] = br#"{"username":"mia","username":"ada","password":"x"}"#;
    let unknown: &[u8] = br#"{"username":"mia","password":"x","admin":true}"#;
    let unsupported = (415, "unsupported-media-type");
    let broken = (400, "malformed-request");
    let shape = (422, "wrong-shape");
    type Case<'a> = (&'a str, &'a str, &'a [u8], (u16, &'a str));
    let cases: &[Case] = &[
        ("good", json, good, (200, "")),
        (
            "utf-8 named",
            "application/json; charset=utf-8",
            good,
            (200, ""),
        ),
        (
            "form",
            form,
            b"username=mia&password=hopper-1906",
            (200, ""),
        ),
        (
            "other charset",
            "application/json; charset=utf-16",
            good,
            unsupported,
        ),
        ("plain text", "text/plain", good, unsupported),
        ("broken", json, br#"{"username":"#, broken),
        ("empty", json, b"", broken),
        ("byte order mark", json, b"\xef\xbb\xbf{}", broken),
        (
            "trailing bytes",
            json,
            br#"{"username":"mia","password":"x"} x"#,
            broken,
        ),
        (
            "invalid UTF-8",
            json,
            b"{\"username\":\"\xff\",\"password\":\"x\"}",
            broken,
        ),
        (
            "lone surrogate",
            json,
            br#"{"username":"\ud800","password":"x"}"#,
            broken,
        ),
        (
            "wrong type",
            json,
            br#"{"username":5,"password":"x"}"#,
            shape,
        ),
        ("missing field", json, br#"{"username":"mia"}"#, shape),
        ("unknown field", json, unknown, shape),
        ("twice", json, twice, shape),
        ("array", json, b"[]", shape),
        ("deep", json, deep.as_bytes(), shape),
        (
            "NUL in the name",
            json,
            br#"{"username":"mi\u0000a","password":"x"}"#,
            shape,
        ),
        (
            "empty name",
            json,
            br#"{"username":"","password":"x"}"#,
            shape,
        ),
        (
            "right to left",
            json,
            hebrew.as_bytes(),
            (401, "wrong-password"),
        ),
        ("too long", json, long.as_bytes(), (413, "body-too-large")),
    ];
    for (case, content_type, body, (status, reason)) in cases {
        let answer = server.post("/login", content_type, body).await;
        assert_eq!(
            outcome(&answer),
            (*status, (*reason).to_owned()),
            "{case}: {answer}"
        );
        assert!(
            !answer.contains("hopper-1906"),
            "{case}: the password comes back"
        );
    }
}

#[tokio::test]
async fn slow_headers_slow_bodies_and_idle_connections_are_closed_within_their_time() {
    let server = started().await;
    let slow_body = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                      Content-Length: 40\r\n\r\n{";
    let idle_after_one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let began = Instant::now();
    let (half_header, body, idle) = tokio::join!(
        server.exchange(b"GET /me HTTP/1.1\r\nHo"),
        server.exchange(slow_body),
        server.exchange(idle_after_one),
    );
    assert!(
        began.elapsed() < Duration::from_secs(7),
        "{:?}",
        began.elapsed()
    );
    assert!(
        half_header.is_empty() || half_header.starts_with("HTTP/1.1 408"),
        "{half_header}"
    );
    assert_eq!(outcome(&body), (408, "too-slow".to_owned()));
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_reason_never_by_path() {
    let server = started().await;
    server.get("/me", "").await;
    server.get("/a-path-that-a-stranger-made-up", "").await;
    let page = server.get("/metrics", "").await;
    assert!(
        page.contains(r#"http_requests_total{route="/me",status="401"} 1"#),
        "{page}"
    );
    assert!(
        page.contains(r#"refusals_total{reason="no-credential"} 1"#),
        "{page}"
    );
    assert!(page.contains("process_cpu_seconds_total"), "{page}");
    assert!(!page.contains("made-up"), "{page}");
}

#[tokio::test]
async fn a_drain_is_unready_at_once_and_ends_at_its_deadline_whatever_is_open() {
    let drain = Drain::new(Duration::from_millis(400), Duration::from_millis(600));
    let mut server = start(drain).await;
    let mut half_sent = TcpStream::connect(server.address).await.unwrap();
    half_sent
        .write_all(b"POST /login HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    let _idle = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(outcome(&server.get("/readyz", "").await).0, 200);

    let began = Instant::now();
    server.end.take().unwrap().send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Unready, so that a balancer looks elsewhere, but whoever still comes is served.
    assert_eq!(outcome(&server.get("/readyz", "").await).0, 503);
    assert_eq!(outcome(&server.get("/healthz", "").await).0, 200);
    server.served.await.unwrap();
    let took = began.elapsed();
    assert!(
        (Duration::from_millis(400)..Duration::from_secs(2)).contains(&took),
        "{took:?}"
    );
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody listens any more"
    );
}
