//! Signing a token for a login.

use std::sync::atomic::Ordering;

use app::lab::LifetimeMax;
use app::{Credential, Login, Problem, Reason, TokenAnswer};

use crate::memory::Shared;
use crate::refresh::random;
use crate::token::claims::Claims;
use crate::token::stock;

/// Octets of a token's own name: 128 bits, so that no two are ever the same.
const JTI_BYTES: usize = 16;

impl Shared {
    /// Signs a token for `login`, issued at `iat_ms` by the store's clock where there is one.
    pub(crate) fn issue(
        &self,
        login: &Login,
        iat_ms: u64,
        family: Option<(String, Credential)>,
        shortened: Option<LifetimeMax>,
    ) -> Result<TokenAnswer, Problem> {
        let (family, refresh_token) = family.unzip();
        let iat = self.instance.clock.now_ms() / 1000;
        let usual_s = self.policy.lifetime_max_s;
        let lifetime_s = shortened.map_or(usual_s, |max| max.ms.div_ceil(1000).min(usual_s));
        let keys = self.keys();
        let key = keys.signer().ok_or(Reason::NotTheIssuer)?;
        let token = match key.encoding().filter(|_| self.stock) {
            Some(secret) => {
                let padding = self.padding.as_deref();
                stock::issue(secret, login, (iat, lifetime_s), padding).map_err(Into::into)
            }
            None => key.issue(&Claims {
                iss: (&self.policy.issuer).into(),
                aud: (&self.policy.audience).into(),
                sub: (&login.user).into(),
                name: (&login.name).into(),
                role: login.role,
                exp: iat + lifetime_s,
                nbf: None,
                iat,
                iat_ms,
                jti: random::<JTI_BYTES>().into(),
                since_ms: login.since_ms,
                login_instance: (&login.login_instance).into(),
                family: family.map(Into::into),
                padding: self.padding.as_deref().map(Into::into),
            }),
        };
        let token = token.map_err(|error| {
            tracing::error!(%error, "cannot sign");
            Reason::Internal
        })?;
        self.issued.fetch_add(1, Ordering::Relaxed);
        Ok(TokenAnswer {
            token_type: "Bearer",
            access_token: Credential::new(token),
            expires_in: lifetime_s,
            refresh_token,
        })
    }

    /// An instance without a private key says whom to ask instead.
    pub(crate) fn can_issue(&self) -> Result<(), Problem> {
        if self.keys().signer().is_some() {
            return Ok(());
        }
        let problem = Problem::new(Reason::NotTheIssuer);
        Err(match &self.issuer_instance {
            Some(name) => problem.detail(format!("This instance can only verify. Ask {name}.")),
            None => problem,
        })
    }
}
