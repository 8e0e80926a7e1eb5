//! From the command line to a memory: keys, store and lists, each refused with one line that
//! names the flag and the remedy.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use app::{Instance, StartError, once};
use jsonwebtoken::Algorithm;

use crate::args::{Revoke, Serve};
use crate::carry::Carry;
use crate::keys::file::{Form, KeySource};
use crate::keys::{keygen, rotation};
use crate::memory::{JwtMemory, Shared};
use crate::refresh::Families;
use crate::revoke::deny::{DenyList, ListSettings};
use crate::revoke::store::Store;
use crate::revoke::synced::SyncedList;
use crate::revoke::{Revocation, SKEW_MAX_MS, eviction};
use crate::token::claims::Policy;

impl Serve {
    /// Builds the memory of `instance`.
    ///
    /// # Errors
    /// One line that names the flag and the remedy.
    pub async fn build(self, instance: Instance) -> Result<JwtMemory, StartError> {
        if self.make_keys {
            self.find_or_make_keys()?;
        }
        let source = self.key_source()?;
        let mut keys = source.read().map_err(|error| usage(error.to_string()))?;
        if let Some(kid) = &self.sign_with {
            let named = |fault| usage(source.fault(Some(kid.clone()), fault).to_string());
            keys.sign_with(kid).map_err(named)?;
        }
        self.check(keys.signer().map(|key| key.algorithm()))?;
        let store = self.store(&instance)?;
        if let (Some(store), wait @ Some(_)) = (&store, self.settings.start_wait()) {
            let answered = app::start::waiting(wait, || store.reached()).await;
            answered.map_err(|_| StartError::NoStore)?;
        }
        let revocation = self.revocation(store.as_ref(), &instance).await;
        let families = store.as_ref().filter(|_| self.refresh).map(|store| {
            let lifetime = Duration::from_millis(self.refresh_ms);
            let grace = Duration::from_millis(self.refresh_grace_ms);
            Families::new(Arc::clone(store), lifetime, grace)
        });
        if let Some(store) = &store {
            tokio::spawn(eviction::watch(Arc::downgrade(store)));
            tokio::spawn(Store::look_after(Arc::downgrade(store)));
        }
        let shared = Arc::new(Shared {
            instance,
            keys: keys.into(),
            source,
            issuer_instance: self.issuer_instance,
            policy: Policy {
                issuer: self.issuer,
                audience: self.audience,
                leeway_ms: self.leeway_ms,
                lifetime_max_s: self.access_ms.div_ceil(1000),
            },
            carry: self.carry,
            stock: self.stock,
            store,
            revocation,
            families,
            issued: AtomicU64::new(0),
            padding: self.settings.padding(),
        });
        rotation::reload_on_hangup(&shared);
        Ok(JwtMemory(shared))
    }

    /// Of several instances that start at once, one makes the file that all of them read.
    fn find_or_make_keys(&self) -> Result<(), StartError> {
        let Some(path) = &self.keys else {
            return Ok(());
        };
        let make = || {
            let made = keygen::make(keygen::Alg::Hs256, "k1").map_err(io::Error::other)?;
            Ok(format!("{:#}\n", made.private).into_bytes())
        };
        let found = once::file(path, make);
        found.map_err(|error| {
            usage(format!(
                "--keys {}: {error}; name a file in a folder you may write to",
                path.display()
            ))
        })?;
        Ok(())
    }

    fn key_source(&self) -> Result<KeySource, StartError> {
        let source = |flag, path: &PathBuf, form| KeySource {
            flag,
            path: path.clone(),
            form,
        };
        match (&self.keys, &self.secret_file) {
            (Some(path), _) => Ok(source("--keys", path, Form::Jwks)),
            (None, Some(path)) => Ok(source("--secret-file", path, Form::Secret)),
            (None, None) => Err(usage(
                "--keys or --secret-file is missing; make a key with \
                 `server-jwt keygen --alg HS256 --kid k1 --out keys.json`",
            )),
        }
    }

    /// Settings that make no sense together.
    fn check(&self, signs: Option<Algorithm>) -> Result<(), StartError> {
        if self.stock && signs != Some(Algorithm::HS256) {
            return Err(usage(
                "--stock: the library's default is HS256; use a key with \"alg\":\"HS256\"",
            ));
        }
        if self.refresh && self.carry == Carry::Cookie {
            return Err(usage(
                "--refresh: a refresh token does not travel in the cookie; use --carry bearer",
            ));
        }
        if self.redis_url.is_none() && self.needs_store() {
            return Err(usage(
                "--redis-url is missing: --refresh and --revoke keep their state in Redis; \
                 add --redis-url redis://127.0.0.1:6379",
            ));
        }
        Ok(())
    }

    fn store(&self, instance: &Instance) -> Result<Option<Arc<Store>>, StartError> {
        let Some(url) = self.redis_url.as_ref().filter(|_| self.needs_store()) else {
            return Ok(None);
        };
        let prefix = format!("{}{}:", self.key_prefix, instance.pool);
        let store = Store::open(
            url.reveal(),
            &prefix,
            self.store_deadline(),
            self.store_nodelay,
        )?;
        Ok(Some(Arc::new(store)))
    }

    async fn revocation(&self, store: Option<&Arc<Store>>, instance: &Instance) -> Revocation {
        let Some(store) = store else {
            return Revocation::None;
        };
        let settings = ListSettings {
            issuer: self.issuer.clone(),
            // `exp` is rounded up to a second.
            retention_ms: self.access_ms + 1000 + self.leeway_ms + SKEW_MAX_MS,
            fail: self.deny_fail,
            store_epoch: self.store_epoch,
        };
        let store = Arc::clone(store);
        match self.revoke {
            Revoke::None => Revocation::None,
            Revoke::DenyList => Revocation::Asked(DenyList::new(store, settings)),
            Revoke::DenyListSynced => {
                let clock = instance.clock.clone();
                Revocation::Synced(SyncedList::start(store, settings, clock).await)
            }
        }
    }
}

fn usage(error: impl Into<String>) -> StartError {
    StartError::Usage(error.into())
}
