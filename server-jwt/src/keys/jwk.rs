//! One key as a JSON Web Key (RFC 7517, RFC 7518 section 6), read and judged.
//!
//! jsonwebtoken takes any key: a secret of one byte, an RSA key that is only for encryption, a
//! point that is not on its curve. So the policy is here: what a key is for, how strong it must
//! be, and that its halves belong together. A key that fails is refused before anything starts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use super::fault::KeyFault;
use super::material::{self, Material};

/// A key as it stands in a file. Members that mean nothing here are ignored (RFC 7517,
/// section 4); one that stands twice is refused by serde.
#[derive(Deserialize)]
pub(crate) struct Jwk {
    pub(super) kty: String,
    pub(crate) kid: Option<String>,
    pub(crate) alg: Option<String>,
    #[serde(rename = "use")]
    pub(super) usage: Option<String>,
    pub(super) key_ops: Option<Vec<String>>,
    pub(super) crv: Option<String>,
    pub(super) k: Option<String>,
    pub(super) x: Option<String>,
    pub(super) y: Option<String>,
    pub(super) n: Option<String>,
    pub(super) e: Option<String>,
    pub(super) d: Option<String>,
    pub(super) p: Option<String>,
    pub(super) q: Option<String>,
    pub(super) dp: Option<String>,
    pub(super) dq: Option<String>,
    pub(super) qi: Option<String>,
    pub(super) oth: Option<Value>,
}

impl Jwk {
    /// Judges the key.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn judge(&self) -> Result<Material, KeyFault> {
        self.check_purpose()?;
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("oct", _) => material::secret(member("k", self.k.as_deref())?),
            ("RSA", _) => self.rsa(),
            ("EC", Some("P-256")) => self.ec(Algorithm::ES256, 32),
            ("EC", Some("P-384")) => self.ec(Algorithm::ES384, 48),
            ("OKP", Some("Ed25519")) => self.ed25519(),
            ("EC" | "OKP", None) => Err(KeyFault::Missing("crv")),
            (kty, crv) => Err(KeyFault::Unsupported(format!(
                "key type {kty} {}",
                crv.unwrap_or_default()
            ))),
        }
    }

    /// Whether it may sign: `key_ops` says so, or nothing (RFC 7517, section 4.3).
    pub(crate) fn may_sign(&self) -> bool {
        self.key_ops
            .as_ref()
            .is_none_or(|ops| ops.iter().any(|op| op == "sign"))
    }

    /// A key for anything but signatures is refused, and so is one that may not verify.
    fn check_purpose(&self) -> Result<(), KeyFault> {
        if let Some(usage) = self.usage.as_deref().filter(|usage| *usage != "sig") {
            return Err(KeyFault::Purpose(format!("\"use\" is {usage:?}")));
        }
        let Some(ops) = &self.key_ops else {
            return Ok(());
        };
        let foreign = ops.iter().find(|op| *op != "sign" && *op != "verify");
        let twice = ops.iter().enumerate().any(|(n, op)| ops[..n].contains(op));
        if foreign.is_some() || twice || !ops.iter().any(|op| op == "verify") {
            return Err(KeyFault::Purpose(format!("\"key_ops\" is {ops:?}")));
        }
        Ok(())
    }
}

/// A member's octets.
pub(super) fn member(name: &'static str, value: Option<&str>) -> Result<Vec<u8>, KeyFault> {
    let value = value.ok_or(KeyFault::Missing(name))?;
    URL_SAFE_NO_PAD
        .decode(value)
        .map_err(|_| KeyFault::Member(name))
}

/// Coordinates and private scalars have one length, leading zeros included (RFC 7518, 6.2.1.2).
pub(super) fn exactly(
    name: &'static str,
    value: Option<&str>,
    length: usize,
) -> Result<Vec<u8>, KeyFault> {
    let octets = member(name, value)?;
    if octets.len() != length {
        return Err(KeyFault::Length { name, length });
    }
    Ok(octets)
}
