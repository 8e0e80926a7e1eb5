//! What `GET /me` costs with our store in memory and with tower-sessions' own, beside the null
//! memory: everything of a request but the socket, in one process, in turns.
//! `cargo run --release -p server-session --example memory_or_stock`
//!
//! A quick look while working on the stores. Numbers to quote come from the benches.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use app::application::{Application, Parts};
use app::front::Front;
use app::metrics::Metrics;
use app::password::Hasher;
use app::trusting::Trusting;
use app::users::{DEMO_USERS, Users, create};
use app::{Clock, Instance, Memory};
use axum::body::Body;
use clap::Parser as _;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http::{HeaderName, Request, StatusCode};
use server_session::Args;
use server_session::memory::SessionMemory;

const ROUNDS: usize = 15;
const REQUESTS: u32 = 20_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let accounts = folder.path().join("accounts.sqlite");
    create(&accounts, 0).await.expect("the accounts are made");
    let users = Users::open(&accounts).await.expect("the accounts open");

    let instance = |store: &str| Instance {
        pool: format!("session-{store}"),
        name: "a".to_owned(),
        clock: Clock::default(),
        secure_cookies: false,
    };
    let session = |store: &str| {
        let flags = ["-", "--pool", "-", "--accounts", "-", "--store", store];
        SessionMemory::new(&instance(store), &Args::parse_from(flags)).expect("the flags are right")
    };
    let trusting = front(Trusting::new(&instance("null")), instance("null"), &users);
    let memory = front(session("memory"), instance("memory"), &users);
    let stock = front(session("stock"), instance("stock"), &users);
    let by_name = (AUTHORIZATION, "Bearer ada".to_owned());
    let in_memory = (COOKIE, log_in(&memory).await);
    let in_stock = (COOKIE, log_in(&stock).await);

    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let zero = ns_per_request(&trusting, &by_name).await;
        let ours = ns_per_request(&memory, &in_memory).await;
        let theirs = ns_per_request(&stock, &in_stock).await;
        println!("{round:2}: trusting {zero:5.0}  memory {ours:5.0}  stock {theirs:5.0} ns");
        ratios.push(((ours - zero) / (theirs - zero), theirs - ours));
    }
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, saved) = ratios[ROUNDS / 2];
    println!("above trusting, ours costs {ratio:.2} of theirs ({saved:.0} ns less), median");
}

fn front<M: Memory>(memory: M, instance: Instance, users: &Users) -> Front<M> {
    Front::new(Application::new(Parts {
        memory,
        instance,
        users: users.clone(),
        hasher: Hasher::start(1).expect("a thread starts"),
        metrics: Arc::new(Metrics::default()),
        lab_secret: None,
        read_user_each_request: false,
        draining: Arc::new(AtomicBool::new(false)),
    }))
}

async fn log_in<M: Memory>(front: &Front<M>) -> String {
    let user = &DEMO_USERS[0];
    let body = serde_json::json!({ "username": user.name, "password": user.password });
    let request = Request::post("/login").header(HOST, "localhost");
    let request = request.header(CONTENT_TYPE, "application/json");
    let request = request
        .body(Body::from(body.to_string()))
        .expect("it is well formed");
    let answer = front.answer(request).await;
    let cookie = answer.headers()[SET_COOKIE]
        .to_str()
        .expect("cookies are ASCII");
    cookie
        .split(';')
        .next()
        .expect("there is a first part")
        .to_owned()
}

async fn ns_per_request<M: Memory>(front: &Front<M>, sent: &(HeaderName, String)) -> f64 {
    let started = Instant::now();
    for _ in 0..REQUESTS {
        let request = Request::get("/me")
            .header(HOST, "localhost")
            .header(&sent.0, &sent.1);
        let request = request.body(Body::empty()).expect("it is well formed");
        assert_eq!(front.answer(request).await.status(), StatusCode::OK);
    }
    started.elapsed().as_nanos() as f64 / f64::from(REQUESTS)
}
