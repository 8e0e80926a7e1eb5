//! Whether a token is one of ours and still good: the one check behind every request.
//!
//! [`check`] is what the server runs; [`signature`] is its first half, which `inspect` runs on
//! other people's tokens. Both are pure: keys, policy and time come in, a verdict comes out.
//! Nothing is remembered of a token that was checked, least of all by its text: an ECDSA
//! signature can be rewritten by anybody into another one that holds.

use std::str::FromStr as _;

use app::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;

use crate::keys::KeyRing;
use crate::keys::key::Key;
use crate::token::claims::{Claims, Policy};
use crate::token::header::{ACCESS_TYP, Header};

/// Where the decoded parts of one token lie. Kept between tokens, it saves the allocations.
#[derive(Debug, Default)]
pub struct Scratch {
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A token whose signature holds.
pub struct Signed<'k, 's> {
    /// The key it was signed with.
    pub key: &'k Key,
    /// Its header.
    pub header: Header<'s>,
    /// Its payload, decoded and not looked at.
    pub payload: &'s [u8],
}

/// Checks an access token of ours: signature first, content second (OWASP ASVS 9.1.1).
///
/// # Errors
/// Why it is refused.
pub fn check<'s>(
    token: &[u8],
    keys: &KeyRing,
    policy: &Policy,
    now_ms: u64,
    scratch: &'s mut Scratch,
) -> Result<Claims<'s>, Reason> {
    let signed = signature(token, keys, scratch)?;
    if signed.header.typ.as_deref() != Some(ACCESS_TYP) {
        return Err(Reason::BadHeader);
    }
    let claims = Claims::read(signed.payload)?;
    claims.keep(policy, now_ms)?;
    Ok(claims)
}

/// Checks the form of a token, its header and its signature, and nothing of its claims.
///
/// ```
/// use app::Reason;
/// use serde_json::json;
/// use server_jwt::keys::file::{Form, KeySource};
/// use server_jwt::token::verify::{Scratch, signature};
///
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(&file, "a-secret-of-at-least-32-characters")?;
/// let source = KeySource {
///     flag: "--secret-file",
///     path: file.path().to_owned(),
///     form: Form::Secret,
/// };
/// let keys = source.read()?;
/// let key = keys.signer().expect("who has the secret can sign");
/// let mia = key.issue(&json!({ "sub": "mia", "role": "member" }))?;
/// let ada = key.issue(&json!({ "sub": "ada", "role": "admin" }))?;
///
/// let mut scratch = Scratch::default();
/// let signed = signature(mia.as_bytes(), &keys, &mut scratch).map(|signed| signed.payload);
/// assert_eq!(signed, Ok(&br#"{"role":"member","sub":"mia"}"#[..]));
///
/// // What stands in Ada's token, with the signature of Mia's.
/// let (_, signed_for_mia) = mia.rsplit_once('.').expect("three parts");
/// let (said_of_ada, _) = ada.rsplit_once('.').expect("three parts");
/// let forged = format!("{said_of_ada}.{signed_for_mia}");
/// let verdict = signature(forged.as_bytes(), &keys, &mut scratch).map(drop);
/// assert_eq!(verdict, Err(Reason::BadSignature));
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
/// Why it is refused.
pub fn signature<'k, 's>(
    token: &[u8],
    keys: &'k KeyRing,
    scratch: &'s mut Scratch,
) -> Result<Signed<'k, 's>, Reason> {
    let parts = Parts::split(token)?;
    decode(parts.header, &mut scratch.header)?;
    decode(parts.payload, &mut scratch.payload)?;
    decode(parts.signature, &mut scratch.signature)?;
    let header = Header::read(&scratch.header)?;
    let key = signed_with(&header, parts.signed, &scratch.signature, keys)?;
    Ok(Signed {
        key,
        header,
        payload: &scratch.payload,
    })
}

/// A token taken apart at its dots, still encoded (RFC 7515, section 7.1).
///
/// ```
/// use app::Reason;
/// use server_jwt::token::verify::Parts;
///
/// let parts = Parts::split(b"aGVhZA.Ym9keQ.c2ln").expect("two dots");
/// assert_eq!((parts.header, parts.signed), (&b"aGVhZA"[..], &b"aGVhZA.Ym9keQ"[..]));
/// assert_eq!(Parts::split(b"aGVhZA.Ym9keQ").map(drop), Err(Reason::MalformedToken));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Parts<'t> {
    /// Up to the first dot.
    pub header: &'t [u8],
    /// Between the dots.
    pub payload: &'t [u8],
    /// After the last dot.
    pub signature: &'t [u8],
    /// What the signature is over: everything before it, without its dot.
    pub signed: &'t [u8],
}

impl<'t> Parts<'t> {
    /// Takes `token` apart. A further dot stays in the payload, where no encoding allows it.
    ///
    /// # Errors
    /// `MalformedToken` when there are fewer than two dots.
    pub fn split(token: &'t [u8]) -> Result<Self, Reason> {
        let dot = |byte: &u8| *byte == b'.';
        let first = token.iter().position(dot).ok_or(Reason::MalformedToken)?;
        let last = token.iter().rposition(dot).ok_or(Reason::MalformedToken)?;
        if first == last {
            return Err(Reason::MalformedToken);
        }
        Ok(Self {
            header: &token[..first],
            payload: &token[first + 1..last],
            signature: &token[last + 1..],
            signed: &token[..last],
        })
    }
}

/// base64url in its one form: no padding, no white space, no bits left over.
fn decode(part: &[u8], into: &mut Vec<u8>) -> Result<(), Reason> {
    into.clear();
    URL_SAFE_NO_PAD
        .decode_vec(part, into)
        .map_err(|_| Reason::MalformedToken)
}

/// The key that made `signature`, among those the header may mean.
fn signed_with<'k>(
    header: &Header<'_>,
    message: &[u8],
    signature: &Vec<u8>,
    keys: &'k KeyRing,
) -> Result<&'k Key, Reason> {
    // `none` is no algorithm here, and neither is one in other letters.
    let algorithm = Algorithm::from_str(&header.alg).map_err(|_| Reason::WrongAlgorithm)?;
    let mut refusal = Reason::UnknownKey;
    for key in keys.candidates(header.kid.as_deref()) {
        if key.verifies(algorithm, message, signature) {
            return Ok(key);
        }
        // The most telling reason: a key that fits and fails, before one that does not fit.
        if key.algorithms().contains(&algorithm) {
            refusal = Reason::BadSignature;
        } else if refusal == Reason::UnknownKey {
            refusal = Reason::WrongAlgorithm;
        }
    }
    Err(refusal)
}
