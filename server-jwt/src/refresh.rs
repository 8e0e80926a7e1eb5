//! Refresh tokens: short access tokens, renewed by a secret that works once.
//!
//! A login begins a *family*. Its refresh token is `family.secret`, opaque; using it replaces the
//! secret (rotation). A secret that was replaced already proves that two hold copies, and nobody
//! can say which is the thief: the family ends (RFC 9700, section 4.14.2). One script in Redis
//! decides, so of a hundred that come at once exactly one wins.
//!
//! Redis holds hashes only. A successor is derived from the secret it replaces and a nonce that
//! Redis keeps: so it can be handed out again within the grace, to whoever has the predecessor,
//! without being stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::{Credential, Login, Role};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Extensions;

use crate::revoke::store::{Store, Unanswered};

/// Octets of a family's name, of a secret and of a nonce.
const RANDOM_BYTES: usize = 32;

/// KEYS: family, index of the user's families. ARGV: lifetime, hash of the secret, login, role,
/// name of the family, family that is replaced or ''.
const BEGIN: &str = "
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'current', ARGV[2], 'login', ARGV[3], 'role', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
if KEYS[3] then
  redis.call('DEL', KEYS[3])
  redis.call('ZREM', KEYS[2], KEYS[3])
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[1]), KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1";

/// KEYS: family. ARGV: hash of the presented secret, hash of its successor, the successor's
/// nonce, grace. The family's lifetime is left as it is: it counts from the login.
const ROTATE: &str = "
local f = redis.call('HMGET', KEYS[1], 'current', 'previous', 'nonce', 'rotated', 'login', 'role')
if not f[1] then return {'unknown'} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if f[1] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'current', ARGV[2], 'previous', ARGV[1], 'nonce', ARGV[3],
    'rotated', string.format('%.0f', now))
  return {'rotated', ARGV[3], f[5], f[6]}
end
if f[2] == ARGV[1] and now - tonumber(f[4]) < tonumber(ARGV[4]) then
  return {'again', f[3], f[5], f[6]}
end
redis.call('DEL', KEYS[1])
return {'reused'}";

/// KEYS: index of the user's families. ARGV: the role from now on, or nothing to end them all.
/// What expired on its own is not brought back to life.
const FOR_ALL: &str = "
for _, family in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if not ARGV[1] then
    redis.call('DEL', family)
  elseif redis.call('EXISTS', family) == 1 then
    redis.call('HSET', family, 'role', ARGV[1])
  end
end
if not ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1";

/// The families of refresh tokens, in Redis.
pub struct Families {
    store: Arc<Store>,
    lifetime: Duration,
    grace: Duration,
    reused: AtomicU64,
}

/// What a good refresh token brings.
#[derive(Debug)]
pub struct Renewed {
    /// The login it renews.
    pub login: Login,
    /// The family's hashed name, for the access token.
    pub family: String,
    /// The refresh token that replaces it.
    pub token: Credential,
}

/// A refresh token taken apart.
struct Presented<'t> {
    family: &'t str,
    secret: &'t str,
}

impl Families {
    /// Families in `store` that live for `lifetime` from the login on. For `grace` after a
    /// rotation the token just replaced may be sent again and gets the same successor: for
    /// clients whose answer was lost on the way.
    pub fn new(store: Arc<Store>, lifetime: Duration, grace: Duration) -> Self {
        Self {
            store,
            lifetime,
            grace,
            reused: AtomicU64::new(0),
        }
    }

    /// Begins a family for `login` and ends the one it replaces. Answers the family's hashed
    /// name and its first refresh token.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn begin(
        &self,
        request: &mut Extensions,
        login: &Login,
        replaced: Option<&str>,
    ) -> Result<(String, Credential), Unanswered> {
        let (family, secret) = (random::<RANDOM_BYTES>(), random::<RANDOM_BYTES>());
        let name = hashed(&family);
        let mut command = redis::cmd("EVAL");
        command.arg(BEGIN).arg(2 + usize::from(replaced.is_some()));
        command
            .arg(self.family_key(&name))
            .arg(self.index_key(&login.user));
        if let Some(replaced) = replaced {
            command.arg(self.family_key(replaced));
        }
        command.arg(millis(self.lifetime)).arg(hashed(&secret));
        command.arg(serde_json::to_string(login).map_err(|_| Unanswered)?);
        command.arg(login.role.as_str());
        self.store.ask::<()>(request, &command).await?;
        Ok((name, Credential::new(format!("{family}.{secret}"))))
    }

    /// Trades a refresh token for its successor. `None` when it is refused; if it had been
    /// replaced before, its family is ended with that.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rotate(
        &self,
        request: &mut Extensions,
        token: &str,
    ) -> Result<Option<Renewed>, Unanswered> {
        let Some(presented) = Presented::read(token) else {
            return Ok(None);
        };
        let (name, nonce) = (hashed(presented.family), random::<RANDOM_BYTES>());
        let mut command = redis::cmd("EVAL");
        command.arg(ROTATE).arg(1).arg(self.family_key(&name));
        command.arg(hashed(presented.secret));
        command.arg(hashed(&presented.successor(&nonce)));
        command.arg(nonce).arg(millis(self.grace));
        let answer: Vec<String> = self.store.ask(request, &command).await?;
        let [_, nonce, login, role] = &answer[..] else {
            if answer.first().is_some_and(|verdict| verdict == "reused") {
                self.reused.fetch_add(1, Ordering::Relaxed);
            }
            return Ok(None);
        };
        let mut login: Login = serde_json::from_str(login).map_err(|_| Unanswered)?;
        login.role = role.parse::<Role>().map_err(|_| Unanswered)?;
        let successor = presented.successor(nonce);
        let token = Credential::new(format!("{}.{successor}", presented.family));
        Ok(Some(Renewed {
            login,
            family: name,
            token,
        }))
    }

    /// Ends one family, by its hashed name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end(&self, request: &mut Extensions, name: &str) -> Result<(), Unanswered> {
        let mut command = redis::cmd("DEL");
        command.arg(self.family_key(name));
        self.store.ask(request, &command).await
    }

    /// Ends all families of `user`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_all(&self, request: &mut Extensions, user: &str) -> Result<(), Unanswered> {
        let mut command = redis::cmd("EVAL");
        command.arg(FOR_ALL).arg(1).arg(self.index_key(user));
        self.store.ask(request, &command).await
    }

    /// Rewrites the role in all families of `user`: their next access token brings it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_role(
        &self,
        request: &mut Extensions,
        user: &str,
        role: Role,
    ) -> Result<(), Unanswered> {
        let mut command = redis::cmd("EVAL");
        command.arg(FOR_ALL).arg(1).arg(self.index_key(user));
        command.arg(role.as_str());
        self.store.ask(request, &command).await
    }

    /// The role that a family has by now; `None` when it was ended meanwhile.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn role(
        &self,
        request: &mut Extensions,
        name: &str,
    ) -> Result<Option<Role>, Unanswered> {
        let mut command = redis::cmd("HGET");
        command.arg(self.family_key(name)).arg("role");
        let role: Option<String> = self.store.ask(request, &command).await?;
        let parsed = role.map(|role| role.parse::<Role>());
        parsed.transpose().map_err(|_| Unanswered)
    }

    /// How many families were ended because a replaced token came back.
    pub fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    fn family_key(&self, name: &str) -> String {
        self.store.key(&["family:", name])
    }

    fn index_key(&self, user: &str) -> String {
        self.store.key(&["families:", user])
    }
}

impl<'t> Presented<'t> {
    /// Anything that is not of our making is refused before the store hears of it.
    fn read(token: &'t str) -> Option<Self> {
        let (family, secret) = token.split_once('.')?;
        let ours = |part| {
            URL_SAFE_NO_PAD
                .decode(part)
                .is_ok_and(|octets| octets.len() == RANDOM_BYTES)
        };
        (ours(family) && ours(secret)).then_some(Self { family, secret })
    }

    /// The secret after this one: only somebody who has this one *and* the nonce can say it.
    fn successor(&self, nonce: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, nonce.as_bytes()))
    }
}

/// A fresh text that nobody can guess, of `N` octets.
pub(crate) fn random<const N: usize>() -> String {
    let mut octets = [0; N];
    rand::fill(&mut octets).expect("the operating system hands out random bytes");
    URL_SAFE_NO_PAD.encode(octets)
}

fn hashed(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
