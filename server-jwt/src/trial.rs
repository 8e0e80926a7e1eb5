//! What must hold of any bytes that come as a token: nothing panics, and nobody is let in but by a
//! token that was issued. Asked by the fuzzer in `fuzz/` and by the loop in `tests/mutations.rs`;
//! no server runs it. server-session's file of this name does so with cookies.

use app::{Clock, Instance, Reason};
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use serde_json::{Value, json};

use crate::carry::Carry;
use crate::keys::jwk::Jwk;
use crate::keys::key::Key;
use crate::keys::{KeyRing, KidRule};
use crate::token::claims::Policy;
use crate::token::verify::{self, Scratch};

/// When it is, in seconds.
const NOW_S: u64 = 1_800_000_000;

/// Keys that everybody knows: RFC 7515, A.1 and A.3, and RFC 8037, A.1.
const KEYS: &str = r#"[
  {"kty":"oct","kid":"hs","alg":"HS256",
   "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
  {"kty":"EC","crv":"P-256","kid":"es","alg":"ES256",
   "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
   "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
   "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"},
  {"kty":"OKP","crv":"Ed25519","kid":"ed","alg":"EdDSA",
   "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
   "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}
]"#;

/// Keys, a policy, and the tokens that were issued.
pub struct Trial {
    keys: KeyRing,
    policy: Policy,
    instance: Instance,
    request: Parts,
    scratch: Scratch,
    /// What opens the door.
    good: Vec<Vec<u8>>,
    /// What was signed with our keys and does not: another purpose, another audience, too late.
    useless: Vec<Vec<u8>>,
}

impl Trial {
    /// The same each time but for the signatures with ES256, which have a nonce.
    ///
    /// # Panics
    /// When the keys or the policy are refused, which no input can bring about.
    pub fn new() -> Self {
        let jwks: Vec<Jwk> = serde_json::from_str(KEYS).expect("the keys are JWKs");
        let keys = jwks.iter().map(|jwk| Key::new(jwk, &[]).expect("a key"));
        let mut keys =
            KeyRing::new(keys.collect(), KidRule::Exact).expect("each has a name of its own");
        let (mut good, mut useless) = (Vec::new(), Vec::new());
        for kid in ["hs", "es", "ed"] {
            keys.sign_with(kid).expect("it can sign");
            let key = keys.signer().expect("it can sign");
            let issue = |claims: &Value| key.issue(claims).expect("it is signed").into_bytes();
            good.push(issue(&claims()));
            let edits = [("aud", json!("other")), ("exp", json!(NOW_S))];
            for (claim, value) in edits {
                let mut claims = claims();
                claims[claim] = value;
                useless.push(issue(&claims));
            }
        }
        Self {
            keys,
            policy: Policy {
                issuer: "us".to_owned(),
                audience: "our-app".to_owned(),
                leeway_ms: 0,
                lifetime_max_s: 900,
            },
            instance: Instance {
                pool: "jwt".to_owned(),
                name: "a".to_owned(),
                clock: Clock::default(),
                secure_cookies: false,
            },
            request: Request::new(()).into_parts().0,
            scratch: Scratch::default(),
            good,
            useless,
        }
    }

    /// Where mutations begin: every token that was signed, and some that nobody signed.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let forged = [
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImhzIiwidHlwIjoiYXQrand0In0.e30.AAAA",
            "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiZXhwIl19.e30.AAAA",
            "..",
        ];
        let signed = self.good.iter().chain(&self.useless).cloned();
        let forged = forged.iter().map(|token| token.as_bytes().to_vec());
        signed.chain(forged).collect()
    }

    /// Has the server's own check judge `bytes` as a token.
    ///
    /// # Errors
    /// Why it is refused.
    ///
    /// # Panics
    /// When it is accepted and was not issued, or was issued and is refused.
    pub fn token(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        let signed = verify::signature(bytes, &self.keys, &mut self.scratch).is_ok();
        let now_ms = NOW_S * 1000;
        let (keys, policy) = (&self.keys, &self.policy);
        let verdict = verify::check(bytes, keys, policy, now_ms, &mut self.scratch).map(|_| ());
        let good = self.good.iter().any(|token| token == bytes);
        let known = good || self.useless.iter().any(|token| token == bytes);
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(verdict.is_ok(), good, "{verdict:?}: {text}");
        assert_eq!(signed, known, "its signature holds: {text}");
        verdict
    }

    /// Has the token taken out of `bytes` as the value of a header, in either way it may travel,
    /// and judged. Says whether anybody was let in.
    ///
    /// # Panics
    /// As [`Trial::token`], and when the token that is found does not stand there.
    pub fn field(&mut self, bytes: &[u8]) -> bool {
        let authorization = self.carried(Carry::Bearer, AUTHORIZATION, bytes);
        let cookie = self.carried(Carry::Cookie, COOKIE, bytes);
        authorization || cookie
    }

    fn carried(&mut self, carry: Carry, name: HeaderName, bytes: &[u8]) -> bool {
        let Ok(value) = HeaderValue::from_bytes(bytes) else {
            return false;
        };
        self.request.headers.clear();
        self.request.headers.insert(name, value);
        let found = carry.token(&self.request, &self.instance);
        let Ok(token) = found.map(<[u8]>::to_vec) else {
            return false;
        };
        let stands = token.is_empty() || bytes.windows(token.len()).any(|part| part == token);
        assert!(stands, "{}", String::from_utf8_lossy(&token));
        self.token(&token).is_ok()
    }
}

impl Default for Trial {
    fn default() -> Self {
        Self::new()
    }
}

fn claims() -> Value {
    json!({
        "iss": "us", "aud": "our-app", "sub": "mia", "name": "Mia", "role": "member",
        "iat": NOW_S - 10, "exp": NOW_S + 10, "iat_ms": (NOW_S - 10) * 1000,
        "since_ms": NOW_S * 1000, "jti": "one", "login_instance": "jwt-a",
    })
}
