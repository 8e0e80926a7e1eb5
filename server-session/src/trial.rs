//! What must hold of any bytes that come as cookies: nothing panics, and this server never reads
//! another cookie than tower-sessions does. Asked by the fuzzer in `fuzz/` and by the loop in
//! `tests/mutations.rs`; no server runs it. server-jwt's file of this name does so with tokens.

use cookie::Cookie;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::carry::{Sent, sent};

/// The cookie's name here.
pub const NAME: &str = "sid-session-redis";

/// Reads `bytes` as the lines of a `Cookie` header, and holds the verdict against what the cookie
/// crate under tower-sessions finds in the same lines.
///
/// # Panics
/// When they disagree: a cookie that is sent twice and taken for one is somebody else's login.
pub fn cookies(bytes: &[u8]) -> Sent {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(COOKIE, value);
        }
    }
    let ours = sent(&headers, NAME);
    let theirs = as_tower_sessions_reads(&headers);
    let agree = match (ours, &theirs[..]) {
        (Sent::Nothing | Sent::Malformed, []) | (Sent::Malformed, [_]) | (Sent::Twice, _) => true,
        // A line that is no text is nothing to tower-sessions.
        (Sent::One, []) => headers
            .get_all(COOKIE)
            .iter()
            .any(|line| std::str::from_utf8(line.as_bytes()).is_err()),
        (Sent::One, [value]) => value.len() == 22 && !value.contains(char::is_whitespace),
        _ => false,
    };
    assert!(agree, "{ours:?}, and the cookie crate finds {theirs:?}");
    ours
}

/// The values of our cookie as tower-cookies takes them out of a header.
fn as_tower_sessions_reads(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(COOKIE).iter();
    let lines = lines.filter_map(|line| std::str::from_utf8(line.as_bytes()).ok());
    let cookies = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| Cookie::parse_encoded(pair.to_owned()).ok());
    cookies
        .filter(|cookie| cookie.name() == NAME)
        .map(|cookie| cookie.value().to_owned())
        .collect()
}

/// Where mutations begin: what browsers send, and what they do not. The fuzzer's first corpus holds
/// the same.
pub const SEEDS: [&[u8]; 8] = [
    b"sid-session-redis=AAECAwQFBgcICQoLDA0ODw",
    b"theme=dark; sid-session-redis=AAECAwQFBgcICQoLDA0ODw; lang=en",
    b"sid-session-redis=AAECAwQFBgcICQoLDA0ODw\nsid-session-redis=other",
    b"%73id-session-redis=AAECAwQFBgcICQoLDA0ODw",
    b"sid-session-redis=%41AECAwQFBgcICQoLDA0ODw",
    b"sid-session-redis=\"AAECAwQFBgcICQoLDA0ODw\"",
    b"\xc2\xa0sid-session-redis\xe3\x80\x80=AAECAwQFBgcICQoLDA0ODw",
    b"sid-session-redis; =; ;;sid-session-redis=\xff\xfe",
];
