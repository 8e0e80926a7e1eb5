//! Rules for the form of a token.

use super::*;

fn token() -> String {
    forged(&header().to_string(), &claims().to_string())
}

#[test]
fn a_token_has_three_parts() {
    let token = token();
    let (two, signature) = token.rsplit_once('.').expect("it has three parts");
    let (header, payload) = two.split_once('.').expect("it has three parts");
    for broken in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        two.to_owned(),
        signature.to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{header}.{payload}.{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}..{payload}.{signature}"),
    ] {
        assert_eq!(
            check_at(&broken, 0, NOW_MS),
            Err(Reason::MalformedToken),
            "{broken}"
        );
    }
    for empty in [
        format!("{header}..{signature}"),
        format!("{header}.{payload}."),
    ] {
        assert_eq!(
            check_at(&empty, 0, NOW_MS),
            Err(Reason::BadSignature),
            "{empty}"
        );
    }
}

#[test]
fn the_other_serialisation_is_refused() {
    let token = token();
    let parts: Vec<_> = token.split('.').collect();
    let flat = json!({
        "protected": parts[0], "payload": parts[1], "signature": parts[2],
    });
    let read = check_at(&flat.to_string(), 0, NOW_MS);
    assert_eq!(read, Err(Reason::MalformedToken));
}

#[test]
fn base64url_has_one_form() {
    let token = token();
    for broken in [
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        token.replacen('.', " .", 1),
        token.replacen('.', "=.", 1),
        token.replacen('.', "+.", 1),
        token.replacen('.', "/.", 1),
        format!("{token}é"),
    ] {
        assert_eq!(
            check_at(&broken, 0, NOW_MS),
            Err(Reason::MalformedToken),
            "{broken}"
        );
    }
}

#[test]
fn bits_left_over_are_refused() {
    // 32 octets fill 42 characters and four bits of the last: its other two must be zero.
    let token = token();
    let (head, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).expect("it is in the alphabet");
    for spare in 1..4 {
        let other = &alphabet[value + spare..=value + spare];
        let read = check_at(&format!("{head}{other}"), 0, NOW_MS);
        assert_eq!(read, Err(Reason::MalformedToken));
    }
}

#[test]
fn one_character_changed_is_refused() {
    let token = token();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(bytes).expect("still text");
        assert!(check_at(&changed, 0, NOW_MS).is_err(), "character {at}");
    }
}

/// OWASP ASVS 9.1.1: nobody is told what is wrong with claims that nobody signed.
#[test]
fn the_signature_is_judged_before_what_it_signs() {
    let expired = with(claims(), "exp", json!(NOW_S - 5));
    for payload in [
        expired.to_string(),
        with(claims(), "aud", json!("other")).to_string(),
        "no claims at all".to_owned(),
    ] {
        let signed = forged(&header().to_string(), &payload);
        let (message, _) = signed.rsplit_once('.').expect("it has three parts");
        let unsigned = format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 32]));
        assert_eq!(
            check_at(&unsigned, 0, NOW_MS),
            Err(Reason::BadSignature),
            "{payload}"
        );
        let read = check_at(&signed, 0, NOW_MS);
        assert!(
            !matches!(read, Ok(()) | Err(Reason::BadSignature)),
            "{payload}: {read:?}"
        );
    }
}
