//! The keys of an instance: by name, each with the one algorithm it is for.
//!
//! The token names a key; it never brings one, and never chooses how a key is used (RFC 8725,
//! section 3.1). Which keys are refused, and why, is said in `keys/jwk.rs` and [`fault`].

mod crypto;
pub mod fault;
pub mod file;
pub(crate) mod jwk;
pub mod key;
pub mod keygen;
mod material;
pub(crate) mod rotation;

use serde_json::{Value, json};

use fault::KeyFault;
use key::Key;

/// How the `kid` of a token finds its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KidRule {
    /// It must be there and be the key's: every token of ours names its key.
    Exact,
    /// It must match where both have one: for tokens that others made.
    WhereBothHaveOne,
}

/// All keys of an instance, and which of them signs.
///
/// ```
/// use server_jwt::keys::file::{Form, KeySource};
/// use server_jwt::keys::keygen::{Alg, make};
///
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(&file, make(Alg::EdDsa, "k1")?.private.to_string())?;
/// let source = KeySource {
///     flag: "--keys",
///     path: file.path().to_owned(),
///     form: Form::Jwks,
/// };
/// let ring = source.read()?;
/// assert!(ring.signer().is_some_and(|key| key.kid() == Some("k1")));
/// assert_eq!(ring.candidates(Some("k2")).count(), 0);
///
/// let shown = ring.jwks();
/// assert!(shown["keys"][0]["x"].is_string(), "the public half, for whoever verifies");
/// assert!(shown["keys"][0]["d"].is_null(), "and nothing to sign with");
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct KeyRing {
    keys: Vec<Key>,
    rule: KidRule,
    signer: Option<usize>,
    /// Whether the signer was named, rather than being the first that can sign.
    named: bool,
}

impl KeyRing {
    /// These keys; the first that can sign does.
    ///
    /// # Errors
    /// The name that two of them have.
    pub(crate) fn new(keys: Vec<Key>, rule: KidRule) -> Result<Self, String> {
        for (n, key) in keys.iter().enumerate() {
            if let Some(kid) = key.kid()
                && keys[..n].iter().any(|other| other.kid() == Some(kid))
            {
                return Err(kid.to_owned());
            }
        }
        let signer = keys.iter().position(|key| key.encoding().is_some());
        Ok(Self {
            keys,
            rule,
            signer,
            named: false,
        })
    }

    /// The keys that a token naming `kid` may have been signed with.
    pub fn candidates(&self, kid: Option<&str>) -> impl Iterator<Item = &Key> {
        let rule = self.rule;
        self.keys
            .iter()
            .filter(move |key| match (rule, kid, key.kid()) {
                (_, Some(wanted), Some(own)) => wanted == own,
                (rule, _, _) => rule == KidRule::WhereBothHaveOne,
            })
    }

    /// The key that signs new tokens; `None` where this instance can only verify.
    pub fn signer(&self) -> Option<&Key> {
        self.signer.map(|at| &self.keys[at])
    }

    /// Signs with `kid` from now on; the others go on verifying.
    ///
    /// # Errors
    /// `CannotSign` when there is no such key or only its public half.
    pub fn sign_with(&mut self, kid: &str) -> Result<(), KeyFault> {
        let can = |key: &Key| key.kid() == Some(kid) && key.encoding().is_some();
        let at = self.keys.iter().position(can);
        self.signer = Some(at.ok_or(KeyFault::CannotSign)?);
        self.named = true;
        Ok(())
    }

    /// The name of the signing key, where it was chosen by name.
    pub fn chosen(&self) -> Option<&str> {
        self.signer().filter(|_| self.named)?.kid()
    }

    /// The public keys as a JWK set. A shared secret has no public half and is never in it.
    pub fn jwks(&self) -> Value {
        let keys: Vec<&Value> = self.keys.iter().filter_map(|key| key.public()).collect();
        json!({ "keys": keys })
    }

    /// The keys for people to look at.
    pub fn shown(&self) -> Vec<app::Key> {
        let shown = |(at, key): (usize, &Key)| app::Key {
            kid: key.kid().unwrap_or_default().to_owned(),
            alg: format!("{:?}", key.algorithm()),
            fingerprint: key.fingerprint().to_owned(),
            signs: self.signer == Some(at),
        };
        self.keys.iter().enumerate().map(shown).collect()
    }
}
