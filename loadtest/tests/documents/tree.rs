//! Which files there are: those of git, since a link to any other works on one machine alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files and folders, by their paths from the repository's folder.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Tree {
    /// What git has, and what it does not ignore.
    pub(crate) fn of_the_repository() -> Tree {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = fs::canonicalize(root).expect("the folder of the workspace is there");
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .expect("git says which files are the repository's");
        assert!(listed.status.success(), "git ls-files: {listed:?}");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        // What was deleted is listed until that is committed.
        let there = listed.lines().filter(|path| root.join(path).exists());
        Tree::new(root.clone(), there.map(str::to_owned))
    }

    /// These files.
    pub(crate) fn new(root: PathBuf, files: impl IntoIterator<Item = String>) -> Tree {
        let files: BTreeSet<_> = files.into_iter().collect();
        let mut folders = BTreeSet::from([String::new()]);
        for file in &files {
            let slashes = file.match_indices('/').map(|(at, _)| at);
            folders.extend(slashes.map(|at| file[..at].to_owned()));
        }
        Tree {
            root,
            files,
            folders,
        }
    }

    /// The repository's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The paths of all files, in order.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// What stands in a file; nothing if it is no text.
    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    /// Whether there is such a file.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.has_file(path) || self.folders.contains(path)
    }

    /// Whether some file or folder has a path that ends in these names.
    pub(crate) fn has_somewhere(&self, names: &str) -> bool {
        let end = format!("/{names}");
        let mut all = self.files.iter().chain(&self.folders);
        self.has(names) || all.any(|path| path.ends_with(&end))
    }

    /// Whether git is told to ignore it: it is made, so it need not be there.
    pub(crate) fn is_made(&self, path: &str) -> bool {
        Command::new("git")
            .args(["check-ignore", "--quiet", "--", path])
            .current_dir(&self.root)
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// `path` seen from `folder`, with its `..` taken away; `None` if it leads out of the repository.
pub(crate) fn resolved(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
