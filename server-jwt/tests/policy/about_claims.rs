//! Rules for claims.

use super::*;

/// Values that are no text.
fn no_texts() -> [Value; 6] {
    [
        json!(123),
        json!(null),
        json!(true),
        json!(["us"]),
        json!([]),
        json!({ "a": "us" }),
    ]
}

#[test]
fn every_claim_must_be_there() {
    for claim in [
        "iss",
        "aud",
        "sub",
        "name",
        "role",
        "exp",
        "iat",
        "iat_ms",
        "jti",
        "since_ms",
        "login_instance",
    ] {
        let read = check_claims(&without(claims(), claim));
        assert_eq!(read, Err(Reason::BadClaims), "{claim}");
    }
}

#[test]
fn issuer_audience_and_subject_are_one_text_each() {
    for claim in ["iss", "aud", "sub", "jti", "name"] {
        for value in no_texts() {
            let read = check_claims(&with(claims(), claim, value.clone()));
            assert_eq!(read, Err(Reason::BadClaims), "{claim}: {value}");
        }
    }
    // The lists that jsonwebtoken lets pass.
    for value in [
        json!(["our-app", 5]),
        json!(["other", 5]),
        json!(["our-app"]),
    ] {
        assert_eq!(
            check_claims(&with(claims(), "aud", value)),
            Err(Reason::BadClaims)
        );
    }
    let value = json!(["evil", "us"]);
    assert_eq!(
        check_claims(&with(claims(), "iss", value)),
        Err(Reason::BadClaims)
    );
}

#[test]
fn issuer_and_audience_are_ours() {
    for claim in ["iss", "aud"] {
        for value in ["", "other", "US", "us ", "our-app/"] {
            let read = check_claims(&with(claims(), claim, json!(value)));
            assert_eq!(read, Err(Reason::BadClaims), "{claim}: {value}");
        }
    }
}

#[test]
fn subject_and_name_of_the_token_are_not_empty() {
    for claim in ["sub", "jti"] {
        let read = check_claims(&with(claims(), claim, json!("")));
        assert_eq!(read, Err(Reason::BadClaims), "{claim}");
    }
}

#[test]
fn times_are_whole_seconds() {
    for claim in ["exp", "iat", "nbf"] {
        for value in [
            json!("1800000010"),
            json!(null),
            json!(-1),
            json!(1.8e9),
            json!(1e30),
            json!([]),
            json!(true),
        ] {
            let read = check_claims(&with(claims(), claim, value.clone()));
            assert_eq!(read, Err(Reason::BadClaims), "{claim}: {value}");
        }
    }
}

#[test]
fn at_exp_it_is_expired() {
    let claims = with(claims(), "exp", json!(NOW_S));
    let token = forged(&header().to_string(), &claims.to_string());
    assert_eq!(check_at(&token, 0, NOW_MS - 1), Ok(()));
    assert_eq!(check_at(&token, 0, NOW_MS), Err(Reason::Expired));
    assert_eq!(check_at(&token, 500, NOW_MS + 499), Ok(()));
    assert_eq!(check_at(&token, 500, NOW_MS + 500), Err(Reason::Expired));
}

#[test]
fn before_iat_and_nbf_it_is_not_valid_yet() {
    for claim in ["iat", "nbf"] {
        let claims = with(claims(), claim, json!(NOW_S));
        let token = forged(&header().to_string(), &claims.to_string());
        assert_eq!(check_at(&token, 0, NOW_MS), Ok(()), "{claim}");
        assert_eq!(
            check_at(&token, 0, NOW_MS - 1),
            Err(Reason::NotYetValid),
            "{claim}"
        );
        assert_eq!(check_at(&token, 500, NOW_MS - 500), Ok(()), "{claim}");
        assert_eq!(
            check_at(&token, 500, NOW_MS - 501),
            Err(Reason::NotYetValid),
            "{claim}"
        );
    }
}

#[test]
fn a_life_longer_than_ours_is_refused() {
    let issued = NOW_S - 10;
    for (exp, expected) in [
        (issued + 900, Ok(())),
        (issued + 901, Err(Reason::BadClaims)),
        (u64::MAX, Err(Reason::BadClaims)),
        (issued - 1, Err(Reason::BadClaims)),
    ] {
        assert_eq!(
            check_claims(&with(claims(), "exp", json!(exp))),
            expected,
            "{exp}"
        );
    }
    let endless = with(
        with(claims(), "exp", json!(u64::MAX)),
        "iat",
        json!(u64::MAX),
    );
    assert_eq!(check_claims(&endless), Err(Reason::NotYetValid));
}

#[test]
fn a_role_is_one_of_ours() {
    for role in [
        json!("root"),
        json!("Admin"),
        json!(""),
        json!(1),
        json!(["admin"]),
    ] {
        let read = check_claims(&with(claims(), "role", role));
        assert_eq!(read, Err(Reason::BadClaims));
    }
}

#[test]
fn a_claim_twice_is_refused() {
    for claim in ["role", "exp", "sub"] {
        let value = &claims()[claim];
        let text = claims().to_string();
        let twice = format!("{},\"{claim}\":{value}}}", &text[..text.len() - 1]);
        let token = forged(&header().to_string(), &twice);
        assert_eq!(
            check_at(&token, 0, NOW_MS),
            Err(Reason::BadClaims),
            "{claim}"
        );
    }
}

#[test]
fn a_payload_is_one_object_in_json() {
    for payload in ["[]", "null", "\"mia\"", "7"] {
        let token = forged(&header().to_string(), payload);
        assert_eq!(
            check_at(&token, 0, NOW_MS),
            Err(Reason::BadClaims),
            "{payload}"
        );
    }
    let good = claims().to_string();
    for payload in [
        String::new(),
        "{".to_owned(),
        format!("{good} x"),
        format!("\u{feff}{good}"),
        format!("{{\"x\":{}{}}}", "[".repeat(200), "]".repeat(199)),
        good.replace("Mia", "\\ud800"),
    ] {
        let token = forged(&header().to_string(), &payload);
        let read = check_at(&token, 0, NOW_MS);
        assert!(
            matches!(read, Err(Reason::MalformedToken | Reason::BadClaims)),
            "{payload}: {read:?}"
        );
    }
}
