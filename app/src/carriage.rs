//! How a credential travels to the client, and a type that keeps it out of logs.

use std::fmt;

use http::HeaderValue;
use http::header::COOKIE;
use http::request::Parts;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::problem::{Problem, Reason};

/// How the credential of a new login reaches the client.
#[derive(Debug, Clone)]
pub enum Carriage {
    /// A layer of the memory's own writes a cookie after the handler (tower-sessions).
    ByLayer,
    /// This `Set-Cookie` value carries it.
    Cookie(HeldBack<HeaderValue>),
    /// It is part of the answer's body (RFC 6749, section 5.1).
    Token(TokenAnswer),
}

/// The value of the one cookie of this name that the request carries.
///
/// # Errors
/// `NoCredential` (401) where there is none, `MalformedCredential` (400) where there are two:
/// servers should not rely on the order of cookies (RFC 6265, section 4.2.2).
pub fn in_cookie<'r>(request: &'r Parts, name: &str) -> Result<&'r [u8], Problem> {
    let mut found = None;
    for header in request.headers.get_all(COOKIE) {
        let pairs = header.as_bytes().split(|byte| *byte == b';');
        for pair in pairs.map(<[u8]>::trim_ascii) {
            let Some(value) = pair
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="))
            else {
                continue;
            };
            if found.replace(value).is_some() {
                return Err(Reason::MalformedCredential.into());
            }
        }
    }
    found.ok_or_else(|| Reason::NoCredential.into())
}

/// The token part of an answer to `/login` or `/token/refresh` (RFC 6749, section 5.1).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TokenAnswer {
    /// Always `Bearer` (RFC 6750).
    pub token_type: &'static str,
    /// The access token.
    pub access_token: Credential,
    /// Its remaining lifetime in seconds.
    pub expires_in: u64,
    /// The refresh token, where the arm has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Credential>,
}

/// A credential, or part of one. `Debug` shows nothing of it; serialising it hands it out.
pub type Credential = HeldBack<String>;

/// Something that must not appear in a log: its `Debug` says only that it is there.
///
/// ```
/// let token = app::Credential::new("eyJhbGciOi".to_owned());
/// assert_eq!(format!("{token:?}"), "(held back)");
/// assert_eq!(token.reveal(), "eyJhbGciOi");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HeldBack<T>(T);

impl<T> HeldBack<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, to be sent or checked, never to be logged.
    pub fn reveal(&self) -> &T {
        &self.0
    }

    /// The value itself, given up by its wrapper.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for HeldBack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(held back)")
    }
}

impl<T: Serialize> Serialize for HeldBack<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for HeldBack<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for HeldBack<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_credential() {
        let answer = TokenAnswer {
            token_type: "Bearer",
            access_token: Credential::new("HEAD.PAYLOAD.SIG".to_owned()),
            expires_in: 900,
            refresh_token: Some(Credential::new("family.secret".to_owned())),
        };
        let shown = format!("{:?}", Carriage::Token(answer));
        assert!(
            !shown.contains("PAYLOAD") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
