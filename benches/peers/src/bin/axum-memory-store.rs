//! Peer: axum with tower-sessions and its own `MemoryStore`, as its README shows it.

use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser as _;
use hyper::StatusCode;
use peers::{Credentials, LIFETIME, Login, Me, Settings, axum_frame};
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer};

const LOGIN: &str = "login";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    // Leaked once per process: handlers are called for as long as it lives.
    let served_by: &str = settings.served_by().leak();
    let log_in = async move |session: Session, Json(credentials): Json<Credentials>| {
        log_in(&session, credentials, served_by).await
    };
    let me = async move |session: Session| me(&session, served_by).await;
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_name("sid-peer")
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(time::Duration::try_from(LIFETIME)?));
    let routes = Router::new()
        .route("/login", post(log_in))
        .route("/me", get(me))
        .layer(sessions);
    axum_frame::serve(&settings, routes).await
}

async fn log_in(
    session: &Session,
    credentials: Credentials,
    served_by: &str,
) -> Result<Response, StatusCode> {
    let login = credentials
        .login(served_by)
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let unavailable = |_| StatusCode::SERVICE_UNAVAILABLE;
    session.insert(LOGIN, &login).await.map_err(unavailable)?;
    session.cycle_id().await.map_err(unavailable)?;
    Ok(Json(Me::new(&login, served_by)).into_response())
}

async fn me(session: &Session, served_by: &str) -> Result<Response, StatusCode> {
    let login: Option<Login> = session
        .get(LOGIN)
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let login = login.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(Me::new(&login, served_by)).into_response())
}
