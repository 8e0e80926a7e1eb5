//! The keys that the board's JWT instances share, and how they are replaced while they run.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::stage::StageError;
use crate::lab::Lab;

/// A file with a JWK set, the signing key first.
pub(super) struct Keys {
    path: PathBuf,
    /// One replacement at a time.
    replacing: Mutex<()>,
}

impl Keys {
    /// Makes the first key in `work_dir`.
    pub(super) fn make(work_dir: &Path) -> io::Result<Self> {
        let path = work_dir.join("board-keys.json");
        write(&path, &[new_key(1)])?;
        Ok(Self::at(path))
    }

    /// The keys in a file that somebody else has made, or will.
    pub(super) fn at(path: PathBuf) -> Self {
        Self {
            path,
            replacing: Mutex::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the key in the `/lab` of these instances.
    ///
    /// With `overlap` in two phases: everybody is told both keys before anybody signs with the new
    /// one, and the old one stays good. Without, one instance after the other knows the new key
    /// only, and every token there is becomes worthless.
    pub(super) async fn rotate(
        &self,
        overlap: bool,
        lab: &Lab,
        instances: &[SocketAddr],
    ) -> Result<(), StageError> {
        let failed = |error: io::Error| StageError::Failed(format!("the key file: {error}"));
        let _one_at_a_time = self.replacing.lock().await;
        let [old, ..] = &read(&self.path).map_err(failed)?[..] else {
            return Err(StageError::Failed("the key file is empty".to_owned()));
        };
        let new = new_key(number(old) + 1);
        let phases = match overlap {
            true => vec![vec![old.clone(), new.clone()], vec![new, old.clone()]],
            false => vec![vec![new]],
        };
        for keys in phases {
            write(&self.path, &keys).map_err(failed)?;
            reload(lab, instances).await?;
        }
        Ok(())
    }
}

/// Has these instances read the file again, one after the other.
pub(super) async fn reload(lab: &Lab, instances: &[SocketAddr]) -> Result<(), StageError> {
    for instance in instances {
        let told = lab.reload_keys(&format!("http://{instance}")).await;
        told.map_err(|why| StageError::Failed(format!("{instance}: {why:#}")))?;
    }
    Ok(())
}

/// The number in a key's name, as in `k1`; 0 for a name that is not ours.
fn number(key: &Value) -> u32 {
    let number = key["kid"].as_str().and_then(|kid| kid.strip_prefix('k'));
    number.and_then(|n| n.parse().ok()).unwrap_or_default()
}

/// A secret of 256 random bits, as a JWK (RFC 7518, section 6.4).
fn new_key(number: u32) -> Value {
    let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    json!({ "kty": "oct", "alg": "HS256", "kid": format!("k{number}"), "k": secret })
}

fn read(path: &Path) -> io::Result<Vec<Value>> {
    let set: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    Ok(set["keys"].as_array().cloned().unwrap_or_default())
}

/// Replaces the file in one step: an instance that starts meanwhile reads either all or none.
fn write(path: &Path, keys: &[Value]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Readable by nobody else, as `tempfile` makes it.
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&file, &json!({ "keys": keys }))?;
    file.persist(path)?;
    Ok(())
}
