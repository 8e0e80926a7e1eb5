//! A server with the published faults that ours do not have: few workers, each of which is held
//! while it asks a store several times in a row, or while it builds its verifier anew. No password
//! is checked. The hidden subcommand `claims-server`, only ever started for a claim.

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How long a login lives, as published.
const LIFETIME_S: u64 = 3 * 60 * 60;
const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
const COOKIE_NAME: &str = "sid=";

/// How it is started.
#[derive(Debug, clap::Parser)]
#[command(name = "claims-server")]
pub struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Name of its pool; only the cluster wants it
    #[arg(long)]
    pool: String,
    /// Name of the instance; likewise
    #[arg(long)]
    instance: String,
    /// End with standard input
    #[arg(long)]
    end_with_stdin: bool,
    /// Requests that are worked on at a time
    #[arg(long)]
    workers: usize,
    /// The store; without one, logins are signed
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// Round trips to the store for a login
    #[arg(long, default_value_t = 4)]
    trips_login: u32,
    /// Round trips to the store for a page
    #[arg(long, default_value_t = 3)]
    trips_page: u32,
}

#[derive(Clone)]
struct Faulty {
    workers: Arc<Semaphore>,
    store: Option<MultiplexedConnection>,
    trips_login: u32,
    trips_page: u32,
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// Serves until it is ended.
pub fn run(args: Args) -> ExitCode {
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(serve(args)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("claims-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let store = match args.redis_url {
        Some(url) => {
            let client = redis::Client::open(url).context("--redis-url")?;
            Some(
                client
                    .get_multiplexed_async_connection()
                    .await
                    .context("--redis-url")?,
            )
        }
        None => None,
    };
    let faulty = Faulty {
        workers: Arc::new(Semaphore::new(args.workers)),
        store,
        trips_login: args.trips_login,
        trips_page: args.trips_page,
    };
    let router = Router::new()
        .route("/readyz", get(|| async {}))
        .route("/login", post(log_in))
        .route("/me", get(me))
        .with_state(faulty);
    let listener = TcpListener::bind(args.listen).await.context("--listen")?;
    println!("LISTENING {}", listener.local_addr()?);
    if args.end_with_stdin {
        std::thread::spawn(|| {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
    }
    Ok(axum::serve(listener, router).await?)
}

async fn log_in(State(faulty): State<Faulty>, Json(who): Json<Credentials>) -> Response {
    answer(faulty.log_in(who.username).await)
}

async fn me(State(faulty): State<Faulty>, headers: HeaderMap) -> Response {
    answer(faulty.me(&headers).await)
}

/// A store that fails is the set-up's fault, and no answer to a visitor.
fn answer(answered: anyhow::Result<Option<Response>>) -> Response {
    match answered {
        Ok(Some(response)) => response,
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

impl Faulty {
    async fn log_in(&self, user: String) -> anyhow::Result<Option<Response>> {
        let _worker = self.workers.acquire().await?;
        let Some(store) = &self.store else {
            let exp = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + LIFETIME_S;
            let claims = Claims {
                sub: user.clone(),
                exp,
            };
            let key = EncodingKey::from_secret(SECRET);
            let token = jsonwebtoken::encode(&Header::default(), &claims, &key)?;
            let shown = json!({ "user": user, "access_token": token });
            return Ok(Some(Json(shown).into_response()));
        };
        let (mut store, id) = (
            store.clone(),
            format!("claims:{:032x}", rand::random::<u128>()),
        );
        let mut set = redis::cmd("SET");
        set.arg(&id).arg(&user).arg("EX").arg(LIFETIME_S);
        set.query_async::<()>(&mut store).await?;
        touch(&mut store, &id, self.trips_login - 1).await?;
        let cookie = [(SET_COOKIE, format!("{COOKIE_NAME}{id}; HttpOnly"))];
        Ok(Some(
            (cookie, Json(json!({ "user": user }))).into_response(),
        ))
    }

    async fn me(&self, headers: &HeaderMap) -> anyhow::Result<Option<Response>> {
        let _worker = self.workers.acquire().await?;
        let user = match &self.store {
            None => signed(headers),
            Some(store) => {
                let Some(id) = value(headers.get(COOKIE), COOKIE_NAME) else {
                    return Ok(None);
                };
                let mut store = store.clone();
                let user = redis::cmd("GET").arg(id).query_async(&mut store).await?;
                touch(&mut store, id, self.trips_page - 1).await?;
                user
            }
        };
        Ok(user.map(|user| Json(json!({ "user": user })).into_response()))
    }
}

/// What a framework writes to say that a session was used, one command after the other.
async fn touch(store: &mut MultiplexedConnection, id: &str, trips: u32) -> anyhow::Result<()> {
    for _ in 0..trips {
        let mut expire = redis::cmd("EXPIRE");
        expire
            .arg(id)
            .arg(LIFETIME_S)
            .query_async::<()>(store)
            .await?;
    }
    Ok(())
}

/// Key and rules are made anew for each request: that is the fault.
fn signed(headers: &HeaderMap) -> Option<String> {
    let token = value(headers.get(AUTHORIZATION), "Bearer ")?;
    let key = DecodingKey::from_secret(SECRET);
    let checked = jsonwebtoken::decode::<Claims>(token, &key, &Validation::default());
    checked.ok().map(|checked| checked.claims.sub)
}

fn value<'a>(header: Option<&'a axum::http::HeaderValue>, begin: &str) -> Option<&'a str> {
    header?.to_str().ok()?.strip_prefix(begin)
}
