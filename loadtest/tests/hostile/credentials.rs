//! Credentials that are none, are two, are too long, or come in another way than they should.

use super::case::Right::{Refused, Served};
use super::case::{Case, Known, Server, case, get, raw, request};
use super::wire::Answer;

/// Bytes of a credential, below and above the 8 KiB of a whole header.
const SIZES: [usize; 7] = [1_000, 4_000, 7_900, 8_300, 15_000, 16_500, 64_000];

pub(crate) fn cases(known: &Known) -> Vec<Case> {
    let none = Refused(401, "no-credential");
    let twice = Refused(400, "malformed-credential");
    let (one, other) = ("authorization: Bearer a.b.c", "authorization: Bearer x.y.z");
    let mut cases = vec![
        case(1, "no credential", get("/me", &[]), none).and(no_error_code),
        case(10, "two Authorization", get("/me", &[one, other]), twice),
        case(10, "the same twice", get("/me", &[one, one]), twice),
    ];
    cases.extend(match known.server {
        Server::Session => cookies(known),
        Server::Jwt => bearer(known),
    });
    cases
}

fn cookies(known: &Known) -> Vec<Case> {
    let name = Known::COOKIE;
    let id = &known.credential;
    let none = Refused(401, "no-credential");
    let unknown = Refused(401, "unknown-session");
    let twice = Refused(400, "malformed-credential");
    let large = Refused(431, "header-too-large");
    let me = |cookie: &str| get("/me", &[&format!("cookie: {cookie}")]);
    let pair = |value: &str| me(&format!("{name}={value}"));
    let invented = "AAAAAAAAAAAAAAAAAAAAAA";
    let (ours, theirs) = (format!("{name}={id}"), format!("{name}={invented}"));
    let two_lines = |first: &str, second: &str| {
        let lines = [format!("cookie: {first}"), format!("cookie: {second}")];
        get("/me", &[&lines[0], &lines[1]])
    };
    let bytes = raw(&[
        b"GET /me HTTP/1.1\r\nhost: lab\r\nconnection: close\r\ncookie: ",
        name.as_bytes(),
        b"=\xff\xfe\r\n\r\n",
    ]);
    let mut cases = vec![
        case(2, "without =", me(name), none),
        case(2, "empty", pair(""), unknown),
        case(2, "21 characters", pair(&invented[1..]), unknown),
        case(2, "23 characters", pair(&format!("{invented}A")), unknown),
        case(2, "no base64url", pair("AAAAAAAAAA+/AAAAAAAAAA"), unknown),
        case(2, "quoted", pair(&format!("\"{id}\"")), unknown),
        case(3, "an unknown id", pair(invented), unknown).and(no_removal),
        case(
            4,
            "two in one line",
            me(&format!("{ours}; {theirs}")),
            twice,
        ),
        case(
            4,
            "the other first",
            me(&format!("{theirs}; {ours}")),
            twice,
        ),
        case(4, "two lines", two_lines(&ours, &theirs), twice),
        case(4, "the other line first", two_lines(&theirs, &ours), twice),
        case(5, "bytes that are no UTF-8", bytes, unknown),
    ];
    for size in SIZES {
        let right = if size < 8_192 { unknown } else { large };
        let what = format!("a cookie of {size} bytes");
        cases.push(case(7, what, pair(&"x".repeat(size)), right));
    }
    cases
}

#[expect(clippy::too_many_lines, reason = "one table of tokens")]
fn bearer(known: &Known) -> Vec<Case> {
    let token = &known.credential;
    let none = Refused(401, "no-credential");
    let malformed = Refused(400, "malformed-credential");
    let no_token = Refused(401, "malformed-token");
    let large = Refused(431, "header-too-large");
    let me = |value: &str| get("/me", &[&format!("authorization: {value}")]);
    let shown = |token: &str| me(&format!("Bearer {token}"));
    let parts: Vec<_> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let json =
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#);
    let in_query = format!("/me?access_token={token}");
    let in_body = request(
        "POST /logout",
        &[
            &known.field(),
            "content-type: application/x-www-form-urlencoded",
        ],
        format!("access_token={token}").as_bytes(),
    );
    let mut cases = vec![
        case(11, "Basic", me("Basic bWlhOng="), none).and(no_error_code),
        case(11, "an empty field", me(""), none).and(no_error_code),
        case(11, "a scheme and no token", me("Bearer"), malformed).and(invalid_request),
        case(11, "two words", me("Bearer a b"), malformed).and(invalid_request),
        case(11, "a list", me("Bearer a, Bearer b"), malformed).and(invalid_request),
        case(12, "lower case", me(&format!("bearer {token}")), Served),
        case(12, "two spaces", shown(&format!(" {token}")), no_token).and(invalid_token),
        case(13, "in the query alone", get(&in_query, &[]), none),
        case(
            13,
            "in the query too",
            get(&in_query, &[&known.field()]),
            malformed,
        ),
        case(13, "in the body too", in_body, malformed),
        case(
            14,
            "no base64url",
            shown(&format!("{header}.{payload}.+/+/")),
            no_token,
        ),
        case(
            14,
            "two parts",
            shown(&format!("{header}.{payload}")),
            no_token,
        ),
        case(
            14,
            "four parts",
            shown(&format!("{token}.{signature}")),
            no_token,
        ),
        case(
            14,
            "no header",
            shown(&format!(".{payload}.{signature}")),
            no_token,
        ),
        case(14, "nothing but dots", shown(".."), no_token).and(invalid_token),
        case(14, "the JSON serialisation", shown(&json), no_token),
        case(14, "five parts, as a JWE has", shown(JWE), no_token),
    ];
    let unsigned = [
        ("no payload", format!("{header}..{signature}")),
        ("no signature", format!("{header}.{payload}.")),
    ];
    for (what, token) in unsigned {
        cases.push(case(14, what, shown(&token), Refused(401, "bad-signature")));
    }
    for size in SIZES {
        let right = if size < 8_192 { no_token } else { large };
        let what = format!("a token of {size} bytes");
        cases.push(case(7, what, shown(&"x".repeat(size)), right));
    }
    cases
}

/// `{"alg":"RSA-OAEP","enc":"A128GCM"}` and four more parts.
const JWE: &str = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.AAAA.AAAA.AAAA.AAAA";

/// RFC 6750, section 3.1: who shows nothing is told no error.
fn no_error_code(answers: &[Answer]) -> Option<String> {
    let challenge = answers.first()?.field("www-authenticate")?;
    challenge
        .contains("error")
        .then(|| format!("an error code for nobody: {challenge}"))
}

fn invalid_request(answers: &[Answer]) -> Option<String> {
    error(answers, "invalid_request")
}

fn invalid_token(answers: &[Answer]) -> Option<String> {
    error(answers, "invalid_token")
}

fn error(answers: &[Answer], code: &str) -> Option<String> {
    let answer = answers.first()?;
    let challenge = answer.field("www-authenticate").unwrap_or_default();
    let said = challenge == format!("Bearer error=\"{code}\"") && answer.json()["error"] == code;
    (!said).then(|| format!("{code} is not said: {challenge}"))
}

fn no_removal(answers: &[Answer]) -> Option<String> {
    let set = answers.first()?.field("set-cookie")?;
    Some(format!("the cookie is touched: {set}"))
}
