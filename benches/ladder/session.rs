//! The rungs of the session arms.

use std::str::FromStr as _;
use std::sync::Arc;

use app::{Clock, Instance};
use axum::Router;
use axum::routing::{get, post};
use clap::Parser as _;
use criterion::{BenchmarkId, Criterion};
use http::header::COOKIE;
use http::{HeaderMap, StatusCode};
use server_session::memory::SessionMemory;
use server_session::store::memory::MemoryStore;
use server_session::store::{self, Lifetimes};
use server_session::{Args, carry, record};
use tokio::runtime::Runtime;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Session, SessionManagerLayer, SessionStore};

use super::subject::{self, Subject, USER};
use super::{CLAIMS_BYTES, name_chars, rung, whole};

/// Both session arms of the headline, and tower-sessions as it is shipped.
pub(crate) fn arms(criterion: &mut Criterion, runtime: &Arc<Runtime>, redis_url: &str) {
    let redis = ["--store-deadline-ms", "10000", "--redis-url", redis_url];
    for (arm, store, flags) in [
        ("session-memory", "memory", &[][..]),
        ("session-redis", "redis", &redis[..]),
    ] {
        let always = [
            "server-session",
            "--pool",
            arm,
            "--accounts",
            "none",
            "--store",
            store,
        ];
        let args = Args::try_parse_from(always.iter().chain(flags)).expect("the flags are right");
        let subject = Subject::new(runtime, arm, async |instance| {
            SessionMemory::new(&instance, &args).expect("it is built")
        });
        let instance = subject::instance(arm);
        // Both stores start tasks of their own when they are made.
        let within = runtime.enter();
        match store {
            "redis" => {
                let store = store::redis_store(&args, &instance).expect("the flags are right");
                parts(criterion, runtime, &instance, &store);
            }
            _ => {
                let store = MemoryStore::new(instance.clock.clone(), Lifetimes::of(&args));
                parts(criterion, runtime, &instance, &store);
            }
        }
        drop(within);
        let now_ms = Clock::default().now_ms();
        whole(criterion, arm, &subject, |name_chars| {
            subject::login(name_chars, "session-a", now_ms)
        });
    }
    shipped(criterion, runtime);
}

/// Finding, parsing, looking up: the parts of which a check is made.
fn parts(
    criterion: &mut Criterion,
    runtime: &Runtime,
    instance: &Instance,
    store: &impl SessionStore,
) {
    let name = instance.cookie_name();
    let mut group = criterion.benchmark_group(&instance.pool);
    for bytes in CLAIMS_BYTES {
        let login = subject::login(name_chars(bytes), "session-a", instance.clock.now_ms());
        let mut written = Record {
            id: Id::default(),
            data: [(record::LOGIN.to_owned(), record::text(&login))].into(),
            expiry_date: OffsetDateTime::now_utc() + Duration::hours(1),
        };
        runtime
            .block_on(store.create(&mut written))
            .expect("the store takes it");
        let value = written.id.to_string();
        let mut headers = HeaderMap::new();
        let cookie = format!("{name}={value}");
        headers.insert(COOKIE, cookie.parse().expect("it fits a header"));
        group.bench_function(BenchmarkId::new(rung::FIND, bytes), |bencher| {
            bencher.iter(|| assert_eq!(carry::sent(&headers, &name), carry::Sent::One));
        });
        group.bench_function(BenchmarkId::new(rung::PARSE, bytes), |bencher| {
            bencher.iter(|| assert_eq!(Id::from_str(&value).ok(), Some(written.id)));
        });
        group.bench_function(BenchmarkId::new(rung::CHECK, bytes), |bencher| {
            bencher.iter(|| {
                let found = runtime.block_on(store.load(&written.id));
                assert!(matches!(found, Ok(Some(found)) if found.id == written.id));
            });
        });
        group.bench_function(BenchmarkId::new(rung::POLICY, bytes), |bencher| {
            bencher.iter(|| {
                let id = Id::from_str(&value).expect("it is one");
                let found = runtime.block_on(store.load(&id));
                let found = found.expect("the store answers").expect("it is there");
                let login = record::login_in(&found.data).expect("it holds a login");
                assert_eq!(login.user, USER);
            });
        });
    }
    group.finish();
}

/// tower-sessions with its own store and its own layer, a handler that reads the login, and
/// nothing else.
fn shipped(criterion: &mut Criterion, runtime: &Runtime) {
    let layer = SessionManagerLayer::new(tower_sessions::MemoryStore::default())
        .with_same_site(SameSite::Lax)
        .with_secure(false);
    let routes = Router::new()
        .route("/recall", get(recall))
        .route("/remember", post(remember))
        .layer(layer);
    let mut group = criterion.benchmark_group("session-memory");
    for bytes in CLAIMS_BYTES {
        let login = subject::login(name_chars(bytes), "session-a", 0);
        let credential = runtime.block_on(subject::remembered(&routes, &login));
        group.bench_function(BenchmarkId::new(rung::SHIPPED, bytes), |bencher| {
            bencher.iter(|| {
                let answer = runtime.block_on(subject::recalled(&routes, &credential));
                assert_eq!(answer, StatusCode::NO_CONTENT);
            });
        });
    }
    group.finish();
}

async fn remember(session: Session, login: axum::Json<app::Login>) -> StatusCode {
    session.insert("login", &*login).await.expect("it is kept");
    StatusCode::OK
}

async fn recall(session: Session) -> StatusCode {
    let login: Option<app::Login> = session.get("login").await.expect("it is read");
    match login {
        Some(login) if login.user == USER => StatusCode::NO_CONTENT,
        _ => StatusCode::UNAUTHORIZED,
    }
}
