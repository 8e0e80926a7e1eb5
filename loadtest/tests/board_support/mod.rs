//! A stage of plain sockets for the board's tests: its "balancers" say what they were sent.

// Each test file is a crate of its own and uses its part of this.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod browser;
pub(crate) mod house;
pub(crate) mod tour;
pub(crate) mod viewer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use loadtest::board::stage::{
    Act, Held, InstanceState, InstanceView, Lane, Pool, PoolView, Stage, StageError, View, Way,
};
use loadtest::board::{Board, Door, Rules};
use loadtest::lab::Lab;
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
    pub(crate) acts: Mutex<Vec<Act>>,
    /// Who asked for an address, and by which way.
    pub(crate) seats: Mutex<Vec<usize>>,
    pub(crate) ways: Mutex<Vec<(Pool, Way)>>,
    a_is_dead: AtomicBool,
    lab: OnceLock<Lab>,
}

/// A board before such a stage, on a port of its own.
pub(crate) async fn board() -> (Board, Arc<Plain>) {
    board_at(0).await
}

/// A board whose servers nobody may strike.
pub(crate) async fn locked_board() -> (Board, Arc<Plain>) {
    let rules = Rules {
        read_only: true,
        ..Rules::default()
    };
    board_with(0, rules).await
}

/// A board for a room: a presenter and guests.
pub(crate) async fn room() -> (Board, Arc<Plain>) {
    let rules = Rules {
        room: true,
        ..Rules::default()
    };
    board_with(0, rules).await
}

/// The same, on that port.
pub(crate) async fn board_at(port: u16) -> (Board, Arc<Plain>) {
    board_with(port, Rules::default()).await
}

async fn board_with(port: u16, rules: Rules) -> (Board, Arc<Plain>) {
    let stage = Arc::new(Plain::default());
    for _ in [Lane::Session, Lane::Jwt] {
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
    let door = Door::open(Some(port), rules.room).await.unwrap();
    (Board::before(stage.clone(), door, rules), stage)
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
            let token = format!("h.p.token-{n}");
            let body = serde_json::json!({ "access_token": token, "headers": shown(&headers) });
            let mut response = body.to_string().into_response();
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
        _ => serde_json::json!({ "headers": shown(&headers), "body": body })
            .to_string()
            .into_response(),
    }
}

fn shown(headers: &HeaderMap) -> BTreeMap<&str, &str> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect()
}

#[async_trait::async_trait]
impl Stage for Plain {
    async fn address(&self, pool: Pool, way: &Way, seat: usize) -> Result<SocketAddr, StageError> {
        if pool.needs_store() {
            return Err(StageError::NoStore("no Redis in this test".to_owned()));
        }
        self.seats.lock().unwrap().push(seat);
        self.ways.lock().unwrap().push((pool, way.clone()));
        match way {
            Way::Direct(name) if name != "a" => Err(StageError::NoSuchInstance(name.clone())),
            _ => Ok(self.addresses.lock().unwrap()[pool.lane() as usize]),
        }
    }

    async fn look(&self) -> View {
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
        let seen = |pool| PoolView {
            pool,
            instances: vec![a.clone()],
        };
        View {
            pools: vec![seen(Pool::SessionMemory), seen(Pool::Jwt)],
            store: None,
            cannot: Vec::new(),
        }
    }

    async fn act(&self, act: &Act) -> Result<bool, StageError> {
        match act.instance() {
            Some("a") => {}
            Some(other) => return Err(StageError::NoSuchInstance(other.to_owned())),
            None => return Err(StageError::NotOurStore),
        }
        let killed = matches!(act, Act::Kill { .. });
        let before = self.a_is_dead.swap(killed, Ordering::Relaxed);
        self.acts.lock().unwrap().push(act.clone());
        Ok(before != killed)
    }

    fn lab(&self) -> Option<&Lab> {
        Some(self.lab.get_or_init(|| Lab::new("the-lab".to_owned())))
    }
}
