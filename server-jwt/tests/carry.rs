//! What a request must look like to carry a token, in the header or in the cookie, and what is
//! answered when it does not (RFC 6750, section 3.1; RFC 9110, section 11.6.1).

mod support;

use app::conformance::{Answer, Pair, Visitor};
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method};
use serde_json::json;
use server_jwt::keys::keygen::Alg;
use support::{pair, pair_of};

/// Asks `/me`, or another path, with these header fields and nothing else.
async fn ask(pair: &Pair, path: &str, fields: &[(HeaderName, &str)]) -> Answer {
    let mut request = Visitor::default().request(Method::GET, path, None);
    for (name, value) in fields {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("it can stand in a header");
        request.headers_mut().append(name, value);
    }
    pair.a.send(request).await
}

async fn bearer(pair: &Pair, value: &str) -> (u16, String, String) {
    judged(&ask(pair, "/me", &[(AUTHORIZATION, value)]).await)
}

/// Status, reason and challenge.
fn judged(answer: &Answer) -> (u16, String, String) {
    let challenge = answer
        .headers
        .get(WWW_AUTHENTICATE)
        .map(|value| value.to_str().ok());
    (
        answer.status.as_u16(),
        answer.reason().to_owned(),
        challenge.flatten().unwrap_or_default().to_owned(),
    )
}

fn expected(status: u16, reason: &str, challenge: &str) -> (u16, String, String) {
    (status, reason.to_owned(), challenge.to_owned())
}

async fn logged_in() -> (Pair, String) {
    let pair = pair(Alg::Hs256, &[]).await;
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    let token = mia.token.expect("a token is handed out");
    (pair, token)
}

const INVALID: &str = "Bearer error=\"invalid_token\"";
const REQUEST: &str = "Bearer error=\"invalid_request\"";

#[tokio::test]
async fn no_credential_gets_a_challenge_without_a_code() {
    let (pair, token) = logged_in().await;
    let none = expected(401, "no-credential", "Bearer");
    assert_eq!(judged(&ask(&pair, "/me", &[]).await), none);
    for value in [
        "",
        "Basic bWlhOmhvcHBlcg==",
        "Digest username=\"mia\"",
        &token,
        "Bearerx y",
    ] {
        assert_eq!(bearer(&pair, value).await, none, "{value}");
    }
    // Nor is a token anywhere else than in the header.
    let query = format!("/me?access_token={token}");
    assert_eq!(judged(&ask(&pair, &query, &[]).await), none);
    let cookie = format!("sid-jwt={token}");
    assert_eq!(judged(&ask(&pair, "/me", &[(COOKIE, &cookie)]).await), none);
}

#[tokio::test]
async fn the_scheme_has_no_case() {
    let (pair, token) = logged_in().await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER"] {
        assert_eq!(
            bearer(&pair, &format!("{scheme} {token}")).await.0,
            200,
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn a_malformed_header_is_a_bad_request() {
    let (pair, token) = logged_in().await;
    let bad = expected(400, "malformed-credential", REQUEST);
    for value in [
        "Bearer",
        "bearer",
        "Bearer a b",
        &format!("Bearer {token} {token}"),
        &format!("Bearer {token}, Bearer {token}"),
    ] {
        assert_eq!(bearer(&pair, value).await, bad, "{value}");
    }
    let good = format!("Bearer {token}");
    let query = format!("/me?x=1&access_token={token}");
    assert_eq!(
        judged(&ask(&pair, &query, &[(AUTHORIZATION, &good)]).await),
        bad
    );
    assert_eq!(
        ask(&pair, "/me?x=1", &[(AUTHORIZATION, &good)])
            .await
            .status,
        200
    );
    let twice = ask(
        &pair,
        "/me",
        &[(AUTHORIZATION, &good), (AUTHORIZATION, &good)],
    )
    .await;
    assert_eq!(
        (twice.status.as_u16(), twice.reason()),
        (400, "malformed-credential")
    );
}

#[tokio::test]
async fn what_is_no_token_is_an_invalid_token() {
    let (pair, token) = logged_in().await;
    let malformed = expected(401, "malformed-token", INVALID);
    let parts: Vec<_> = token.split('.').collect();
    let json = json!({ "payload": parts[1], "protected": parts[0], "signature": parts[2] });
    for value in [
        format!("Bearer  {token}"),
        "Bearer x".to_owned(),
        "Bearer ..".to_owned(),
        format!("Bearer {}.{}", parts[0], parts[1]),
        format!("Bearer {token}.{token}"),
        format!("Bearer {token}.a.b"),
        format!("Bearer {token}="),
        format!("Bearer {token}!"),
        format!("Bearer {token}é"),
        format!("Bearer {json}"),
    ] {
        assert_eq!(bearer(&pair, &value).await, malformed, "{value}");
    }
    let unsigned = format!("Bearer {}.{}.", parts[0], parts[1]);
    assert_eq!(
        bearer(&pair, &unsigned).await,
        expected(401, "bad-signature", INVALID)
    );
}

#[tokio::test]
async fn a_token_signed_elsewhere_is_told_from_a_changed_one() {
    let secrets = ["a".repeat(32), "b".repeat(32)].map(support::file);
    let flag = |n: usize| ["--secret-file", secrets[n].to_str().expect("text")];
    let pair = pair_of(&[], &flag(0), &flag(1)).await;
    let mut mia = Visitor::default();
    mia.log_in(&pair.a, "mia").await;
    assert_eq!(mia.get(&pair.a, "/me").await.status, 200);
    let refused = mia.get(&pair.b, "/me").await;
    assert_eq!(judged(&refused), expected(401, "bad-signature", INVALID));
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_from_other_sites() {
    let pair = pair(Alg::Hs256, &["--carry", "cookie"]).await;
    let mut mia = Visitor::default();
    let login = mia.log_in(&pair.a, "mia").await;
    assert_eq!(
        login.json.get("access_token"),
        None,
        "the page does not get it"
    );
    let cookie = login.headers[SET_COOKIE].to_str().expect("text");
    let (pair_of_it, attributes) = cookie.split_once("; ").expect("it has attributes");
    assert!(pair_of_it.starts_with("sid-jwt=ey"), "{cookie}");
    let mut attributes: Vec<_> = attributes.split("; ").collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax"]);
    let value = pair_of_it.to_owned();
    let none = expected(401, "no-credential", "Cookie cookie-name=\"sid-jwt\"");
    assert_eq!(judged(&ask(&pair, "/me", &[]).await), none);
    for (cookies, status) in [
        (format!("a=b; {value}; c=d"), 200),
        (format!("a=b;{value}"), 200),
        (format!("{value}; {value}"), 400),
        (format!("xsid-jwt=1; {value}"), 200),
        ("sid-jwt".to_owned(), 401),
        ("sid-jwt=".to_owned(), 401),
        ("sid-jwt=\"x\"".to_owned(), 401),
        (format!("{value}é"), 401),
    ] {
        let answer = ask(&pair, "/me", &[(COOKIE, &cookies)]).await;
        assert_eq!(answer.status, status, "{cookies}");
    }
    // A log-out removes it; what it ends is another question.
    let out = mia.post(&pair.a, "/logout", json!({})).await;
    let removal = out.headers[SET_COOKIE].to_str().expect("text");
    assert!(
        removal.starts_with("sid-jwt=;") && removal.contains("Max-Age=0"),
        "{removal}"
    );
    assert!(mia.cookie.is_none());
}

#[tokio::test]
async fn an_instance_without_the_private_half_names_the_one_that_issues() {
    let made = server_jwt::keys::keygen::make(Alg::EdDsa, "k1").expect("a key is made");
    let private = support::file(made.private.to_string());
    let public = support::file(made.public.expect("it has one").to_string());
    let flag = |path: &std::path::Path| path.to_str().expect("text").to_owned();
    let (private, public) = (flag(&private), flag(&public));
    let verifies = ["--keys", &public, "--issuer-instance", "jwt-a"];
    let pair = pair_of(&[], &["--keys", &private], &verifies).await;
    let body = json!({ "username": "mia", "password": "hopper-1906" });
    let answer = Visitor::default().post(&pair.b, "/login", body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (421, "not-the-issuer")
    );
    assert!(
        answer.json["detail"]
            .as_str()
            .is_some_and(|text| text.contains("jwt-a"))
    );

    let keys = Visitor::default()
        .get(&pair.b, "/.well-known/jwks.json")
        .await;
    assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
    assert_eq!(keys.json["keys"][0]["kid"], "k1");
    assert_eq!(keys.json["keys"][0]["alg"], "EdDSA");
    assert_eq!(keys.json["keys"][0].get("d"), None);
    let same = Visitor::default()
        .get(&pair.a, "/.well-known/jwks.json")
        .await;
    assert_eq!(keys.json, same.json, "the issuer publishes no more");
}
