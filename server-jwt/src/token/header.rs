//! The header of a token: the few things it may say, and the many that are refused.
//!
//! Whoever forges a token writes its header, so nothing in it is believed before the signature
//! is checked, and nothing in it may choose the key (RFC 8725, sections 3.1 and 3.10). Where the
//! signature is checked is [`crate::token::verify`].

use std::borrow::Cow;
use std::fmt;

use app::Reason;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The `typ` of an access token (RFC 9068, section 2.1). Only this one opens anything: a token
/// made for another purpose with the same key is refused (RFC 8725, section 3.11).
pub const ACCESS_TYP: &str = "at+jwt";

/// Members that are refused wherever they stand, because obeying them would let the token choose
/// its own key (`jwk`, `jku`, `x5u`, `x5c`), its own encoding (`b64`, `zip`), extensions that we
/// do not understand (`crit`, RFC 7515 section 4.1.11), or another format (`enc` makes it a JWE).
const REFUSED: [&str; 8] = ["crit", "jwk", "jku", "x5u", "x5c", "zip", "b64", "enc"];

/// What a header says that matters here. It borrows from the decoded bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'h> {
    /// The algorithm's name, exactly as written.
    pub alg: Cow<'h, str>,
    /// The key's name, if it gives one.
    pub kid: Option<Cow<'h, str>>,
    /// What kind of token it says it is.
    pub typ: Option<Cow<'h, str>>,
}

impl<'h> Header<'h> {
    /// Reads the decoded header, once.
    ///
    /// # Errors
    /// `MalformedToken` when it is not JSON in UTF-8, `BadHeader` when it is no object, lacks
    /// `alg`, names anything twice (RFC 7515, section 4), or says something refused.
    pub fn read(decoded: &'h [u8]) -> Result<Self, Reason> {
        let text = std::str::from_utf8(decoded).map_err(|_| Reason::MalformedToken)?;
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Reason::BadHeader,
            _ => Reason::MalformedToken,
        })
    }
}

impl<'de: 'h, 'h> Deserialize<'de> for Header<'h> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// Written by hand, since serde's derived code lets unknown members stand twice.
struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut alg, mut kid, mut typ) = (None, None, None);
        let mut others: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "alg" => once(&mut alg, &mut map)?,
                "kid" => once(&mut kid, &mut map)?,
                "typ" => once(&mut typ, &mut map)?,
                refused if REFUSED.contains(&refused) => {
                    return Err(A::Error::custom("a member that is refused"));
                }
                _ if others.contains(&name) => return Err(A::Error::custom("a member twice")),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    others.push(name);
                }
            }
        }
        let alg = alg.ok_or_else(|| A::Error::missing_field("alg"))?;
        Ok(Header { alg, kid, typ })
    }
}

fn once<'de, A: MapAccess<'de>>(
    slot: &mut Option<Cow<'de, str>>,
    map: &mut A,
) -> Result<(), A::Error> {
    let Text(value) = map.next_value()?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("a member twice")),
    }
}

/// Text that is borrowed unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_header_is_read() {
        let header = Header::read(br#"{"alg":"HS256","kid":"k1","typ":"at+jwt","x":[1]}"#);
        let header = header.expect("it is fine");
        assert_eq!(header.alg, "HS256");
        assert_eq!(header.kid.as_deref(), Some("k1"));
        assert_eq!(header.typ.as_deref(), Some(ACCESS_TYP));
    }

    #[test]
    fn what_is_refused_is_refused_whatever_it_holds() {
        for name in REFUSED {
            for value in ["null", "true", "[]", "{}", "\"\""] {
                let text = format!(r#"{{"alg":"HS256","{name}":{value}}}"#);
                let read = Header::read(text.as_bytes());
                assert_eq!(read, Err(Reason::BadHeader), "{text}");
            }
        }
        // Written with an escape it is the same member.
        let read = Header::read(br#"{"alg":"HS256","\u0063rit":["exp"]}"#);
        assert_eq!(read, Err(Reason::BadHeader));
    }

    #[test]
    fn nothing_may_stand_twice() {
        for text in [
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
            r#"{"alg":"HS256","x":1,"x":1}"#,
            r#"{"alg":"HS256","x":1,"\u0078":2}"#,
            r#"{"alg":"HS256","\u0061lg":"none"}"#,
        ] {
            let read = Header::read(text.as_bytes());
            assert_eq!(read, Err(Reason::BadHeader), "{text}");
        }
    }

    #[test]
    fn a_header_of_another_shape_is_refused() {
        for text in [
            "[]",
            "null",
            "7",
            "\"HS256\"",
            "{}",
            r#"{"alg":null}"#,
            r#"{"alg":256}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","kid":null}"#,
            r#"{"alg":"HS256","typ":{}}"#,
        ] {
            let read = Header::read(text.as_bytes());
            assert_eq!(read, Err(Reason::BadHeader), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for bytes in [
            b"".as_slice(),
            b"{",
            br#"{"alg":"HS256"} x"#,
            br#"{"alg":"HS256",}"#,
            b"\xef\xbb\xbf{\"alg\":\"HS256\"}",
            b"{\"alg\":\"HS256\",\"x\":\"\xff\"}",
            br#"{"alg":'HS256'}"#,
        ] {
            assert_eq!(Header::read(bytes), Err(Reason::MalformedToken));
        }
    }
}
