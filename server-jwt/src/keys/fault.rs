//! What can be wrong with a key or its file, in words that say what to do about it.

use std::path::PathBuf;

use jsonwebtoken::Algorithm;

use super::material::secret_bytes_min;

/// A key file that is refused: which one, and why.
#[derive(Debug, thiserror::Error)]
#[error("{flag} {}: {}{fault}", path.display(), named(kid.as_deref()))]
pub struct KeyFileError {
    /// The flag that named the file.
    pub flag: &'static str,
    /// The file.
    pub path: PathBuf,
    /// The key in it, where one is to blame.
    pub kid: Option<String>,
    /// What is wrong.
    #[source]
    pub fault: KeyFault,
}

fn named(kid: Option<&str>) -> String {
    kid.map(|kid| format!("key {kid:?}: ")).unwrap_or_default()
}

/// What is wrong with a key, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The file cannot be read.
    #[error("{0}; name a file that this user can read, or make one with `server-jwt keygen`")]
    Unreadable(#[source] std::io::Error),
    /// It is not the JSON that it should be.
    #[error("not a JWK or a JWK set ({0}); make one with `server-jwt keygen`")]
    Json(#[source] serde_json::Error),
    /// A set without keys.
    #[error("there is no usable key in it; make one with `server-jwt keygen`")]
    Empty,
    /// Two keys with one name.
    #[error("two keys have this name; give each its own \"kid\"")]
    SameName,
    /// No name.
    #[error("a key without \"kid\"; give each a name of its own")]
    NoName,
    /// No algorithm.
    #[error("it has no \"alg\"; say which one algorithm it is for, e.g. \"ES256\"")]
    NoAlgorithm,
    /// A type, curve or algorithm that is not supported.
    #[error(
        "{0} is not supported; use oct, RSA, EC P-256 or P-384, or OKP Ed25519 \
         with HS, RS or PS 256 to 512, ES256, ES384 or EdDSA"
    )]
    Unsupported(String),
    /// The key is not for signatures, or not for checking them.
    #[error("it is not for checking signatures: {0}; use a key made for signatures")]
    Purpose(String),
    /// The algorithm does not fit the key.
    #[error("{0:?} does not fit this type of key; use a key that is made for it")]
    Misfit(Algorithm),
    /// A secret that can be guessed.
    #[error(
        "the secret has {bytes} bytes, {algorithm:?} needs {} or more (RFC 7518, section 3.2); \
         make one with `server-jwt keygen --alg HS256`",
        secret_bytes_min(*algorithm)
    )]
    SecretLength {
        /// Its length.
        bytes: usize,
        /// What it is for.
        algorithm: Algorithm,
    },
    /// An RSA key that can be factored, or is too slow to be one.
    #[error(
        "the RSA modulus has {bits} bits, 2048 to 8192 are accepted (RFC 7518, section 3.3); \
         make one with `server-jwt keygen --alg RS256`"
    )]
    RsaLength {
        /// Its length.
        bits: usize,
    },
    /// Numbers that are no RSA key.
    #[error("\"n\" and \"e\" are no RSA public key; export it again, without leading zeros")]
    NoRsaKey,
    /// A point off its curve.
    #[error("\"x\" and \"y\" are no point of its curve; export the key again")]
    NotOnCurve,
    /// A point under which anybody can sign.
    #[error(
        "\"x\" is a point of small order, under which anybody can sign; \
         make a key with `server-jwt keygen --alg EdDSA`"
    )]
    SmallOrder,
    /// Two halves of different keys.
    #[error("its private and its public members do not belong together; export the key again")]
    Halves,
    /// A member is not there.
    #[error("{0:?} is missing; export the key again")]
    Missing(&'static str),
    /// A member is not base64url.
    #[error("{0:?} is not base64url without padding (RFC 7515, section 2); export the key again")]
    Member(&'static str),
    /// A member has another length than its type asks for.
    #[error("{name:?} must be {length} bytes; export the key again")]
    Length {
        /// Which one.
        name: &'static str,
        /// What it should be.
        length: usize,
    },
    /// No key can sign.
    #[error("no key of this name can sign; name one with its private half in --sign-with")]
    CannotSign,
}
