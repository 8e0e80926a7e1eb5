//! A credential out of its owner's hands, to be shown elsewhere, watched, or tampered with.

use std::fmt;
use std::sync::Arc;

use app::Credential;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, HeaderValue};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::answer::{Answer, Wanted};
use crate::interface::Interface;
use crate::visitors::plain_http;

/// The path that stands for whatever request says who one is.
const WHO_AM_I: &str = "/me";

/// A credential on its own: a token, or a cookie's `name=value`, and where to show it.
#[derive(Clone)]
pub struct Ticket {
    http: reqwest::Client,
    interface: Arc<Interface>,
    base: String,
    path: String,
    /// Who must be recognised, where the answer says who was.
    user: Option<String>,
    header: HeaderName,
    credential: Credential,
}

impl Ticket {
    /// A credential that somebody else was given, to be shown at `base`.
    pub fn new(base: &str, header: HeaderName, credential: Credential) -> Ticket {
        Ticket::speaking(Interface::ours(), base, header, credential)
    }

    /// The same, for an application with this interface.
    pub fn speaking(
        interface: Arc<Interface>,
        base: &str,
        header: HeaderName,
        credential: Credential,
    ) -> Ticket {
        Ticket {
            http: plain_http(),
            interface,
            base: base.to_owned(),
            path: WHO_AM_I.to_owned(),
            user: None,
            header,
            credential,
        }
    }

    /// The same, asking for `path`; where that is `/me`, the answer must name `user`.
    #[must_use]
    pub fn asking(self, path: &str, user: &str) -> Ticket {
        Ticket {
            path: path.to_owned(),
            user: (path == WHO_AM_I).then(|| user.to_owned()),
            ..self
        }
    }

    /// What would be sent, for tests.
    #[cfg(test)]
    pub(crate) fn revealed(&self) -> &str {
        self.credential.reveal()
    }

    /// The header that carries it, revealed, for whoever writes requests out.
    pub fn header(&self) -> (&str, String) {
        let text = self.credential.reveal();
        let value = match self.header {
            AUTHORIZATION => format!("Bearer {text}"),
            _ => text.clone(),
        };
        (self.header.as_str(), value)
    }

    /// Shows it.
    pub async fn show(&self) -> Answer {
        if self.path == WHO_AM_I {
            let request = self.interface.who_am_i(&self.http, &self.base);
            let wanted = self.interface.is(self.user.as_deref());
            return self.sent(request, wanted).await;
        }
        let request = self.http.get(format!("{}{}", self.base, self.path));
        self.sent(request, Wanted::Success).await
    }

    /// Logs out with it, where it would be shown.
    pub async fn log_out(&self) -> Answer {
        let request = self.interface.log_out(&self.http, &self.base);
        self.sent(request, Wanted::Success).await
    }

    async fn sent(&self, request: RequestBuilder, wanted: Wanted<'_>) -> Answer {
        let (name, value) = self.header();
        let request = match HeaderValue::from_str(&value) {
            Ok(value) => request.header(name, value),
            // Nothing that can be sent: then nothing is shown, and the answer says so.
            Err(_) => request,
        };
        Answer::read(&self.interface, request, wanted).await
    }

    /// Sends another request with it.
    pub async fn carried_by(&self, request: RequestBuilder, wanted: Wanted<'_>) -> Answer {
        self.sent(request, wanted).await
    }

    /// The claims of a token that is one, unread by anybody else here.
    pub fn claims(&self) -> Option<Value> {
        let payload = self.credential.reveal().split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// The same credential, to be shown elsewhere, by whoever believes it.
    #[must_use]
    pub fn at(&self, base: &str) -> Ticket {
        Ticket {
            base: base.to_owned(),
            path: WHO_AM_I.to_owned(),
            user: None,
            ..self.clone()
        }
    }

    /// Another credential in its place: `edit` gets the token, or the cookie's value alone.
    #[must_use]
    pub fn edited(&self, edit: impl FnOnce(&str) -> String) -> Ticket {
        let text = self.credential.reveal();
        let edited = match text.split_once('=').filter(|_| self.header == COOKIE) {
            Some((name, value)) => format!("{name}={}", edit(value)),
            None => edit(text),
        };
        Ticket {
            credential: Credential::new(edited),
            ..self.clone()
        }
    }
}

/// Says where it is shown, never what is shown.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("base", &self.base)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_edited_in_its_value_alone_and_never_shown_in_logs() {
        let cookie = Credential::new("sid-session-memory=abc".to_owned());
        let ticket = Ticket::new("http://127.0.0.1:1", COOKIE, cookie);
        let edited = ticket.edited(|value| value.to_uppercase());
        assert_eq!(edited.revealed(), "sid-session-memory=ABC");
        let shown = format!("{edited:?}");
        assert!(
            !shown.contains("ABC") && shown.contains("127.0.0.1:1") && shown.contains("/me"),
            "{shown}"
        );
    }
}
