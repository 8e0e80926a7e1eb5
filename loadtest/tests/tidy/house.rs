//! Where the house stands, and what is in it.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Folders that are not ours to judge, wherever they stand.
const NOT_OURS: [&str; 6] = [
    "target",
    ".git",
    "node_modules",
    "runs",
    "results",
    "vendor",
];

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a file, or nothing if there is none: that it is missing is for one test to say.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The files below a folder whose names end in `.extension`, from the workspace's folder, in order.
pub(crate) fn files(below: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            // Where code lies, `target` is a module.
            let ours = path.parent().is_some_and(|it| it.ends_with("src")) && name == "target";
            let skipped = NOT_OURS.contains(&name.as_str()) && !ours;
            if path.is_dir() && !path.is_symlink() && !skipped {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                let inside = path.strip_prefix(root()).unwrap_or(&path);
                found.push(inside.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

/// Fails with every problem on a line of its own, and with what to do about them.
#[track_caller]
pub(crate) fn assert_none<P: Display>(what_to_do: &str, problems: &[P]) {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect();
    assert!(problems.is_empty(), "{what_to_do}:\n{}", lines.join("\n"));
}

/// What a crate of the workspace depends on, as cargo reads it.
pub(crate) struct Manifest {
    dependencies: Vec<String>,
}

impl Manifest {
    /// The manifest of a member.
    pub(crate) fn of(member: &str) -> Manifest {
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--no-deps",
                "--offline",
                "--format-version",
                "1",
            ])
            .current_dir(root())
            .output()
            .expect("cargo runs this test, so it can be run");
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let packages = metadata["packages"].as_array().expect("a list of packages");
        let package = packages.iter().find(|package| package["name"] == member);
        let package = package.unwrap_or_else(|| panic!("{member} is no member of the workspace"));
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let names = dependencies.filter_map(|one| one["name"].as_str().map(str::to_owned));
        Manifest {
            dependencies: names.collect(),
        }
    }

    /// Whether it depends on that crate, for tests and builds included.
    pub(crate) fn depends_on(&self, name: &str) -> bool {
        self.dependencies
            .iter()
            .any(|dependency| dependency == name)
    }
}
