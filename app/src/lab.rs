//! `/lab`: what experiments need and production must not have. Closed unless asked for, and
//! guarded by a secret before any of these handlers is reached (see [`crate::front`]).

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{Extensions, HeaderName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::application::{Application, internal};
use crate::body;
use crate::carriage::Credential;
use crate::memory::{Memory, Status};
use crate::problem::{Problem, Reason};
use crate::routes;
use crate::users;

/// `POST /login` with this header, and the lab's secret beside it, makes a login that lives at
/// most so many milliseconds: a page can show an expiry without a pool of its own for it.
pub const LIFETIME_MAX: HeaderName = HeaderName::from_static("x-lab-lifetime-max-ms");

/// The longest that the login which is being remembered may live, found in a request's extensions.
/// A memory shortens its own lifetime to it, and never stretches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifetimeMax {
    /// From the login on.
    pub ms: u64,
}

impl LifetimeMax {
    /// What stands in `extensions`, if the lab asked for it.
    pub fn asked(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }
}

/// Reads the header off a request that was let in. Whether the secret is right was seen by
/// [`crate::front`]; a value that is no number of milliseconds is a mistake.
pub(crate) fn lifetime_max(parts: &mut Parts) -> Result<(), Problem> {
    let Some(value) = parts.headers.get(LIFETIME_MAX) else {
        return Ok(());
    };
    let ms = value.to_str().ok().and_then(|text| text.parse().ok());
    let ms = ms.filter(|ms| *ms > 0).ok_or_else(|| {
        Problem::new(Reason::WrongShape)
            .detail("x-lab-lifetime-max-ms: a number of milliseconds, 1 or more.")
    })?;
    parts.extensions.insert(LifetimeMax { ms });
    Ok(())
}

/// How many logins one request to `/lab/logins` makes at most.
const LOGINS_MAX: u32 = 10_000;

/// The lab's routes. `remembered` is the application with the memory's layers around it: bulk
/// logins pass through it one by one, so that they are remembered in the ordinary way.
pub(crate) fn router<M: Memory>(application: Application<M>, remembered: Router) -> Router {
    let bulk = Router::new()
        .route("/lab/logins", post(log_many_in))
        .with_state(remembered);
    Router::new()
        .route("/lab/state", get(state::<M>))
        .route("/lab/exit", post(exit))
        .route("/lab/clock", post(set_clock::<M>))
        .with_state(application)
        .merge(bulk)
}

/// `GET /lab/state`: what this instance holds.
async fn state<M: Memory>(State(application): State<Application<M>>) -> Response {
    #[derive(Serialize)]
    struct State<'a> {
        pool: &'a str,
        instance: &'a str,
        draining: bool,
        clock_offset_ms: i64,
        #[serde(flatten)]
        status: Status,
    }
    let status = application.memory.status().await;
    let instance = &application.instance;
    Json(State {
        pool: &instance.pool,
        instance: &instance.name,
        draining: application.is_draining(),
        clock_offset_ms: instance.clock.offset_ms(),
        status,
    })
    .into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exit {
    code: u8,
}

/// `POST /lab/exit`: ends this process without a drain, for engines that restart what exits.
async fn exit(request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let Exit { code } = body::json(&parts.headers, body).await?;
    tokio::spawn(async move {
        // Long enough for the answer to leave.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        std::process::exit(code.into());
    });
    Ok(Json(json!({ "exits_with": code })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    offset_ms: i64,
}

/// `POST /lab/clock`: sets this instance's clock wrong by so much.
async fn set_clock<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let SetClock { offset_ms } = body::json(&parts.headers, body).await?;
    application.instance.clock.set_offset_ms(offset_ms);
    Ok(Json(json!({ "clock_offset_ms": offset_ms })).into_response())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remember {
    user: String,
}

/// `POST /lab/remember`: a login without its password check.
pub(crate) async fn remember<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Remember { user } = body::json(&parts.headers, body).await?;
    let account = application.users.find(&user).await.map_err(internal)?;
    let account = account.ok_or(Reason::NotFound)?;
    routes::remember(&application, &mut parts, account).await
}

/// Whom to log in: these, or the first `count` load users.
#[derive(Deserialize)]
#[serde(untagged)]
enum LogIn {
    These { users: Vec<String> },
    Load { count: u32 },
}

/// One credential made in bulk.
#[derive(Serialize)]
struct Made {
    user: String,
    /// `name=value`, as it goes into a `Cookie` header.
    cookie: Option<Credential>,
    access_token: Option<Credential>,
    refresh_token: Option<Credential>,
}

/// `POST /lab/logins`: many logins without their password checks.
async fn log_many_in(
    State(remembered): State<Router>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let users: Vec<String> = match body::json(&parts.headers, body).await? {
        LogIn::These { users } => users,
        LogIn::Load { count } if count <= LOGINS_MAX => (0..count).map(users::load_user).collect(),
        LogIn::Load { .. } => {
            return Err(Problem::new(Reason::WrongShape).detail("count: at most 10000 a request."));
        }
    };
    let mut credentials = Vec::with_capacity(users.len());
    for user in users {
        credentials.push(log_one_in(&remembered, user).await?);
    }
    Ok(Json(json!({ "credentials": credentials })).into_response())
}

async fn log_one_in(remembered: &Router, user: String) -> Result<Made, Problem> {
    let body = serde_json::to_vec(&Remember { user: user.clone() }).map_err(internal)?;
    let request = Request::post("/lab/remember")
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .map_err(internal)?;
    let response = match remembered.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if let Some(reason) = response.extensions().get::<Reason>() {
        return Err(Problem::new(*reason).detail(format!("Logging {user} in failed.")));
    }
    let cookie = response
        .headers()
        .get(SET_COOKIE)
        .and_then(|value| value.to_str().ok());
    let cookie = cookie
        .and_then(|value| value.split(';').next())
        .map(str::to_owned);
    let body = axum::body::to_bytes(response.into_body(), 64 * 1024)
        .await
        .map_err(internal)?;
    let answer: Value = serde_json::from_slice(&body).map_err(internal)?;
    let text = |field: &str| {
        answer[field]
            .as_str()
            .map(|text| Credential::new(text.to_owned()))
    };
    Ok(Made {
        cookie: cookie.map(Credential::new),
        access_token: text("access_token"),
        refresh_token: text("refresh_token"),
        user,
    })
}
