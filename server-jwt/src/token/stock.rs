//! jsonwebtoken as it comes: `encode` and `decode` with their defaults, to be compared with.
//!
//! This is what its README shows. What the defaults mean: 60 seconds of leeway after `exp`, `exp`
//! itself still accepted, nothing asked of `typ`, `iss`, `iat` or `crit`, `nbf` not looked at, the
//! header parsed twice and the verifier built anew for every token. And the machine's clock: the
//! library asks it directly, so a lab that sets this instance's clock wrong does not reach it.

use app::{Login, Problem, Reason, Role};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

/// `Validation::default()` accepts while whole seconds of now are not beyond `exp` by more than
/// this: the first second that is refused is one later.
const REFUSED_AFTER_S: u64 = 61;

/// Claims as an application that follows the README has them. No `aud`: `decode` refuses it
/// unless it is told which to expect.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    name: String,
    role: Role,
    iat: u64,
    exp: u64,
    jti: String,
    since_ms: u64,
    login_instance: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    padding: Option<String>,
}

/// A token for `login`, from `iat` for `lifetime_s` seconds, with `padding` if there is any.
///
/// # Errors
/// When the backend fails.
pub(crate) fn issue(
    key: &EncodingKey,
    login: &Login,
    (iat, lifetime_s): (u64, u64),
    padding: Option<&str>,
) -> jsonwebtoken::errors::Result<String> {
    let claims = Claims {
        sub: login.user.clone(),
        name: login.name.clone(),
        role: login.role,
        iat,
        exp: iat + lifetime_s,
        jti: crate::refresh::random::<16>(),
        since_ms: login.since_ms,
        login_instance: login.login_instance.clone(),
        padding: padding.map(str::to_owned),
    };
    encode(&Header::default(), &claims, key)
}

/// The login a token stands for, and from which millisecond on it is refused.
///
/// # Errors
/// Why it is refused, as far as the library says.
pub(crate) fn read(token: &[u8], key: &DecodingKey) -> Result<(Login, u64), Problem> {
    let data = decode::<Claims>(token, key, &Validation::default()).map_err(|error| match error
        .kind()
    {
        ErrorKind::InvalidSignature => Reason::BadSignature,
        ErrorKind::ExpiredSignature => Reason::Expired,
        ErrorKind::InvalidAlgorithm => Reason::WrongAlgorithm,
        ErrorKind::MissingRequiredClaim(_)
        | ErrorKind::InvalidClaimFormat(_)
        | ErrorKind::InvalidAudience => Reason::BadClaims,
        _ => Reason::MalformedToken,
    })?;
    let claims = data.claims;
    let login = Login {
        user: claims.sub,
        name: claims.name,
        role: claims.role,
        since_ms: claims.since_ms,
        login_instance: claims.login_instance,
    };
    Ok((login, refused_at_ms(claims.exp)))
}

/// The first millisecond at which a token with this `exp` is refused.
pub(crate) fn refused_at_ms(exp: u64) -> u64 {
    exp.saturating_add(REFUSED_AFTER_S).saturating_mul(1000)
}
