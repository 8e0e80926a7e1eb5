//! An arm as a bench asks it: one instance in this process, whole and in part.

use std::sync::{Arc, OnceLock};

use app::conformance::{Pair, Server};
use app::{Carriage, Clock, Instance, Login, Memory, Role, Scope};
use axum::Json;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// The user of all logins: an account of the demo, so that a whole login can be asked for.
pub(crate) const USER: &str = "mia";
const PASSWORD: &str = "hopper-1906";

/// One instance of an arm.
pub(crate) struct Subject {
    runtime: Arc<Runtime>,
    /// The application with everything in front of it.
    server: Server,
    /// The memory's own layers, and nothing of the application but its three verbs.
    verbs: Router,
    /// The accounts live as long as this.
    _pair: Pair,
}

/// A credential, as a request carries it.
#[derive(Clone)]
pub(crate) struct Credential {
    /// The header.
    name: HeaderName,
    /// What stands there.
    value: HeaderValue,
}

impl Subject {
    /// The instance of `pool` whose memory `build` makes, on `runtime`.
    ///
    /// # Panics
    /// When it cannot be made, as everything here does: a bench has nobody to tell.
    pub(crate) fn new<M: Memory + Clone>(
        runtime: &Arc<Runtime>,
        pool: &str,
        build: impl AsyncFn(Instance) -> M,
    ) -> Self {
        let kept = OnceLock::new();
        let pair = runtime.block_on(Pair::start(pool, async |instance| {
            let memory = build(instance).await;
            kept.get_or_init(|| memory.clone());
            memory
        }));
        let memory = kept.into_inner().expect("the first instance was built");
        let verbs = Router::new()
            .route("/recall", get(recall::<M>))
            .route("/remember", post(remember::<M>))
            .route("/forget", post(forget::<M>))
            .with_state(memory.clone());
        Self {
            runtime: Arc::clone(runtime),
            server: pair.a.clone(),
            verbs: memory.wrap(verbs),
            _pair: pair,
        }
    }

    /// Remembers `login`, through the memory's layers, and returns its credential.
    pub(crate) fn remember(&self, login: &Login) -> Credential {
        self.runtime.block_on(remembered(&self.verbs, login))
    }

    /// Asks the memory, through its layers, whose credential this is.
    pub(crate) fn recall(&self, credential: &Credential) {
        let answer = self.runtime.block_on(recalled(&self.verbs, credential));
        assert_eq!(answer, StatusCode::NO_CONTENT);
    }

    /// Ends this login, through the memory's layers.
    pub(crate) fn forget(&self, credential: &Credential) {
        let request = request(Method::POST, "/forget", Some(credential), Body::empty());
        let answer = self.runtime.block_on(through(&self.verbs, request));
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// `GET /me`: the whole request, but for the socket.
    pub(crate) fn ask(&self, credential: &Credential) {
        let request = request(Method::GET, "/me", Some(credential), Body::empty());
        let answer = self.runtime.block_on(self.server.answer(request));
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// `POST /login`: the whole of it, the password's hash included.
    pub(crate) fn log_in(&self) {
        let body = format!(r#"{{"username":"{USER}","password":"{PASSWORD}"}}"#);
        let request = request(Method::POST, "/login", None, Body::from(body));
        let answer = self.runtime.block_on(self.server.answer(request));
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

/// Remembers `login` at `/remember` of these routes, and returns its credential.
pub(crate) async fn remembered(routes: &Router, login: &Login) -> Credential {
    let body = serde_json::to_vec(login).expect("a login is JSON");
    let request = request(Method::POST, "/remember", None, Body::from(body));
    let answer = through(routes, request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    credential(answer).await
}

/// Asks at `/recall` of these routes whose credential this is.
pub(crate) async fn recalled(routes: &Router, credential: &Credential) -> StatusCode {
    let request = request(Method::GET, "/recall", Some(credential), Body::empty());
    through(routes, request).await.status()
}

async fn through(routes: &Router, request: Request) -> Response {
    match routes.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// An instance of that pool, for parts that want to know where they are.
pub(crate) fn instance(pool: &str) -> Instance {
    Instance {
        pool: pool.to_owned(),
        name: "a".to_owned(),
        clock: Clock::default(),
        secure_cookies: false,
    }
}

/// A login of [`USER`] whose name is as long as `name_chars`.
pub(crate) fn login(name_chars: usize, login_instance: &str, since_ms: u64) -> Login {
    Login {
        user: USER.to_owned(),
        name: "n".repeat(name_chars),
        role: Role::Member,
        since_ms,
        login_instance: login_instance.to_owned(),
    }
}

fn request(method: Method, uri: &str, credential: Option<&Credential>, body: Body) -> Request {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().expect("it is a path");
    let headers = request.headers_mut();
    headers.insert(http::header::HOST, HeaderValue::from_static("bench"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(credential) = credential {
        headers.insert(credential.name.clone(), credential.value.clone());
    }
    request
}

/// What an answer to `/remember` hands out.
async fn credential(answer: Response) -> Credential {
    let (head, body) = answer.into_parts();
    let (name, text) = match head.headers.get(SET_COOKIE) {
        Some(cookie) => {
            let cookie = cookie.to_str().expect("it is text");
            let pair = cookie.split(';').next().unwrap_or_default();
            (COOKIE, pair.to_owned())
        }
        None => {
            let token = to_bytes(body, 1 << 20).await.expect("it is read");
            let token = String::from_utf8(token.into()).expect("it is text");
            (AUTHORIZATION, format!("Bearer {token}"))
        }
    };
    let value = HeaderValue::from_str(&text).expect("it fits a header");
    Credential { name, value }
}

async fn recall<M: Memory>(State(memory): State<M>, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    match memory.recall(&mut parts).await {
        Ok(login) if login.user == USER => StatusCode::NO_CONTENT.into_response(),
        Ok(_) => StatusCode::CONFLICT.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn remember<M: Memory>(State(memory): State<M>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("it is there");
    let login: Login = serde_json::from_slice(&body).expect("it is a login");
    match memory.remember(&mut parts, &login).await {
        Ok(Carriage::ByLayer) => StatusCode::OK.into_response(),
        Ok(Carriage::Cookie(cookie)) => [(SET_COOKIE, cookie.reveal().clone())].into_response(),
        Ok(Carriage::Token(token)) => token.access_token.into_revealed().into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn forget<M: Memory>(State(memory): State<M>, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    let forgotten = memory.forget(&mut parts, &Scope::ThisLogin).await;
    Json(format!("{:?}", forgotten.ended)).into_response()
}
