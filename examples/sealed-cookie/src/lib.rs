//! A third way to remember a login: in a cookie that only the servers can make or read.
//!
//! Login and end are sealed with AES-256-GCM. Nothing is kept, so nothing can be taken back.

use app::{Carriage, Challenge, Ended, Forgotten, HeldBack, Instance, Login, Memory, Problem};
use app::{Reason, Scope, Settings, StartError, Status, carriage, lab::LifetimeMax};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, request::Parts};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// What a browser keeps of one cookie, name and value together (RFC 6265bis, section 5.7).
const COOKIE_MAX_BYTES: usize = 4096;

/// Remembers logins in cookies that clients cannot read
#[derive(Debug, Clone, clap::Parser)]
pub struct Args {
    /// What every server can be told.
    #[command(flatten)]
    pub settings: Settings,
    /// The key that all instances share, 32 bytes; who finds no such file makes it
    #[arg(long, value_name = "FILE")]
    pub key_file: PathBuf,
    /// A login ends so long after it was made, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 900_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    pub lifetime_ms: u64,
}

/// Runs one instance until it is told to end.
pub fn run(args: Args) -> ExitCode {
    app::start::start("sealed-cookie", args.settings.clone(), async |instance| {
        SealedCookie::new(instance, args)
    })
}

/// What is sealed: the login, when it ends in milliseconds since the Unix epoch, and padding.
type Content = (Login, u64, Option<String>);

/// The memory: a key, a lifetime, and nothing of any login.
#[derive(Clone)]
pub struct SealedCookie {
    instance: Instance,
    name: Arc<str>,
    key: Arc<RandomizedNonceKey>,
    args: Arc<Args>,
}

impl SealedCookie {
    /// Fails where the key file can neither be read nor made, or is not 32 bytes long.
    pub fn new(instance: Instance, args: Args) -> Result<Self, StartError> {
        let make = || Ok(rand::random::<[u8; 32]>().to_vec());
        let found = app::once::file(&args.key_file, make).ok();
        let key = found.and_then(|key| RandomizedNonceKey::new(&AES_256_GCM, &key).ok());
        let key = key.ok_or_else(|| {
            let file = args.key_file.display();
            StartError::Usage(format!("--key-file {file}: name 32 bytes, or a new file"))
        })?;
        Ok(Self {
            name: instance.cookie_name().into(),
            instance,
            key: Arc::new(key),
            args: Arc::new(args),
        })
    }

    /// Nonces drawn by lot are safe for 2^32 cookies; the name is sealed in, one pool's own.
    fn seal(&self, content: &Content) -> Option<String> {
        let name = Aad::from(self.name.as_bytes());
        let mut text = serde_json::to_vec(content).ok()?;
        let nonce = self.key.seal_in_place_append_tag(name, &mut text).ok()?;
        let value = URL_SAFE_NO_PAD.encode([&nonce.as_ref()[..], &text].concat());
        (self.name.len() + value.len() <= COOKIE_MAX_BYTES).then_some(value)
    }

    fn open(&self, value: &[u8]) -> Option<Content> {
        let name = Aad::from(self.name.as_bytes());
        let mut bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        serde_json::from_slice(self.key.open_in_place(nonce, name, text).ok()?).ok()
    }

    fn read(&self, request: &Parts) -> Result<Content, Problem> {
        let value = carriage::in_cookie(request, &self.name)?;
        let content = self.open(value).ok_or(Reason::BadSignature)?;
        let in_time = self.instance.clock.now_ms() < content.1;
        in_time.then_some(content).ok_or(Reason::Expired.into())
    }

    /// No `Max-Age` but for a removal: what ends the login is sealed in.
    fn set_cookie(&self, value: &str, more: &str) -> Option<HeaderValue> {
        let name = &self.name;
        let secure = if self.instance.secure_cookies {
            "; Secure"
        } else {
            ""
        };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
        HeaderValue::try_from(text).ok()
    }
}

impl Memory for SealedCookie {
    async fn remember(&self, request: &mut Parts, login: &Login) -> Result<Carriage, Problem> {
        let asked = LifetimeMax::asked(&request.extensions);
        let most_ms = asked.map_or(u64::MAX, |most| most.ms);
        let ends_ms = self.instance.clock.now_ms() + most_ms.min(self.args.lifetime_ms);
        let sealed = self.seal(&(login.clone(), ends_ms, self.args.settings.padding()));
        let cookie = sealed.and_then(|value| self.set_cookie(&value, ""));
        let too_long = Problem::new(Reason::Internal).detail("This login fits into no cookie.");
        Ok(Carriage::Cookie(HeldBack::new(cookie.ok_or(too_long)?)))
    }

    async fn recall(&self, request: &mut Parts) -> Result<Login, Problem> {
        self.read(request).map(|(login, ..)| login)
    }

    /// A copy of the cookie works on: all that is left is to ask this browser to drop its own.
    async fn forget(&self, request: &mut Parts, scope: &Scope) -> Forgotten {
        let last_ms = self.instance.clock.now_ms() + self.args.lifetime_ms;
        let own = self.read(request).ok();
        let (at_ms, drops_own) = match (scope, own) {
            (Scope::ThisLogin, own) => (own.map_or(last_ms, |(_, ends_ms, _)| ends_ms), true),
            (Scope::EveryLogin { user } | Scope::OldRole { user, .. }, own) => {
                (last_ms, own.is_some_and(|(login, ..)| login.user == *user))
            }
        };
        let ended = Ended::At { at_ms };
        let removal = self.set_cookie("", "; Max-Age=0").filter(|_| drops_own);
        Forgotten { ended, removal }
    }

    fn wrap(&self, routes: axum::Router) -> axum::Router {
        routes
    }

    fn challenge(&self) -> Challenge {
        let name = self.name.to_string();
        Challenge::Cookie { name }
    }

    fn store_up(&self) -> Option<bool> {
        None
    }

    async fn status(&self) -> Status {
        Status::default()
    }
}
