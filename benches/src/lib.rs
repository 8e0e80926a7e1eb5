//! What the benches check: tokens of the same content and size as the servers hand out, made by
//! the server's own code.

use std::fs;

use app::Role;
use server_jwt::keys::KeyRing;
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::token::claims::{Claims, Policy};

/// When the tokens were issued, in seconds since the Unix epoch. Benches pass the time in, so
/// that none of them expires.
pub const ISSUED_S: u64 = 1_800_000_000;

/// A token under a shared secret, with everything that checking it takes.
pub struct Shared {
    /// The secret.
    pub secret: [u8; 32],
    /// The keys of an instance that has it.
    pub keys: KeyRing,
    /// The policy of that instance.
    pub policy: Policy,
    /// A token that was signed with it, in its compact form.
    pub token: String,
}

impl Shared {
    /// A token for `user`.
    ///
    /// # Errors
    /// When there is no place for the key file.
    pub fn new(user: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let secret = *b"0123456789abcdef0123456789abcdef";
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("hs256.secret");
        fs::write(&path, secret)?;
        let source = KeySource {
            flag: "--secret-file",
            path,
            form: Form::Secret,
        };
        let keys = source.read()?;
        let policy = Policy {
            issuer: "session-vs-jwt".to_owned(),
            audience: "session-vs-jwt".to_owned(),
            leeway_ms: 0,
            lifetime_max_s: 900,
        };
        let key = keys.signer().ok_or("a secret can sign")?;
        let token = key.issue(&Claims {
            iss: (&policy.issuer).into(),
            aud: (&policy.audience).into(),
            sub: user.into(),
            name: user.into(),
            role: Role::Member,
            exp: ISSUED_S + policy.lifetime_max_s,
            nbf: None,
            iat: ISSUED_S,
            iat_ms: ISSUED_S * 1000,
            jti: "EpfBeJX_bPrF4NEJrwWZkg".into(),
            since_ms: ISSUED_S * 1000,
            login_instance: "jwt-a".into(),
            family: None,
            padding: None,
        })?;
        Ok(Self {
            secret,
            keys,
            policy,
            token,
        })
    }
}
