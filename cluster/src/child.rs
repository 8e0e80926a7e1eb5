//! A program that the supervisor runs for us, through all its lives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::error::Error;
use crate::instance::InstanceState;
use crate::link::{Life, Link, lock};
use crate::protocol::{Answer, Launch, Order, Sign};

/// How long a child that was told to drain may take. Its own deadline is much shorter.
const DRAIN_WAIT: Duration = Duration::from_secs(30);

/// What instances, the balancer and Redis have in common.
#[derive(Debug)]
pub(crate) struct Child {
    link: Arc<Link>,
    pool: String,
    name: String,
    launch: Launch,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    life: Option<Arc<Life>>,
    pid: u32,
    frozen: bool,
}

impl Child {
    pub(crate) fn new(link: Arc<Link>, pool: &str, name: &str, launch: Launch) -> Self {
        Self {
            link,
            pool: pool.to_owned(),
            name: name.to_owned(),
            launch,
            now: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Pool and name, for messages.
    pub(crate) fn who(&self) -> String {
        format!("{}-{}", self.pool, self.name)
    }

    pub(crate) fn state(&self) -> InstanceState {
        let now = lock(&self.now);
        match &now.life {
            Some(life) if life.end().is_none() && now.frozen => InstanceState::Frozen,
            Some(life) if life.end().is_none() => InstanceState::Running,
            _ => InstanceState::Dead,
        }
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        (self.state() != InstanceState::Dead).then(|| lock(&self.now).pid)
    }

    /// Starts it. What it says comes from the receiver, whose end is the child's.
    pub(crate) async fn launch(&self) -> Result<mpsc::UnboundedReceiver<String>, Error> {
        if self.state() != InstanceState::Dead {
            return Err(Error::AlreadyRunning { who: self.who() });
        }
        let launch = self.launch.clone();
        let (life, pid, said) = self.link.spawn(&self.pool, &self.name, launch).await?;
        *lock(&self.now) = Now {
            life: Some(life),
            pid,
            frozen: false,
        };
        Ok(said)
    }

    /// It has started well: from now on an end that nobody asked for is a crash.
    pub(crate) fn serves(&self) {
        if let Some(life) = self.life() {
            life.serves(true);
        }
    }

    /// What to say of a start that came to nothing. Leaves no process behind.
    pub(crate) async fn did_not_start(&self, why: &str) -> Error {
        let Some(life) = self.life() else {
            return Error::NotRunning { who: self.who() };
        };
        // What has ended by itself says why better than we can.
        let by_itself = tokio::time::timeout(Duration::from_millis(100), life.ended()).await;
        let (why, end) = match by_itself {
            Ok(end) => (end.to_string(), end),
            Err(_) => {
                let _ = self.kill().await;
                (why.to_owned(), life.end().unwrap_or_default())
            }
        };
        Error::DidNotStart {
            who: self.who(),
            why,
            exit_code: end.exit_code,
            stderr: end.stderr,
        }
    }

    /// SIGKILL; returns once it is reaped.
    pub(crate) async fn kill(&self) -> Result<(), Error> {
        let life = self.running()?;
        life.serves(false);
        self.signal(&life, Sign::Kill).await?;
        life.ended().await;
        Ok(())
    }

    pub(crate) async fn freeze(&self) -> Result<(), Error> {
        self.signal(&*self.running()?, Sign::Stop).await?;
        lock(&self.now).frozen = true;
        Ok(())
    }

    pub(crate) async fn thaw(&self) -> Result<(), Error> {
        self.signal(&*self.running()?, Sign::Continue).await?;
        lock(&self.now).frozen = false;
        Ok(())
    }

    /// SIGTERM; returns once it has ended, with an error if it did not end well.
    pub(crate) async fn terminate(&self) -> Result<(), Error> {
        let life = self.running()?;
        life.serves(false);
        self.signal(&life, Sign::Terminate).await?;
        if self.state() == InstanceState::Frozen {
            self.thaw().await?;
        }
        let did_not_end = |why: String, stderr| Error::DidNotEnd {
            who: self.who(),
            why,
            stderr,
        };
        match tokio::time::timeout(DRAIN_WAIT, life.ended()).await {
            Ok(end) if end.exit_code == Some(0) => Ok(()),
            Ok(end) => Err(did_not_end(end.to_string(), end.stderr)),
            Err(_) => Err(did_not_end(
                format!("it still runs after {DRAIN_WAIT:?}"),
                self.stderr().await?,
            )),
        }
    }

    pub(crate) async fn tell(&self, line: String) -> Result<(), Error> {
        let life = self.running()?;
        let child = life.number();
        match self.link.request(Order::Tell { child, line }).await? {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::NotRunning { who: self.who() }),
        }
    }

    pub(crate) async fn stderr(&self) -> Result<Vec<String>, Error> {
        let Some(life) = self.life() else {
            return Ok(Vec::new());
        };
        if life.end().is_none() {
            let child = life.number();
            if let Ok(Answer::Lines(lines)) = self.link.request(Order::Stderr { child }).await? {
                return Ok(lines);
            }
        }
        Ok(life.ended().await.stderr)
    }

    fn life(&self) -> Option<Arc<Life>> {
        lock(&self.now).life.clone()
    }

    fn running(&self) -> Result<Arc<Life>, Error> {
        match self.life() {
            Some(life) if life.end().is_none() => Ok(life),
            _ => Err(Error::NotRunning { who: self.who() }),
        }
    }

    async fn signal(&self, life: &Life, signal: Sign) -> Result<(), Error> {
        let child = life.number();
        match self.link.request(Order::Signal { child, signal }).await? {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::NotRunning { who: self.who() }),
        }
    }
}
