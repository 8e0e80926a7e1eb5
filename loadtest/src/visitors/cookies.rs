//! A visitor's cookies: a browser's jar, which may hold on to the credential it was given.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;
use reqwest::Url;
use reqwest::cookie::{CookieStore, Jar};

/// A visitor's cookies. One jar for all ports of a host, as RFC 6265 has it; the jar is reqwest's.
#[derive(Debug)]
pub(super) struct Cookies {
    jar: Jar,
    /// The name of the cookie that is the credential; what else there is belongs to the balancer.
    credential: String,
    /// Whether the credential is kept, whatever a server says after the login.
    keeps: bool,
    logging_in: AtomicBool,
}

impl Cookies {
    /// An empty jar. `credential` names the cookie that is kept, if the visitor `keeps` it.
    pub(super) fn new(credential: String, keeps: bool) -> Cookies {
        Cookies {
            jar: Jar::default(),
            credential,
            keeps,
            logging_in: AtomicBool::new(false),
        }
    }

    /// Whether a login is going on: what it hands out is the credential from then on.
    pub(super) fn logging_in(&self, yes: bool) {
        self.logging_in.store(yes, Ordering::Relaxed);
    }

    /// The credential that would be sent to `base`, as `name=value`.
    pub(super) fn credential_for(&self, base: &str) -> Option<String> {
        let cookies = self.jar.cookies(&Url::parse(base).ok()?)?;
        let cookies = cookies.to_str().ok()?.split("; ");
        let mut ours = cookies.filter(|cookie| self.is_credential(cookie));
        ours.next().map(str::to_owned)
    }

    fn is_credential(&self, cookie: &str) -> bool {
        cookie
            .split_once('=')
            .is_some_and(|(name, _)| name.trim() == self.credential)
    }
}

impl CookieStore for Cookies {
    fn set_cookies(&self, headers: &mut dyn Iterator<Item = &HeaderValue>, url: &Url) {
        let holds_on = self.keeps && !self.logging_in.load(Ordering::Relaxed);
        let mut obeyed = headers.filter(|header| {
            let cookie = header.to_str().unwrap_or_default();
            !(holds_on && self.is_credential(cookie))
        });
        self.jar.set_cookies(&mut obeyed, url);
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        self.jar.cookies(url)
    }
}
