//! jsonwebtoken over RustCrypto: sign and decode, once for each algorithm. `cargo bench --bench
//! backend` in the workspace asks the same of the backend that the server uses.

#[path = "../backend_group.rs"]
mod backend_group;

use backend_group::sign_and_decode;
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rand::rngs::OsRng;
use rsa::pkcs8::LineEnding;

fn backend(criterion: &mut Criterion) {
    let secret = b"0123456789abcdef0123456789abcdef";
    let rsa = rsa::RsaPrivateKey::new(&mut OsRng, 2048).expect("a key is made");
    let p256 = p256::SecretKey::random(&mut OsRng);
    let ed = ed25519_dalek::SigningKey::from_bytes(&rand::random());
    let pem = |made: Result<_, _>| -> String {
        let made: rsa::pkcs8::der::zeroize::Zeroizing<String> = made.expect("it is written");
        made.to_string()
    };
    let private = [
        pem(rsa.to_pkcs8_pem(LineEnding::LF)),
        pem(p256.to_pkcs8_pem(LineEnding::LF)),
        pem(ed.to_pkcs8_pem(LineEnding::LF)),
    ];
    let public = [
        rsa.to_public_key().to_public_key_pem(LineEnding::LF),
        p256.public_key().to_public_key_pem(LineEnding::LF),
        ed.verifying_key().to_public_key_pem(LineEnding::LF),
    ]
    .map(|made| made.expect("it is written"));
    let [rsa, p256, ed] = private.each_ref().map(String::as_bytes);
    let [rsa_public, p256_public, ed_public] = public.each_ref().map(String::as_bytes);
    let asymmetric = "a key that was just made can be read";
    for (algorithm, encoding, decoding) in [
        (
            Algorithm::HS256,
            EncodingKey::from_secret(secret),
            DecodingKey::from_secret(secret),
        ),
        (
            Algorithm::RS256,
            EncodingKey::from_rsa_pem(rsa).expect(asymmetric),
            DecodingKey::from_rsa_pem(rsa_public).expect(asymmetric),
        ),
        (
            Algorithm::ES256,
            EncodingKey::from_ec_pem(p256).expect(asymmetric),
            DecodingKey::from_ec_pem(p256_public).expect(asymmetric),
        ),
        (
            Algorithm::EdDSA,
            EncodingKey::from_ed_pem(ed).expect(asymmetric),
            DecodingKey::from_ed_pem(ed_public).expect(asymmetric),
        ),
    ] {
        sign_and_decode(criterion, "rust_crypto", algorithm, &encoding, &decoding);
    }
}

criterion_group!(benches, backend);
criterion_main!(benches);
