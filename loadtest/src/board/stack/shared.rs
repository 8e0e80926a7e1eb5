//! The folder that a stack's board and servers share.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::keys::Keys;
use super::super::stage::StageError;

/// The folder. While a file with somebody's name is in `held`, that one does not start.
pub(super) struct Shared {
    held: PathBuf,
    pub(super) keys: Keys,
}

impl Shared {
    /// Opens the folder, and lets go whatever an earlier board held: this one starts with all
    /// running.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let shown = || format!("--shared {}", folder.display());
        let held = folder.join("held");
        std::fs::create_dir_all(&held).with_context(shown)?;
        for entry in std::fs::read_dir(&held).with_context(shown)? {
            std::fs::remove_file(entry?.path()).with_context(shown)?;
        }
        let keys = Keys::at(folder.join("keys.json"));
        Ok(Self { held, keys })
    }

    pub(super) fn is_held(&self, name: &str) -> bool {
        self.held.join(name).exists()
    }

    pub(super) fn hold(&self, name: &str) -> Result<(), StageError> {
        let file = self.held.join(name);
        std::fs::write(&file, "").map_err(|error| failed(&file, &error))
    }

    pub(super) fn let_go(&self, name: &str) -> Result<(), StageError> {
        let file = self.held.join(name);
        std::fs::remove_file(&file).map_err(|error| failed(&file, &error))
    }
}

fn failed(file: &Path, error: &std::io::Error) -> StageError {
    StageError::Failed(format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_let_go_by_the_next_board() {
        let folder = tempfile::tempdir().expect("a folder");
        let shared = Shared::open(folder.path()).expect("it opens");
        assert!(!shared.is_held("a"));
        shared.hold("a").expect("it is held");
        shared.hold("store").expect("it is held");
        shared.let_go("store").expect("it is let go");
        assert!(shared.is_held("a") && !shared.is_held("store"));
        let next = Shared::open(folder.path()).expect("it opens");
        assert!(!next.is_held("a"));
    }
}
