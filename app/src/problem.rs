//! Every error a client can get: `application/problem+json` (RFC 9457) with a stable reason.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::memory::Challenge;

/// One refusal, as a client sees it. Build it with [`Problem::new`] and, where a person can do
/// something about it, say so with [`Problem::detail`].
///
/// ```
/// use app::{Challenge, Problem, Reason};
/// use axum::response::IntoResponse as _;
///
/// let problem = Problem::new(Reason::Revoked).challenge(Challenge::Bearer);
/// let answer = problem.into_response();
/// assert_eq!(answer.status(), 401);
/// assert_eq!(answer.headers()["content-type"], "application/problem+json");
/// assert_eq!(answer.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
///
/// // A store that is silent is never "nobody": the login is not lost.
/// assert_eq!(Problem::from(Reason::StoreUnavailable).into_response().status(), 503);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    reason: Reason,
    detail: Option<Cow<'static, str>>,
    challenge: Option<Challenge>,
}

impl Problem {
    /// A problem for `reason`, with the reason's own status and sentence.
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            detail: None,
            challenge: None,
        }
    }

    /// Adds what this one request's sender needs to know. Never put a credential in it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The challenge that goes into `WWW-Authenticate` if this is a 401, or a 400 or 403 that
    /// RFC 6750 defines an error for.
    #[must_use]
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    fn authenticate(&self) -> Option<HeaderValue> {
        let error = self.reason.oauth_error();
        let text = match (self.challenge.as_ref()?, error) {
            (Challenge::Bearer, Some(error)) => format!("Bearer error=\"{error}\""),
            (Challenge::Bearer, None) if self.reason.status() == StatusCode::UNAUTHORIZED => {
                "Bearer".to_owned()
            }
            (Challenge::Cookie { name }, _) if self.reason.status() == StatusCode::UNAUTHORIZED => {
                format!("Cookie cookie-name=\"{name}\"")
            }
            _ => return None,
        };
        HeaderValue::from_str(&text).ok()
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.reason.status();
        let mut body = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "reason": self.reason.as_str(),
            "detail": self.detail.as_deref().unwrap_or(self.reason.sentence()),
        });
        if let Some(error) = self.reason.oauth_error() {
            body["error"] = error.into();
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(value) = self.authenticate() {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // Whoever counts outcomes reads the reason here instead of parsing the body.
        response.extensions_mut().insert(self.reason);
        response
    }
}

/// Defines [`Reason`] from one table: variant, status, its name on the wire, the OAuth error of
/// RFC 6749 or 6750 if there is one, and the sentence for people.
macro_rules! reasons {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $status:ident, $name:literal, $oauth:expr, $sentence:literal;
    )*) => {
        /// Why a request was refused. The name on the wire is a contract: it never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* #[doc = concat!(" (`", $name, "`)")] $variant,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name in the `reason` field.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The status it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The `error` code that RFC 6749 or RFC 6750 defines for it.
            pub fn oauth_error(self) -> Option<&'static str> {
                match self { $(Self::$variant => $oauth,)* }
            }

            fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

reasons! {
    /// 401: the request carries no credential.
    NoCredential = UNAUTHORIZED, "no-credential", None,
        "Log in first: this request carries no credential.";
    /// 401: user name or password is wrong; which of the two is not said.
    WrongPassword = UNAUTHORIZED, "wrong-password", None,
        "User name or password is wrong.";
    /// 401: well formed, but this instance and its store know no such session.
    UnknownSession = UNAUTHORIZED, "unknown-session", None,
        "This server does not know this session. Log in again.";
    /// 401: the login or the token has expired.
    Expired = UNAUTHORIZED, "expired", Some("invalid_token"),
        "This login has expired. Log in again.";
    /// 401: `nbf` or `iat` lies in the future, by this instance's clock.
    NotYetValid = UNAUTHORIZED, "not-yet-valid", Some("invalid_token"),
        "This token is not valid yet by this server's clock.";
    /// 401: the signature does not match.
    BadSignature = UNAUTHORIZED, "bad-signature", Some("invalid_token"),
        "The token's signature does not match: it was changed, or signed with another key.";
    /// 401: the token names a key that this instance does not have.
    UnknownKey = UNAUTHORIZED, "unknown-key", Some("invalid_token"),
        "The token was signed with a key that this server does not know.";
    /// 401: the header names an algorithm that its key may not be used with, or `none`.
    WrongAlgorithm = UNAUTHORIZED, "wrong-algorithm", Some("invalid_token"),
        "The token's algorithm is not the one its key is for.";
    /// 401: the header carries something the policy refuses (`crit`, `jwk`, `jku`, wrong `typ`).
    BadHeader = UNAUTHORIZED, "bad-header", Some("invalid_token"),
        "The token's header says something that this server does not accept.";
    /// 401: a claim is missing, of the wrong type, or not what it should be.
    BadClaims = UNAUTHORIZED, "bad-claims", Some("invalid_token"),
        "A claim of the token is missing or not what it should be.";
    /// 401: not a token at all: parts, base64 or JSON are broken.
    MalformedToken = UNAUTHORIZED, "malformed-token", Some("invalid_token"),
        "This is not a token in JWS compact form.";
    /// 401: ended by a log-out, or by a not-before of the user's.
    Revoked = UNAUTHORIZED, "revoked", Some("invalid_token"),
        "This login was ended. Log in again.";
    /// 400: the credential is sent twice, or in a form that no scheme allows.
    MalformedCredential = BAD_REQUEST, "malformed-credential", Some("invalid_request"),
        "Send one credential, once: one cookie of this name, or one Authorization header.";
    /// 400: the refresh token is unknown, used, expired or revoked (RFC 6749, section 5.2).
    InvalidGrant = BAD_REQUEST, "invalid-grant", Some("invalid_grant"),
        "This refresh token is no longer valid. Log in again.";
    /// 400: the request itself is not well-formed HTTP or JSON.
    MalformedRequest = BAD_REQUEST, "malformed-request", None,
        "This request is not well formed.";
    /// 403: logged in, but the role may not do this.
    Forbidden = FORBIDDEN, "forbidden", Some("insufficient_scope"),
        "Your role may not do this.";
    /// 403: the account is disabled; said only after its right password.
    Disabled = FORBIDDEN, "account-disabled", None,
        "This account is disabled.";
    /// 403: another origin asks for a change of state with this user's cookie.
    CrossSite = FORBIDDEN, "cross-site", None,
        "Another site asks for this with your cookie; that is refused.";
    /// 403: `/lab` without its secret.
    LabSecret = FORBIDDEN, "lab-secret", None,
        "/lab needs the secret that this instance was started with, in x-lab-secret.";
    /// 404: there is nothing here.
    NotFound = NOT_FOUND, "not-found", None,
        "There is nothing at this address.";
    /// 405: the route exists, but not for this method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", None,
        "This address does not answer that method; see Allow.";
    /// 408: the body did not arrive in time.
    TooSlow = REQUEST_TIMEOUT, "too-slow", None,
        "The request's body did not arrive in time.";
    /// 409: two requests changed the same thing; this one lost.
    Conflict = CONFLICT, "conflict", None,
        "Another request changed this at the same time. Read again and retry.";
    /// 413: the body is longer than this route reads.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large", None,
        "The request's body is longer than this address reads.";
    /// 414: the address is too long.
    UriTooLong = URI_TOO_LONG, "uri-too-long", None,
        "The address is longer than 8 KiB.";
    /// 415: the body is neither JSON in UTF-8 nor a form.
    UnsupportedType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", None,
        "Send application/json (UTF-8), or a form where the route takes one.";
    /// 421: an instance that can only verify was asked to issue.
    NotTheIssuer = MISDIRECTED_REQUEST, "not-the-issuer", None,
        "This instance can only verify. Ask the one that issues.";
    /// 422: well-formed JSON of the wrong shape.
    WrongShape = UNPROCESSABLE_ENTITY, "wrong-shape", None,
        "A field is missing, unknown, of the wrong type or out of bounds.";
    /// 431: the request's header is larger than 8 KiB, or has over 100 fields.
    HeaderTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "header-too-large", None,
        "The request's header is larger than 8 KiB.";
    /// 500: our fault.
    Internal = INTERNAL_SERVER_ERROR, "internal", None,
        "The server failed; its log says why.";
    /// 501: this server has no such thing, by design.
    NotOffered = NOT_IMPLEMENTED, "not-offered", None,
        "This way of remembering a login has no such thing.";
    /// 503: too many password checks are waiting.
    Overloaded = SERVICE_UNAVAILABLE, "overloaded", None,
        "Too many logins are waiting for their password check. Try again shortly.";
    /// 503: the store did not answer; the credential is still good.
    StoreUnavailable = SERVICE_UNAVAILABLE, "store-unavailable", None,
        "The store does not answer. Your login is not lost: try again shortly.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire_are_unique() {
        let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn a_401_challenges_and_only_with_the_errors_rfc_6750_defines() {
        let shown = |reason, challenge: Challenge| {
            let response = Problem::new(reason).challenge(challenge).into_response();
            response
                .headers()
                .get(WWW_AUTHENTICATE)
                .map(|v| v.to_str().expect("challenges are ASCII").to_owned())
        };
        assert_eq!(
            shown(Reason::NoCredential, Challenge::Bearer).as_deref(),
            Some("Bearer")
        );
        assert_eq!(
            shown(Reason::Revoked, Challenge::Bearer).as_deref(),
            Some("Bearer error=\"invalid_token\"")
        );
        let cookie = Challenge::Cookie {
            name: "sid-session-memory".into(),
        };
        assert_eq!(
            shown(Reason::UnknownSession, cookie.clone()).as_deref(),
            Some("Cookie cookie-name=\"sid-session-memory\"")
        );
        assert_eq!(shown(Reason::StoreUnavailable, cookie), None);
    }
}
