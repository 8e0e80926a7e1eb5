//! `/lab`, as the instrument uses it: clocks set wrong, logins without their password checks.

use std::time::Duration;

use anyhow::Context as _;
use app::Credential;
use app::front::LAB_SECRET;
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::ticket::Ticket;
use crate::visitors::plain_http;

/// What an instance ends with that was asked to: a failure, since engines may leave a success be.
const EXIT_CODE: u8 = 1;

/// The way to the `/lab` of every instance of a run.
#[derive(Clone)]
pub struct Lab {
    http: reqwest::Client,
    secret: String,
}

#[derive(Deserialize)]
struct Logins {
    credentials: Vec<Made>,
}

#[derive(Deserialize)]
struct Made {
    cookie: Option<Credential>,
    access_token: Option<Credential>,
    refresh_token: Option<Credential>,
}

impl Made {
    fn sent(self) -> Option<(HeaderName, Credential)> {
        let cookie = self.cookie.map(|cookie| (COOKIE, cookie));
        cookie.or(self.access_token.map(|token| (AUTHORIZATION, token)))
    }
}

impl Lab {
    /// The way in, with this secret.
    pub fn new(secret: String) -> Lab {
        Lab {
            http: plain_http(),
            secret,
        }
    }

    /// The secret, for the instances' environment.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Sets an instance's clock wrong by so much.
    ///
    /// # Errors
    /// When the instance does not say that it did.
    pub async fn set_clock(&self, base: &str, offset_ms: i64) -> anyhow::Result<()> {
        self.post(base, "/lab/clock", &json!({"offset_ms": offset_ms}))
            .await?;
        Ok(())
    }

    /// Logs these users in at an instance.
    ///
    /// # Errors
    /// When one of them could not be logged in.
    pub async fn log_in(&self, base: &str, users: &[String]) -> anyhow::Result<Vec<Ticket>> {
        let made = self.credentials(base, users).await?;
        let tickets = made
            .into_iter()
            .map(|(header, credential)| Ticket::new(base, header, credential));
        Ok(tickets.collect())
    }

    /// The same, and the refresh token of each.
    ///
    /// # Errors
    /// When one of them could not be logged in, or was given no refresh token.
    pub async fn log_in_refreshable(
        &self,
        base: &str,
        users: &[String],
    ) -> anyhow::Result<Vec<(Ticket, Credential)>> {
        let mut made = Vec::new();
        for login in self.made(base, users).await? {
            let token = login.refresh_token.clone();
            let token = token.context("a login without a refresh token")?;
            let (header, credential) = login.sent().context("a login without a credential")?;
            made.push((Ticket::new(base, header, credential), token));
        }
        Ok(made)
    }

    /// The same, and what they got: for each the header that carries it, and what stands there.
    ///
    /// # Errors
    /// When one of them could not be logged in.
    pub async fn credentials(
        &self,
        base: &str,
        users: &[String],
    ) -> anyhow::Result<Vec<(HeaderName, Credential)>> {
        let made = self.made(base, users).await?;
        let sent = made.into_iter().map(Made::sent);
        sent.collect::<Option<_>>()
            .context("a login without a credential")
    }

    async fn made(&self, base: &str, users: &[String]) -> anyhow::Result<Vec<Made>> {
        let made = self
            .post(base, "/lab/logins", &json!({"users": users}))
            .await?;
        let Logins { credentials } = serde_json::from_value(made)?;
        Ok(credentials)
    }

    /// Tells an instance to read its keys again.
    ///
    /// # Errors
    /// When the instance does not say that it did.
    pub async fn reload_keys(&self, base: &str) -> anyhow::Result<()> {
        self.post(base, "/lab/keys", &json!({"step": "reload"}))
            .await?;
        Ok(())
    }

    /// Has an instance sign with that key from now on.
    ///
    /// # Errors
    /// When the instance does not say that it does.
    pub async fn sign_with(&self, base: &str, kid: &str) -> anyhow::Result<()> {
        self.post(base, "/lab/keys", &json!({"step": "sign", "kid": kid}))
            .await?;
        Ok(())
    }

    /// The request that adds one to the count in the record of a session, to which the credential
    /// is still to be added. It reads the record, and goes on when `barrier` requests to that
    /// instance have.
    pub fn counting(&self, http: &reqwest::Client, base: &str, barrier: usize) -> RequestBuilder {
        let request = http.post(format!("{base}/lab/counter"));
        request
            .header(LAB_SECRET, &self.secret)
            .json(&json!({ "barrier": barrier }))
    }

    /// Asks an instance to end at once, without a drain.
    ///
    /// # Errors
    /// When the instance does not say that it will.
    pub async fn exit(&self, base: &str) -> anyhow::Result<()> {
        self.post(base, "/lab/exit", &json!({"code": EXIT_CODE}))
            .await?;
        Ok(())
    }

    /// What an instance says it holds.
    ///
    /// # Errors
    /// When the instance does not answer within `wait`, or not as it should.
    pub async fn state<T: DeserializeOwned>(
        &self,
        base: &str,
        wait: Duration,
    ) -> anyhow::Result<T> {
        let asked = self.http.get(format!("{base}/lab/state")).timeout(wait);
        let answer = asked.header(LAB_SECRET, &self.secret).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    async fn post(&self, base: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{base}{path}")).json(body);
        let response = request.header(LAB_SECRET, &self.secret).send().await;
        let response = response.with_context(|| format!("no answer from {path}"))?;
        let response = response
            .error_for_status()
            .with_context(|| path.to_owned())?;
        Ok(response.json().await?)
    }
}

/// Without its secret.
impl std::fmt::Debug for Lab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lab").finish_non_exhaustive()
    }
}
