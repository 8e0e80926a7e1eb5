//! The examples of RFC 7515, appendix A, and RFC 7520, section 4, that are for algorithms we have.

mod support;

use std::path::Path;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use server_jwt::inspect::verdict;
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::token::verify::Scratch;
use support::{path, run, text};

/// Whether `token` holds under `jwk`, with `allowed` algorithms.
fn holds(jwk: &Value, token: &str, allowed: &[Algorithm]) -> bool {
    let source = KeySource {
        flag: "--jwks",
        path: support::file(jwk.to_string()),
        form: Form::Jwks,
    };
    let ring = source.read_foreign(allowed).expect("the key is fine");
    let holds = verdict(token.as_bytes(), &ring, &mut Scratch::default()).is_ok();
    assert_eq!(
        accepted(&source.path, token, allowed),
        holds,
        "as it is run"
    );
    holds
}

/// What the binary says of it.
fn accepted(jwks: &Path, token: &str, allowed: &[Algorithm]) -> bool {
    let names: Vec<_> = allowed.iter().map(|alg| format!("{alg:?}")).collect();
    let mut arguments = vec!["inspect", "--verify-only", "--jwks", path(jwks)];
    for name in &names {
        arguments.extend(["--alg", name]);
    }
    let output = run(&arguments, token.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    text(&output.stdout) == "accept\n"
}

fn with(mut jwk: Value, member: &str, new: &str) -> Value {
    jwk[member] = json!(new);
    jwk
}

const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1\
                   9yb290Ijp0cnVlfQ";

#[test]
fn rfc_7515_a_1_holds() {
    let jwk = json!({
        "kty": "oct",
        "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z\
              9CAow",
    });
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFO\
         EjXk"
    );
    assert!(holds(&jwk, &token, &[]));
    assert!(!holds(&jwk, &token, &[Algorithm::HS512]));
    assert!(!holds(&jwk, &token.replacen("dBj", "dBk", 1), &[]));
}

#[test]
fn rfc_7515_a_2_holds() {
    let jwk = json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJP\
              MEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LO\
              L-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlx\
              vb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD\
              TW9gb54h4FRWyuXpoQ",
        "e": "AQAB",
    });
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5\
         RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZL\
         grnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-\
         eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmt\
         VrBp0igcN_IoypGlUPQGe77Rw"
    );
    assert!(holds(&jwk, &token, &[]));
    assert!(!holds(&jwk, &token, &[Algorithm::PS256]));
}

/// The key of RFC 7515, A.3, and the token signed with it.
fn a_3() -> (Value, String) {
    let jwk = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8\
         ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    (jwk, token)
}

#[test]
fn rfc_7515_a_3_holds() {
    let (jwk, token) = a_3();
    assert!(holds(&jwk, &token, &[]));
    // A `kid` decides only where token and key both have one.
    let named = with(jwk, "kid", "anything");
    assert!(holds(&named, &token, &[]));
}

/// An ECDSA signature (r, s) holds as (r, n - s) too: the same token in other letters. Hence
/// nothing here ever knows a token by its text.
#[test]
fn a_rewritten_es256_signature_holds_too() {
    let (jwk, token) = a_3();
    let rewritten = support::rewritten(&token);
    assert_ne!(token, rewritten);
    assert!(holds(&jwk, &rewritten, &[]));
}

const FRODO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci\
                     4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCw\
                     gdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

#[test]
fn rfc_7520_4_1_and_4_2_hold() {
    let jwk = json!({
        "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig",
        "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0V\
              EiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ\
              6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHr\
              tIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5\
              iaiQkqgc5gHdrNP5zw",
        "e": "AQAB",
    });
    let rs256 = format!(
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{FRODO}.MRjdk\
         ly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xug\
         lII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJD\
         t5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U1\
         2podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
    );
    let ps384 = format!(
        "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{FRODO}.cu22e\
         BqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8T\
         TB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiV\
         JRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2\
         _jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"
    );
    assert!(holds(&jwk, &rs256, &[]));
    assert!(holds(&jwk, &ps384, &[]));
    let other = with(jwk.clone(), "kid", "frodo");
    assert!(!holds(&other, &rs256, &[]), "another key is named");
    let fixed = with(jwk, "alg", "RS256");
    assert!(holds(&fixed, &rs256, &[]));
    assert!(
        !holds(&fixed, &ps384, &[]),
        "the key is for another algorithm"
    );
}

#[test]
fn rfc_7520_4_4_holds() {
    let jwk = json!({
        "kty": "oct", "kid": "018c0ae5-4d9b-471b-bfd6-eef314bc7037", "use": "sig", "alg": "HS256",
        "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    });
    let token = format!(
        "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.{FRODO}.\
         s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"
    );
    assert!(holds(&jwk, &token, &[]));
}

/// Of those for what is not offered here none holds, with any key.
#[test]
fn rfc_7515_a_5_a_6_and_rfc_7520_4_5_do_not_hold() {
    let secret = json!({
        "kty": "oct", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    });
    let (public, signed) = a_3();
    // A.5: without a signature.
    let unsecured = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    // A.7 has one signature of A.6 alone, flattened: another serialisation.
    let parts: Vec<_> = signed.split('.').collect();
    let flattened = json!({
        "payload": JOE, "protected": parts[0], "signature": parts[2],
        "header": { "kid": "e9bc097a-ce51-4036-9562-d2ade882db0d" },
    });
    let general = json!({
        "payload": JOE,
        "signatures": [{ "protected": parts[0], "signature": parts[2] }],
    });
    // 4.5: its payload is elsewhere.
    let detached = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAz\
                    NyJ9..s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    for jwk in [&secret, &public] {
        for token in [
            unsecured.as_str(),
            flattened.to_string().as_str(),
            general.to_string().as_str(),
            detached,
        ] {
            assert!(!holds(jwk, token, &[]), "{token}");
        }
    }
    // A.4 and 4.3 are for ES512, whose curve is not offered: the key says so.
    let p_521 = json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" });
    let source = KeySource {
        flag: "--jwks",
        path: support::file(p_521.to_string()),
        form: Form::Jwks,
    };
    let line = source.read_foreign(&[]).err().expect("it is refused");
    assert!(line.to_string().contains("is not supported"), "{line}");
}

#[test]
fn rfc_8037_a_4_holds() {
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG\
                 1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert!(holds(&jwk, token, &[]));
    assert!(holds(&jwk, token, &[Algorithm::EdDSA]));
    assert!(!holds(&jwk, &token.replacen("hgy", "hgz", 1), &[]));
}
