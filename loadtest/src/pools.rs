//! How the instances of an arm are started: subcommand, flags, keys. It reads an arm's settings
//! and never its properties.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use cluster::{InstanceSpec, PoolSpec};
use tokio::process::Command;

use crate::arms::{Arm, Keys, Server};
use crate::keys::KeyFiles;
use crate::lab::Lab;

/// The instances that every pool begins with.
pub const INSTANCES: [&str; 2] = ["a", "b"];

/// How long logins live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// What the addresses of a pool with these lives are called after, beside the arm.
    pub name: &'static str,
    /// How long a session lives unused.
    pub idle_ms: u64,
    /// How long a session lives at all.
    pub absolute_ms: u64,
    /// How long an access token lives.
    pub access_ms: u64,
}

impl Lives {
    /// As long as in the application.
    pub const USUAL: Lives = Lives {
        name: "usual",
        idle_ms: 15 * 60 * 1_000,
        absolute_ms: 8 * 60 * 60 * 1_000,
        access_ms: 15 * 60 * 1_000,
    };

    /// Short enough to wait for an expiry. The absolute lifetime too, since polling renews the
    /// idle one for ever.
    pub const BRIEF: Lives = Lives {
        name: "brief",
        idle_ms: 4_000,
        absolute_ms: 4_000,
        access_ms: 4_000,
    };
}

/// What is the same for all instances of a run.
#[derive(Debug, Clone)]
pub struct Premises {
    /// The executable with the hidden subcommands.
    pub executable: PathBuf,
    /// The accounts that all share.
    pub accounts: PathBuf,
    /// A folder for key files.
    pub keys: PathBuf,
    /// The way into every instance's `/lab`.
    pub lab: Lab,
    /// The store, if there is one.
    pub redis_url: Option<String>,
    /// What every key in the store begins with: nobody else's keys are ever touched.
    pub key_prefix: String,
}

/// How long a draining instance waits for the balancer to see it: three health checks.
const DRAIN_WAIT_MS: u64 = 600;

/// How long it then waits for those who do not finish. In a deployment it is longer; here whoever
/// loiters is meant to.
const DRAIN_DEADLINE_MS: u64 = 1_500;

impl Premises {
    /// Instances of `arm` with these names, started with `flags` beside the arm's own, and keys of
    /// their own. `tag` tells this pool from other pools of the same arm: they share neither keys
    /// nor records.
    pub async fn pool(
        &self,
        arm: &Arm,
        lives: Lives,
        names: &[&str],
        flags: &[&str],
        tag: &str,
    ) -> anyhow::Result<PoolSpec> {
        let mut instances = Vec::new();
        for name in names {
            let mut instance = self.instance(arm, lives, tag, name).await?;
            instance.args.extend(words(flags));
            instances.push(instance);
        }
        let name = arm.pool.to_owned();
        Ok(PoolSpec { name, instances })
    }

    /// One more instance of a pool that was started with this `tag`.
    pub async fn one_more(
        &self,
        arm: &Arm,
        lives: Lives,
        flags: &[&str],
        (tag, name): (&str, &str),
    ) -> anyhow::Result<InstanceSpec> {
        let mut instance = self.instance(arm, lives, tag, name).await?;
        instance.args.extend(words(flags));
        Ok(instance)
    }

    /// The key files of such a pool, as its instances read them; nothing where nothing is signed.
    pub fn key_files(&self, arm: &Arm, tag: &str) -> Option<KeyFiles> {
        let Server::Jwt { alg, keys, .. } = arm.server else {
            return None;
        };
        Some(KeyFiles {
            executable: self.executable.clone(),
            alg,
            files: INSTANCES.map(|name| self.key_path(arm, keys, tag, name)),
        })
    }

    /// An unrelated deployment of the same application: one instance of `arm` with other keys and
    /// records of its own, under the same pool's name.
    pub async fn stranger(&self, arm: &Arm, tag: &str) -> anyhow::Result<PoolSpec> {
        let instance = self.instance(arm, Lives::USUAL, tag, "stranger").await?;
        let name = arm.pool.to_owned();
        Ok(PoolSpec {
            name,
            instances: vec![instance],
        })
    }

    async fn instance(
        &self,
        arm: &Arm,
        lives: Lives,
        tag: &str,
        name: &str,
    ) -> anyhow::Result<InstanceSpec> {
        let mut args = match arm.server {
            Server::Trusting => words(&["trusting"]),
            Server::Elsewhere => bail!("{}: this is for somebody else to start", arm.name),
            Server::Session { store } => session(store, lives),
            Server::SealedCookie => {
                let file = self.key_path(arm, Keys::Shared, tag, name);
                sealed(&file, lives)
            }
            Server::Jwt { alg, keys, flags } => {
                let file = self.key_file(arm, alg, keys, tag, name).await?;
                let mut args = jwt(&file, flags, lives);
                if keys == Keys::PublicAtB {
                    args.extend(words(&["--issuer-instance", INSTANCES[0]]));
                }
                args
            }
        };
        args.extend(words(&["--lab", "--accounts"]));
        args.push(self.accounts.clone().into());
        args.extend(words(&["--drain-wait-ms", &DRAIN_WAIT_MS.to_string()]));
        args.extend(words(&[
            "--drain-deadline-ms",
            &DRAIN_DEADLINE_MS.to_string(),
        ]));
        let mut env = vec![("LAB_SECRET".into(), self.lab.secret().into())];
        if arm.server.needs_store() {
            let prefix = format!("{}{}:{tag}:", self.key_prefix, arm.name);
            args.extend(words(&["--key-prefix", &prefix]));
            // In the environment, since a URL may hold a password and a command line is public.
            let url = self.redis_url.clone().context("this arm needs a Redis")?;
            env.push(("REDIS_URL".into(), url.into()));
        }
        Ok(InstanceSpec {
            name: name.to_owned(),
            args,
            env,
        })
    }

    /// The file with the keys of this instance, made by `keygen` if it is not there yet.
    async fn key_file(
        &self,
        arm: &Arm,
        alg: &str,
        keys: Keys,
        tag: &str,
        instance: &str,
    ) -> anyhow::Result<PathBuf> {
        let file = self.key_path(arm, keys, tag, instance);
        if !file.exists() {
            // The private half, of which the other is made.
            let private = self.key_path(arm, keys, tag, INSTANCES[0]);
            let private = if keys == Keys::PublicAtB {
                private
            } else {
                file.clone()
            };
            let public = (keys == Keys::PublicAtB).then(|| public_half(&private));
            // One key id for all, as in a deployment where nobody thought of key ids: a wrong key
            // is then found by its signature, not by its name.
            keygen(
                &self.executable,
                alg,
                FIRST_KID,
                &private,
                public.as_deref(),
            )
            .await?;
        }
        Ok(file)
    }

    fn key_path(&self, arm: &Arm, keys: Keys, tag: &str, instance: &str) -> PathBuf {
        let path = |name: &str| self.keys.join(format!("{}-{tag}-{name}.json", arm.name));
        match (keys, instance) {
            (Keys::Shared, _) => path("all"),
            (Keys::OneEach, _) => path(instance),
            (Keys::PublicAtB, "a" | "stranger") => path("pair"),
            (Keys::PublicAtB, _) => public_half(&path("pair")),
        }
    }
}

/// What every key is called that an arm begins with.
const FIRST_KID: &str = "k1";

fn public_half(file: &Path) -> PathBuf {
    file.with_extension("public.json")
}

/// Makes a key.
pub(crate) async fn keygen(
    executable: &Path,
    alg: &str,
    kid: &str,
    file: &Path,
    public_file: Option<&Path>,
) -> anyhow::Result<()> {
    let mut command = Command::new(executable);
    command
        .args(["server-jwt", "keygen", "--alg", alg, "--kid", kid, "--out"])
        .arg(file);
    if let Some(public_file) = public_file {
        command.arg("--public-out").arg(public_file);
    }
    let output = command.output().await.context("cannot run keygen")?;
    if !output.status.success() {
        bail!("keygen: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn session(store: &str, lives: Lives) -> Vec<OsString> {
    words(&[
        "server-session",
        "--store",
        store,
        "--idle-ms",
        &lives.idle_ms.to_string(),
        "--absolute-ms",
        &lives.absolute_ms.to_string(),
    ])
}

fn jwt(keys: &Path, flags: &[&str], lives: Lives) -> Vec<OsString> {
    let mut args = words(&[
        "server-jwt",
        "--access-ms",
        &lives.access_ms.to_string(),
        "--keys",
    ]);
    args.push(keys.into());
    args.extend(words(flags));
    args
}

/// Its key is in a file that the first of its instances makes.
fn sealed(key: &Path, lives: Lives) -> Vec<OsString> {
    let lifetime_ms = lives.access_ms.to_string();
    let mut args = words(&["sealed-cookie", "--lifetime-ms", &lifetime_ms, "--key-file"]);
    args.push(key.into());
    args
}

fn words(texts: &[&str]) -> Vec<OsString> {
    texts.iter().map(OsString::from).collect()
}
