//! Two requests at once: a log-out against a change that is under way, changes against each
//! other, a login against the end of all logins of its user. Each test holds one request in the
//! middle, so that nothing depends on luck.
//! Long because each race is told step by step, for both stores and the stock one.

mod support;

use std::sync::Arc;
use std::time::Duration;

use app::conformance::{Answer, Server, Visitor, known};
use app::{Login, Memory as _, Problem, Reason, Role, Scope};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::future::join_all;
use http::header::{COOKIE, SET_COOKIE};
use serde_json::json;
use server_session::memory::SessionMemory;
use support::{PATIENTLY, count, logged_in, me, pair, shared_redis, state, unused_prefix};
use tokio::sync::Notify;
use tower::ServiceExt as _;

const OURS: [&str; 3] = ["memory", "redis", "cached"];
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts `+1` with what `visitor` holds, and returns once it has read the record and is held.
async fn held_count(visitor: &Visitor, server: &Server) -> tokio::task::JoinHandle<Answer> {
    let (visitor, asked) = (visitor.clone(), server.clone());
    let running = tokio::spawn(async move { count(&visitor, &asked, 2).await });
    let held = async {
        while !state(server).await["counts"]
            .to_string()
            .contains("[\"requests_held\",1]")
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, held)
        .await
        .expect("it is held");
    running
}

/// Lets the held request go on, by a `+1` of somebody else's.
async fn release(server: &Server) {
    let luca = logged_in(server, "luca").await;
    assert_eq!(count(&luca, server, 2).await.json["met"], true);
}

/// A change that is under way while its login is ended is refused, and brings nothing back.
#[tokio::test]
async fn a_log_out_is_never_undone() {
    for store in OURS {
        let pair = pair(store, &[]).await;
        // Through the other instance where there is a shared store: that is the harder case.
        let elsewhere = if store == "memory" { &pair.a } else { &pair.b };
        let mut mia = logged_in(&pair.a, "mia").await;
        let kept = mia.clone();
        let late = held_count(&kept, elsewhere).await;
        assert_eq!(mia.post(&pair.a, "/logout", json!({})).await.status, 200);
        release(elsewhere).await;
        let late = late.await.expect("it is answered");
        assert_eq!(
            (late.status.as_u16(), late.reason()),
            (401, "unknown-session"),
            "{store}"
        );
        assert!(
            !late.headers.contains_key(SET_COOKIE),
            "{store}: {:?}",
            late.headers
        );
        assert_eq!(me(&kept, &pair.a).await.0, 401, "{store}");
        assert_eq!(me(&kept, elsewhere).await.0, 401, "{store}");
    }
}

/// tower-sessions' own store saves whatever it is given: the login is back.
#[tokio::test]
async fn a_log_out_is_undone_in_the_stock_store() {
    let pair = pair("stock", &[]).await;
    let mut mia = logged_in(&pair.a, "mia").await;
    let kept = mia.clone();
    let late = held_count(&kept, &pair.a).await;
    assert_eq!(mia.post(&pair.a, "/logout", json!({})).await.status, 200);
    assert_eq!(me(&kept, &pair.a).await.0, 401, "ended at first");
    release(&pair.a).await;
    assert_eq!(late.await.expect("it is answered").status, 200);
    assert_eq!(me(&kept, &pair.a).await.0, 200, "and back again");
}

/// Of a hundred changes at once, as many count as were answered with 200.
#[tokio::test]
async fn no_change_that_was_answered_is_lost() {
    for store in OURS {
        let pair = pair(store, &[]).await;
        let mia = logged_in(&pair.a, "mia").await;
        let answers = join_all((0..100).map(|_| count(&mia, &pair.a, 100))).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.json["met"] == true || answer.status == 409)
        );
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers
            .iter()
            .filter(|answer| answer.reason() == "conflict")
            .count();
        assert!(done >= 1);
        assert_eq!(done + refused, 100, "{store}");
        let next = count(&mia, &pair.a, 0).await;
        assert_eq!(next.json["count"], done + 1, "{store}");
    }
}

/// In tower-sessions' own store all hundred are answered with 200, and one counts.
#[tokio::test]
async fn changes_are_lost_in_the_stock_store() {
    let pair = pair("stock", &[]).await;
    let mia = logged_in(&pair.a, "mia").await;
    let answers = join_all((0..100).map(|_| count(&mia, &pair.a, 100))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(count(&mia, &pair.a, 0).await.json["count"], 2);
}

/// A change that has read the old role does not write it back.
#[tokio::test]
async fn a_changed_role_is_not_overwritten() {
    for store in OURS {
        let pair = pair(store, &[]).await;
        let mut mia = logged_in(&pair.a, "mia").await;
        let mut ada = logged_in(&pair.a, "ada").await;
        let late = held_count(&mia, &pair.a).await;
        let change = json!({ "role": "accountant" });
        let changed = ada.patch(&pair.a, "/admin/users/mia", change).await;
        assert_eq!(changed.status, 200, "{store}: {}", changed.text);
        release(&pair.a).await;
        let late = late.await.expect("it is answered");
        assert_eq!(
            (late.status.as_u16(), late.reason()),
            (409, "conflict"),
            "{store}"
        );
        assert_eq!(mia.get(&pair.a, "/records").await.status, 200, "{store}");
    }
}

/// A small application around a memory, whose logins can be held in the middle.
#[derive(Clone)]
struct Small {
    memory: SessionMemory,
    arrived: Arc<Notify>,
    released: Arc<Notify>,
}

impl Small {
    fn new(store: &str) -> Self {
        let prefix = unused_prefix();
        let url = &shared_redis().url;
        let flags = [
            "--store",
            store,
            "--redis-url",
            url,
            "--key-prefix",
            &prefix,
        ];
        let flags = [&flags, &PATIENTLY[..]].concat();
        Self {
            memory: support::memory("small", &flags),
            arrived: Arc::default(),
            released: Arc::default(),
        }
    }

    fn router(&self) -> Router {
        let routes = Router::new()
            .route("/login", post(held_log_in))
            .route("/log-in-now", post(log_in))
            .route("/log-in-and-fail", post(log_in_and_fail))
            .route("/end-all", post(end_all))
            .route("/me", get(who));
        self.memory.wrap(routes.with_state(self.clone()))
    }

    async fn send(&self, method: &str, path: &str, cookie: Option<&str>) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        let request = request.body(Body::empty()).expect("it is well formed");
        self.router()
            .oneshot(request)
            .await
            .expect("a router always answers")
    }

    async fn log_in(&self, cookie: Option<&str>) -> String {
        let answer = self.send("POST", "/log-in-now", cookie).await;
        cookie_of(&answer).expect("a login sets a cookie")
    }

    async fn knows(&self, cookie: &str) -> bool {
        self.send("GET", "/me", Some(cookie)).await.status() == 200
    }
}

fn cookie_of(answer: &Response) -> Option<String> {
    let value = answer.headers().get(SET_COOKIE)?.to_str().ok()?;
    value.split(';').next().map(str::to_owned)
}

fn mia() -> Login {
    Login {
        user: "mia".to_owned(),
        name: "Mia".to_owned(),
        role: Role::Member,
        since_ms: 1,
        login_instance: "small-a".to_owned(),
    }
}

async fn log_in(State(small): State<Small>, request: Request) -> Result<Response, Problem> {
    let mut parts = request.into_parts().0;
    small.memory.remember(&mut parts, &mia()).await?;
    Ok("in".into_response())
}

async fn held_log_in(small: State<Small>, request: Request) -> Result<Response, Problem> {
    small.arrived.notify_one();
    small.released.notified().await;
    log_in(small, request).await
}

async fn log_in_and_fail(small: State<Small>, request: Request) -> Result<Response, Problem> {
    log_in(small, request).await?;
    Err(Reason::Internal.into())
}

async fn end_all(State(small): State<Small>, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    let scope = Scope::EveryLogin {
        user: "mia".to_owned(),
    };
    let forgotten = small.memory.forget(&mut parts, &scope).await;
    format!("{:?}", forgotten.ended).into_response()
}

async fn who(State(small): State<Small>, request: Request) -> Result<Response, Problem> {
    let login = small.memory.recall(&mut request.into_parts().0).await?;
    Ok(login.user.into_response())
}

/// A login that had read its account before all logins of the user were ended must not outlive
/// that: the account may have been disabled.
#[tokio::test]
async fn a_login_does_not_overtake_the_end_of_all_logins() {
    for store in OURS {
        let small = Small::new(store);
        let running = {
            let small = small.clone();
            tokio::spawn(async move { small.send("POST", "/login", None).await })
        };
        tokio::time::timeout(PATIENCE, small.arrived.notified())
            .await
            .expect("it arrives");
        assert_eq!(small.send("POST", "/end-all", None).await.status(), 200);
        small.released.notify_one();
        let answer = running.await.expect("it is answered");
        assert_eq!(answer.status(), 409, "{store}");
        assert_eq!(cookie_of(&answer), None, "{store}");

        // Whoever comes after that is let in.
        small.released.notify_one();
        let answer = small.send("POST", "/login", None).await;
        assert_eq!(answer.status(), 200, "{store}");
        let cookie = cookie_of(&answer).expect("a login sets a cookie");
        assert!(small.knows(&cookie).await, "{store}");
        small.send("POST", "/end-all", None).await;
        assert!(!small.knows(&cookie).await, "{store}");
    }
}

/// tower-sessions deletes the old record of a login long before it writes the new one. Ours wait
/// with that: an error in between costs nobody their login.
#[tokio::test]
async fn an_error_after_a_second_login_does_not_cost_the_first() {
    for (store, kept) in [
        ("memory", true),
        ("redis", true),
        ("cached", true),
        ("stock", false),
    ] {
        let small = Small::new(store);
        let cookie = small.log_in(None).await;
        let answer = small.send("POST", "/log-in-and-fail", Some(&cookie)).await;
        assert_eq!(answer.status(), 500);
        assert_eq!(small.knows(&cookie).await, kept, "{store}");
    }
}

/// A client that leaves in the middle of a second login keeps the first.
#[tokio::test]
async fn a_client_that_leaves_during_a_second_login_keeps_the_first() {
    for store in OURS {
        let small = Small::new(store);
        let cookie = small.log_in(None).await;
        let leaving = small.send("POST", "/login", Some(&cookie));
        let arrived = small.arrived.notified();
        tokio::select! {
            _ = leaving => panic!("nobody released it"),
            () = arrived => {}
        }
        assert!(small.knows(&cookie).await, "{store}");
        let replaced = small.log_in(Some(&cookie)).await;
        assert!(
            !small.knows(&cookie).await,
            "{store}: replaced by a login that was finished"
        );
        assert!(small.knows(&replaced).await, "{store}");
    }
}

/// Two logins at once with one old cookie: two new names, and the old one is dead.
#[tokio::test]
async fn two_logins_at_once_get_a_name_each() {
    for store in ["memory", "stock", "redis", "cached"] {
        let pair = pair(store, &[]).await;
        let old = logged_in(&pair.a, "mia").await;
        let (mut one, mut other) = (old.clone(), old.clone());
        tokio::join!(one.log_in(&pair.a, "mia"), other.log_in(&pair.a, "mia"));
        assert_ne!(one.cookie, other.cookie, "{store}");
        assert!(
            known(&one, &pair.a).await && known(&other, &pair.a).await,
            "{store}"
        );
        assert!(!known(&old, &pair.a).await, "{store}");
    }
}

/// What is ended through an instance is forgotten by its cache, also by a read that was under
/// way and comes back with the old record.
#[tokio::test]
async fn the_cache_is_not_filled_with_what_was_ended_meanwhile() {
    let pair = pair("cached", &["--cache-ms", "60000"]).await;
    for _ in 0..20 {
        let mut mia = logged_in(&pair.a, "mia").await;
        let kept = mia.clone();
        let reads = join_all((0..8).map(|_| me(&kept, &pair.a)));
        let (_, log_out) = tokio::join!(reads, mia.post(&pair.a, "/logout", json!({})));
        assert_eq!(log_out.status, 200);
        assert_eq!(me(&kept, &pair.a).await.0, 401);
    }
}
