//! How this server remembers a login: it does not. It signs it and hands it out.
//!
//! The three verbs of [`app::Memory`] stand here; what each needs has a file of its own: what is
//! in a token and how it is checked in [`crate::token`], how it travels in [`crate::carry`], what
//! takes it back before its time in [`crate::revoke`], and what renews it in [`crate::refresh`].
//! server-session's file of this name does the same the other way round.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use app::lab::LifetimeMax;
use app::{
    Carriage, Challenge, Ended, Forgotten, Instance, Login, Memory, Problem, Reason, Scope, Status,
};
use axum::Router;
use http::Extensions;
use http::request::Parts;

use crate::carry::Carry;
use crate::keys::KeyRing;
use crate::keys::file::KeySource;
use crate::refresh::Families;
use crate::revoke::store::Store;
use crate::revoke::{Mark, Revocation};
use crate::routes;
use crate::token::claims::Policy;
use crate::token::verify::Scratch;
use crate::token::{stock, verify};

/// Remembers logins in tokens. Cheap to clone.
#[derive(Clone)]
pub struct JwtMemory(pub(crate) Arc<Shared>);

/// What all requests of an instance share.
pub(crate) struct Shared {
    pub(crate) instance: Instance,
    pub(crate) keys: RwLock<KeyRing>,
    pub(crate) source: KeySource,
    /// Who issues, where this instance can only verify.
    pub(crate) issuer_instance: Option<String>,
    pub(crate) policy: Policy,
    pub(crate) carry: Carry,
    /// Whether the library's own defaults judge, instead of our policy.
    pub(crate) stock: bool,
    pub(crate) store: Option<Arc<Store>>,
    pub(crate) revocation: Revocation,
    pub(crate) families: Option<Families>,
    pub(crate) issued: AtomicU64,
    /// What every token says beside the login, if an experiment wants it.
    pub(crate) padding: Option<String>,
}

thread_local! {
    /// Where tokens are decoded: one place a thread, instead of three allocations a request.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Memory for JwtMemory {
    async fn remember(&self, request: &mut Parts, login: &Login) -> Result<Carriage, Problem> {
        let me = &self.0;
        me.can_issue()?;
        // The token that the request carries ends where it can be ended.
        let old = me.mark(request).ok();
        let (extensions, now_ms) = (&mut request.extensions, me.instance.clock.now_ms());
        let family = match &me.families {
            Some(families) => {
                let replaced = old.as_ref().and_then(|mark| mark.family.as_deref());
                Some(families.begin(extensions, login, replaced).await?)
            }
            None => None,
        };
        let issued = me
            .revocation
            .stamp(extensions, &login.user, old.as_ref(), now_ms);
        let iat_ms = issued.await?;
        let shortened = LifetimeMax::asked(&request.extensions);
        let answer = me.issue(login, iat_ms, family, shortened)?;
        me.carry.hand_out(answer, &me.instance)
    }

    async fn recall(&self, request: &mut Parts) -> Result<Login, Problem> {
        let me = &self.0;
        if matches!(me.revocation, Revocation::None) {
            return me.read(request, |login, _| login);
        }
        let (login, mark) = me.read(request, |login, mark| (login, mark()))?;
        me.revocation.ask(&mut request.extensions, &mark).await?;
        Ok(login)
    }

    async fn forget(&self, request: &mut Parts, scope: &Scope) -> Forgotten {
        let me = &self.0;
        let own = me.mark(request).ok();
        let ended = me.end(&mut request.extensions, scope, own.as_ref()).await;
        let takes_own = match scope {
            Scope::ThisLogin => true,
            Scope::EveryLogin { user } | Scope::OldRole { user, .. } => {
                own.is_some_and(|mark| mark.user == *user)
            }
        };
        match takes_own {
            true => me.carry.take_back(ended, &me.instance),
            // An admin who ends other people's logins keeps the own cookie.
            false => ended.into(),
        }
    }

    fn wrap(&self, routes: Router) -> Router {
        routes::add(routes, &self.0)
    }

    fn challenge(&self) -> Challenge {
        self.0.carry.challenge(&self.0.instance)
    }

    fn store_up(&self) -> Option<bool> {
        let store = self.0.store.as_ref()?;
        Some(self.0.revocation.is_fed().unwrap_or(store.is_up()))
    }

    async fn status(&self) -> Status {
        let me = &self.0;
        let mut counts = vec![("tokens_issued_total", me.issued.load(Ordering::Relaxed))];
        counts.extend(me.revocation.counts());
        counts.extend(me.families.iter().map(|families| {
            let reused = families.reused();
            ("refresh_reused_total", reused)
        }));
        counts.extend(me.store.iter().map(|store| {
            let evicted = store.evicted.load(Ordering::Relaxed);
            ("store_evicted_keys", evicted)
        }));
        Status {
            store_up: self.store_up(),
            // It holds none, whatever was issued: that is the idea.
            logins: None,
            held: Vec::new(),
            keys: me.keys().shown(),
            counts,
        }
    }
}

impl Shared {
    /// Checks the request's token and makes something of what it says. The second argument of
    /// `make` makes the mark that a list knows the token by, for whoever needs one.
    fn read<T>(
        &self,
        request: &Parts,
        make: impl FnOnce(Login, &dyn Fn() -> Mark) -> T,
    ) -> Result<T, Problem> {
        let token = self.carry.token(request, &self.instance)?;
        if self.stock {
            return self.read_as_it_comes(token, make);
        }
        let now_ms = self.instance.clock.now_ms();
        SCRATCH.with_borrow_mut(|scratch| {
            let claims = verify::check(token, &self.keys(), &self.policy, now_ms, scratch)?;
            Ok(make(claims.login(), &|| Mark {
                user: claims.sub.clone().into_owned(),
                jti: claims.jti.clone().into_owned(),
                iat_ms: claims.iat_ms,
                expires_ms: self.expires_ms(claims.exp),
                family: claims.family.clone().map(|family| family.into_owned()),
            }))
        })
    }

    fn read_as_it_comes<T>(
        &self,
        token: &[u8],
        make: impl FnOnce(Login, &dyn Fn() -> Mark) -> T,
    ) -> Result<T, Problem> {
        let keys = self.keys();
        let key = keys.signer().ok_or(Reason::UnknownKey)?;
        let (login, expires_ms) = stock::read(token, key.decoding())?;
        let user = login.user.clone();
        Ok(make(login, &|| Mark {
            user: user.clone(),
            jti: String::new(),
            iat_ms: 0,
            expires_ms,
            family: None,
        }))
    }

    fn mark(&self, request: &Parts) -> Result<Mark, Problem> {
        self.read(request, |_, mark| mark())
    }

    async fn end(&self, request: &mut Extensions, scope: &Scope, own: Option<&Mark>) -> Ended {
        let now_ms = self.instance.clock.now_ms();
        // Families first: what a log-out could not end must not renew itself either.
        let families_ended = match (&self.families, scope, own) {
            (None, ..) => Ok(()),
            (Some(families), Scope::EveryLogin { user }, _) => {
                families.end_all(request, user).await
            }
            (Some(families), Scope::OldRole { user, role }, _) => {
                families.set_role(request, user, *role).await
            }
            (Some(families), Scope::ThisLogin, own) => {
                match own.and_then(|own| own.family.as_ref()) {
                    Some(family) => families.end(request, family).await,
                    None => Ok(()),
                }
            }
        };
        if families_ended.is_err() {
            return Ended::Unknown;
        }
        match (scope, own) {
            (Scope::ThisLogin, Some(own)) => self.revocation.end(request, own, now_ms).await,
            // It expired between being recognised and being ended.
            (Scope::ThisLogin, None) => Ended::At { at_ms: now_ms },
            (Scope::EveryLogin { user } | Scope::OldRole { user, .. }, _) => {
                let last_ms = self.expires_ms(now_ms / 1000 + self.policy.lifetime_max_s);
                self.revocation
                    .end_all(request, user, now_ms, last_ms)
                    .await
            }
        }
    }

    fn expires_ms(&self, exp: u64) -> u64 {
        match self.stock {
            true => stock::refused_at_ms(exp),
            false => crate::token::claims::expires_ms(exp, self.policy.leeway_ms),
        }
    }

    pub(crate) fn keys(&self) -> RwLockReadGuard<'_, KeyRing> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}
