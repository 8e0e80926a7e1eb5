//! Peer: axum without any login, the floor under the axum peers. `/me` answers for anybody.

use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser as _;
use hyper::StatusCode;
use peers::{Credentials, Login, Me, Settings, axum_frame};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    // Leaked once per process: handlers are called for as long as it lives.
    let served_by: &str = settings.served_by().leak();
    let anybody = Login {
        user: "load-00000".to_owned(),
        name: "nobody in particular".to_owned(),
        role: "member".to_owned(),
        since_ms: peers::now_ms(),
        login_instance: served_by.to_owned(),
    };
    let log_in = async move |Json(credentials): Json<Credentials>| -> Result<Response, StatusCode> {
        let login = credentials
            .login(served_by)
            .ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(Json(Me::new(&login, served_by)).into_response())
    };
    let me = async move || Json(Me::new(&anybody, served_by)).into_response();
    let routes = Router::new()
        .route("/login", post(log_in))
        .route("/me", get(me));
    axum_frame::serve(&settings, routes).await
}
