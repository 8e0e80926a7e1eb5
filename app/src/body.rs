//! Reading a request's body: bounded in size and time, JSON in UTF-8 or a form, one error shape.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::problem::{Problem, Reason};

/// The longest body any route reads, in bytes.
pub const BODY_MAX_BYTES: usize = 4 * 1024;
/// How long a client may take to send it.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a request that must be JSON.
///
/// # Errors
/// 415 for another type, 408, 413, 400 for broken JSON, 422 for JSON of the wrong shape.
pub async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    match media_type(headers)? {
        MediaType::Json => from_json(&read(body).await?),
        MediaType::Form => Err(Reason::UnsupportedType.into()),
    }
}

/// The body of a request that may be JSON or a form, as a page's `<form>` sends it.
///
/// # Errors
/// As [`json`].
pub async fn json_or_form<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    match media_type(headers)? {
        MediaType::Json => from_json(&read(body).await?),
        MediaType::Form => {
            let bytes = read(body).await?;
            serde_urlencoded::from_bytes(&bytes).map_err(|_| Reason::WrongShape.into())
        }
    }
}

/// Refuses a form that holds an access token beside the credential of the header: one way at a
/// time (RFC 6750, section 2). For routes that take no body of their own.
///
/// # Errors
/// 400 for such a form, and what else is wrong with a form.
pub async fn no_credential(headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    if !matches!(media_type(headers), Ok(MediaType::Form)) {
        return Ok(());
    }
    let bytes = read(body).await?;
    let fields: Vec<(String, String)> =
        serde_urlencoded::from_bytes(&bytes).map_err(|_| Problem::from(Reason::WrongShape))?;
    if fields.iter().any(|(name, _)| name == "access_token") {
        Err(Reason::MalformedCredential)?;
    }
    Ok(())
}

enum MediaType {
    Json,
    Form,
}

/// JSON is UTF-8 (RFC 8259, section 8.1): another charset is another type.
fn media_type(headers: &HeaderMap) -> Result<MediaType, Problem> {
    let unsupported = || Problem::from(Reason::UnsupportedType);
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = values
        .next()
        .and_then(|value| value.to_str().ok())
        .ok_or_else(unsupported)?;
    if values.next().is_some() {
        return Err(unsupported());
    }
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let utf8 = value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        if name.eq_ignore_ascii_case("charset") && !utf8 {
            return Err(unsupported());
        }
    }
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(MediaType::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(MediaType::Form)
    } else {
        Err(unsupported())
    }
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    let collected =
        tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX_BYTES).collect())
            .await
            .map_err(|_| Problem::from(Reason::TooSlow))?;
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Reason::BodyTooLarge.into())
        }
        Err(_) => {
            Err(Problem::new(Reason::MalformedRequest).detail("The body ended before its end."))
        }
    }
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        // serde's own words name the field; they quote the value only when its type is wrong,
        // and a password has the right type. The position is all that is passed on.
        Category::Data => Problem::new(Reason::WrongShape).detail(format!(
            "A field is missing, unknown or of the wrong type (column {}).",
            error.column()
        )),
        _ => Problem::new(Reason::MalformedRequest).detail("The body is not well-formed JSON."),
    })
}
