//! One key: its name, the algorithms it is for, and what it signs and verifies.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Serialize;
use serde_json::{Value, json};

use super::crypto;
use super::fault::KeyFault;
use super::jwk::Jwk;
use super::material::Material;
use crate::token::header::ACCESS_TYP;

/// One key.
pub struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
    encoding: Option<EncodingKey>,
    public: Option<Value>,
    fingerprint: String,
    /// Names it within this process, also when another key takes its `kid`.
    id: u64,
    /// The header of the tokens it signs, encoded once.
    issued_header: String,
}

impl Key {
    /// A judged key, limited to its own `alg` and to `allowed` (empty allows all).
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(jwk: &Jwk, allowed: &[Algorithm]) -> Result<Self, KeyFault> {
        let unknown = |name: &String| KeyFault::Unsupported(format!("algorithm {name:?}"));
        let own = match &jwk.alg {
            None => None,
            Some(name) => Some(Algorithm::from_str(name).map_err(|_| unknown(name))?),
        };
        let mut material = jwk.judge()?;
        if !jwk.may_sign() {
            material.encoding = None;
        }
        Self::limited(jwk.kid.clone(), own, material, allowed)
    }

    /// A key limited to its `own` algorithm and to `allowed`.
    pub(crate) fn limited(
        kid: Option<String>,
        own: Option<Algorithm>,
        material: Material,
        allowed: &[Algorithm],
    ) -> Result<Self, KeyFault> {
        if let Some(own) = own.filter(|own| !material.fits.contains(own)) {
            return Err(material.unfit_for(own));
        }
        let mut algorithms = material.fits.clone();
        algorithms.retain(|fit| own.is_none_or(|own| own == *fit));
        algorithms.retain(|fit| allowed.is_empty() || allowed.contains(fit));
        // A key that none of the allowed algorithms fits verifies nothing; but a secret that is
        // too short for the only ones that are allowed is a weak key, and is said to be.
        let too_short = allowed.iter().find(|asked| material.too_short(**asked));
        if let Some(asked) = too_short.filter(|_| own.is_none() && algorithms.is_empty()) {
            return Err(material.unfit_for(*asked));
        }
        Ok(Self::from_material(kid, algorithms, material))
    }

    /// A key made of judged material.
    pub(crate) fn from_material(
        kid: Option<String>,
        algorithms: Vec<Algorithm>,
        material: Material,
    ) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let alg = algorithms.first().map(|alg| format!("{alg:?}"));
        let header = json!({ "alg": alg, "kid": kid, "typ": ACCESS_TYP });
        let public = material.public.map(|mut public| {
            public["kid"] = json!(kid);
            public["alg"] = json!(alg);
            public["use"] = json!("sig");
            public
        });
        let hash = digest(&SHA256, &material.identity);
        let hex = |byte: &u8| format!("{byte:02x}");
        Self {
            kid,
            algorithms,
            decoding: material.decoding,
            encoding: material.encoding,
            public,
            fingerprint: hash.as_ref()[..4].iter().map(hex).collect(),
            id: IDS.fetch_add(1, Ordering::Relaxed),
            issued_header: URL_SAFE_NO_PAD.encode(header.to_string()),
        }
    }

    /// The algorithms it may be used with: one on a server.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or_default()
    }

    /// Its name.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Its public half as a JWK, where it has one.
    pub fn public(&self) -> Option<&Value> {
        self.public.as_ref()
    }

    /// The first eight hex digits of SHA-256 over the public half, or over the secret.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The key as jsonwebtoken takes it for checking.
    pub fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// The key as jsonwebtoken takes it for signing, where it has a private half.
    pub fn encoding(&self) -> Option<&EncodingKey> {
        self.encoding.as_ref()
    }

    /// Whether `signature` over `message` was made with this key and `algorithm`.
    ///
    /// jsonwebtoken's verifier wants the signature in a `Vec`.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &Vec<u8>) -> bool {
        self.algorithms.contains(&algorithm)
            && crypto::verifies((self.id, &self.decoding), algorithm, message, signature)
    }

    /// A token with these claims, signed with this key.
    ///
    /// # Errors
    /// When the key has no private half, or the backend fails.
    pub fn issue(&self, claims: &impl Serialize) -> Result<String, IssueError> {
        let encoding = self.encoding.as_ref().ok_or(IssueError::NoPrivateHalf)?;
        let mut token = self.issued_header.clone();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
        let key = (self.id, encoding);
        let signature = crypto::sign(key, self.algorithm(), token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// Why a token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The key can only verify.
    #[error("the key has no private half")]
    NoPrivateHalf,
    /// The claims are not JSON.
    #[error("the claims cannot be written")]
    Claims(#[from] serde_json::Error),
    /// The backend failed.
    #[error("the signature cannot be made")]
    Signature(#[from] jsonwebtoken::errors::Error),
}
