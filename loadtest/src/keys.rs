//! The key files of an arm's instances, and what an operator does with them. What is in a key is
//! the server's business: here a JWK is something to be put into a file, or taken out of it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::pools::{INSTANCES, keygen};
use crate::scene::Scene;

/// The key files of an arm's instances, in the order of their names. They may be one and the same.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    pub(crate) executable: PathBuf,
    pub(crate) alg: &'static str,
    pub(crate) files: [PathBuf; INSTANCES.len()],
}

/// One key, as each instance holds it: whole, or its public half.
#[derive(Clone)]
pub struct HeldKey([Value; INSTANCES.len()]);

impl HeldKey {
    /// Its name.
    pub fn kid(&self) -> &str {
        self.0[0]["kid"].as_str().unwrap_or_default()
    }
}

impl KeyFiles {
    /// The first key that each instance's file holds.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn first(&self) -> anyhow::Result<HeldKey> {
        let [a, b] = &self.files;
        Ok(HeldKey([first_in(a)?, first_in(b)?]))
    }

    /// A new key with this name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn make(&self, kid: &str) -> anyhow::Result<HeldKey> {
        let [a, b] = &self.files;
        let folder = a.parent().context("a key file lies in a folder")?;
        let made = tempfile::tempdir_in(folder)?;
        let (private, public) = (made.path().join("key"), made.path().join("public"));
        // Only B of a key pair holds less than A.
        let halves = is_half(b)?;
        let public_file = halves.then_some(public.as_path());
        keygen(&self.executable, self.alg, kid, &private, public_file).await?;
        let whole = first_in(&private)?;
        let other = match halves {
            true => first_in(&public)?,
            false => whole.clone(),
        };
        Ok(HeldKey([whole, other]))
    }

    /// Gives an instance these keys, and has it read them.
    ///
    /// # Errors
    /// When the file cannot be written, or the instance does not take it.
    pub async fn give(
        &self,
        scene: &Scene,
        lab: &Lab,
        instance: usize,
        keys: &[&HeldKey],
    ) -> anyhow::Result<()> {
        let keys: Vec<_> = keys.iter().map(|key| &key.0[instance]).collect();
        let text = json!({ "keys": keys }).to_string();
        let file = &self.files[instance];
        std::fs::write(file, text).with_context(|| file.display().to_string())?;
        lab.reload_keys(&scene.direct(INSTANCES[instance])).await
    }
}

fn first_in(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    let keys: Value = serde_json::from_slice(&text)?;
    Ok(keys["keys"][0].clone())
}

/// Whether a file holds no more than what it takes to verify: no exponent of RSA, no scalar of a
/// curve, no secret (RFC 7518, section 6).
fn is_half(file: &Path) -> anyhow::Result<bool> {
    let key = first_in(file)?;
    Ok(key["d"].is_null() && key["k"].is_null())
}

/// Without the key.
impl std::fmt::Debug for HeldKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldKey").finish_non_exhaustive()
    }
}
