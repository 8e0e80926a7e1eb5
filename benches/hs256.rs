//! What the check of an HS256 token costs: its necessary parts, our whole check, and
//! jsonwebtoken's `decode` as it comes. Each asserts what it found, each time.
//!
//! The necessary parts are one HMAC with a key that is ready, three times base64, and one parse
//! each of header and claims; no policy, no choice of a key, no error that could be told apart.

use std::hint::black_box;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use benches::{ISSUED_S, Shared};
use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use server_jwt::token::verify::{self, Parts, Scratch};

const USER: &str = "load-00000";
const NOW_MS: u64 = ISSUED_S * 1000 + 1;

/// A header, as plainly as it can be read.
#[derive(Deserialize)]
struct PlainHeader<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// The claims, as plainly as they can be read.
#[derive(Deserialize)]
#[expect(dead_code, reason = "reading them is what is measured")]
struct PlainClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    name: &'a str,
    role: &'a str,
    exp: u64,
    iat: u64,
    iat_ms: u64,
    jti: &'a str,
    since_ms: u64,
    login_instance: &'a str,
}

/// The claims that `decode` gives: owned, as its users write them.
#[derive(Deserialize)]
#[expect(dead_code, reason = "reading them is what is measured")]
struct OwnedClaims {
    iss: String,
    aud: String,
    sub: String,
    name: String,
    role: String,
    exp: u64,
    iat: u64,
    iat_ms: u64,
    jti: String,
    since_ms: u64,
    login_instance: String,
}

fn hs256(criterion: &mut Criterion) {
    let shared = Shared::new(USER).expect("a token can be made in a temporary folder");
    let mut group = criterion.benchmark_group("hs256");

    let key = hmac::Key::new(hmac::HMAC_SHA256, &shared.secret);
    let (mut header, mut payload, mut signature) = (Vec::new(), Vec::new(), Vec::new());
    group.bench_function("necessary parts", |bencher| {
        bencher.iter(|| {
            let token = black_box(shared.token.as_bytes());
            let parts = Parts::split(token).expect("it has three parts");
            for (part, into) in [
                (parts.header, &mut header),
                (parts.payload, &mut payload),
                (parts.signature, &mut signature),
            ] {
                into.clear();
                URL_SAFE_NO_PAD
                    .decode_vec(part, into)
                    .expect("it is base64url");
            }
            let holds = hmac::verify(&key, parts.signed, &signature).is_ok();
            let header: PlainHeader<'_> = serde_json::from_slice(&header).expect("it is JSON");
            let claims: PlainClaims<'_> = serde_json::from_slice(&payload).expect("it is JSON");
            assert!(holds && header.alg == "HS256" && header.typ == "at+jwt");
            assert!(!header.kid.is_empty() && claims.sub == USER);
        });
    });

    let mut scratch = Scratch::default();
    group.bench_function("ours, strict policy included", |bencher| {
        bencher.iter(|| {
            let token = black_box(shared.token.as_bytes());
            let checked = verify::check(token, &shared.keys, &shared.policy, NOW_MS, &mut scratch);
            assert_eq!(checked.expect("it is good").sub, USER);
        });
    });

    let key = DecodingKey::from_secret(&shared.secret);
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[&shared.policy.issuer]);
    validation.set_audience(&[&shared.policy.audience]);
    // `decode` reads the clock itself; the token's time is not now.
    validation.validate_exp = false;
    group.bench_function("jsonwebtoken's decode", |bencher| {
        bencher.iter(|| {
            let token = black_box(shared.token.as_str());
            let checked = jsonwebtoken::decode::<OwnedClaims>(token, &key, &validation);
            assert_eq!(checked.expect("it is good").claims.sub, USER);
        });
    });
    group.finish();
}

criterion_group!(benches, hs256);
criterion_main!(benches);
