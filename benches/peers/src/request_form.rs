//! The checks of a request's form that our servers make before they look at anything else.

/// Header limit in bytes, names, values and line ends counted.
pub const HEADER_MAX_BYTES: usize = 8 * 1024;

/// Why a request is refused for its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 431: the header is longer than [`HEADER_MAX_BYTES`].
    HeaderTooLarge,
    /// 400: no Host or two, two credentials, or two framings.
    Malformed,
}

impl Refusal {
    /// The status that says so.
    pub fn status(self) -> u16 {
        match self {
            Self::HeaderTooLarge => 431,
            Self::Malformed => 400,
        }
    }
}

/// Looks at each header once. Generic over what a framework calls a header, because actix-web
/// and axum use different versions of the `http` crate.
///
/// # Errors
/// Why the request is refused.
pub fn admit<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<(), Refusal> {
    let mut bytes = 0;
    let (mut hosts, mut credentials, mut framings) = (0, 0, 0);
    for (name, value) in headers {
        bytes += name.len() + value.len() + 4;
        match name {
            "host" => hosts += 1,
            "authorization" => credentials += 1,
            "content-length" | "transfer-encoding" => framings += 1,
            _ => {}
        }
    }
    if bytes > HEADER_MAX_BYTES {
        return Err(Refusal::HeaderTooLarge);
    }
    if hosts != 1 || credentials > 1 || framings > 1 {
        return Err(Refusal::Malformed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{HEADER_MAX_BYTES, Refusal, admit};

    #[test]
    fn what_our_servers_refuse_is_refused() {
        let long = vec![b'x'; HEADER_MAX_BYTES];
        let host = ("host", b"a".as_slice());
        let cases = [
            (vec![host], Ok(())),
            (vec![], Err(Refusal::Malformed)),
            (vec![host, host], Err(Refusal::Malformed)),
            (vec![host, ("cookie", &long)], Err(Refusal::HeaderTooLarge)),
            (
                vec![
                    host,
                    ("content-length", b"1"),
                    ("transfer-encoding", b"chunked"),
                ],
                Err(Refusal::Malformed),
            ),
        ];
        for (headers, expected) in cases {
            assert_eq!(
                admit(headers.iter().copied()),
                expected,
                "{} headers",
                headers.len()
            );
        }
    }
}
