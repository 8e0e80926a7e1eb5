//! What the checks run on: two instances in one process, and a visitor who asks them.
//! Long because an instance, a visitor and their answers are of no use without each other.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::application::{Application, Parts};
use crate::clock::Clock;
use crate::front::{Front, LAB_SECRET};
use crate::instance::Instance;
use crate::lab::LIFETIME_MAX;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::password::Hasher;
use crate::serve::Drain;
use crate::users::{self, Source, Users};

/// The secret of the laboratories in tests.
pub const LAB_SECRET_VALUE: &str = "a secret for tests only";

/// Two instances of one pool over one set of accounts.
pub struct Pair {
    /// The first instance.
    pub a: Server,
    /// The second.
    pub b: Server,
    accounts: Source,
}

impl Drop for Pair {
    fn drop(&mut self) {
        if let Source::File(file) = &self.accounts
            && let Some(folder) = file.parent()
        {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Pair {
    /// Builds both instances of `pool` with `build`.
    ///
    /// # Panics
    /// When the accounts cannot be made, as everything in this file does when a check fails.
    pub async fn start<M: Memory, F: Future<Output = M>>(
        pool: &str,
        build: impl Fn(Instance) -> F,
    ) -> Self {
        let accounts = Source::File(scratch_folder().join("accounts.sqlite"));
        Self::start_over(accounts, pool, build).await
    }

    /// The same over accounts elsewhere, which are made there.
    ///
    /// # Panics
    /// When they cannot be.
    pub async fn start_over<M: Memory, F: Future<Output = M>>(
        accounts: Source,
        pool: &str,
        build: impl Fn(Instance) -> F,
    ) -> Self {
        users::create(accounts.clone(), 4)
            .await
            .expect("the accounts are made");
        let mut servers = Vec::new();
        for name in ["a", "b"] {
            let instance = Instance {
                pool: pool.to_owned(),
                name: name.to_owned(),
                clock: Clock::default(),
                secure_cookies: false,
            };
            let memory = build(instance.clone()).await;
            servers.push(Server::start(memory, instance, accounts.clone()).await);
        }
        let b = servers.pop().expect("two were made");
        let a = servers.pop().expect("two were made");
        Self { a, b, accounts }
    }
}

fn scratch_folder() -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("conformance-{}-{n}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a scratch folder can be made");
    folder
}

/// One instance, asked in process through everything that stands in front of its routes.
#[derive(Clone)]
pub struct Server {
    answer: Arc<dyn Fn(Request<Body>) -> BoxedAnswer + Send + Sync>,
    /// Its clock, to be set wrong.
    pub clock: Clock,
    /// What it says in `x-served-by`.
    pub served_by: String,
}

type BoxedAnswer = std::pin::Pin<Box<dyn Future<Output = http::Response<Body>> + Send>>;

impl Server {
    async fn start<M: Memory>(memory: M, instance: Instance, accounts: Source) -> Self {
        let (clock, served_by) = (instance.clock.clone(), instance.served_by());
        let drain = Drain::new(std::time::Duration::ZERO, std::time::Duration::ZERO);
        let front = Arc::new(Front::new(Application::new(Parts {
            memory,
            instance,
            users: Users::open(accounts).await.expect("the accounts open"),
            hasher: Hasher::start(1).expect("a thread starts"),
            metrics: Arc::new(Metrics::default()),
            lab_secret: Some(LAB_SECRET_VALUE.to_owned()),
            read_user_each_request: false,
            draining: drain.flag(),
        })));
        let answer = Arc::new(move |request| {
            let front = Arc::clone(&front);
            Box::pin(async move { front.answer(request).await }) as BoxedAnswer
        });
        Self {
            answer,
            clock,
            served_by,
        }
    }

    /// Sends one request and leaves its answer as it comes.
    pub async fn answer(&self, request: Request<Body>) -> http::Response<Body> {
        (self.answer)(request).await
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.answer(request).await.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20)
            .await
            .expect("the body is read");
        Answer {
            status: head.status,
            headers: head.headers,
            json: serde_json::from_slice(&body).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

/// One answer, read.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, if that is JSON.
    pub json: Value,
    /// Its body as it came.
    pub text: String,
}

impl Answer {
    /// The stable reason of a problem, or nothing.
    pub fn reason(&self) -> &str {
        self.json["reason"].as_str().unwrap_or_default()
    }
}

/// Somebody with a cookie jar and a place for a token, who does what a browser does.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// `name=value` of the cookie held.
    pub cookie: Option<String>,
    /// The access token held.
    pub token: Option<String>,
    /// The refresh token held.
    pub refresh_token: Option<String>,
}

impl Visitor {
    /// Logs in as one of the demo users, with the password everybody knows.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn log_in(&mut self, server: &Server, user: &str) -> Answer {
        let known = users::DEMO_USERS.iter().find(|known| known.name == user);
        let password = known.map_or(users::LOAD_PASSWORD, |known| known.password);
        let body = json!({ "username": user, "password": password });
        let answer = self.post(server, "/login", body).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{user} logs in: {}",
            answer.text
        );
        answer
    }

    /// Logs in for at most so many milliseconds, as only a laboratory can ask.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn log_in_for(&mut self, server: &Server, user: &str, lifetime_max_ms: u64) {
        let known = users::DEMO_USERS.iter().find(|known| known.name == user);
        let password = known.map_or(users::LOAD_PASSWORD, |known| known.password);
        let body = json!({ "username": user, "password": password });
        let mut request = self.request(Method::POST, "/login", Some(body));
        let headers = request.headers_mut();
        headers.insert(LIFETIME_MAX, lifetime_max_ms.into());
        headers.insert(LAB_SECRET, HeaderValue::from_static(LAB_SECRET_VALUE));
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        self.obey(&answer);
    }

    /// `GET path`.
    pub async fn get(&mut self, server: &Server, path: &str) -> Answer {
        self.send(server, Method::GET, path, None).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&mut self, server: &Server, path: &str, body: Value) -> Answer {
        self.send(server, Method::POST, path, Some(body)).await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch(&mut self, server: &Server, path: &str, body: Value) -> Answer {
        self.send(server, Method::PATCH, path, Some(body)).await
    }

    /// Sends a request with what this visitor holds, and keeps what the answer hands out.
    pub async fn send(
        &mut self,
        server: &Server,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let answer = server.send(self.request(method, path, body)).await;
        self.obey(&answer);
        answer
    }

    /// The request that this visitor would send.
    pub fn request(&self, method: Method, path: &str, body: Option<Value>) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost");
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if path.starts_with("/lab") {
            request = request.header(LAB_SECRET, LAB_SECRET_VALUE);
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        request.body(body).expect("the request is well formed")
    }

    fn obey(&mut self, answer: &Answer) {
        for value in answer.headers.get_all(SET_COOKIE) {
            let value = value.to_str().expect("cookies are ASCII");
            let pair = value.split(';').next().unwrap_or_default();
            let removed = value.contains("Max-Age=0") || pair.ends_with('=');
            self.cookie = (!removed).then(|| pair.to_owned());
        }
        let text = |field: &str| answer.json[field].as_str().map(str::to_owned);
        self.token = text("access_token").or(self.token.take());
        self.refresh_token = text("refresh_token").or(self.refresh_token.take());
    }

    /// The credential held, as one text.
    pub fn credential(&self) -> &str {
        self.token
            .as_deref()
            .or(self.cookie.as_deref())
            .unwrap_or_default()
    }

    /// The same visitor with the credential changed by `edit`.
    #[must_use]
    pub fn edited(&self, edit: impl Fn(&str) -> String) -> Self {
        Self {
            cookie: self.cookie.as_deref().map(&edit),
            token: self.token.as_deref().map(&edit),
            refresh_token: None,
        }
    }
}
