//! What the board itself refuses, in the same form as the servers behind it
//! (`application/problem+json`, RFC 9457), with reasons of its own.

use app::front::SERVED_BY;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// A refusal of the board's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 421: the `Host` header names somebody else (DNS rebinding, or a proxy set up wrongly).
    ForeignHost,
    /// 403: another site asks.
    CrossSite,
    /// 403: a control request without the page's token, or with that of an earlier process.
    PageToken,
    /// 403: this board lets nobody strike its servers.
    ReadOnly,
    /// 400: the browser sent no viewer cookie; loading the page hands out one.
    NoViewer,
    /// 400: the body is not what this address reads.
    Body,
    /// 404: there is nothing here, or a lane does not offer it.
    NotFound,
    /// 408: the request took too long, or its body never ended.
    TooSlow,
    /// 409: there is no old login of this viewer's to send in this lane.
    NoOldLogin,
    /// 409: no instance has this name.
    NoInstance,
    /// 409: this pool keeps its logins in a store, and there is none; why, and the remedy.
    NoStore(String),
    /// 409: the servers behind this board cannot do it; why.
    NotHere(String),
    /// 409: the store was not started by the board, so the board does not stop it.
    NotOurStore,
    /// 409: an account that nobody changes here.
    NotThisAccount,
    /// 500: the cluster could not do it.
    Failed,
    /// 502: the balancer, or the instance that was asked past it, did not answer.
    Silent,
    /// 503: more pages are open than the board streams to.
    TooManyStreams,
}

impl Refusal {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::ForeignHost => (StatusCode::MISDIRECTED_REQUEST, "foreign-host"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site"),
            Self::PageToken => (StatusCode::FORBIDDEN, "page-token"),
            Self::ReadOnly => (StatusCode::FORBIDDEN, "read-only"),
            Self::NoViewer => (StatusCode::BAD_REQUEST, "no-viewer"),
            Self::Body => (StatusCode::BAD_REQUEST, "malformed-request"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too-slow"),
            Self::NoOldLogin => (StatusCode::CONFLICT, "no-old-login"),
            Self::NoInstance => (StatusCode::CONFLICT, "no-such-instance"),
            Self::NoStore(_) => (StatusCode::CONFLICT, "no-store"),
            Self::NotHere(_) => (StatusCode::CONFLICT, "not-here"),
            Self::NotOurStore => (StatusCode::CONFLICT, "not-our-store"),
            Self::NotThisAccount => (StatusCode::CONFLICT, "not-this-account"),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::Silent => (StatusCode::BAD_GATEWAY, "silent"),
            Self::TooManyStreams => (StatusCode::SERVICE_UNAVAILABLE, "too-many-streams"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, reason) = self.parts();
        let mut body = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "reason": reason,
        });
        if let Self::NoStore(why) | Self::NotHere(why) = self {
            body["detail"] = why.into();
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(SERVED_BY, HeaderValue::from_static("board"));
        response
    }
}
