//! The routes for whoever watches an instance: alive, ready, metrics.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::application::Application;
use crate::memory::Memory;

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "alive": true }))
}

/// `GET /readyz`: send requests here? The store's state stands in the body alone: a store that
/// all instances share would otherwise take all of them out of the balancer at once.
pub(crate) async fn ready<M: Memory>(State(application): State<Application<M>>) -> Response {
    let draining = application.is_draining();
    let status = if draining {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let store_up = application.memory.store_up();
    (
        status,
        Json(json!({ "ready": !draining, "store_up": store_up })),
    )
        .into_response()
}

/// `GET /metrics`, in Prometheus' text format.
pub(crate) async fn metrics<M: Memory>(State(application): State<Application<M>>) -> Response {
    let status = application.memory.status().await;
    let page = application.metrics.render(&status);
    (
        [(
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        page,
    )
        .into_response()
}
