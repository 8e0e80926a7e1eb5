//! Visitors: simulated people, each with a client, a cookie jar and a login of their own.
//!
//! Three kinds. A *browser* does what `Set-Cookie` says, and like a browser it has one jar for all
//! ports of a host. One that *keeps its cookie* holds on to the credential it was given at login,
//! whatever it is told later. A *bearer* sends its token in `Authorization`. A [`Ticket`] is a
//! credential taken out of a visitor's hands, to be shown elsewhere or tampered with.

mod cookies;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use app::Credential;
use app::users::{LOAD_PASSWORD, load_user};
use http::header::{AUTHORIZATION, COOKIE};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::answer::{Answer, Outcome, Wanted};
use crate::arms::{Arm, Carried};
use crate::record::Client;
use crate::ticket::Ticket;
use cookies::Cookies;

/// Nobody waits longer for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A login may take longer: passwords are checked one after the other, on threads that give way to
/// everything else on the machine.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The users of a run. No two visitors share one: a user whose password one cell changes must not
/// be somebody in another.
#[derive(Debug, Default)]
pub struct Users {
    next: AtomicU32,
}

impl Users {
    /// How many load users a run needs at most.
    pub const COUNT: u32 = 5_000;

    /// A user that nobody has had.
    pub fn fresh(&self) -> String {
        load_user(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// The kinds of client that an arm is asked by.
pub fn kinds(arm: &Arm) -> &'static [Client] {
    match arm.properties.carried {
        Carried::SessionCookie { .. } => &[Client::Browser, Client::KeepsCookie],
        Carried::SignedToken | Carried::Claim => &[Client::Bearer],
    }
}

/// The kind that holds on to its credential: what an attacker, or a stale tab, does.
pub fn steadfast(arm: &Arm) -> Client {
    match arm.properties.carried {
        Carried::SessionCookie { .. } => Client::KeepsCookie,
        Carried::SignedToken | Carried::Claim => Client::Bearer,
    }
}

/// A client as all of them are: no proxy, no redirects, done with idle connections before the
/// servers close them.
pub fn http() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(3))
        .timeout(TIMEOUT)
}

/// A client without cookies.
pub fn plain_http() -> reqwest::Client {
    http()
        .build()
        .expect("a client without TLS, files or proxies has nothing that can fail")
}

/// One simulated person.
#[derive(Debug)]
pub struct Visitor {
    /// What kind of client it is.
    pub kind: Client,
    /// Whose account it uses.
    pub user: String,
    /// The login it has, if any.
    pub login: Option<LoginFact>,
    password: String,
    http: reqwest::Client,
    cookies: Arc<Cookies>,
    tokens: Option<Tokens>,
}

/// What a visitor knows of its login.
#[derive(Debug, Clone)]
pub struct LoginFact {
    /// The instance that took it, as in `x-served-by`.
    pub taken_by: String,
    /// When, by that instance's clock, in milliseconds since the epoch.
    pub since_ms: u64,
    /// When its answer came.
    pub at: Instant,
}

#[derive(Debug, Deserialize)]
struct LoginAnswer {
    since: u64,
    login_instance: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Tokens {
    access_token: Credential,
    refresh_token: Option<Credential>,
}

impl Visitor {
    /// A visitor with a load user's account.
    pub fn new(kind: Client, arm: &Arm, user: String) -> Visitor {
        Visitor::with_password(kind, arm, user, LOAD_PASSWORD)
    }

    /// A visitor with this account.
    pub fn with_password(kind: Client, arm: &Arm, user: String, password: &str) -> Visitor {
        let cookies = Arc::new(Cookies::new(
            format!("sid-{}", arm.pool),
            kind == Client::KeepsCookie,
        ));
        let http = http()
            .cookie_provider(Arc::clone(&cookies))
            .build()
            .expect("a client without TLS, files or proxies has nothing that can fail");
        let password = password.to_owned();
        Visitor {
            kind,
            user,
            login: None,
            password,
            http,
            cookies,
            tokens: None,
        }
    }

    /// The instance that took its login, as in `x-served-by`; empty if there is none.
    pub fn taken_by(&self) -> &str {
        self.login.as_ref().map_or("", |login| &login.taken_by)
    }

    /// Logs in at `base`.
    pub async fn log_in(&mut self, base: &str) -> Answer {
        let body = json!({"username": self.user, "password": self.password});
        let request = self
            .http
            .post(format!("{base}/login"))
            .json(&body)
            .timeout(LOGIN_TIMEOUT);
        self.cookies.logging_in(true);
        let answer = Answer::to(request, Wanted::User(&self.user)).await;
        self.cookies.logging_in(false);
        if answer.outcome == Outcome::Recognised
            && let Some(login) = answer.read::<LoginAnswer>()
        {
            self.tokens = answer.read();
            self.login = Some(LoginFact {
                taken_by: login.login_instance,
                since_ms: login.since,
                at: answer.answered,
            });
        }
        answer
    }

    /// Asks who it is at `base`.
    pub async fn ask(&self, base: &str) -> Answer {
        self.send(Method::GET, base, "/me", None, Wanted::User(&self.user))
            .await
    }

    /// Sends any request with its credential.
    pub async fn send(
        &self,
        method: Method,
        base: &str,
        path: &str,
        body: Option<&serde_json::Value>,
        wanted: Wanted<'_>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{base}{path}"));
        if let Some(tokens) = &self.tokens {
            request = request.bearer_auth(tokens.access_token.reveal());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::to(request, wanted).await
    }

    /// Trades its refresh token for a new pair at `base`; `None` if it has no refresh token.
    pub async fn refresh(&mut self, base: &str) -> Option<Answer> {
        let token = self.tokens.as_ref()?.refresh_token.as_ref()?;
        let request = self.http.post(format!("{base}/token/refresh"));
        let request = request.json(&json!({"refresh_token": token}));
        let answer = Answer::to(request, Wanted::Success).await;
        if let Some(tokens) = answer.read() {
            self.tokens = Some(tokens);
        }
        Some(answer)
    }

    /// Whether it still has a credential to send.
    pub fn holds_credential(&self, base: &str) -> bool {
        self.tokens.is_some() || self.cookies.credential_for(base).is_some()
    }

    /// A copy of its credential, to be shown at `base` by somebody else.
    pub fn ticket(&self, base: &str, path: &'static str) -> Option<Ticket> {
        let (header, credential) = match &self.tokens {
            Some(tokens) => (AUTHORIZATION, tokens.access_token.clone()),
            None => (COOKIE, Credential::new(self.cookies.credential_for(base)?)),
        };
        Some(Ticket::new(base, header, credential).asking(path, &self.user))
    }
}
