//! What both backends are asked: sign and decode, once for each algorithm. Included by the bench of
//! each backend, so that it is the same code over another library.

use criterion::Criterion;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// Claims of an ordinary access token.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Claims {
    iss: String,
    sub: String,
    name: String,
    exp: u64,
    iat: u64,
}

fn claims() -> Claims {
    Claims {
        iss: "session-vs-jwt".to_owned(),
        sub: "load-00000".to_owned(),
        name: "Load 0".to_owned(),
        exp: 4_000_000_000,
        iat: 1_800_000_000,
    }
}

/// Signs and decodes under `algorithm`, and sees each time that it comes out right.
pub(crate) fn sign_and_decode(
    criterion: &mut Criterion,
    backend: &str,
    algorithm: Algorithm,
    encoding: &EncodingKey,
    decoding: &DecodingKey,
) {
    let header = Header::new(algorithm);
    let claims = claims();
    let token = jsonwebtoken::encode(&header, &claims, encoding).expect("it signs");
    let mut group = criterion.benchmark_group(format!("backend {backend}"));
    group.bench_function(format!("sign {algorithm:?}"), |bencher| {
        bencher.iter(|| {
            let signed = jsonwebtoken::encode(&header, &claims, encoding).expect("it signs");
            assert!(signed.len() > 100);
        });
    });
    let validation = Validation::new(algorithm);
    group.bench_function(format!("decode {algorithm:?}"), |bencher| {
        bencher.iter(|| {
            let decoded = jsonwebtoken::decode::<Claims>(&token, decoding, &validation);
            assert_eq!(decoded.expect("it holds").claims, claims);
        });
    });
    group.finish();
}
