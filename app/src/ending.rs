//! How an answer says when logins end: the words of the interface for [`Ended`].

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use schemars::JsonSchema;
use serde::Serialize;

use crate::memory::{Ended, Forgotten};
use crate::problem::{Problem, Reason};

/// What an answer says about logins that were ended; see [`Ended`].
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct Ending {
    ended: &'static str,
    /// Milliseconds since the Unix epoch; null where nothing is left to wait for.
    at: Option<u64>,
}

impl TryFrom<Ended> for Ending {
    type Error = Problem;

    fn try_from(ended: Ended) -> Result<Self, Problem> {
        Ok(match ended {
            Ended::Everywhere => Self {
                ended: "everywhere",
                at: None,
            },
            Ended::Here { elsewhere_at_ms } => Self {
                ended: "here",
                at: Some(elsewhere_at_ms),
            },
            Ended::At { at_ms } => Self {
                ended: "later",
                at: Some(at_ms),
            },
            Ended::Unknown => {
                return Err(Problem::new(Reason::StoreUnavailable)
                    .detail("The store did not answer: the login may or may not have ended."));
            }
        })
    }
}

/// Answers with when the logins in scope end, and takes the client's cookie back where no layer
/// does.
pub(crate) fn ended(forgotten: Forgotten) -> Result<Response, Problem> {
    let mut response = Json(Ending::try_from(forgotten.ended)?).into_response();
    if let Some(removal) = forgotten.removal {
        response.headers_mut().insert(SET_COOKIE, removal);
    }
    Ok(response)
}
