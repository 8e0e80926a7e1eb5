//! A visitor's cookies: a browser's jar, which may hold on to the credential it was given.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;
use reqwest::Url;
use reqwest::cookie::{CookieStore, Jar};

/// A visitor's cookies. One jar for all ports of a host, as RFC 6265 has it; the jar is reqwest's.
///
/// The instances of a target may have names of their own, as containers have, and people meet them
/// all under the balancer's: to the jar, every address is the one place.
#[derive(Debug)]
pub(super) struct Cookies {
    jar: Jar,
    /// The name of the cookie that is the credential; what else there is belongs to the balancer.
    credential: Option<String>,
    /// Whether the credential is kept, whatever a server says after the login.
    keeps: bool,
    logging_in: AtomicBool,
}

impl Cookies {
    /// An empty jar. `credential` names the cookie that is kept, if the visitor `keeps` it.
    pub(super) fn new(credential: Option<String>, keeps: bool) -> Cookies {
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
        let cookies = self.jar.cookies(&one_place(&Url::parse(base).ok()?))?;
        let cookies = cookies.to_str().ok()?.split("; ");
        let mut ours = cookies.filter(|cookie| self.is_credential(cookie));
        ours.next().map(str::to_owned)
    }

    fn is_credential(&self, cookie: &str) -> bool {
        cookie
            .split_once('=')
            .is_some_and(|(name, _)| Some(name.trim()) == self.credential.as_deref())
    }
}

impl CookieStore for Cookies {
    fn set_cookies(&self, headers: &mut dyn Iterator<Item = &HeaderValue>, url: &Url) {
        let holds_on = self.keeps && !self.logging_in.load(Ordering::Relaxed);
        let mut obeyed = headers.filter(|header| {
            let cookie = header.to_str().unwrap_or_default();
            !(holds_on && self.is_credential(cookie))
        });
        self.jar.set_cookies(&mut obeyed, &one_place(url));
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        self.jar.cookies(&one_place(url))
    }
}

/// The same path at the one place where all addresses are.
fn one_place(url: &Url) -> Url {
    let mut place = url.clone();
    // Only a URL without a host, such as `data:`, refuses one.
    let _ = place.set_host(Some("127.0.0.1"));
    place
}
