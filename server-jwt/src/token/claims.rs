//! The claims of an access token, and the rules they must keep.
//!
//! They are read once, into types: an `exp` that is text, an `aud` that is a list or an `iss`
//! that is missing is an error of reading here, where a library that reads claims one by one may
//! take it for absent. It knows nothing of signatures; that is [`crate::token::verify`].

use std::borrow::Cow;

use app::{Login, Reason, Role};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::token::header::Text;

/// What an access token says. Anybody who holds it can read this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims<'c> {
    /// Who signed it (RFC 7519, section 4.1.1).
    #[serde(borrow)]
    pub iss: Cow<'c, str>,
    /// For whom it is: one name, never a list.
    #[serde(borrow)]
    pub aud: Cow<'c, str>,
    /// Whose login it is: the account's name.
    #[serde(borrow)]
    pub sub: Cow<'c, str>,
    /// The person's name.
    #[serde(borrow)]
    pub name: Cow<'c, str>,
    /// Their role when they logged in. It stays what it was until the token expires.
    #[serde(deserialize_with = "role")]
    pub role: Role,
    /// From when on it is refused, in seconds since the Unix epoch.
    pub exp: u64,
    /// Before when it is refused, where it says so.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub nbf: Option<u64>,
    /// When it was issued, in seconds.
    pub iat: u64,
    /// When it was issued, in milliseconds: seconds are too coarse to tell a login made just
    /// before "log out everywhere" from one made just after. Where there is a store, it is the
    /// store's clock, so that instances whose clocks differ agree about before and after.
    pub iat_ms: u64,
    /// Its own name: what a deny-list knows it by.
    #[serde(borrow)]
    pub jti: Cow<'c, str>,
    /// When the password was checked, in milliseconds; a refreshed token keeps it.
    pub since_ms: u64,
    /// Where it was checked.
    #[serde(borrow)]
    pub login_instance: Cow<'c, str>,
    /// The hashed name of the refresh family it belongs to, so that a log-out ends that too.
    #[serde(
        borrow,
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub family: Option<Cow<'c, str>>,
    /// What an experiment keeps beside a login, for nobody to read.
    #[serde(
        borrow,
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub padding: Option<Cow<'c, str>>,
}

/// Read as text first: a role of another type is a wrong claim then, not broken JSON.
fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

/// `null` is no value: what is there must be of its type.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What the claims of an acceptable token must be.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The issuer it must name.
    pub issuer: String,
    /// The audience it must name.
    pub audience: String,
    /// By how much the issuer's clock and ours may differ.
    pub leeway_ms: u64,
    /// The longest life from `iat` to `exp`, in seconds.
    pub lifetime_max_s: u64,
}

impl<'c> Claims<'c> {
    /// Reads the decoded payload, once.
    ///
    /// # Errors
    /// `MalformedToken` when it is not JSON in UTF-8, `BadClaims` when a claim is missing, stands
    /// twice or is of another type.
    pub fn read(decoded: &'c [u8]) -> Result<Self, Reason> {
        let text = std::str::from_utf8(decoded).map_err(|_| Reason::MalformedToken)?;
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Reason::BadClaims,
            _ => Reason::MalformedToken,
        })
    }

    /// Whether they keep the policy at `now_ms`.
    ///
    /// # Errors
    /// `BadClaims`, `Expired` or `NotYetValid`.
    pub fn keep(&self, policy: &Policy, now_ms: u64) -> Result<(), Reason> {
        if self.iss != policy.issuer || self.aud != policy.audience {
            return Err(Reason::BadClaims);
        }
        if self.sub.is_empty() || self.jti.is_empty() {
            return Err(Reason::BadClaims);
        }
        // A signed token with an endless life is a mistake of the issuer's, not a long login.
        match self.exp.checked_sub(self.iat) {
            Some(lifetime_s) if lifetime_s <= policy.lifetime_max_s => {}
            _ => return Err(Reason::BadClaims),
        }
        // RFC 7519, section 4.1.4: *before* exp, so that at exp itself it is expired.
        if now_ms >= expires_ms(self.exp, policy.leeway_ms) {
            return Err(Reason::Expired);
        }
        let begins_s = self.iat.max(self.nbf.unwrap_or(0));
        if begins_s.saturating_mul(1000) > now_ms.saturating_add(policy.leeway_ms) {
            return Err(Reason::NotYetValid);
        }
        Ok(())
    }

    /// The login they stand for.
    pub fn login(&self) -> Login {
        Login {
            user: self.sub.clone().into_owned(),
            name: self.name.clone().into_owned(),
            role: self.role,
            since_ms: self.since_ms,
            login_instance: self.login_instance.clone().into_owned(),
        }
    }
}

/// The first millisecond at which a token with this `exp` is refused.
pub fn expires_ms(exp: u64, leeway_ms: u64) -> u64 {
    exp.saturating_mul(1000).saturating_add(leeway_ms)
}
