//! Properties of the token's parser and its check, for generated input.

mod support;

use app::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use server_jwt::inspect::verdict;
use server_jwt::keys::KeyRing;
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::token::claims::Policy;
use server_jwt::token::verify::{self, Parts, Scratch};
use server_jwt::trial::Trial;

const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
const NOW_S: u64 = 1_800_000_000;

/// What no header may say.
const REFUSED: [&str; 8] = ["crit", "jwk", "jku", "x5u", "x5c", "zip", "b64", "enc"];

fn ring() -> KeyRing {
    let k = URL_SAFE_NO_PAD.encode(SECRET);
    let jwk = json!({ "kty": "oct", "kid": "k1", "alg": "HS256", "k": k });
    let source = KeySource {
        flag: "--keys",
        path: support::file(jwk.to_string()),
        form: Form::Jwks,
    };
    source.read().expect("the key is fine")
}

/// Signed with the right key, whatever it says.
fn signed(header: &str, payload: &[u8]) -> String {
    let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", text(header.as_bytes()), text(payload));
    let key = EncodingKey::from_secret(SECRET);
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    format!("{message}.{}", signature.expect("it is signed"))
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,10}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Members that mean nothing here.
fn members() -> impl Strategy<Value = Map<String, Value>> {
    let name = "[a-z]{1,6}".prop_filter("it means something", |name| {
        !REFUSED.contains(&name.as_str()) && !["alg", "kid", "typ"].contains(&name.as_str())
    });
    prop::collection::btree_map(name, values(), 0..5).prop_map(|map| map.into_iter().collect())
}

fn header(more: Map<String, Value>) -> Value {
    let mut header = json!({ "alg": "HS256", "kid": "k1", "typ": "at+jwt" });
    header.as_object_mut().expect("an object").extend(more);
    header
}

proptest! {
    #[test]
    fn no_bytes_are_a_token(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut trial = Trial::new();
        prop_assert!(trial.token(&bytes).is_err());
        prop_assert!(!trial.field(&bytes));
    }

    #[test]
    fn no_three_encoded_parts_are_a_token(
        parts in prop::array::uniform3(prop::collection::vec(any::<u8>(), 0..80)),
    ) {
        let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        prop_assert!(Trial::new().token(token.as_bytes()).is_err());
    }

    #[test]
    fn a_token_is_taken_apart_at_its_dots(
        header in "[A-Za-z0-9_-]{0,20}",
        payload in "[A-Za-z0-9_-]{0,20}",
        signature in "[A-Za-z0-9_-]{0,20}",
    ) {
        let token = format!("{header}.{payload}.{signature}");
        let parts = Parts::split(token.as_bytes()).expect("it has two dots");
        prop_assert_eq!(parts.header, header.as_bytes());
        prop_assert_eq!(parts.payload, payload.as_bytes());
        prop_assert_eq!(parts.signature, signature.as_bytes());
        let signed = format!("{header}.{payload}");
        prop_assert_eq!(parts.signed, signed.as_bytes());
    }

    #[test]
    fn members_that_mean_nothing_change_nothing(
        more in members(),
        payload in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let token = signed(&header(more).to_string(), &payload);
        let read = verdict(token.as_bytes(), &ring(), &mut Scratch::default());
        prop_assert_eq!(read, Ok(()));
    }

    #[test]
    fn one_member_that_is_refused_is_enough(
        more in members(),
        name in prop::sample::select(&REFUSED[..]),
        value in values(),
    ) {
        let mut header = header(more);
        header[name] = value;
        let token = signed(&header.to_string(), b"{}");
        let read = verdict(token.as_bytes(), &ring(), &mut Scratch::default());
        prop_assert_eq!(read, Err(Reason::BadHeader));
    }

    /// What was signed for a login is read as that login, whatever people are called.
    #[test]
    fn a_login_is_read_as_it_was_signed(
        sub in ".{1,30}",
        name in ".{0,30}",
        role in prop::sample::select(&["admin", "accountant", "member"][..]),
        since_ms in any::<u64>(),
    ) {
        let claims = json!({
            "iss": "us", "aud": "our-app", "sub": sub, "name": name, "role": role,
            "iat": NOW_S, "exp": NOW_S + 10, "iat_ms": NOW_S * 1000, "since_ms": since_ms,
            "jti": "one", "login_instance": "jwt-a",
        });
        let policy = Policy {
            issuer: "us".to_owned(),
            audience: "our-app".to_owned(),
            leeway_ms: 0,
            lifetime_max_s: 900,
        };
        let ring = ring();
        let token = ring.signer().expect("it can sign").issue(&claims).expect("it is signed");
        let mut scratch = Scratch::default();
        let read = verify::check(token.as_bytes(), &ring, &policy, NOW_S * 1000, &mut scratch);
        let login = read.expect("it is accepted").login();
        prop_assert_eq!(
            (login.user, login.name, login.role.as_str(), login.since_ms),
            (sub, name, role, since_ms)
        );
    }
}
