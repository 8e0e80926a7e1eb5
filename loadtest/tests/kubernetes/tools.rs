//! `kubectl kustomize` and `kubernetes-validate`, which work without any cluster. A tool that is
//! missing fails the test: nothing was looked at.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Where `.ci/set-up` puts them.
const TOOLS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/tools/kubernetes/bin"
);
/// Every document of a YAML file as JSON; the validator brings its parser along.
const AS_JSON: &str = "import json, sys, yaml
json.dump(list(yaml.safe_load_all(open(sys.argv[1]))), sys.stdout)";

/// The manifests, in a folder of their own, so that a fault can be planted, with secrets made as
/// the page says.
pub(crate) struct Manifests {
    folder: tempfile::TempDir,
}

impl Manifests {
    pub(crate) fn copied() -> Manifests {
        let manifests = Manifests::without_secrets();
        let secrets = manifests.path("secrets");
        std::fs::create_dir(&secrets).unwrap();
        std::fs::write(secrets.join("accounts-password"), "made-for-this-test").unwrap();
        let made = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["server-jwt", "keygen", "--alg", "HS256", "--kid", "k1"])
            .arg("--out")
            .arg(secrets.join("keys.json"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", said(&made));
        manifests
    }

    pub(crate) fn without_secrets() -> Manifests {
        let folder = tempfile::tempdir().unwrap();
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker/kubernetes"),
            folder.path(),
        );
        Manifests { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces one place in one file.
    pub(crate) fn plant(&self, file: &str, there: &str, instead: &str) {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(there), "{file} has no {there:?}");
        let text = text.replacen(there, instead, 1);
        std::fs::write(self.path(file), text).unwrap();
    }

    /// What would be applied from this folder, or what kustomize says against it.
    pub(crate) fn rendered(&self, folder: &str) -> Result<Rendered, String> {
        let output = run("kubectl", &["kustomize".as_ref(), &self.path(folder)]);
        if !output.status.success() {
            return Err(said(&output));
        }
        let file = self.path("rendered.yaml");
        std::fs::write(&file, &output.stdout).unwrap();
        let json = run("python", &["-c".as_ref(), AS_JSON.as_ref(), &file]);
        assert!(json.status.success(), "{}", said(&json));
        let objects = serde_json::from_slice(&json.stdout).unwrap();
        Ok(Rendered { file, objects })
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // Whoever works here may have secrets of their own.
        if entry.file_name() == "secrets" {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What would be applied.
pub(crate) struct Rendered {
    file: PathBuf,
    pub(crate) objects: Vec<Value>,
}

impl Rendered {
    /// That the schemas of Kubernetes know every object as it is, or what is said of one that they
    /// do not. Of a kind without a schema the validator only warns, so those that pass are counted.
    pub(crate) fn validated(&self) -> Result<(), String> {
        let output = run("kubernetes-validate", &["--strict".as_ref(), &self.file]);
        let said = said(&output);
        let passed = said.matches(" passed for resource ").count();
        match output.status.success() && passed == self.objects.len() {
            true => Ok(()),
            false => Err(said),
        }
    }

    /// All objects of one kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<&Value> {
        let objects = self.objects.iter();
        objects.filter(|object| object["kind"] == kind).collect()
    }
}

fn run(tool: &str, args: &[&Path]) -> Output {
    Command::new(format!("{TOOLS}/{tool}"))
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{tool} is missing, .ci/set-up installs it: {error}"))
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}
