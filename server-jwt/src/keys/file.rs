//! The file that keys come from: read at start, and again when keys are replaced.
//!
//! A server is strict: every key has a name and one algorithm, or nothing starts. Checking other
//! people's tokens (`inspect`) is as strict about strength and purpose, but takes keys without.

use std::path::PathBuf;

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::jwk::Jwk;
use super::material::{self, Material};
use crate::keys::fault::{KeyFault, KeyFileError};
use crate::keys::key::Key;
use crate::keys::{KeyRing, KidRule};

/// The name of a key that comes as raw bytes and so has none.
const SECRET_KID: &str = "secret";

/// Where the keys are read from, and again when they are replaced.
#[derive(Debug, Clone)]
pub struct KeySource {
    /// The flag that names the file, for complaints.
    pub flag: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub form: Form,
}

/// What a key file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JWK or a JWK set.
    Jwks,
    /// The raw bytes of a secret.
    Secret,
}

impl KeySource {
    /// Reads the keys of a server: each with its name and its one algorithm.
    ///
    /// # Errors
    /// When the file cannot be read, or a key in it is weak, ambiguous or for something else.
    pub fn read(&self) -> Result<KeyRing, KeyFileError> {
        let keys = match self.form {
            Form::Secret => {
                let kid = Some(SECRET_KID.to_owned());
                vec![Key::from_material(
                    kid,
                    vec![Algorithm::HS256],
                    self.secret()?,
                )]
            }
            Form::Jwks => {
                let jwks = self.jwks()?;
                jwks.iter()
                    .map(|jwk| self.own(jwk))
                    .collect::<Result<_, _>>()?
            }
        };
        self.ring(keys, KidRule::Exact)
    }

    /// Reads keys to check other people's tokens with: names and algorithms may be missing, and
    /// keys of an unknown type in a set are passed over (RFC 7517, section 5). `allowed` limits
    /// the algorithms; empty allows all.
    ///
    /// # Errors
    /// As [`KeySource::read`].
    pub fn read_foreign(&self, allowed: &[Algorithm]) -> Result<KeyRing, KeyFileError> {
        let keys = match self.form {
            Form::Secret => {
                let key = Key::limited(None, None, self.secret()?, allowed);
                vec![key.map_err(|fault| self.fault(None, fault))?]
            }
            Form::Jwks => {
                let jwks = self.jwks()?;
                let mut keys = Vec::new();
                for jwk in &jwks {
                    match Key::new(jwk, allowed) {
                        Ok(key) => keys.push(key),
                        Err(KeyFault::Unsupported(_)) if jwks.len() > 1 => {}
                        Err(fault) => return Err(self.fault(jwk.kid.clone(), fault)),
                    }
                }
                keys
            }
        };
        self.ring(keys, KidRule::WhereBothHaveOne)
    }

    fn own(&self, jwk: &Jwk) -> Result<Key, KeyFileError> {
        let fault = |fault| self.fault(jwk.kid.clone(), fault);
        match (&jwk.kid, &jwk.alg) {
            (None, _) => Err(fault(KeyFault::NoName)),
            (_, None) => Err(fault(KeyFault::NoAlgorithm)),
            _ => Key::new(jwk, &[]).map_err(fault),
        }
    }

    fn ring(&self, keys: Vec<Key>, rule: KidRule) -> Result<KeyRing, KeyFileError> {
        if keys.is_empty() {
            return Err(self.fault(None, KeyFault::Empty));
        }
        KeyRing::new(keys, rule).map_err(|kid| self.fault(Some(kid), KeyFault::SameName))
    }

    fn jwks(&self) -> Result<Vec<Jwk>, KeyFileError> {
        /// Tells a set from a single key before either is read.
        #[derive(Deserialize)]
        struct Probe {
            keys: Option<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Jwk>,
        }
        let bytes = self.bytes()?;
        let broken = |error| self.fault(None, KeyFault::Json(error));
        let probe: Probe = serde_json::from_slice(&bytes).map_err(broken)?;
        match probe.keys {
            Some(_) => Ok(serde_json::from_slice::<Set>(&bytes).map_err(broken)?.keys),
            None => Ok(vec![serde_json::from_slice(&bytes).map_err(broken)?]),
        }
    }

    fn secret(&self) -> Result<Material, KeyFileError> {
        material::secret(self.bytes()?).map_err(|fault| self.fault(None, fault))
    }

    fn bytes(&self) -> Result<Vec<u8>, KeyFileError> {
        std::fs::read(&self.path).map_err(|error| self.fault(None, KeyFault::Unreadable(error)))
    }

    /// A fault of this source.
    pub fn fault(&self, kid: Option<String>, fault: KeyFault) -> KeyFileError {
        KeyFileError {
            flag: self.flag,
            path: self.path.clone(),
            kid,
            fault,
        }
    }
}
