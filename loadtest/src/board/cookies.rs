//! The credentials in a browser's request, found by name and never decoded, and how a cookie is
//! shown to people.

use app::Credential;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cluster::STICKY_COOKIE_PREFIX;
use sha2::{Digest as _, Sha256};

use super::stage::Pool;

/// How the servers show a session to people: the first four characters of its id's SHA-256,
/// which nobody can send as a cookie. So the cookie you hold and the record in a server's memory
/// bear the same four characters.
pub(super) fn fingerprint(credential: &Credential) -> String {
    let text = credential.reveal();
    let id = URL_SAFE_NO_PAD
        .decode(text)
        .unwrap_or_else(|_| text.as_bytes().to_vec());
    URL_SAFE_NO_PAD.encode(&Sha256::digest(id)[..3])
}

/// The same with its first character changed. The first, because the last ones of base64 can
/// hold bits that mean nothing.
pub(super) fn altered(credential: &Credential) -> Credential {
    let text = credential.reveal();
    let mut rest = text.chars();
    let first = if rest.next() == Some('A') { 'B' } else { 'A' };
    Credential::new(format!("{first}{}", rest.as_str()))
}

/// The token in a request's `Authorization`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Credential> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value
        .strip_prefix("Bearer ")
        .map(|token| Credential::new(token.to_owned()))
}

/// The name of a seat's address at the balancer, which names its cookie.
pub(super) fn arm_name(pool: Pool, sticky: bool, seat: usize) -> String {
    let way = if sticky { "sticky" } else { "turns" };
    format!("board-{pool}-{way}-{seat}")
}

/// Whether the balancer set this cookie, to send a visitor of `pool` to the same instance again,
/// whichever seat the visitor had. A stack's balancer has no seats.
pub(super) fn is_the_balancers(name: &str, pool: Pool) -> bool {
    let arm = name.strip_prefix(STICKY_COOKIE_PREFIX);
    let own = format!("board-{pool}-sticky-");
    let stack = format!("{pool}-sticky");
    arm.is_some_and(|arm| arm.starts_with(&own) || arm == stack)
}

/// The value of the cookie of that name, undecoded, as it must go on.
pub(super) fn cookie_in<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    cookies_in(headers).find_map(|(cookie, value)| (cookie == name).then_some(value))
}

/// All cookies by name, their values undecoded.
pub(super) fn cookies_in(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_shown_as_its_server_shows_it() {
        // SHA-256 of sixteen zero bytes begins 37 47 08.
        let cookie = Credential::new("A".repeat(22));
        assert_eq!(fingerprint(&cookie), "N0cI");
        assert_eq!(
            fingerprint(&Credential::new("no base64url!".to_owned())).len(),
            4
        );
    }

    #[test]
    fn an_altered_credential_differs_in_one_character() {
        let altered = |text: &str| altered(&Credential::new(text.to_owned())).into_revealed();
        assert_eq!(altered("xyz"), "Ayz");
        assert_eq!(altered("Ayz"), "Byz");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("xsid=1; sid=a=b; sid2=3"));
        headers.append(COOKIE, HeaderValue::from_static("late=4"));
        assert_eq!(cookie_in(&headers, "sid"), Some("a=b"));
        assert_eq!(cookie_in(&headers, "late"), Some("4"));
        assert_eq!(cookie_in(&headers, "si"), None);
    }
}
