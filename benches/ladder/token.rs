//! The rungs of the JWT arms: every algorithm, and a deny-list in front of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::{Clock, Login};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser as _;
use criterion::{BenchmarkId, Criterion};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use server_jwt::Args;
use server_jwt::carry::Carry;
use server_jwt::keys::KeyRing;
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::keys::keygen::{Alg, make};
use server_jwt::token::claims::{Claims, Policy};
use server_jwt::token::header::Header;
use server_jwt::token::verify::{self, Parts, Scratch};
use tokio::runtime::Runtime;

use super::subject::{self, Subject, USER};
use super::{CLAIMS_BYTES, name_chars, rung, whole};

const ALGORITHMS: [(&str, Alg); 4] = [
    ("jwt-hs256", Alg::Hs256),
    ("jwt-eddsa", Alg::EdDsa),
    ("jwt-es256", Alg::Es256),
    ("jwt-rs256", Alg::Rs256),
];

/// Every algorithm, and the deny-list.
pub(crate) fn arms(criterion: &mut Criterion, runtime: &Arc<Runtime>, redis_url: &str) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    for (arm, alg) in ALGORITHMS {
        let path = key_file(folder.path(), arm, alg);
        let subject = serve(runtime, &path, &[]);
        parts(criterion, arm, &path);
        whole(criterion, arm, &subject, login);
    }
    let path = key_file(folder.path(), "jwt-denylist", Alg::Hs256);
    let list = ["--revoke", "deny-list", "--redis-url", redis_url];
    let subject = serve(runtime, &path, &list);
    whole(criterion, "jwt-denylist", &subject, |name_chars| {
        login(name_chars)
    });
}

fn login(name_chars: usize) -> Login {
    subject::login(name_chars, "jwt-a", Clock::default().now_ms())
}

fn key_file(folder: &Path, name: &str, alg: Alg) -> PathBuf {
    let path = folder.join(format!("{name}.json"));
    let made = make(alg, "k1").expect("a key is made");
    std::fs::write(&path, made.private.to_string()).expect("the file is written");
    path
}

fn serve(runtime: &Arc<Runtime>, keys: &Path, flags: &[&str]) -> Subject {
    let keys = keys.to_str().expect("the path is text");
    let always = [
        "server-jwt",
        "--pool",
        "jwt",
        "--accounts",
        "none",
        "--keys",
        keys,
    ];
    let args = Args::try_parse_from(always.iter().chain(flags)).expect("the flags are right");
    let serve = args.serve.0.expect("no subcommand is given");
    Subject::new(runtime, "jwt", async |instance| {
        let built = serve.clone().build(instance).await;
        built.unwrap_or_else(|error| panic!("{error}"))
    })
}

/// Claims of which nothing but their user is asked.
#[derive(Deserialize)]
struct Plain {
    sub: String,
}

/// Finding, parsing, verifying: the parts of which a check is made, the whole of it, and
/// jsonwebtoken's `decode`.
fn parts(criterion: &mut Criterion, arm: &str, path: &Path) {
    let source = KeySource {
        flag: "--keys",
        path: path.to_owned(),
        form: Form::Jwks,
    };
    let keys = source.read().expect("the file holds a key");
    let policy = Policy {
        issuer: "session-vs-jwt".to_owned(),
        audience: "session-vs-jwt".to_owned(),
        leeway_ms: 0,
        lifetime_max_s: 86_400,
    };
    let now_ms = Clock::default().now_ms();
    let mut group = criterion.benchmark_group(arm);
    for bytes in CLAIMS_BYTES {
        let token = token(&keys, &policy, now_ms, name_chars(bytes));
        let id = |rung| BenchmarkId::new(rung, bytes);
        let carried = carried(&token);
        let instance = subject::instance("jwt");
        group.bench_function(id(rung::FIND), |bencher| {
            bencher.iter(|| {
                let found = Carry::Bearer.token(&carried, &instance);
                assert!(found.is_ok_and(|found| found == token.as_bytes()));
            });
        });
        let mut decoded = [Vec::new(), Vec::new()];
        group.bench_function(id(rung::PARSE), |bencher| {
            bencher.iter(|| {
                let parts = Parts::split(token.as_bytes()).expect("it has three parts");
                for (part, into) in [parts.header, parts.payload].into_iter().zip(&mut decoded) {
                    into.clear();
                    URL_SAFE_NO_PAD
                        .decode_vec(part, into)
                        .expect("it is base64url");
                }
                Header::read(&decoded[0]).expect("it is a header");
                let claims = Claims::read(&decoded[1]).expect("they are claims");
                assert_eq!(claims.sub, USER);
            });
        });
        let key = keys.signer().expect("it can sign");
        let split = Parts::split(token.as_bytes()).expect("it has three parts");
        let signature = URL_SAFE_NO_PAD
            .decode(split.signature)
            .expect("it is base64url");
        group.bench_function(id(rung::CHECK), |bencher| {
            bencher.iter(|| assert!(key.verifies(key.algorithm(), split.signed, &signature)));
        });
        let mut scratch = Scratch::default();
        group.bench_function(id(rung::POLICY), |bencher| {
            bencher.iter(|| {
                let checked =
                    verify::check(token.as_bytes(), &keys, &policy, now_ms + 1, &mut scratch);
                assert_eq!(checked.expect("it is good").sub, USER);
            });
        });
        let (decoding, validation) = shipped(key.decoding(), key.algorithm(), &policy);
        group.bench_function(id(rung::SHIPPED), |bencher| {
            bencher.iter(|| {
                let checked = jsonwebtoken::decode::<Plain>(&token, decoding, &validation);
                assert_eq!(checked.expect("it is good").claims.sub, USER);
            });
        });
    }
    group.finish();
}

fn shipped<'k>(
    key: &'k DecodingKey,
    algorithm: Algorithm,
    policy: &Policy,
) -> (&'k DecodingKey, Validation) {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&policy.issuer]);
    validation.set_audience(&[&policy.audience]);
    (key, validation)
}

fn carried(token: &str) -> http::request::Parts {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("it fits a header");
    headers.insert(AUTHORIZATION, value);
    let mut parts = Request::new(()).into_parts().0;
    parts.headers = headers;
    parts
}

fn token(keys: &KeyRing, policy: &Policy, now_ms: u64, name_chars: usize) -> String {
    let key = keys.signer().expect("it can sign");
    let issued = key.issue(&Claims {
        iss: (&policy.issuer).into(),
        aud: (&policy.audience).into(),
        sub: USER.into(),
        name: "n".repeat(name_chars).into(),
        role: app::Role::Member,
        exp: now_ms / 1000 + policy.lifetime_max_s,
        nbf: None,
        iat: now_ms / 1000,
        iat_ms: now_ms,
        jti: "EpfBeJX_bPrF4NEJrwWZkg".into(),
        since_ms: now_ms,
        login_instance: "jwt-a".into(),
        family: None,
        padding: None,
    });
    issued.expect("it is signed")
}
