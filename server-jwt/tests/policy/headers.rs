//! Rules for headers.

use super::*;

#[test]
fn none_is_no_algorithm() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = with(header(), "alg", json!(alg)).to_string();
        let full = forged(&header, &claims().to_string());
        let (unsigned, _) = full.rsplit_once('.').expect("it has three parts");
        assert_eq!(check_at(&full, 0, NOW_MS), Err(Reason::WrongAlgorithm));
        let stripped = format!("{unsigned}.");
        assert_eq!(check_at(&stripped, 0, NOW_MS), Err(Reason::WrongAlgorithm));
    }
}

#[test]
fn an_algorithms_name_has_its_exact_letters() {
    for alg in ["hs256", "HS256 ", "Hs256"] {
        let read = check_header(&with(header(), "alg", json!(alg)));
        assert_eq!(read, Err(Reason::WrongAlgorithm), "{alg}");
    }
}

#[test]
fn a_key_is_used_with_its_own_algorithm_alone() {
    let secret = EncodingKey::from_secret(&[7; 64]);
    let jwk = json!({
        "kty": "oct", "kid": "k1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode([7; 64]),
    });
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let header = with(header(), "alg", json!(format!("{algorithm:?}")));
        let text = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", text(&header), text(&claims()));
        let token = signed(&message, &secret, algorithm);
        let mut scratch = Scratch::default();
        let keys = ring(&jwk);
        let read = verify::check(token.as_bytes(), &keys, &policy(0), NOW_MS, &mut scratch);
        let expected = match algorithm {
            Algorithm::HS256 => Ok(()),
            _ => Err(Reason::WrongAlgorithm),
        };
        assert_eq!(read.map(|_| ()), expected, "{algorithm:?}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let made = make(Alg::Rs256, "k1").expect("a key is made");
    let public = made.public.expect("RSA has a public half");
    let n = public["keys"][0]["n"]
        .as_str()
        .expect("a modulus")
        .to_owned();
    for secret in [n.as_bytes(), public.to_string().as_bytes()] {
        let text = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", text(&header()), text(&claims()));
        let token = signed(
            &message,
            &EncodingKey::from_secret(secret),
            Algorithm::HS256,
        );
        let mut scratch = Scratch::default();
        let keys = ring(&public);
        let read = verify::check(token.as_bytes(), &keys, &policy(0), NOW_MS, &mut scratch);
        assert_eq!(read.map(|_| ()), Err(Reason::WrongAlgorithm));
    }
}

#[test]
fn the_key_is_named_and_known() {
    assert_eq!(
        check_header(&without(header(), "kid")),
        Err(Reason::UnknownKey)
    );
    for kid in ["k2", "", "K1", "k1 ", "../k1", "k1\u{0}", "' OR 1=1"] {
        let read = check_header(&with(header(), "kid", json!(kid)));
        assert_eq!(read, Err(Reason::UnknownKey), "{kid}");
    }
    for kid in [json!(1), json!(null), json!(["k1"]), json!({ "kid": "k1" })] {
        let read = check_header(&with(header(), "kid", kid));
        assert_eq!(read, Err(Reason::BadHeader));
    }
}

#[test]
fn a_token_made_for_something_else_is_refused() {
    for typ in [
        "rt+jwt",
        "JWT",
        "AT+JWT",
        "application/at+jwt",
        "",
        "at+jwt ",
    ] {
        let read = check_header(&with(header(), "typ", json!(typ)));
        assert_eq!(read, Err(Reason::BadHeader), "{typ}");
    }
    assert_eq!(
        check_header(&without(header(), "typ")),
        Err(Reason::BadHeader)
    );
}

#[test]
fn a_token_brings_no_key_and_no_extension() {
    let jwk = our_jwk();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1/keys")),
        ("x5u", json!("http://127.0.0.1/cert")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(true)),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
    ] {
        let read = check_header(&with(header(), name, value));
        assert_eq!(read, Err(Reason::BadHeader), "{name}");
    }
}

#[test]
fn what_means_nothing_here_is_ignored() {
    let header = with(header(), "cty", json!("text"));
    let header = with(header, "x5t", json!("abc"));
    assert_eq!(
        check_header(&with(header, "nonce", json!([1, { "a": 2 }]))),
        Ok(())
    );
}

#[test]
fn a_member_twice_is_refused() {
    let twice = r#"{"alg":"HS256","kid":"k1","typ":"at+jwt","typ":"at+jwt"}"#;
    let token = forged(twice, &claims().to_string());
    assert_eq!(check_at(&token, 0, NOW_MS), Err(Reason::BadHeader));
}
