//! What of a header may pass: nothing that is meant for one hop alone, and nothing from outside
//! that only a balancer may say.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

use super::message::Refusal;

/// How many attempts this answer took.
pub(super) const ATTEMPTS: HeaderName = HeaderName::from_static("x-attempts");

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Makes a visitor's header the one that is forwarded, or says why it is not forwarded at all.
pub(super) fn make_request(
    request: &mut http::request::Parts,
    visitor: &HeaderValue,
) -> Result<(), Refusal> {
    let host = well_formed(request)?;
    let chunked = request.headers.contains_key(TRANSFER_ENCODING);
    strip(&mut request.headers, |name| {
        is_for_one_hop(name) || is_ours_to_say(name)
    });
    let headers = &mut request.headers;
    headers.insert(FORWARDED_FOR, visitor.clone());
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    headers.insert(FORWARDED_HOST, host);
    if chunked {
        // Said again by us: hyper would send a body of unknown length without any, in a GET.
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    request.version = Version::HTTP_11;
    Ok(())
}

/// Makes an instance's header the one that the visitor gets.
pub(super) fn make_answer(headers: &mut HeaderMap, attempts: u32) {
    strip(headers, is_for_one_hop);
    headers.insert(ATTEMPTS, HeaderValue::from(attempts));
}

/// Refuses what two parties could read in two ways (RFC 9112, sections 3.2 and 6.1): that is how
/// a second request is smuggled past a balancer. Answers the one `Host`.
///
/// The rest of the form (8 KiB of header, paths, credentials sent twice) is the instances'
/// business: they must check it anyway, and they say it in the same words on every path.
fn well_formed(request: &mut http::request::Parts) -> Result<HeaderValue, Refusal> {
    let headers = &request.headers;
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Refusal::Malformed("Send exactly one Host header."));
    };
    let host = host.clone();
    if let Some(coding) = headers.get(TRANSFER_ENCODING) {
        let more = headers.get_all(TRANSFER_ENCODING).iter().nth(1).is_some();
        if more || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::Malformed("Send no other coding than chunked."));
        }
        if headers.contains_key(CONTENT_LENGTH) {
            return Err(Refusal::Malformed(
                "Send Content-Length or Transfer-Encoding, not both.",
            ));
        }
    }
    if request.method == Method::CONNECT {
        return Err(Refusal::Malformed("This is no proxy to connect through."));
    }
    if let Some(authority) = request.uri.authority() {
        if !authority
            .as_str()
            .as_bytes()
            .eq_ignore_ascii_case(host.as_bytes())
        {
            return Err(Refusal::Malformed(
                "The request target names another host than Host does.",
            ));
        }
        let path = request.uri.path_and_query().cloned();
        request.uri = path.map_or_else(Default::default, Into::into);
    }
    Ok(host)
}

fn strip(headers: &mut HeaderMap, drop: impl Fn(&HeaderName) -> bool) {
    if let Some(named) = named_by_connection(headers) {
        for name in named {
            headers.remove(name);
        }
    }
    // Almost no header has anything to drop: look first, and change it only then.
    while let Some(name) = headers.keys().find(|name| drop(name)) {
        let name = name.clone();
        headers.remove(name);
    }
}

/// The fields that `Connection` names are for one hop too. The two that frame a request are not
/// its to name.
fn named_by_connection(headers: &HeaderMap) -> Option<Vec<HeaderName>> {
    headers.get(http::header::CONNECTION)?;
    let values = headers.get_all(http::header::CONNECTION).iter();
    let names = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH);
    Some(names.collect())
}

/// RFC 9110, section 7.6.1. `Expect` is here because hyper has met the expectation already.
fn is_for_one_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "expect"
    )
}

/// What instances may believe, because only the balancer says it.
fn is_ours_to_say(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(
        name,
        "forwarded" | "x-real-ip" | "x-served-by" | "x-attempts"
    ) || name.starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn made(request: http::request::Builder) -> Result<http::request::Parts, Refusal> {
        let mut parts = request.body(()).unwrap().into_parts().0;
        make_request(&mut parts, &HeaderValue::from_static("127.0.0.9"))?;
        Ok(parts)
    }

    /// Sorted: the order of fields of different names means nothing.
    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_the_balancer_says_who_the_visitor_is() {
        let parts = made(
            Request::get("/me?x=1")
                .header("host", "lab:1")
                .header("x-forwarded-for", "10.0.0.1")
                .header("x-forwarded-for", "10.0.0.2")
                .header("x-forwarded-host", "evil")
                .header("x-forwarded-prefix", "/x")
                .header("forwarded", "for=10.0.0.1")
                .header("x-real-ip", "10.0.0.1")
                .header("x-served-by", "jwt-a")
                .header("accept", "*/*"),
        )
        .unwrap();
        let headers = &parts.headers;
        assert_eq!(
            names(headers),
            [
                "accept",
                "host",
                "x-forwarded-for",
                "x-forwarded-host",
                "x-forwarded-proto",
            ]
        );
        assert_eq!(headers["x-forwarded-for"], "127.0.0.9");
        assert_eq!(headers["x-forwarded-host"], "lab:1");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(
            (headers["host"].clone(), parts.uri),
            ("lab:1".parse().unwrap(), "/me?x=1".parse().unwrap())
        );
    }

    #[test]
    fn what_is_for_one_hop_ends_here() {
        let parts = made(
            Request::get("/")
                .header("host", "lab")
                .header("connection", "close, X-Private , host, content-length")
                .header("connection", "cookie")
                .header("x-private", "1")
                .header("cookie", "a=1")
                .header("content-length", "0")
                .header("te", "trailers")
                .header("upgrade", "websocket")
                .header("keep-alive", "1")
                .header("expect", "100-continue"),
        )
        .unwrap();
        let mut left = names(&parts.headers);
        left.retain(|name| !name.starts_with("x-forwarded-"));
        assert_eq!(left, ["content-length", "host"]);

        let mut answer = HeaderMap::new();
        for (name, value) in [("connection", "x-a"), ("x-a", "1"), ("x-b", "2")] {
            answer.append(name, HeaderValue::from_static(value));
        }
        answer.append(ATTEMPTS, HeaderValue::from_static("99"));
        make_answer(&mut answer, 2);
        assert_eq!(names(&answer), ["x-attempts", "x-b"]);
        assert_eq!(answer[ATTEMPTS], "2");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let post = || Request::post("/");
        let bad = [
            post(),
            post().header("host", "a").header("host", "b"),
            post().header("host", "a").header("host", "a"),
            post()
                .header("host", "a")
                .header("transfer-encoding", "chunked")
                .header("content-length", "3"),
            post()
                .header("host", "a")
                .header("transfer-encoding", "gzip, chunked"),
            post()
                .header("host", "a")
                .header("transfer-encoding", "chunked")
                .header("transfer-encoding", "chunked"),
            Request::get("http://b/").header("host", "a"),
            Request::connect("a:80").header("host", "a:80"),
        ];
        for request in bad {
            assert!(made(request).is_err());
        }
        let chunked = post()
            .header("host", "a")
            .header("transfer-encoding", "Chunked");
        assert_eq!(
            made(chunked).unwrap().headers["transfer-encoding"],
            "chunked"
        );
        let absolute = made(Request::get("http://a/x?y=1").header("host", "A")).unwrap();
        assert_eq!(absolute.uri, "/x?y=1");
    }
}
