//! Replacing keys while the server runs.
//!
//! A signer that changes before every instance knows the new key is a log-out for those who are
//! sent to the others. Hence two phases: the file gets the new key beside the old one and is read
//! again everywhere, then the signer changes, and when the last old token has expired the old key
//! goes. Each step is safe to repeat.

use std::sync::{Arc, PoisonError};

use tokio::signal::unix::{SignalKind, signal};

use crate::keys::fault::{KeyFault, KeyFileError};
use crate::memory::Shared;

impl Shared {
    /// Reads the key file again. What is wrong with it leaves the keys as they are.
    ///
    /// The signer stays if it was chosen by name and is still there; otherwise the first key of
    /// the file that can sign does, so that a file and SIGHUP are enough for a whole rotation.
    pub(crate) fn reload_keys(&self) -> Result<(), KeyFileError> {
        let mut fresh = self.source.read()?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(kid) = keys.chosen()
            && fresh.sign_with(kid).is_err()
        {
            tracing::warn!(
                kid,
                "the signing key is gone from the file; the first signs now"
            );
        }
        *keys = fresh;
        Ok(())
    }

    /// Signs with `kid` from now on.
    pub(crate) fn sign_with(&self, kid: &str) -> Result<(), KeyFault> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.sign_with(kid)
    }
}

/// Reads the key file again on SIGHUP, for as long as anybody holds `shared`.
pub(crate) fn reload_on_hangup(shared: &Arc<Shared>) {
    let shared = Arc::downgrade(shared);
    // Caught before anybody can know that this process is there.
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return;
    };
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            match shared.upgrade().map(|shared| shared.reload_keys()) {
                None => return,
                Some(Ok(())) => tracing::info!("keys read again"),
                Some(Err(error)) => tracing::error!(%error, "keys left as they were"),
            }
        }
    });
}
