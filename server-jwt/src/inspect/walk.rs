//! The walk through a token that `inspect` prints, in words for people who see one for the first
//! time. It says what is there; whether that is true, only the signature's check says.

use std::fmt::Write as _;

use app::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::keys::KeyRing;
use crate::token::verify::{self, Parts, Scratch};

/// Claims that are moments, and what to call them.
const MOMENTS: [(&str, &str); 3] = [("iat", "issued"), ("nbf", "not before"), ("exp", "expires")];

/// The walk as text, and whether there is nothing to complain of.
pub(super) fn walk(token: &str, keys: Option<&KeyRing>, now_s: u64) -> (String, bool) {
    let mut text = String::new();
    let holds = write(&mut text, token, keys, now_s);
    // Writing to a String cannot fail.
    (text, holds.unwrap_or(false))
}

fn write(
    out: &mut String,
    token: &str,
    keys: Option<&KeyRing>,
    now_s: u64,
) -> Result<bool, std::fmt::Error> {
    let dots = token.matches('.').count();
    let Some(parts) = Parts::split(token.as_bytes()).ok().filter(|_| dots == 2) else {
        let parts = dots + 1;
        writeln!(
            out,
            "This is not a token: a token has three parts with dots between them,"
        )?;
        writeln!(out, "and this has {parts}.")?;
        return Ok(false);
    };
    writeln!(
        out,
        "A token: three parts with dots between them. Nothing in it is secret, anybody"
    )?;
    writeln!(out, "who holds it can read it. Changing it takes the key.")?;

    writeln!(out, "\n1  HEADER: how it is signed")?;
    part(out, parts.header)?;

    writeln!(out, "\n2  PAYLOAD: what it says (encoded, not encrypted)")?;
    part(out, parts.payload)?;
    moments(out, parts.payload, now_s)?;

    let signature = URL_SAFE_NO_PAD.decode(parts.signature);
    let length = signature.map_or(0, |octets| octets.len());
    writeln!(
        out,
        "\n3  SIGNATURE: over part 1, a dot and part 2 ({length} bytes)"
    )?;
    writeln!(out, "   {}", printable(parts.signature))?;

    writeln!(out)?;
    match keys {
        None => {
            writeln!(
                out,
                "Does the signature hold? Only the key can say: add --jwks FILE or"
            )?;
            writeln!(out, "--secret-file FILE.")?;
            Ok(true)
        }
        Some(keys) => verdict(out, token, keys),
    }
}

fn verdict(out: &mut String, token: &str, keys: &KeyRing) -> Result<bool, std::fmt::Error> {
    let mut scratch = Scratch::default();
    match verify::signature(token.as_bytes(), keys, &mut scratch) {
        Ok(signed) => {
            let key = match signed.key.kid() {
                Some(kid) => format!("the key {kid:?}"),
                None => "this key".to_owned(),
            };
            writeln!(
                out,
                "The signature HOLDS: it was made with {key} ({}),",
                signed.header.alg
            )?;
            writeln!(out, "and not one character was changed since.")?;
            Ok(true)
        }
        Err(reason) => {
            writeln!(out, "The signature DOES NOT HOLD ({}):", reason.as_str())?;
            writeln!(out, "{}", why(reason))?;
            Ok(false)
        }
    }
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::BadSignature => "the token was changed, or signed with another key.",
        Reason::UnknownKey => "the token names a key (\"kid\") that is not in this file.",
        Reason::WrongAlgorithm => {
            "the token names an algorithm (\"alg\") that the key is not for. A server that let the \
             token\nchoose could be told \"none\"."
        }
        Reason::BadHeader => {
            "the header says something that is never obeyed (crit, jwk, jku, x5u, x5c, zip, b64, \
             enc),\nsays something twice, or lacks \"alg\"."
        }
        _ => "a part is not base64url without padding, or the header is not JSON.",
    }
}

/// One part, indented, as JSON if it is that.
fn part(out: &mut String, encoded: &[u8]) -> std::fmt::Result {
    let Ok(octets) = URL_SAFE_NO_PAD.decode(encoded) else {
        return writeln!(out, "   (not base64url)");
    };
    match serde_json::from_slice::<Value>(&octets) {
        Ok(value) => {
            for line in format!("{value:#}").lines() {
                writeln!(out, "   {line}")?;
            }
            Ok(())
        }
        Err(_) => writeln!(out, "   {}", printable(&octets)),
    }
}

/// A token may come from anybody, and terminals obey control characters.
fn printable(octets: &[u8]) -> String {
    let plain = |letter: char| match letter.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    String::from_utf8_lossy(octets).chars().map(plain).collect()
}

fn moments(out: &mut String, payload: &[u8], now_s: u64) -> std::fmt::Result {
    let octets = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&octets).unwrap_or_default();
    for (claim, called) in MOMENTS {
        if let Some(at_s) = claims[claim].as_u64() {
            writeln!(
                out,
                "   {called:<10} {}, {}",
                utc(at_s),
                distance(at_s, now_s)
            )?;
        }
    }
    Ok(())
}

fn utc(at_s: u64) -> String {
    i64::try_from(at_s)
        .ok()
        .and_then(|at_s| OffsetDateTime::from_unix_timestamp(at_s).ok())
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_else(|| "in no year that can be written".to_owned())
}

fn distance(at_s: u64, now_s: u64) -> String {
    let far = |seconds: u64| match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    match at_s > now_s {
        true => format!("in {}", far(at_s - now_s)),
        false => format!("{} ago", far(now_s - at_s)),
    }
}
