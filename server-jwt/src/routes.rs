//! The routes and the layer that this way of remembering adds: refresh, public keys, and what a
//! laboratory does to keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use app::openapi::Operation;
use app::{Problem, Reason, TokenAnswer, body};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;

use crate::memory::Shared;
use crate::revoke::Revocation;
use crate::revoke::deny::Unasked;

/// Says that the deny-list was not asked, in answers that were given without it.
const DENY_LIST: HeaderName = HeaderName::from_static("x-deny-list");

/// Puts them around the application's own.
pub(crate) fn add(routes: Router, shared: &Arc<Shared>) -> Router {
    let mut own = Router::new()
        .route("/.well-known/jwks.json", get(public_keys))
        .route("/lab/keys", post(change_keys));
    if shared.families.is_some() {
        own = own.route("/token/refresh", post(refresh));
    }
    let routes = routes.merge(own.with_state(Arc::clone(shared)));
    match shared.revocation.fails_open() {
        true => routes.layer(middleware::from_fn(say_if_unasked)),
        false => routes,
    }
}

/// `GET /.well-known/jwks.json`: what it takes to verify, and nothing that signs (RFC 7517).
async fn public_keys(State(shared): State<Arc<Shared>>) -> Response {
    let body = shared.keys().jwks().to_string();
    ([(CONTENT_TYPE, "application/jwk-set+json")], body).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    refresh_token: app::HeldBack<String>,
}

/// `POST /token/refresh`
async fn refresh(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<TokenAnswer>, Problem> {
    let (mut parts, body) = request.into_parts();
    shared.can_issue()?;
    let families = shared.families.as_ref().ok_or(Reason::NotOffered)?;
    let sent: Refresh = body::json(&parts.headers, body).await?;
    let extensions = &mut parts.extensions;
    let mut renewed = families
        .rotate(extensions, sent.refresh_token.reveal())
        .await?
        .ok_or(Reason::InvalidGrant)?;
    let now_ms = shared.instance.clock.now_ms();
    let issued = shared
        .revocation
        .stamp(extensions, &renewed.login.user, None, now_ms);
    let issued_ms = issued.await?;
    if !matches!(shared.revocation, Revocation::None) {
        // Whoever ends all logins, or changes a role, comes to the families first and to the list
        // then. What has not come to this family yet will find the moment just stamped too early.
        let role = families.role(extensions, &renewed.family).await?;
        renewed.login.role = role.ok_or(Reason::InvalidGrant)?;
    }
    let family = Some((renewed.family, renewed.token));
    Ok(Json(shared.issue(
        &renewed.login,
        issued_ms,
        family,
        None,
    )?))
}

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "lowercase", deny_unknown_fields)]
enum ChangeKeys {
    /// Read the key file again.
    Reload,
    /// Sign with this key from now on.
    Sign { kid: String },
}

/// `POST /lab/keys`: one step of a rotation. Two-phase: all instances get both keys, then they
/// sign with the new one, then the old one goes.
async fn change_keys(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let refused = |error: String| Problem::new(Reason::WrongShape).detail(error);
    match body::json(&parts.headers, body).await? {
        ChangeKeys::Reload => shared
            .reload_keys()
            .map_err(|error| refused(error.to_string()))?,
        ChangeKeys::Sign { kid } => shared
            .sign_with(&kid)
            .map_err(|fault| refused(format!("key {kid:?}: {fault}")))?,
    }
    Ok(Json(json!({ "keys": shared.keys().shown() })).into_response())
}

/// `/.well-known/jwks.json` for the interface's document.
pub(crate) fn described() -> Vec<Operation> {
    vec![Operation {
        method: "get",
        path: "/.well-known/jwks.json",
        summary: "Public keys (RFC 7517)",
        takes: None,
        gives: (
            json!({
                "type": "object", "required": ["keys"],
                "properties": { "keys": { "type": "array", "items": { "type": "object" } } },
            }),
            "application/jwk-set+json",
        ),
        needs_login: false,
        refuses: Vec::new(),
    }]
}

async fn say_if_unasked(mut request: Request, next: Next) -> Response {
    let unasked = Unasked::default();
    request.extensions_mut().insert(unasked.clone());
    let mut response = next.run(request).await;
    if unasked.0.load(Ordering::Relaxed) {
        let headers = response.headers_mut();
        headers.insert(DENY_LIST, HeaderValue::from_static("not-asked"));
    }
    response
}
