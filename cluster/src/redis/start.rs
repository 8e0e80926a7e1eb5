//! How a Redis that was found is started, and how one in a container is reached.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::process::Command;

use super::find::{ASK_WAIT, Found, Place};
use crate::cluster::ClusterSettings;
use crate::error::Error;
use crate::protocol::Launch;

/// What every Redis of ours is started with: no snapshots, nobody but us.
const FLAGS: [&str; 6] = ["--save", "", "--daemonize", "no", "--loglevel", "warning"];

/// Nothing on disk.
const FORGETS: [&str; 2] = ["--appendonly", "no"];

/// Every change on disk before it is answered: so it outlives the process, and whether it outlives
/// the machine is nobody's question here.
const KEEPS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "no"];

/// Ends the server when the container's standard input ends, which is when `docker run` does:
/// no signal reaches through a `docker run` that was killed.
const IN_CONTAINER: &str = "\
$(command -v redis-server || command -v valkey-server) \"$@\" & server=$!
cat > /dev/null
kill -9 $server";

impl Found {
    /// A folder for what it holds, made anew, if it is to keep it and can: a container has none
    /// that outlives it.
    pub(super) fn folder(
        &self,
        settings: &ClusterSettings,
        port: u16,
        keeps: bool,
    ) -> io::Result<Option<PathBuf>> {
        if !keeps || !matches!(self.place, Place::Program(_)) {
            return Ok(None);
        }
        let folder = settings.work_dir.join(format!("redis-{port}"));
        std::fs::create_dir_all(&folder)?;
        Ok(Some(folder))
    }

    /// How it is started on `port`, and the container that it is then in, if any. With a `folder`
    /// it keeps there what it holds.
    pub(super) fn launch(
        &self,
        settings: &ClusterSettings,
        port: u16,
        folder: Option<&Path>,
    ) -> (Launch, Option<Container>) {
        let mut args = vec![OsString::from("exec-watched")];
        let port = port.to_string();
        let mut container = None;
        match &self.place {
            Place::Program(file) => {
                args.push(file.into());
                args.extend(FLAGS.map(OsString::from));
                match folder {
                    Some(_) => args.extend(KEEPS.map(OsString::from)),
                    None => args.extend(FORGETS.map(OsString::from)),
                }
                args.extend(["--bind", "127.0.0.1", "--port", &port].map(OsString::from));
                let dir = folder.unwrap_or(&settings.work_dir).as_os_str();
                args.extend([OsStr::new("--dir"), dir].map(OsString::from));
            }
            Place::Image { docker, image } => {
                let name = container_name();
                let publish = format!("127.0.0.1:{port}:6379");
                args.push(docker.into());
                args.extend(["run", "--rm", "--interactive", "--name", &name].map(OsString::from));
                args.extend(["--publish", &publish, "--entrypoint", "sh"].map(OsString::from));
                args.extend([image, "-c", IN_CONTAINER, "sh"].map(OsString::from));
                args.extend(FLAGS.map(OsString::from));
                args.extend(FORGETS.map(OsString::from));
                // Open inside the container; its port is published on this machine's loopback.
                args.extend(["--bind", "0.0.0.0", "--protected-mode", "no"].map(OsString::from));
                let docker = docker.clone();
                container = Some(Container { docker, name });
            }
        }
        let launch = Launch {
            program: settings.executable.clone().into(),
            args,
            env: Vec::new(),
            speaks: false,
        };
        (launch, container)
    }
}

fn container_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("session-vs-jwt-{}-{number}", std::process::id())
}

/// A Redis in a container, beyond the reach of signals.
#[derive(Debug)]
pub(super) struct Container {
    docker: PathBuf,
    name: String,
}

impl Container {
    pub(super) async fn kill(&self) {
        self.run("kill").await;
    }

    pub(super) async fn pause(&self) {
        self.run("pause").await;
    }

    pub(super) async fn unpause(&self) {
        self.run("unpause").await;
    }

    async fn run(&self, verb: &str) {
        let run = Command::new(&self.docker)
            .args([verb, &self.name])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .status();
        match tokio::time::timeout(ASK_WAIT, run).await {
            Ok(Ok(status)) if status.success() => {}
            failed => tracing::warn!(verb, name = self.name, ?failed, "docker"),
        }
    }
}

/// Whether somebody else had the port.
pub(super) fn port_was_taken(error: &Error) -> bool {
    let Error::DidNotStart { stderr, .. } = error else {
        return false;
    };
    // The words of Redis and of Docker.
    let words = ["in use", "already allocated"];
    stderr
        .iter()
        .any(|line| words.iter().any(|words| line.contains(words)))
}

/// Redis cannot choose a port by itself and say which. What is free now is likely to be free in
/// a moment, since the system hands such ports out in turn.
pub(super) fn free_port() -> std::io::Result<u16> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ours_writes_nothing_and_listens_to_nobody_else() {
        let settings = ClusterSettings {
            executable: "/bin/loadtest".into(),
            work_dir: "/tmp/work".into(),
            health_interval: Duration::from_secs(1),
        };
        let found = Found::program("found on PATH", "/usr/bin/redis-server");
        let started = |folder: Option<&Path>| {
            let (launch, container) = found.launch(&settings, 7000, folder);
            assert!(container.is_none());
            let args = launch.args.iter().map(|arg| arg.to_str().unwrap());
            args.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            started(None),
            "exec-watched /usr/bin/redis-server --save  --daemonize no --loglevel warning \
             --appendonly no --bind 127.0.0.1 --port 7000 --dir /tmp/work"
        );
        assert_eq!(
            started(Some(Path::new("/tmp/redis-7000"))),
            "exec-watched /usr/bin/redis-server --save  --daemonize no --loglevel warning \
             --appendonly yes --appendfsync no --bind 127.0.0.1 --port 7000 \
             --dir /tmp/redis-7000"
        );
    }
}
