//! Tokens that somebody made to be let in by mistake, through `inspect --verify-only` as it is run,
//! and through the function that it shares with the server. Each is signed as well as it can be, so
//! that one thing is wrong with it. Which keys are refused, and with what, stands at the end.
//! Long because the table of tokens goes type of key by type of key.

mod support;

use std::path::PathBuf;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use server_jwt::inspect::verdict;
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::keys::keygen::{Alg, make};
use server_jwt::token::verify::Scratch;
use support::{path, refused, run, text};

/// Keys in a file, the algorithms that are allowed, and what tokens are judged with them.
struct Bench {
    file: PathBuf,
    allowed: Vec<&'static str>,
    rows: Vec<(String, String, &'static str)>,
}

impl Bench {
    fn new(jwks: &Value) -> Bench {
        Bench {
            file: support::file(jwks.to_string()),
            allowed: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn allowing(jwks: &Value, allowed: &[&'static str]) -> Bench {
        let allowed = allowed.to_vec();
        Bench {
            allowed,
            ..Bench::new(jwks)
        }
    }

    /// A token, and `accept` or the reason for which it is refused.
    fn row(mut self, what: impl Into<String>, token: String, verdict: &'static str) -> Bench {
        self.rows.push((what.into(), token, verdict));
        self
    }

    /// Has all of them judged, in both ways.
    fn judge(self) {
        let parsed = self.allowed.iter().map(|name| Algorithm::from_str(name));
        let parsed: Vec<_> = parsed.map(|alg| alg.expect("an algorithm")).collect();
        let source = KeySource {
            flag: "--jwks",
            path: self.file.clone(),
            form: Form::Jwks,
        };
        let ring = source.read_foreign(&parsed).expect("the keys are fine");
        let mut arguments = vec!["inspect", "--verify-only", "--jwks", path(&self.file)];
        for name in &self.allowed {
            arguments.extend(["--alg", *name]);
        }
        let input: String = self
            .rows
            .iter()
            .map(|(_, token, _)| format!("{token}\n"))
            .collect();
        let output = run(&arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let mut printed = text(&output.stdout).lines();
        for (what, token, expected) in &self.rows {
            let mut scratch = Scratch::default();
            let judged = match verdict(token.as_bytes(), &ring, &mut scratch) {
                Ok(()) => "accept",
                Err(reason) => reason.as_str(),
            };
            assert_eq!(judged, *expected, "{what}: {token}");
            let line = printed.next().unwrap_or_default();
            let line = line.strip_prefix("reject ").unwrap_or(line);
            assert_eq!(line, *expected, "{what}: as it is printed");
        }
        assert_eq!(printed.next(), None);
    }
}

/// A new key: how to sign with it, and its public half, or the secret.
fn key(alg: Alg) -> (EncodingKey, Value) {
    let made = make(alg, "k1").expect("a key is made");
    let source = KeySource {
        flag: "--keys",
        path: support::file(made.private.to_string()),
        form: Form::Jwks,
    };
    let ring = source.read().expect("it is fine");
    let signer = ring.signer().and_then(|key| key.encoding()).cloned();
    let jwk = made.public.unwrap_or(made.private)["keys"][0].clone();
    (signer.expect("it can sign"), jwk)
}

/// A secret of so many bytes.
fn secret(bytes: usize) -> (EncodingKey, Value) {
    let secret = vec![7; bytes];
    let jwk = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(&secret) });
    (EncodingKey::from_secret(&secret), jwk)
}

fn bare(mut jwk: Value) -> Value {
    for member in ["kid", "alg", "use"] {
        jwk.as_object_mut().expect("an object").remove(member);
    }
    jwk
}

fn with(mut value: Value, member: &str, new: Value) -> Value {
    value[member] = new;
    value
}

/// Header and payload, as they are signed.
fn message(header: &str, payload: &[u8]) -> String {
    let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    format!("{}.{}", text(header.as_bytes()), text(payload))
}

/// With this signature.
fn signed_by(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A signature as the algorithm makes it.
fn signature(key: &EncodingKey, algorithm: Algorithm, message: &str) -> Vec<u8> {
    let encoded = crypto::sign(message.as_bytes(), key, algorithm).expect("it is signed");
    URL_SAFE_NO_PAD.decode(encoded).expect("it is base64url")
}

/// A token with this header, signed with `algorithm` whatever the header says.
fn token(key: &EncodingKey, algorithm: Algorithm, header: &Value) -> String {
    let message = message(&header.to_string(), b"{}");
    signed_by(&message, &signature(key, algorithm, &message))
}

fn alg(name: &str) -> Value {
    json!({ "alg": name })
}

/// r and s as X.509 has them: what JOSE does not (RFC 7518, section 3.4).
fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let mut octets: Vec<u8> = number.iter().copied().skip_while(|b| *b == 0).collect();
        if octets.first().is_none_or(|octet| *octet > 0x7f) {
            octets.insert(0, 0);
        }
        let length = u8::try_from(octets.len()).expect("it is short");
        [vec![2, length], octets].concat()
    };
    let (r, s) = raw.split_at(raw.len() / 2);
    let both = [integer(r), integer(s)].concat();
    let length = u8::try_from(both.len()).expect("it is short");
    [vec![0x30, length], both].concat()
}

#[test]
fn a_signature_on_p_256_is_two_numbers_of_32_bytes_below_the_order() {
    let (key, jwk) = key(Alg::Es256);
    let message = message(r#"{"alg":"ES256"}"#, b"{}");
    let good = signature(&key, Algorithm::ES256, &message);
    let (r, s) = good.split_at(32);
    let order = support::P256_ORDER;
    let zero = [0; 32];
    let join = |parts: &[&[u8]]| signed_by(&message, &parts.concat());
    let no = "bad-signature";
    Bench::new(&bare(jwk))
        .row("as it should be", join(&[r, s]), "accept")
        .row("as X.509 has it", join(&[&der(&good)]), no)
        .row("two zeros", join(&[&zero, &zero]), no)
        .row("r is zero", join(&[&zero, s]), no)
        .row("s is zero", join(&[r, &zero]), no)
        .row("r is the order", join(&[&order, s]), no)
        .row("s is the order", join(&[r, &order]), no)
        .row("both are the order", join(&[&order, &order]), no)
        .row(
            "r and s are one",
            join(&[&zero[1..], &[1], &zero[1..], &[1]]),
            no,
        )
        .row("the two exchanged", join(&[s, r]), no)
        .row("a byte less", join(&[&good[..63]]), no)
        .row("a byte more", join(&[r, s, &[0]]), no)
        .row("padded to 96", join(&[&zero[..16], r, &zero[..16], s]), no)
        .row("twice", join(&[r, s, r, s]), no)
        .row("none", join(&[]), no)
        .judge();
}

#[test]
fn a_key_is_used_with_what_fits_its_type_and_curve() {
    let (key, jwk) = key(Alg::Es256);
    let x = jwk["x"].as_str().expect("a coordinate").to_owned();
    let as_secret = EncodingKey::from_secret(x.as_bytes());
    let public = EncodingKey::from_secret(jwk.to_string().as_bytes());
    let no = "wrong-algorithm";
    let mut bench = Bench::new(&bare(jwk))
        .row(
            "x as a secret",
            token(&as_secret, Algorithm::HS256, &alg("HS256")),
            no,
        )
        .row(
            "the JWK as a secret",
            token(&public, Algorithm::HS256, &alg("HS256")),
            no,
        );
    for name in [
        "none", "None", "", "es256", "ES256 ", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519",
        "HS256", "RS256", "PS256", "RSA-OAEP", "ECDH-ES", "dir",
    ] {
        bench = bench.row(name, token(&key, Algorithm::ES256, &alg(name)), no);
    }
    bench.judge();
}

#[test]
fn an_ed25519_signature_has_one_form() {
    let (key, jwk) = key(Alg::EdDsa);
    let message = message(r#"{"alg":"EdDSA"}"#, b"{}");
    let good = signature(&key, Algorithm::EdDSA, &message);
    // s + L says the same as s, and RFC 8032, section 5.1.7, wants it refused.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (mut other, mut carry) = (good.clone(), 0);
    for (octet, more) in other[32..].iter_mut().zip(order) {
        let sum = u16::from(*octet) + u16::from(more) + carry;
        *octet = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert_ne!(other, good);
    let row = |signature: &[u8]| signed_by(&message, signature);
    let no = "bad-signature";
    let header = json!({ "alg": "Ed25519" });
    Bench::new(&bare(jwk))
        .row("as it should be", row(&good), "accept")
        .row("s and the order", row(&other), no)
        .row("a byte less", row(&good[..63]), no)
        .row("a byte more", row(&[&good[..], &[0]].concat()), no)
        .row("zeros", row(&[0; 64]), no)
        .row(
            "its halves exchanged",
            row(&[&good[32..], &good[..32]].concat()),
            no,
        )
        // RFC 9864 names it so; the library does not know that name.
        .row(
            "Ed25519",
            token(&key, Algorithm::EdDSA, &header),
            "wrong-algorithm",
        )
        .judge();
}

#[test]
fn rsa_signatures_have_the_length_of_the_modulus_and_one_padding() {
    use Algorithm::{PS256, PS512, RS256, RS384};
    let (key, jwk) = key(Alg::Rs256);
    let message = message(r#"{"alg":"RS256"}"#, b"{}");
    let good = signature(&key, RS256, &message);
    let row = |signature: &[u8]| signed_by(&message, signature);
    let no = "bad-signature";
    let any = bare(jwk.clone());
    Bench::new(&any)
        .row("as it should be", row(&good), "accept")
        .row("RS384", token(&key, RS384, &alg("RS384")), "accept")
        .row("PS512", token(&key, PS512, &alg("PS512")), "accept")
        .row(
            "PS256 said, RS256 done",
            token(&key, RS256, &alg("PS256")),
            no,
        )
        .row(
            "RS256 said, PS256 done",
            token(&key, PS256, &alg("RS256")),
            no,
        )
        .row(
            "RS384 said, RS256 done",
            token(&key, RS256, &alg("RS384")),
            no,
        )
        .row(
            "PS256 said, PS512 done",
            token(&key, PS512, &alg("PS256")),
            no,
        )
        .row("a byte less", row(&good[..255]), no)
        .row("a byte more", row(&[&good[..], &[0]].concat()), no)
        .row("a zero before it", row(&[&[0], &good[..]].concat()), no)
        .row("zero", row(&[0; 256]), no)
        .row("one", row(&[&[0; 255][..], &[1]].concat()), no)
        .row("beyond the modulus", row(&[0xff; 256]), no)
        .row("none", row(&[]), no)
        .judge();
    let wrong = "wrong-algorithm";
    Bench::allowing(&any, &["PS256", "ES256"])
        .row("RS256 is not allowed", row(&good), wrong)
        .row("PS256 is", token(&key, PS256, &alg("PS256")), "accept")
        .judge();
    // The key's own word holds whatever else is allowed.
    Bench::allowing(&jwk, &["RS256", "PS256"])
        .row("the key's own", row(&good), "accept")
        .row(
            "another that fits",
            token(&key, PS256, &alg("PS256")),
            wrong,
        )
        .judge();
    Bench::allowing(&jwk, &["PS256"])
        .row("its own is not allowed", row(&good), wrong)
        .row("not its own", token(&key, PS256, &alg("PS256")), wrong)
        .judge();
}

#[test]
fn a_secret_is_used_with_what_it_is_long_enough_for() {
    use Algorithm::{HS256, HS384, HS512};
    let (key, jwk) = secret(64);
    let message = message(r#"{"alg":"HS256"}"#, b"{}");
    let good = signature(&key, HS256, &message);
    let no = "bad-signature";
    Bench::new(&jwk)
        .row("HS256", signed_by(&message, &good), "accept")
        .row("HS384", token(&key, HS384, &alg("HS384")), "accept")
        .row("HS512", token(&key, HS512, &alg("HS512")), "accept")
        .row("half of it", signed_by(&message, &good[..16]), no)
        .row(
            "a byte more",
            signed_by(&message, &[&good[..], &[0]].concat()),
            no,
        )
        .row("none", signed_by(&message, &[]), no)
        .row(
            "HS256 said, HS512 done",
            token(&key, HS512, &alg("HS256")),
            no,
        )
        .judge();
    let (short, jwk) = secret(32);
    let wrong = "wrong-algorithm";
    Bench::new(&jwk)
        .row("long enough", token(&short, HS256, &alg("HS256")), "accept")
        .row(
            "too short for HS384",
            token(&short, HS384, &alg("HS384")),
            wrong,
        )
        .row(
            "too short for HS512",
            token(&short, HS512, &alg("HS512")),
            wrong,
        )
        .judge();
    let (key, jwk) = secret(64);
    Bench::new(&with(jwk, "alg", json!("HS256")))
        .row("its own", token(&key, HS256, &alg("HS256")), "accept")
        .row("another", token(&key, HS512, &alg("HS512")), wrong)
        .judge();
}

#[test]
fn what_a_header_may_not_say_is_refused_however_well_it_is_signed() {
    let (key, jwk) = secret(32);
    let of = |header: &str| {
        let message = message(header, b"{}");
        signed_by(&message, &signature(&key, Algorithm::HS256, &message))
    };
    let mut bench = Bench::new(&jwk);
    let own = jwk.to_string();
    for more in [
        r#""crit":[]"#,
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""enc":"A128GCM""#,
        r#""jku":"http://127.0.0.1/""#,
        r#""x5u":"http://127.0.0.1/""#,
        r#""x5c":["MIIB"]"#,
        &format!(r#""jwk":{own}"#),
        r#""alg":"HS256""#,
        r#""alg":"none""#,
        r#""\u0061lg":"none""#,
        r#""x":1,"x":1"#,
        r#""kid":1"#,
        r#""kid":null"#,
        r#""typ":1"#,
    ] {
        bench = bench.row(
            more,
            of(&format!(r#"{{"alg":"HS256",{more}}}"#)),
            "bad-header",
        );
    }
    for header in [
        "{}",
        "[]",
        "null",
        r#""HS256""#,
        r#"{"alg":null}"#,
        r#"{"alg":1}"#,
    ] {
        bench = bench.row(header, of(header), "bad-header");
    }
    for header in [
        "",
        "{",
        "\u{feff}{\"alg\":\"HS256\"}",
        r#"{"alg":"HS256"}x"#,
    ] {
        bench = bench.row(header, of(header), "malformed-token");
    }
    // What is none of a signature's business, and how JSON may be written.
    for header in [
        r#" { "alg" : "HS256" } "#,
        r#"{"\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"rt+jwt","cty":"JWT","nonce":{"a":[1]}}"#,
    ] {
        bench = bench.row(header, of(header), "accept");
    }
    bench.judge();
}

#[test]
fn a_token_has_one_form() {
    let (key, jwk) = secret(32);
    let good = token(&key, Algorithm::HS256, &alg("HS256"));
    let parts: Vec<_> = good.split('.').collect();
    let (header, payload, signature_) = (parts[0], parts[1], parts[2]);
    let flat = json!({ "protected": header, "payload": payload, "signature": signature_ });
    let general = json!({
        "payload": payload,
        "signatures": [{ "protected": header, "signature": signature_ }],
    });
    let of = |payload: &[u8]| {
        let message = message(r#"{"alg":"HS256"}"#, payload);
        signed_by(&message, &signature(&key, Algorithm::HS256, &message))
    };
    let no = "malformed-token";
    let mut bench = Bench::new(&jwk)
        .row("as it should be", good.clone(), "accept")
        .row("an empty payload", of(b""), "accept")
        .row("a payload that is no text", of(b"\xff\0"), "accept")
        .row("flattened JSON", flat.to_string(), no)
        .row("general JSON", general.to_string(), no)
        .row(
            "no payload",
            format!("{header}..{signature_}"),
            "bad-signature",
        )
        .row(
            "no signature",
            format!("{header}.{payload}."),
            "bad-signature",
        )
        .row("no header", format!(".{payload}.{signature_}"), no)
        .row(
            "five parts",
            format!("{header}.AAAA.{payload}.AAAA.{signature_}"),
            no,
        );
    for (what, broken) in [
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{good}.{signature_}")),
        ("a dot more", format!("{good}.")),
        ("a scheme", format!("Bearer {good}")),
        ("padded", format!("{good}=")),
        ("padded inside", good.replacen('.', "=.", 1)),
        ("a space before", format!(" {good}")),
        ("a space after", format!("{good} ")),
        ("a carriage return", format!("{good}\r")),
        ("the other alphabet", good.replacen('.', "+/.", 1)),
        ("percent", good.replacen('.', "%2E", 1)),
        ("a letter of no alphabet", format!("{good}é")),
    ] {
        bench = bench.row(what, broken, no);
    }
    // 32 octets leave two bits over: of four letters that mean the same, one is allowed.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = good.split_at(good.len() - 1);
    let at = alphabet.find(last).expect("a letter of it");
    for spare in 1..4 {
        let other = &alphabet[at + spare..=at + spare];
        bench = bench.row("bits left over", format!("{head}{other}"), no);
    }
    bench.judge();
}

#[test]
fn a_name_must_match_where_both_have_one() {
    let (key, jwk) = secret(32);
    let named = with(jwk.clone(), "kid", json!("a"));
    let of = |kid: Option<&str>| {
        let header = match kid {
            Some(kid) => json!({ "alg": "HS256", "kid": kid }),
            None => alg("HS256"),
        };
        token(&key, Algorithm::HS256, &header)
    };
    Bench::new(&named)
        .row("its name", of(Some("a")), "accept")
        .row("no name", of(None), "accept")
        .row("another", of(Some("b")), "unknown-key")
        .row("in other letters", of(Some("A")), "unknown-key")
        .row("an empty name", of(Some("")), "unknown-key")
        .judge();
    Bench::new(&jwk)
        .row("any name", of(Some("whatever")), "accept")
        .row("no name", of(None), "accept")
        .judge();
}

#[test]
fn in_a_set_the_key_that_fits_is_found() {
    let ((rsa, rsa_jwk), (ec, ec_jwk)) = (key(Alg::Rs256), key(Alg::Es256));
    let (hs, hs_jwk) = secret(32);
    let unknown = json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" });
    let later = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" });
    let for_encryption = with(rsa_jwk.clone(), "alg", json!("RSA-OAEP"));
    let keys = [
        unknown,
        later,
        for_encryption,
        bare(rsa_jwk),
        bare(ec_jwk),
        hs_jwk,
    ];
    let (_, foreign) = key(Alg::Es256);
    let foreign_token = {
        let (other, _) = key(Alg::Es256);
        token(&other, Algorithm::ES256, &alg("ES256"))
    };
    Bench::new(&json!({ "keys": keys }))
        .row(
            "RSA",
            token(&rsa, Algorithm::PS384, &alg("PS384")),
            "accept",
        )
        .row("EC", token(&ec, Algorithm::ES256, &alg("ES256")), "accept")
        .row(
            "a secret",
            token(&hs, Algorithm::HS256, &alg("HS256")),
            "accept",
        )
        .row("nobody's", foreign_token.clone(), "bad-signature")
        .row(
            "a type that is not there",
            token(&ec, Algorithm::ES256, &alg("EdDSA")),
            "wrong-algorithm",
        )
        .judge();
    Bench::new(&bare(foreign))
        .row("another key", foreign_token, "bad-signature")
        .judge();
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of files")]
fn a_key_that_is_weak_ambiguous_or_for_something_else_is_exit_2() {
    let (_, ec) = key(Alg::Es256);
    let (_, rsa) = key(Alg::Rs256);
    let (_, ed) = key(Alg::EdDsa);
    let (_, hs) = secret(32);
    let (_, weak) = secret(31);
    let ec = bare(ec);
    let member = |value: &Value, name: &str, new: Value| with(value.clone(), name, new).to_string();
    let n = |octets: Vec<u8>| json!(URL_SAFE_NO_PAD.encode(octets));
    let named = |jwk: &Value| with(jwk.clone(), "kid", json!("k1"));
    let zero = json!(URL_SAFE_NO_PAD.encode([0; 32]));
    let files = [
        ("nothing", String::new()),
        ("no JSON", "{".to_owned()),
        ("a list", "[]".to_owned()),
        ("no member", "{}".to_owned()),
        ("PEM", "-----BEGIN PUBLIC KEY-----".to_owned()),
        ("an empty set", json!({ "keys": [] }).to_string()),
        ("a set that is none", json!({ "keys": {} }).to_string()),
        ("a set of nothing", json!({ "keys": null }).to_string()),
        ("a set of texts", json!({ "keys": ["k"] }).to_string()),
        (
            "a member twice",
            r#"{"kty":"oct","kty":"oct","k":"AA"}"#.to_owned(),
        ),
        ("a name that is no text", member(&hs, "kid", json!(1))),
        (
            "one name twice",
            json!({ "keys": [named(&hs), named(&ec)] }).to_string(),
        ),
        ("no secret", json!({ "kty": "oct" }).to_string()),
        ("an empty secret", member(&hs, "k", json!(""))),
        ("a short secret", weak.to_string()),
        (
            "a short secret in a set",
            json!({ "keys": [ec, weak] }).to_string(),
        ),
        (
            "too short for its algorithm",
            member(&hs, "alg", json!("HS512")),
        ),
        ("a padded secret", member(&hs, "k", json!("AAAA=="))),
        ("for encryption", member(&hs, "use", json!("enc"))),
        ("for encryption, EC", member(&ec, "use", json!("enc"))),
        ("to sign alone", member(&ec, "key_ops", json!(["sign"]))),
        (
            "to wrap",
            member(&hs, "key_ops", json!(["verify", "wrapKey"])),
        ),
        ("for nothing", member(&ec, "key_ops", json!([]))),
        ("no algorithm at all", member(&hs, "alg", json!("none"))),
        (
            "an algorithm for encryption",
            member(&rsa, "alg", json!("RSA-OAEP")),
        ),
        (
            "an algorithm of another type",
            member(&ec, "alg", json!("HS256")),
        ),
        (
            "an algorithm of another curve",
            member(&ec, "alg", json!("ES384")),
        ),
        ("another curve", member(&ec, "crv", json!("P-384"))),
        ("an unknown curve", member(&ec, "crv", json!("secp256k1"))),
        ("an unknown type", member(&ec, "kty", json!("AKP"))),
        ("a type of other letters", member(&hs, "kty", json!("OCT"))),
        ("a point off the curve", member(&ec, "y", ec["x"].clone())),
        (
            "the point at infinity",
            member(&with(ec.clone(), "x", zero.clone()), "y", zero),
        ),
        ("half a point", member(&ec, "y", json!(null))),
        ("another private half", member(&ec, "d", n(vec![1; 32]))),
        (
            "an RSA key of 1024 bits",
            member(&rsa, "n", n(vec![0xff; 128])),
        ),
        ("an RSA exponent of one", member(&rsa, "e", json!("AQ"))),
        ("an even exponent", member(&rsa, "e", json!("Ag"))),
        (
            "an even modulus",
            member(&rsa, "n", n([vec![0xff; 255], vec![2]].concat())),
        ),
        (
            "a small point",
            member(&ed, "x", n([vec![1], vec![0; 31]].concat())),
        ),
        ("X25519", member(&ed, "crv", json!("X25519"))),
    ];
    for (what, content) in files {
        let file = support::file(content);
        let output = run(
            &["inspect", "--verify-only", "--jwks", path(&file)],
            b"a.b.c\n",
        );
        let (code, line) = refused(&output);
        assert_eq!(code, Some(2), "{what}: {line}");
        assert!(line.starts_with("inspect: --jwks "), "{what}: {line}");
        assert!(output.stdout.is_empty(), "{what}: a verdict");
    }
}
