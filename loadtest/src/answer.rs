//! One request and what became of it: the smallest thing that is observed.

use std::fmt;

use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;

use crate::interface::Interface;

/// What became of a request that carried a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered as the user who logged in.
    Recognised,
    /// 400, 401 or 403: the credential was not accepted, or not for this; 409 or 431: the request
    /// was not, whatever the credential.
    Refused,
    /// No answer, a 5xx, or an answer that makes no sense.
    Failed,
}

/// An answer, or the lack of one.
#[derive(Debug, Clone)]
pub struct Answer {
    /// When the request was sent.
    pub sent: Instant,
    /// When the answer had been read.
    pub answered: Instant,
    /// What became of it.
    pub outcome: Outcome,
    /// Who answered, as in `x-served-by`; `nobody` if nobody did.
    pub served_by: String,
    /// How many attempts the balancer needed; 1 where there is none.
    pub attempts: u64,
    /// Status and reason, such as `401 unknown-session`.
    pub reason: String,
    /// The body, if it was JSON.
    pub body: serde_json::Value,
}

/// The one who stands in `served_by` if no answer came.
pub const NOBODY: &str = "nobody";

/// Whose answer would be the right one.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// The answer names the user, and it must be this one.
    User(&'a str),
    /// Any 2xx will do.
    Success,
    /// Any 2xx will do, or a redirect, as applications answer forms.
    Done,
    /// Somebody's own application says who it is: a 2xx that names this user, or anybody. One that
    /// names nobody, or leads away, to where one logs in, is a refusal.
    Named {
        /// Who it must be; anybody, if nobody is named.
        user: Option<&'a str>,
        /// Where the answer names the user, as a JSON pointer; a 2xx alone will do without.
        at: Option<&'a str>,
    },
}

impl Answer {
    /// Sends the request to a server of this project and waits for its answer.
    pub async fn to(request: RequestBuilder, wanted: Wanted<'_>) -> Answer {
        Answer::read(&Interface::ours(), request, wanted).await
    }

    /// Sends the request to whoever has this interface, and waits for the answer.
    pub async fn read(
        interface: &Interface,
        request: RequestBuilder,
        wanted: Wanted<'_>,
    ) -> Answer {
        let sent = Instant::now();
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::none(sent, &error),
        };
        let status = response.status();
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let served_by = interface.served_by(response.headers());
        let attempts = header("x-attempts")
            .and_then(|n| n.parse().ok())
            .unwrap_or(1);
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return Answer::none(sent, &error),
        };
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let (outcome, reason) = judge(status, &body, wanted);
        Answer {
            sent,
            answered: Instant::now(),
            outcome,
            served_by,
            attempts,
            reason,
            body,
        }
    }

    fn none(sent: Instant, error: &reqwest::Error) -> Answer {
        let why = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "no connection"
        } else {
            "connection broke"
        };
        Answer {
            sent,
            answered: Instant::now(),
            outcome: Outcome::Failed,
            served_by: NOBODY.to_owned(),
            attempts: 1,
            reason: why.to_owned(),
            body: serde_json::Value::Null,
        }
    }

    /// The body as `T`, if it is one.
    pub fn parsed<T: for<'de> Deserialize<'de>>(&self) -> Option<T> {
        T::deserialize(&self.body).ok()
    }
}

fn judge(status: StatusCode, body: &serde_json::Value, wanted: Wanted<'_>) -> (Outcome, String) {
    let code = status.as_u16();
    if status.is_success() {
        return match wanted {
            Wanted::User(user) if body["user"] != user => {
                // The worst there is: somebody else's login. Never a success, never hidden.
                (Outcome::Failed, format!("{code} as somebody else"))
            }
            Wanted::Named { user, at: Some(at) } => named(code, body.pointer(at), user),
            _ => (Outcome::Recognised, code.to_string()),
        };
    }
    match wanted {
        Wanted::Done if status.is_redirection() => return (Outcome::Recognised, code.to_string()),
        Wanted::Named { .. } if status.is_redirection() => {
            return (Outcome::Refused, format!("{code} elsewhere"));
        }
        _ => {}
    }
    let reason = match body["reason"].as_str() {
        Some(reason) => format!("{code} {reason}"),
        None => code.to_string(),
    };
    let outcome = match code {
        400 | 401 | 403 | 409 | 431 => Outcome::Refused,
        _ => Outcome::Failed,
    };
    (outcome, reason)
}

/// What an application's own words for who somebody is come to.
fn named(code: u16, said: Option<&serde_json::Value>, wanted: Option<&str>) -> (Outcome, String) {
    match said {
        None | Some(serde_json::Value::Null) => (Outcome::Refused, format!("{code} as nobody")),
        Some(said) if wanted.is_some_and(|wanted| said != wanted) => {
            (Outcome::Failed, format!("{code} as somebody else"))
        }
        Some(_) => (Outcome::Recognised, code.to_string()),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recognised => "recognised",
            Self::Refused => "refused",
            Self::Failed => "failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_for_somebody_else_is_no_success() {
        let ada = json!({"user": "ada"});
        let judged =
            |status, body, wanted| judge(StatusCode::from_u16(status).unwrap(), body, wanted);
        assert_eq!(
            judged(200, &ada, Wanted::User("ada")).0,
            Outcome::Recognised
        );
        let other = judged(200, &ada, Wanted::User("mia"));
        assert_eq!(other, (Outcome::Failed, "200 as somebody else".to_owned()));
        assert_eq!(
            judged(200, &json!({"records": []}), Wanted::Success).0,
            Outcome::Recognised
        );
    }

    #[test]
    fn an_application_may_say_nobody_in_its_own_way() {
        let judged = |status, body, user| {
            let at = Some("/who/name");
            judge(
                StatusCode::from_u16(status).unwrap(),
                &body,
                Wanted::Named { user, at },
            )
            .0
        };
        let ada = || json!({"who": {"name": "ada"}});
        assert_eq!(judged(200, ada(), Some("ada")), Outcome::Recognised);
        assert_eq!(judged(200, ada(), None), Outcome::Recognised);
        assert_eq!(judged(200, ada(), Some("mia")), Outcome::Failed);
        for (status, body) in [
            (200, json!({"who": null})),
            (200, json!({"who": {"name": null}})),
            (302, json!(null)),
            (401, json!({})),
        ] {
            assert_eq!(judged(status, body, Some("ada")), Outcome::Refused);
            assert_eq!(judged(500, json!({}), None), Outcome::Failed);
        }
    }

    #[test]
    fn refusals_and_failures_are_told_apart_and_named() {
        let body = json!({"reason": "unknown-session"});
        let judged = |status| {
            judge(
                StatusCode::from_u16(status).unwrap(),
                &body,
                Wanted::Success,
            )
        };
        assert_eq!(
            judged(401),
            (Outcome::Refused, "401 unknown-session".to_owned())
        );
        for status in [403, 409, 431] {
            assert_eq!(judged(status).0, Outcome::Refused);
        }
        assert_eq!(judged(503).0, Outcome::Failed);
        assert_eq!(judged(429).0, Outcome::Failed);
    }
}
