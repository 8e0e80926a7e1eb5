//! `inspect` as somebody in a workshop runs it: the real binary, its two outputs, its exit codes.

mod support;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use server_jwt::keys::file::{Form, KeySource};
use server_jwt::keys::keygen::{Alg, make};
use support::{path, refused, run, text};

/// A new key in a file, and a token signed with it.
fn signed(alg: Alg, claims: &Value) -> (PathBuf, String) {
    let made = make(alg, "k1").expect("a key is made");
    let source = KeySource {
        flag: "--keys",
        path: support::file(made.private.to_string()),
        form: Form::Jwks,
    };
    let ring = source.read().expect("it is fine");
    let token = ring
        .signer()
        .expect("it can sign")
        .issue(claims)
        .expect("it is signed");
    let public = made.public.unwrap_or(made.private);
    (support::file(public.to_string()), token)
}

fn mia() -> Value {
    json!({ "sub": "mia", "name": "Mia", "iat": 1_600_000_000_u64, "exp": 1_600_000_900_u64 })
}

#[test]
fn a_token_is_taken_apart_in_words() {
    let (keys, token) = signed(Alg::EdDsa, &mia());
    let output = run(&["inspect", "--jwks", path(&keys), &token], b"");
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    let at = |part: &str| {
        shown
            .find(part)
            .unwrap_or_else(|| panic!("{part:?} in {shown}"))
    };
    assert!(at("1  HEADER") < at("\"alg\": \"EdDSA\""));
    assert!(at("\"alg\": \"EdDSA\"") < at("2  PAYLOAD"));
    assert!(at("2  PAYLOAD") < at("\"sub\": \"mia\""));
    assert!(at("\"sub\": \"mia\"") < at("issued     2020-09-13T12:26:40Z, "));
    assert!(at("issued") < at("expires    2020-09-13T12:41:40Z, "));
    assert!(at("expires") < at("3  SIGNATURE: over part 1, a dot and part 2 (64 bytes)"));
    assert!(
        at("3  SIGNATURE") < at("The signature HOLDS: it was made with the key \"k1\" (EdDSA)")
    );
    assert!(
        shown.lines().all(|line| line.chars().count() <= 90),
        "{shown}"
    );

    let (_, signature) = token.rsplit_once('.').expect("three parts");
    at(signature);
}

#[test]
fn the_token_may_come_on_standard_input_as_it_is_pasted() {
    let (keys, token) = signed(Alg::Hs256, &mia());
    for pasted in [
        format!("{token}\n"),
        format!("  {token}\r\n"),
        format!("Bearer {token}"),
    ] {
        let output = run(&["inspect", "--jwks", path(&keys)], pasted.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{pasted:?}");
        assert!(text(&output.stdout).contains("HOLDS"));
    }
}

#[test]
fn without_a_key_it_shows_and_does_not_judge() {
    let (_, token) = signed(Alg::Hs256, &mia());
    let output = run(&["inspect", &token], b"");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("Only the key can say: add --jwks FILE"));
}

#[test]
fn a_changed_token_is_shown_and_does_not_hold() {
    let (keys, token) = signed(Alg::Es256, &mia());
    let parts: Vec<_> = token.split('.').collect();
    let edited = URL_SAFE_NO_PAD.encode(mia().to_string().replace("mia", "ada"));
    let forged = format!("{}.{edited}.{}", parts[0], parts[2]);
    let output = run(&["inspect", "--jwks", path(&keys), &forged], b"");
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.contains("\"sub\": \"ada\""), "{shown}");
    assert!(shown.contains("DOES NOT HOLD (bad-signature):"), "{shown}");

    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let forged = format!("{none}.{edited}.");
    let output = run(&["inspect", "--jwks", path(&keys), &forged], b"");
    assert!(text(&output.stdout).contains("DOES NOT HOLD (wrong-algorithm):"));
}

#[test]
fn what_is_no_token_is_said_to_be_none() {
    for (input, parts) in [("", 1), ("hello", 1), ("a.b", 2), ("a.b.c.d.e", 5)] {
        let output = run(&["inspect"], input.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{input:?}");
        let shown = text(&output.stdout);
        assert!(shown.contains(&format!("and this has {parts}.")), "{shown}");
    }
}

#[test]
fn a_terminal_gets_no_control_characters_from_a_token() {
    let payload = URL_SAFE_NO_PAD.encode(b"\x1b[2Jgone\x07\r");
    let name = json!({ "name": "\u{1b}[2J" });
    for payload in [payload, URL_SAFE_NO_PAD.encode(name.to_string())] {
        let output = run(&["inspect", &format!("e30.{payload}.\u{9b}x")], b"");
        let shown = text(&output.stdout);
        assert!(
            shown
                .chars()
                .all(|letter| letter == '\n' || !letter.is_control()),
            "{shown:?}"
        );
    }
}

#[test]
fn verify_only_prints_one_verdict_a_line() {
    let (keys, token) = signed(Alg::Es256, &json!("not even claims"));
    let (_, foreign) = signed(Alg::Es256, &mia());
    let parts: Vec<_> = token.split('.').collect();
    let lines = [
        (token.clone(), "accept"),
        (support::rewritten(&token), "accept"),
        (String::new(), "reject malformed-token"),
        ("a.b".to_owned(), "reject malformed-token"),
        (format!("{token} "), "reject malformed-token"),
        (format!("{token}\r"), "reject malformed-token"),
        (foreign, "reject bad-signature"),
        (
            format!("{}.{}.", parts[0], parts[1]),
            "reject bad-signature",
        ),
        (
            format!("e30.{}.{}", parts[1], parts[2]),
            "reject bad-header",
        ),
        ("\u{e9}.\u{e9}.\u{e9}".to_owned(), "reject malformed-token"),
        (token.clone(), "accept"),
    ];
    let input: Vec<_> = lines.iter().map(|(token, _)| token.as_str()).collect();
    let expected: Vec<_> = lines.iter().map(|(_, verdict)| *verdict).collect();
    let arguments = ["inspect", "--verify-only", "--jwks", path(&keys)];
    // With and without an end of the last line; and bytes that are no text.
    let mut bytes = [input.join("\n").as_bytes(), b"\n\xff\xfe.a.b\n"].concat();
    let output = run(&arguments, &bytes);
    let printed: Vec<_> = text(&output.stdout).lines().collect();
    assert_eq!(
        printed,
        [&expected[..], &["reject malformed-token"]].concat()
    );
    assert_eq!(output.status.code(), Some(0), "whatever the verdicts");
    bytes.truncate(input.join("\n").len());
    assert_eq!(
        text(&run(&arguments, &bytes).stdout).lines().count(),
        expected.len()
    );
    assert_eq!(text(&run(&arguments, b"").stdout), "");
}

#[test]
fn verify_only_keeps_to_the_algorithms_it_is_told() {
    let (keys, token) = signed(Alg::Rs256, &mia());
    let verdict = |extra: &[&str]| {
        let arguments = [&["inspect", "--verify-only", "--jwks", path(&keys)], extra].concat();
        text(&run(&arguments, token.as_bytes()).stdout)
            .trim()
            .to_owned()
    };
    assert_eq!(verdict(&[]), "accept");
    assert_eq!(verdict(&["--alg", "RS256"]), "accept");
    assert_eq!(verdict(&["--alg", "ES256", "--alg", "RS256"]), "accept");
    assert_eq!(verdict(&["--alg", "PS256"]), "reject wrong-algorithm");
}

#[test]
fn a_refused_key_file_is_exit_2_with_one_line() {
    let weak = json!({ "kty": "oct", "kid": "k1", "k": "AAAA" });
    let usage = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 32]), "use": "enc" });
    let twice = json!({ "keys": [
        { "kty": "oct", "kid": "k1", "k": URL_SAFE_NO_PAD.encode([7; 32]) },
        { "kty": "oct", "kid": "k1", "k": URL_SAFE_NO_PAD.encode([8; 32]) },
    ] });
    for (content, fragment) in [
        ("{".to_owned(), "not a JWK"),
        (weak.to_string(), "the secret has 3 bytes, HS256 needs 32"),
        (usage.to_string(), "not for checking signatures"),
        (twice.to_string(), "two keys have this name"),
    ] {
        let file = support::file(content);
        for mode in [&["--verify-only"][..], &[]] {
            let arguments = [&["inspect", "--jwks", path(&file)], mode].concat();
            let output = run(&arguments, b"a.b.c\n");
            let (code, line) = refused(&output);
            assert_eq!(code, Some(2));
            assert!(
                line.starts_with("inspect: --jwks /") && line.contains(fragment),
                "{line}"
            );
            assert!(output.stdout.is_empty());
        }
    }
    let (code, line) = (run(&["inspect", "--verify-only"], b""), "needs a key");
    assert!(refused(&code).1.contains(line));
    assert_eq!(code.status.code(), Some(2));
    let unknown = run(&["inspect", "--alg", "none", "a.b.c"], b"");
    assert_eq!(unknown.status.code(), Some(2));
}
