//! Which keys are refused at the start, each with one line that names the flag and the remedy.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::keys::keygen::{Alg, make};

fn source(content: impl AsRef<[u8]>) -> KeySource {
    KeySource {
        flag: "--keys",
        path: support::file(content),
        form: Form::Jwks,
    }
}

/// The complaint about these keys, which must be one line with the flag and a remedy.
fn complaint(jwks: &Value) -> String {
    let error = source(jwks.to_string())
        .read()
        .err()
        .expect("the keys are refused");
    let line = error.to_string();
    assert!(line.starts_with("--keys /"), "{line}");
    assert!(line.contains("; ") && !line.contains('\n'), "{line}");
    line
}

/// The private members of a new key.
fn new_key(alg: Alg) -> Value {
    let made = make(alg, "k1").expect("a key is made");
    made.private["keys"][0].clone()
}

fn with(mut value: Value, member: &str, new: Value) -> Value {
    value[member] = new;
    value
}

fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().expect("an object").remove(member);
    value
}

#[test]
fn what_keygen_makes_is_accepted() {
    for alg in [Alg::Hs256, Alg::Rs256, Alg::Es256, Alg::EdDsa] {
        let made = make(alg, "k1").expect("a key is made");
        let private = source(made.private.to_string()).read().expect("it is fine");
        assert!(private.signer().is_some());
        if let Some(public) = made.public {
            let ring = source(public.to_string()).read().expect("it is fine");
            assert!(ring.signer().is_none());
            assert_eq!(ring.shown()[0].fingerprint, private.shown()[0].fingerprint);
            let text = ring.jwks().to_string();
            assert_eq!(
                text,
                private.jwks().to_string(),
                "what is published is the public half"
            );
            for secret in [
                "\"d\"", "\"p\"", "\"q\"", "\"k\"", "\"dp\"", "\"dq\"", "\"qi\"",
            ] {
                assert!(!text.contains(secret), "{text}");
            }
        } else {
            assert_eq!(
                private.jwks(),
                json!({ "keys": [] }),
                "a secret is never published"
            );
        }
    }
}

#[test]
fn a_weak_secret_is_refused() {
    let secret = |bytes: usize, alg: &str| {
        let k = URL_SAFE_NO_PAD.encode(vec![7; bytes]);
        json!({ "kty": "oct", "kid": "k1", "alg": alg, "k": k })
    };
    for (alg, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        assert!(
            source(secret(least, alg).to_string()).read().is_ok(),
            "{alg}"
        );
        let line = complaint(&secret(least - 1, alg));
        let expected = format!("{} bytes, {alg} needs {least} or more", least - 1);
        assert!(line.contains(&expected), "{line}");
    }
    assert!(complaint(&secret(0, "HS256")).contains("0 bytes"));
    let raw = KeySource {
        flag: "--secret-file",
        path: support::file("a password\n"),
        form: Form::Secret,
    };
    let line = raw.read().err().expect("it is refused").to_string();
    assert!(
        line.starts_with("--secret-file") && line.contains("11 bytes"),
        "{line}"
    );
}

#[test]
fn a_weak_or_broken_rsa_key_is_refused() {
    let n = |octets: Vec<u8>| json!(URL_SAFE_NO_PAD.encode(octets));
    let public =
        |n: Value, e: &str| json!({ "kty": "RSA", "kid": "k1", "alg": "RS256", "n": n, "e": e });
    assert!(complaint(&public(n(vec![0xff; 128]), "AQAB")).contains("1024 bits"));
    assert!(complaint(&public(n(vec![0x7f; 256]), "AQAB")).contains("2047 bits"));
    assert!(complaint(&public(n(vec![0xff; 1025]), "AQAB")).contains("8200 bits"));
    for e in ["AQ", "Ag", "AAAB", "AQABAQABAQAB"] {
        let line = complaint(&public(n(vec![0xff; 256]), e));
        assert!(line.contains("no RSA public key"), "{line}");
    }
    let even = [vec![0xff; 255], vec![0xfe]].concat();
    assert!(complaint(&public(n(even), "AQAB")).contains("no RSA public key"));
    let padded = [vec![0], vec![0xff; 256]].concat();
    assert!(complaint(&public(n(padded), "AQAB")).contains("no RSA public key"));
}

#[test]
fn a_point_off_its_curve_is_refused() {
    let key = new_key(Alg::Es256);
    let zero = json!(URL_SAFE_NO_PAD.encode([0; 32]));
    assert!(complaint(&with(key.clone(), "y", key["x"].clone())).contains("no point"));
    let origin = with(with(key.clone(), "x", zero.clone()), "y", zero);
    assert!(complaint(&origin).contains("no point"));
    let short = json!(URL_SAFE_NO_PAD.encode([1; 31]));
    assert!(complaint(&with(key.clone(), "x", short)).contains("\"x\" must be 32 bytes"));
    let above = json!(URL_SAFE_NO_PAD.encode([0xff; 32]));
    assert!(complaint(&with(key, "x", above)).contains("no point"));
}

/// Without any private half: nothing, with a zero, is a signature under such a key.
#[test]
fn a_key_under_which_anybody_can_sign_is_refused() {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    let identity = [&[1][..], &[0; 31]].concat();
    let forged = [&identity[..], &[0; 32]].concat();
    let order_2 = [&[0xec][..], &[0xff; 30], &[0x7f]].concat();
    let order_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let order_8: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&order_8[at..at + 2], 16).expect("hex"))
        .collect();
    for point in [identity, order_2, vec![0; 32], order_8] {
        let key = UnparsedPublicKey::new(&ED25519, &point);
        let holds = |n: u8| key.verify(&[n], &forged).is_ok();
        assert!((0..=255).any(holds), "the backend lets {point:02x?} pass");
        let x = json!(URL_SAFE_NO_PAD.encode(&point));
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "x": x });
        assert!(complaint(&jwk).contains("small order"), "{point:02x?}");
    }
}

#[test]
fn halves_of_different_keys_are_refused() {
    for (alg, member) in [(Alg::Es256, "d"), (Alg::EdDsa, "d"), (Alg::Rs256, "p")] {
        let mixed = with(new_key(alg), member, new_key(alg)[member].clone());
        assert!(
            complaint(&mixed).contains("do not belong together"),
            "{alg:?}"
        );
    }
    let lonely = without(new_key(Alg::Rs256), "qi");
    assert!(complaint(&lonely).contains("\"qi\" is missing"));
}

#[test]
fn a_key_for_something_else_is_refused() {
    let key = new_key(Alg::Es256);
    for (member, value) in [
        ("use", json!("enc")),
        ("use", json!("")),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!(["encrypt", "verify"])),
        ("key_ops", json!(["verify", "verify"])),
        ("key_ops", json!([])),
    ] {
        let line = complaint(&with(key.clone(), member, value));
        assert!(line.contains("not for checking signatures"), "{line}");
    }
    for (alg, fragment) in [
        ("HS256", "does not fit"),
        ("ES384", "does not fit"),
        ("RS256", "does not fit"),
        ("ES512", "is not supported"),
        ("ECDH-ES", "is not supported"),
        ("none", "is not supported"),
        ("es256", "is not supported"),
    ] {
        let line = complaint(&with(key.clone(), "alg", json!(alg)));
        assert!(line.contains(fragment), "{line}");
    }
    for (member, value) in [("crv", json!("P-521")), ("kty", json!("oct2"))] {
        assert!(complaint(&with(key.clone(), member, value)).contains("is not supported"));
    }
}

#[test]
fn a_key_that_may_only_verify_does_not_sign() {
    let key = with(new_key(Alg::EdDsa), "key_ops", json!(["verify"]));
    let ring = source(key.to_string()).read().expect("it is fine");
    assert!(ring.signer().is_none());
}

#[test]
fn every_key_of_a_server_has_a_name_and_an_algorithm() {
    let key = new_key(Alg::Hs256);
    assert!(complaint(&without(key.clone(), "kid")).contains("without \"kid\""));
    assert!(complaint(&without(key.clone(), "alg")).contains("no \"alg\""));
    let twice = json!({ "keys": [key, new_key(Alg::EdDsa)] });
    assert!(complaint(&twice).contains("two keys have this name"));
}

#[test]
fn what_is_no_key_file_is_refused() {
    assert!(complaint(&json!({ "keys": [] })).contains("no usable key"));
    assert!(complaint(&json!([])).contains("not a JWK"));
    assert!(complaint(&json!({ "kty": 1 })).contains("not a JWK"));
    assert!(complaint(&json!({})).contains("not a JWK"));
    for (bytes, fragment) in [
        (b"{".as_slice(), "not a JWK"),
        (b"", "not a JWK"),
        (b"-----BEGIN PRIVATE KEY-----", "not a JWK"),
        (br#"{"kty":"oct","kty":"oct"}"#, "not a JWK"),
    ] {
        let line = source(bytes)
            .read()
            .err()
            .expect("it is refused")
            .to_string();
        assert!(line.contains(fragment), "{line}");
    }
    let mut missing = source("");
    missing.path = "/nowhere/keys.json".into();
    let line = missing.read().err().expect("it is refused").to_string();
    assert!(line.contains("/nowhere/keys.json: No such file"), "{line}");
}

#[test]
fn members_are_base64url_without_padding() {
    let key = new_key(Alg::Es256);
    for x in ["", "a", "AA==", "A+/A", " AAA"] {
        let line = complaint(&with(key.clone(), "x", json!(x)));
        assert!(line.contains("\"x\""), "{line}");
    }
    assert!(complaint(&without(key, "x")).contains("\"x\" is missing"));
}

/// A foreign set: unknown types are passed over, weak keys are not.
#[test]
fn foreign_keys_need_neither_name_nor_algorithm() {
    let bare = without(without(new_key(Alg::Es256), "kid"), "alg");
    let odd = json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" });
    let weak = json!({ "kty": "oct", "k": "AAAA" });
    assert!(source(bare.to_string()).read_foreign(&[]).is_ok());
    let set = json!({ "keys": [odd, bare] });
    assert!(source(set.to_string()).read_foreign(&[]).is_ok());
    assert!(source(odd.to_string()).read_foreign(&[]).is_err());
    let set = json!({ "keys": [weak, bare] });
    assert!(source(set.to_string()).read_foreign(&[]).is_err());
    let secret = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 32]) });
    assert!(source(secret.to_string()).read_foreign(&[]).is_ok());
    let line = source(secret.to_string())
        .read_foreign(&[Algorithm::HS512])
        .err()
        .expect("it is too short for that")
        .to_string();
    assert!(line.contains("HS512 needs 64"), "{line}");
}
