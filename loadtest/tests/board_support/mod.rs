//! A stage of plain sockets for the board's tests: its "balancers" say what they were sent.

// Each test file is a crate of its own and uses its part of this.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod browser;
pub(crate) mod viewer;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use loadtest::board::stage::{
    Act, Held, InstanceState, InstanceView, Lane, LaneView, Stage, StageError,
};
use loadtest::board::{Board, Door, Rules};
use tokio::net::TcpListener;

/// One lane's upstream. It logs everybody in and keeps no books.
#[derive(Default)]
struct Upstream {
    logins: AtomicU32,
}

/// The stage, and what was done to it.
#[derive(Default)]
pub(crate) struct Plain {
    addresses: Mutex<Vec<SocketAddr>>,
    pub(crate) acts: Mutex<Vec<(Act, String)>>,
    pub(crate) seats: Mutex<Vec<usize>>,
    a_is_dead: AtomicBool,
}

/// A board before such a stage, on a port of its own.
pub(crate) async fn board() -> (Board, Arc<Plain>) {
    board_at(0).await
}

/// A board whose servers nobody may strike.
pub(crate) async fn locked_board() -> (Board, Arc<Plain>) {
    board_with(0, Rules { read_only: true }).await
}

/// The same, on that port.
pub(crate) async fn board_at(port: u16) -> (Board, Arc<Plain>) {
    board_with(port, Rules::default()).await
}

async fn board_with(port: u16, rules: Rules) -> (Board, Arc<Plain>) {
    let stage = Arc::new(Plain::default());
    for _ in Lane::ALL {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        stage
            .addresses
            .lock()
            .unwrap()
            .push(listener.local_addr().unwrap());
        let routes = Router::new()
            .fallback(any(answer))
            .with_state(Arc::<Upstream>::default());
        tokio::spawn(async move { axum::serve(listener, routes).await });
    }
    let board = Board::before(stage.clone(), Door::open(Some(port)).await.unwrap(), rules);
    (board, stage)
}

impl Plain {
    /// Nobody listens any more where the balancers were.
    pub(crate) fn forget_balancers(&self) {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        self.addresses.lock().unwrap().fill(nobody);
    }
}

async fn answer(
    State(upstream): State<Arc<Upstream>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    const REMOVAL: &str = "sid-session-memory=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
    let cookie = headers
        .get("cookie")
        .map(|value| value.to_str().unwrap().to_owned());
    match uri.path() {
        "/login" => {
            let n = upstream.logins.fetch_add(1, Ordering::Relaxed) + 1;
            let cookie = format!("sid-session-memory=cookie.{n}; HttpOnly; SameSite=Lax; Path=/");
            let mut response = serde_json::json!({ "access_token": format!("h.p.token-{n}") })
                .to_string()
                .into_response();
            let headers = response.headers_mut();
            headers.append("set-cookie", "somebody=else; Path=/".parse().unwrap());
            headers.append("set-cookie", cookie.parse().unwrap());
            headers.append("x-served-by", "pool-a".parse().unwrap());
            headers.append("x-internal", "yes".parse().unwrap());
            response
        }
        "/logout" => ([("set-cookie", REMOVAL)], "{}").into_response(),
        "/records" => "x".repeat(70_000).into_response(),
        _ if cookie
            .as_deref()
            .is_some_and(|cookie| cookie.contains("unknown")) =>
        {
            (StatusCode::UNAUTHORIZED, [("set-cookie", REMOVAL)], "{}").into_response()
        }
        _ => {
            let names: std::collections::BTreeMap<&str, &str> = headers
                .iter()
                .map(|(n, v)| (n.as_str(), v.to_str().unwrap()))
                .collect();
            serde_json::json!({ "headers": names, "body": body })
                .to_string()
                .into_response()
        }
    }
}

#[async_trait::async_trait]
impl Stage for Plain {
    async fn balancer(&self, lane: Lane, seat: usize) -> Result<SocketAddr, StageError> {
        self.seats.lock().unwrap().push(seat);
        Ok(self.addresses.lock().unwrap()[lane as usize])
    }

    async fn look(&self) -> Vec<LaneView> {
        let state = if self.a_is_dead.load(Ordering::Relaxed) {
            InstanceState::Dead
        } else {
            InstanceState::Running
        };
        let held = vec![Held {
            id: "cook".into(),
            user: "<img src=x onerror=alert(1)>".into(),
        }];
        let a = InstanceView {
            held,
            logins: Some(1),
            ..InstanceView::unknown("a", state)
        };
        Lane::ALL
            .map(|lane| LaneView {
                lane,
                instances: vec![a.clone()],
            })
            .into()
    }

    async fn act(&self, act: Act, instance: &str) -> Result<(), StageError> {
        if instance != "a" {
            return Err(StageError::NoSuchInstance(instance.to_owned()));
        }
        self.a_is_dead.store(act == Act::Kill, Ordering::Relaxed);
        self.acts.lock().unwrap().push((act, instance.to_owned()));
        Ok(())
    }
}
