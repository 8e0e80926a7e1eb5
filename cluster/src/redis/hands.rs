//! What is done to a Redis of our own to see what becomes of its clients, and what is read from it
//! to see what is true.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Ours, Redis, talk};
use crate::error::Error;
use crate::instance::InstanceState;

impl Redis {
    /// Where it listens, if it is ours.
    pub fn address(&self) -> Option<SocketAddr> {
        let ours = self.inner.ours.as_ref()?;
        Some((Ipv4Addr::LOCALHOST, ours.port).into())
    }

    /// Whether one like this can keep what it holds: it is ours, and no container.
    pub fn can_keep(&self) -> bool {
        let ours = self.inner.ours.as_ref();
        ours.is_some_and(|ours| ours.container.is_none())
    }

    /// Removes what a dead one has kept: it will come back empty.
    pub fn forget(&self) -> Result<(), Error> {
        let ours = self.only_if_ours()?;
        if ours.child.state() != InstanceState::Dead {
            let who = ours.child.who();
            return Err(Error::AlreadyRunning { who });
        }
        ours.forget().map_err(|error| Error::Redis(error.into()))
    }

    /// Commands carried out since its start; only of ours, where they are nobody else's.
    pub async fn commands(&self) -> Result<u64, Error> {
        Ok(self.calls().await?.values().sum())
    }

    /// The same by name, those that a script calls beside the script's own.
    pub async fn calls(&self) -> Result<BTreeMap<String, u64>, Error> {
        self.only_if_ours()?;
        Ok(talk::calls_by_name(&self.inner.url).await?)
    }

    /// Its keys that look like this, with `*` for anything.
    pub async fn keys(&self, pattern: &str) -> Result<Vec<String>, Error> {
        let mut command = ::redis::cmd("KEYS");
        self.run(command.arg(pattern)).await
    }

    /// What it says about itself, a section by its fields.
    pub async fn info(&self, section: &str) -> Result<BTreeMap<String, String>, Error> {
        let mut command = ::redis::cmd("INFO");
        let text: String = self.run(command.arg(section)).await?;
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.trim_end().to_owned()));
        Ok(fields.collect())
    }

    /// Sets one of its settings while it runs.
    pub async fn configure(&self, setting: &str, value: &str) -> Result<(), Error> {
        let mut command = ::redis::cmd("CONFIG");
        self.run(command.arg("SET").arg(setting).arg(value)).await
    }

    /// Has it take every command of its clients and answer none for so long; then it carries
    /// them out.
    pub async fn pause(&self, how_long: Duration) -> Result<(), Error> {
        let mut command = ::redis::cmd("CLIENT");
        let ms = how_long.as_millis() as u64;
        self.run(command.arg("PAUSE").arg(ms).arg("ALL")).await
    }

    /// Writes so many keys of so many bytes each, named `prefix` and a number.
    pub async fn fill(&self, prefix: &str, keys: usize, bytes: usize) -> Result<(), Error> {
        self.only_if_ours()?;
        Ok(talk::fill(&self.inner.url, prefix, keys, bytes).await?)
    }

    /// Makes it a replica of whoever answers at `master`.
    pub async fn follow(&self, master: SocketAddr) -> Result<(), Error> {
        let (host, port) = (master.ip().to_string(), master.port());
        let mut command = ::redis::cmd("REPLICAOF");
        self.run(command.arg(host).arg(port)).await
    }

    /// Makes it a master again.
    pub async fn lead(&self) -> Result<(), Error> {
        let mut command = ::redis::cmd("REPLICAOF");
        self.run(command.arg("NO").arg("ONE")).await
    }

    /// Removes every key.
    pub async fn flush(&self) -> Result<(), Error> {
        self.run(&::redis::cmd("FLUSHALL")).await
    }

    async fn run<T: ::redis::FromRedisValue>(&self, command: &::redis::Cmd) -> Result<T, Error> {
        self.only_if_ours()?;
        Ok(talk::run(&self.inner.url, command).await?)
    }
}

impl Ours {
    fn forget(&self) -> std::io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        std::fs::remove_dir_all(folder)?;
        std::fs::create_dir(folder)
    }
}
