//! A toy instance: what the cluster and its balancer need to see of a real one, and a few routes
//! that misbehave on request.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// `toy --listen ADDRESS --pool NAME --instance NAME --end-with-stdin [--drain-wait-ms MS]
/// [--fail] [--silent] [--never-ready]`. `$TOY_LOG` names a file that gets a line for each
/// request that changes something.
pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let toy = Toy::from_args(args);
    if toy.has("fail") {
        eprintln!("toy: told to fail; do not tell it to");
        return ExitCode::from(2);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(serve(Arc::new(toy)));
    // Not a return: a thread of the runtime still reads standard input.
    std::process::exit(0)
}

struct Toy {
    flags: HashMap<String, String>,
    draining: AtomicBool,
}

impl Toy {
    fn from_args(args: &[OsString]) -> Self {
        let mut flags = HashMap::new();
        let mut last = String::new();
        for arg in args.iter().filter_map(|arg| arg.to_str()) {
            match arg.strip_prefix("--") {
                Some(flag) => {
                    last = flag.to_owned();
                    flags.insert(last.clone(), String::new());
                }
                None => {
                    flags.insert(last.clone(), arg.to_owned());
                }
            }
        }
        Self {
            flags,
            draining: AtomicBool::new(false),
        }
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    fn text(&self, flag: &str) -> &str {
        self.flags.get(flag).map_or("", String::as_str)
    }

    fn served_by(&self) -> String {
        format!("{}-{}", self.text("pool"), self.text("instance"))
    }

    /// Notes that something was changed, where it outlives this process.
    fn log(&self, what: &str) {
        if let Some(path) = std::env::var_os("TOY_LOG") {
            let mut file = std::fs::File::options()
                .create(true)
                .append(true)
                .open(path)
                .expect("the test's folder is writable");
            writeln!(file, "{} {what}", self.text("instance")).expect("the disk has room");
        }
    }
}

async fn serve(toy: Arc<Toy>) {
    let listener = TcpListener::bind(toy.text("listen")).await.expect("a port");
    let mut terminated = signal(SignalKind::terminate()).expect("a signal handler");
    tokio::spawn(end_with_stdin());
    if toy.has("silent") {
        std::future::pending::<()>().await;
    }
    println!("LISTENING {}", listener.local_addr().expect("it is bound"));
    let connections = GracefulShutdown::new();
    let mut ending = std::pin::pin!(async {
        terminated.recv().await;
        toy.draining.store(true, Ordering::Relaxed);
        let wait = toy.text("drain-wait-ms").parse().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    });
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.expect("file descriptors are left").0,
            () = &mut ending => break,
        };
        let toy = Arc::clone(&toy);
        let service = service_fn(move |request| {
            let toy = Arc::clone(&toy);
            async move { Ok::<_, Infallible>(answer(&toy, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(5))
            .max_buf_size(128 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    let _ = tokio::time::timeout(Duration::from_secs(5), connections.shutdown()).await;
}

async fn end_with_stdin() {
    let mut ignored = [0; 64];
    let mut stdin = tokio::io::stdin();
    while matches!(stdin.read(&mut ignored).await, Ok(1..)) {}
    std::process::exit(0);
}

type Body = BoxBody<Bytes, Infallible>;

async fn answer(toy: &Toy, request: Request<Incoming>) -> Response<Body> {
    let mut answer = route(toy, request).await;
    let served_by = toy.served_by().parse().expect("names are ASCII");
    answer.headers_mut().insert("x-served-by", served_by);
    answer
}

async fn route(toy: &Toy, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let number = parts.uri.query().and_then(|query| query.parse().ok());
    let pause = Duration::from_millis(number.unwrap_or(0));
    match parts.uri.path() {
        "/readyz" => ready(toy),
        // As short as an answer of a real instance's, for measuring what is around it.
        "/hello" => say("{\"hello\":\"from an instance\"}"),
        "/slow" => {
            tokio::time::sleep(pause).await;
            say("slept")
        }
        // A header at once, and the end of the body when the client's patience is over.
        "/stream" => stream(pause),
        // Changes something.
        "/write" => {
            let body = body.collect().await.expect("a whole body").to_bytes();
            toy.log(&format!("write {}", String::from_utf8_lossy(&body)));
            say("written")
        }
        // Changes something and dies before it can say so.
        "/write-and-die" => {
            toy.log("write-and-die");
            std::process::exit(9);
        }
        // Fails, for a reason that it gives to standard error alone.
        "/crash" => {
            eprintln!("toy: the reason is a test");
            std::process::exit(7);
        }
        "/hop-by-hop" => hop_by_hop(),
        _ => echo(toy, &parts, body).await,
    }
}

fn ready(toy: &Toy) -> Response<Body> {
    let mut answer = say("");
    if toy.draining.load(Ordering::Relaxed) || toy.has("never-ready") {
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    answer
}

fn stream(pause: Duration) -> Response<Body> {
    let frames = futures_util::stream::unfold(0, move |sent| async move {
        match sent {
            0 => Some((Ok(Frame::data(Bytes::from_static(b"begin "))), 1)),
            1 => {
                tokio::time::sleep(pause).await;
                Some((Ok(Frame::data(Bytes::from_static(b"end"))), 2))
            }
            _ => None,
        }
    });
    Response::new(BodyExt::boxed(StreamBody::new(frames)))
}

fn hop_by_hop() -> Response<Body> {
    let mut answer = say("hop");
    for (name, value) in [
        ("connection", "x-private"),
        ("x-private", "for the next hop alone"),
        ("keep-alive", "timeout=5"),
        ("x-attempts", "99"),
        ("x-public", "for everybody"),
    ] {
        answer
            .headers_mut()
            .append(name, value.parse().expect("it is ASCII"));
    }
    answer
}

/// The request as it arrived, a line for each field, then the body.
async fn echo(toy: &Toy, parts: &http::request::Parts, body: Incoming) -> Response<Body> {
    let body = body.collect().await.expect("a whole body").to_bytes();
    let mut text = format!("{} {}\n", parts.method, parts.uri);
    for (name, value) in &parts.headers {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or("?")));
    }
    text.push_str(&format!("body: {}\n", String::from_utf8_lossy(&body)));
    text.push_str(&format!("instance: {}\n", toy.text("instance")));
    say(text)
}

fn say(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(BodyExt::boxed(Full::new(text.into())))
}
