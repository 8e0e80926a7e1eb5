//! Visitors: simulated people, each with a client, a cookie jar and a login of their own.
//!
//! Three kinds. A *browser* does what `Set-Cookie` says, and like a browser it has one jar for all
//! ports of a host. One that *keeps its cookie* holds on to the credential it was given at login,
//! whatever it is told later. A *bearer* sends its token in `Authorization`. A [`Ticket`] is a
//! credential taken out of a visitor's hands, to be shown elsewhere or tampered with.

mod cookies;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use app::Credential;
use app::users::{LOAD_PASSWORD, load_user};
use http::header::{AUTHORIZATION, COOKIE};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::answer::{Answer, Outcome, Wanted};
use crate::arms::{Arm, Carried};
use crate::interface::Interface;
use crate::record::Client;
use crate::ticket::Ticket;
use cookies::Cookies;

/// Nobody waits longer for an answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// A login may take longer: passwords are checked one after the other, on threads that give way to
/// everything else on the machine.
pub(crate) const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The users of a run. No two visitors share one: a user whose password one cell changes must not
/// be somebody in another.
#[derive(Debug, Default)]
pub struct Users {
    next: AtomicU32,
}

impl Users {
    /// How many load users a run needs at most: some six hundred for each arm.
    pub const COUNT: u32 = 20_000;

    /// A user that nobody has had.
    pub fn fresh(&self) -> String {
        load_user(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// An account that a visitor logs in with.
#[derive(Clone)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl Account {
    /// A load user's.
    pub fn of_load_user(name: String) -> Account {
        let password = LOAD_PASSWORD.to_owned();
        Account { name, password }
    }
}

/// Without its password.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The kinds of client that an arm is asked by.
pub fn kinds(arm: &Arm) -> &'static [Client] {
    match arm.properties.carried {
        Carried::SessionCookie { .. } | Carried::SealedCookie => {
            &[Client::Browser, Client::KeepsCookie]
        }
        Carried::SignedToken | Carried::Claim => &[Client::Bearer],
    }
}

/// The kind that holds on to its credential: what an attacker, or a stale tab, does.
pub fn steadfast(arm: &Arm) -> Client {
    match arm.properties.carried {
        Carried::SessionCookie { .. } | Carried::SealedCookie => Client::KeepsCookie,
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
    pub account: Account,
    /// The login it has, if any.
    pub login: Option<LoginFact>,
    interface: Arc<Interface>,
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
struct RefreshToken {
    refresh_token: Credential,
}

#[derive(Debug, Clone, Deserialize)]
struct Tokens {
    access_token: Credential,
    refresh_token: Option<Credential>,
}

impl Visitor {
    /// A visitor with this account, who speaks as the application does.
    pub fn new(kind: Client, interface: Arc<Interface>, account: Account) -> Visitor {
        let keeps = kind == Client::KeepsCookie;
        let cookies = Arc::new(Cookies::new(interface.cookie().map(str::to_owned), keeps));
        let http = http()
            .cookie_provider(Arc::clone(&cookies))
            .build()
            .expect("a client without TLS, files or proxies has nothing that can fail");
        Visitor {
            kind,
            account,
            login: None,
            interface,
            http,
            cookies,
            tokens: None,
        }
    }

    /// Comes back with what it holds, on new connections, from this address if one is named.
    pub fn reconnect_from(&mut self, address: Option<IpAddr>) {
        self.http = http()
            .cookie_provider(Arc::clone(&self.cookies))
            .local_address(address)
            .build()
            .expect("a client without TLS, files or proxies has nothing that can fail");
    }

    /// The instance that took its login, as in `x-served-by`; empty if there is none.
    pub fn taken_by(&self) -> &str {
        self.login.as_ref().map_or("", |login| &login.taken_by)
    }

    /// Logs in at `base`.
    pub async fn log_in(&mut self, base: &str) -> Answer {
        let interface = Arc::clone(&self.interface);
        let request = interface.log_in(&self.http, base, &self.account);
        let request = request.timeout(LOGIN_TIMEOUT);
        self.cookies.logging_in(true);
        let wanted = interface.logged_in(&self.account);
        let mut answer = Answer::read(&interface, request, wanted).await;
        self.cookies.logging_in(false);
        if answer.outcome != Outcome::Recognised {
            return answer;
        }
        self.tokens = interface.token(&answer.body).map(|token| Tokens {
            access_token: Credential::new(token.to_owned()),
            refresh_token: answer
                .parsed()
                .map(|RefreshToken { refresh_token }| refresh_token),
        });
        if !interface.is_ours() && !self.holds_credential(base) {
            // A form that comes back with "wrong password" is a 200 like any other.
            answer.outcome = Outcome::Refused;
            answer.reason += " without a credential";
            return answer;
        }
        self.login = Some(LoginFact {
            taken_by: answer.served_by.clone(),
            since_ms: answer.body["since"].as_u64().unwrap_or_else(now_ms),
            at: answer.answered,
        });
        answer
    }

    /// Asks who it is at `base`.
    pub async fn ask(&self, base: &str) -> Answer {
        let request = self.interface.who_am_i(&self.http, base);
        let wanted = self.interface.is(Some(&self.account.name));
        self.shown(request, wanted).await
    }

    /// Logs out at `base`.
    pub async fn log_out(&self, base: &str) -> Answer {
        let request = self.interface.log_out(&self.http, base);
        self.shown(request, Wanted::Done).await
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
        let request = self.http.request(method, format!("{base}{path}"));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.shown(request, wanted).await
    }

    /// Sends a request with its credential; a cookie goes along by itself.
    async fn shown(&self, request: RequestBuilder, wanted: Wanted<'_>) -> Answer {
        let request = match &self.tokens {
            Some(tokens) => request.bearer_auth(tokens.access_token.reveal()),
            None => request,
        };
        Answer::read(&self.interface, request, wanted).await
    }

    /// Trades its refresh token for a new pair at `base`; `None` if it has no refresh token.
    pub async fn refresh(&mut self, base: &str) -> Option<Answer> {
        let token = self.tokens.as_ref()?.refresh_token.as_ref()?;
        let request = self.http.post(format!("{base}/token/refresh"));
        let request = request.json(&json!({"refresh_token": token}));
        let answer = Answer::read(&self.interface, request, Wanted::Success).await;
        if let Some(tokens) = answer.parsed() {
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
        let ticket = Ticket::speaking(Arc::clone(&self.interface), base, header, credential);
        Some(ticket.asking(path, &self.account.name))
    }
}

/// By this machine's clock, where the server does not say.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}
