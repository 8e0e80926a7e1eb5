//! How an access token travels: in the `Authorization` header, or in a cookie.
//!
//! A page's script can read what it keeps for the header, and so can a script that should not be
//! there; a cookie that is HttpOnly it cannot, but browsers send that along when other sites ask.

use app::{Carriage, Challenge, Credential, Forgotten, HeldBack, Instance, Problem, Reason};
use app::{Ended, TokenAnswer, carriage};
use cookie::{Cookie, SameSite};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;

/// What a browser keeps of one cookie, name and value together (RFC 6265bis, section 5.7).
const COOKIE_MAX_BYTES: usize = 4096;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Carry {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// A cookie that scripts cannot read.
    Cookie,
}

impl Carry {
    /// The token that the request carries.
    ///
    /// # Errors
    /// `NoCredential` (401) when there is none, `MalformedCredential` (400) when there are two or
    /// what is there has no form (RFC 6750, section 3.1).
    pub fn token<'p>(self, request: &'p Parts, instance: &Instance) -> Result<&'p [u8], Problem> {
        match self {
            Self::Bearer => bearer(request),
            Self::Cookie => carriage::in_cookie(request, &instance.cookie_name()),
        }
    }

    /// Hands `answer` out.
    ///
    /// # Errors
    /// When the token is too long for a cookie.
    pub fn hand_out(self, answer: TokenAnswer, instance: &Instance) -> Result<Carriage, Problem> {
        match self {
            Self::Bearer => Ok(Carriage::Token(answer)),
            Self::Cookie => {
                let name = instance.cookie_name();
                if name.len() + answer.access_token.reveal().len() > COOKIE_MAX_BYTES {
                    return Err(Problem::new(Reason::Internal)
                        .detail("The token is longer than a cookie may be (4096 bytes)."));
                }
                let cookie = cookie(name, answer.access_token, instance);
                Ok(Carriage::Cookie(HeldBack::new(header_value(&cookie)?)))
            }
        }
    }

    /// What a log-out answers: with a cookie, also its removal.
    pub fn take_back(self, ended: Ended, instance: &Instance) -> Forgotten {
        let removal = match self {
            Self::Bearer => None,
            Self::Cookie => {
                let empty = Credential::new(String::new());
                let mut cookie = cookie(instance.cookie_name(), empty, instance);
                cookie.make_removal();
                header_value(&cookie).ok()
            }
        };
        Forgotten { ended, removal }
    }

    /// How a 401 asks for it.
    pub fn challenge(self, instance: &Instance) -> Challenge {
        match self {
            Self::Bearer => Challenge::Bearer,
            Self::Cookie => Challenge::Cookie {
                name: instance.cookie_name(),
            },
        }
    }
}

fn bearer(request: &Parts) -> Result<&[u8], Problem> {
    let mut values = request.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Reason::NoCredential.into());
    };
    if values.next().is_some() {
        return Err(Reason::MalformedCredential.into());
    }
    let value = value.as_bytes();
    let scheme_ends = value
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(value.len());
    let (scheme, rest) = value.split_at(scheme_ends);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        // Another scheme is not ours to judge: to us there is no credential.
        return Err(Reason::NoCredential.into());
    }
    let Some((_, token)) = rest.split_first() else {
        return Err(Reason::MalformedCredential.into());
    };
    // `Bearer a b` has no form. A second space before the token makes the token wrong instead.
    let inner_space = token.iter().skip(1).any(u8::is_ascii_whitespace);
    if token.is_empty() || (inner_space && token[0] != b' ') {
        return Err(Reason::MalformedCredential.into());
    }
    // Once is enough (RFC 6750, section 2): a second token in the query is a mistake or worse.
    let query = request.uri.query().unwrap_or_default();
    if query
        .split('&')
        .any(|pair| pair.split('=').next() == Some("access_token"))
    {
        return Err(Reason::MalformedCredential.into());
    }
    Ok(token)
}

/// No `Max-Age`: what ends the login is the token's own expiry.
fn cookie(name: String, token: Credential, instance: &Instance) -> Cookie<'static> {
    Cookie::build((name, token.into_revealed()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(instance.secure_cookies)
        .build()
}

fn header_value(cookie: &Cookie<'_>) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&cookie.to_string()).map_err(|_| Reason::Internal.into())
}
