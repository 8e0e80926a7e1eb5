//! Each rule for headers, claims, form and keys, by name. Tokens here are forged with the right
//! key, so that nothing but the rule in question can refuse them.

mod about_claims;
mod form;
mod headers;
#[path = "../support/mod.rs"]
mod support;

use app::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use server_jwt::keys::KeyRing;
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::keys::keygen::{Alg, make};
use server_jwt::token::claims::Policy;
use server_jwt::token::verify::{self, Scratch};

const NOW_S: u64 = 1_800_000_000;
const NOW_MS: u64 = NOW_S * 1000;
const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

fn policy(leeway_ms: u64) -> Policy {
    Policy {
        issuer: "us".to_owned(),
        audience: "our-app".to_owned(),
        leeway_ms,
        lifetime_max_s: 900,
    }
}

fn header() -> Value {
    json!({ "alg": "HS256", "kid": "k1", "typ": "at+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": "us", "aud": "our-app", "sub": "mia", "name": "Mia", "role": "member",
        "iat": NOW_S - 10, "exp": NOW_S + 10, "iat_ms": NOW_MS - 10_000, "since_ms": NOW_MS,
        "jti": "one", "login_instance": "jwt-a",
    })
}

fn with(mut value: Value, member: &str, new: Value) -> Value {
    value[member] = new;
    value
}

fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().expect("an object").remove(member);
    value
}

/// Signs two texts as they are.
fn forged(header: &str, claims: &str) -> String {
    let text = |part: &str| URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", text(header), text(claims));
    signed(
        &message,
        &EncodingKey::from_secret(SECRET),
        Algorithm::HS256,
    )
}

fn signed(message: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signature = crypto::sign(message.as_bytes(), key, algorithm).expect("it can be signed");
    format!("{message}.{signature}")
}

fn ring(jwks: &Value) -> KeyRing {
    source(jwks).read().expect("the keys are fine")
}

fn source(jwks: &Value) -> KeySource {
    KeySource {
        flag: "--keys",
        path: support::file(jwks.to_string()),
        form: Form::Jwks,
    }
}

fn our_jwk() -> Value {
    json!({ "kty": "oct", "kid": "k1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET) })
}

fn check_at(token: &str, leeway_ms: u64, now_ms: u64) -> Result<(), Reason> {
    let keys = ring(&our_jwk());
    let mut scratch = Scratch::default();
    verify::check(
        token.as_bytes(),
        &keys,
        &policy(leeway_ms),
        now_ms,
        &mut scratch,
    )
    .map(|_| ())
}

fn check(header: &Value, claims: &Value) -> Result<(), Reason> {
    check_at(&forged(&header.to_string(), &claims.to_string()), 0, NOW_MS)
}

fn check_claims(claims: &Value) -> Result<(), Reason> {
    check(&header(), claims)
}

fn check_header(header: &Value) -> Result<(), Reason> {
    check(header, &claims())
}

#[test]
fn a_token_that_keeps_every_rule_is_accepted() {
    assert_eq!(check(&header(), &claims()), Ok(()));
}

/// jsonwebtoken's own `decode`, told everything it can be told, accepts what is issued here; what
/// it refuses is refused here too. (It accepts more: see the claims above.)
#[test]
fn the_library_agrees() {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    let keys = ring(&our_jwk());
    let now_s = jsonwebtoken::get_current_timestamp();
    let key = keys.signer().expect("it can sign");
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_issuer(&["us"]);
    validation.set_audience(&["our-app"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let decoding = DecodingKey::from_secret(SECRET);
    let agrees = |edit: &dyn Fn(Value) -> Value| {
        let fresh = with(
            with(claims(), "iat", json!(now_s - 1)),
            "exp",
            json!(now_s + 600),
        );
        let token = key.issue(&edit(fresh)).expect("it is signed");
        let library = decode::<Value>(&token, &decoding, &validation);
        (library.is_ok(), check_at(&token, 0, now_s * 1000).is_ok())
    };
    assert_eq!(agrees(&|claims| claims), (true, true));
    assert_eq!(
        agrees(&|claims| with(claims, "exp", json!(now_s - 1))),
        (false, false)
    );
    assert_eq!(
        agrees(&|claims| with(claims, "nbf", json!(now_s + 60))),
        (false, false)
    );
    assert_eq!(
        agrees(&|claims| with(claims, "aud", json!("x"))),
        (false, false)
    );
    assert_eq!(agrees(&|claims| without(claims, "sub")), (false, false));
}
