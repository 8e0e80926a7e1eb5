//! jsonwebtoken's signers and verifiers, each built once for a key and a thread.
//!
//! `jsonwebtoken::decode` builds its verifier anew from the key for every token. Here it is kept:
//! the verifiers are boxes that may not cross threads (their traits do not ask for `Send`), so
//! every thread has its own. What a verifier keeps is the backend's affair: for HMAC the ready
//! key schedule, for the others the bytes of the public key, parsed at each check.

use std::cell::RefCell;
use std::thread::LocalKey;

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::crypto::{JwtSigner, JwtVerifier};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// How many a thread keeps before it starts afresh: far more than one key file has keys.
const KEPT_MAX: usize = 64;

/// What a thread has built: for which key, for which algorithm, and the thing itself.
type Built<T> = RefCell<Vec<(u64, Algorithm, Box<T>)>>;

thread_local! {
    static VERIFIERS: Built<dyn JwtVerifier> = const { RefCell::new(Vec::new()) };
    static SIGNERS: Built<dyn JwtSigner> = const { RefCell::new(Vec::new()) };
}

/// Whether `signature` over `message` holds. `id` names the key within this process.
pub(crate) fn verifies(
    (id, key): (u64, &DecodingKey),
    algorithm: Algorithm,
    message: &[u8],
    signature: &Vec<u8>,
) -> bool {
    let build = || (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key);
    with(&VERIFIERS, id, algorithm, build, |verifier| {
        verifier.verify(message, signature).is_ok()
    })
    .unwrap_or(false)
}

/// The signature over `message`.
///
/// # Errors
/// When the backend refuses the key or cannot sign.
pub(crate) fn sign(
    (id, key): (u64, &EncodingKey),
    algorithm: Algorithm,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let build = || (DEFAULT_PROVIDER.signer_factory)(&algorithm, key);
    with(&SIGNERS, id, algorithm, build, |signer| {
        signer.try_sign(message)
    })?
    .map_err(|error| ErrorKind::Signing(error.to_string()).into())
}

fn with<T: ?Sized, R>(
    slot: &'static LocalKey<Built<T>>,
    id: u64,
    algorithm: Algorithm,
    build: impl FnOnce() -> Result<Box<T>, Error>,
    run: impl FnOnce(&T) -> R,
) -> Result<R, Error> {
    slot.with_borrow_mut(|built| {
        let known = built
            .iter()
            .position(|(for_id, for_algorithm, _)| (*for_id, *for_algorithm) == (id, algorithm));
        let at = match known {
            Some(at) => at,
            None => {
                let new = build()?;
                if built.len() == KEPT_MAX {
                    built.clear();
                }
                built.push((id, algorithm, new));
                built.len() - 1
            }
        };
        Ok(run(&built[at].2))
    })
}
