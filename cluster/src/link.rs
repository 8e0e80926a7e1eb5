//! The main process's end of the line to the supervisor.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::cluster::Crash;
use crate::error::Error;
use crate::protocol::{self, Answer, End, Launch, Order, Report, Request};

/// How many crashes a slow reader may fall behind by.
const CRASHES_KEPT: usize = 256;

/// Sends orders and receives reports. Dropping it ends the supervisor, and with it every child.
#[derive(Debug)]
pub(crate) struct Link {
    pid: u32,
    next: AtomicU64,
    /// `None` once the cluster is stopped.
    requests: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
    /// What the reading task shares. It must not hold the link itself, or nothing would ever
    /// drop that.
    shared: Arc<Shared>,
    gone: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Shared {
    /// Set before what waits is told, so that nobody starts to wait unheard.
    over: AtomicBool,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<Answer, String>>>>,
    lives: Mutex<HashMap<u64, Arc<Life>>>,
    crashes: broadcast::Sender<Crash>,
    crashes_so_far: Mutex<Vec<Crash>>,
}

/// One life of a child: from a start to an end.
#[derive(Debug)]
pub(crate) struct Life {
    number: u64,
    pool: String,
    instance: String,
    said: Mutex<Option<mpsc::UnboundedSender<String>>>,
    end: watch::Sender<Option<End>>,
    /// Whether an end now would be a crash: it serves, and nobody has asked it to end.
    serves: AtomicBool,
}

impl Life {
    /// From now on an end is a crash, or, if `serves` is false, no longer one.
    pub(crate) fn serves(&self, serves: bool) {
        self.serves.store(serves, Ordering::SeqCst);
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How it ended, if it has.
    pub(crate) fn end(&self) -> Option<End> {
        self.end.borrow().clone()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&self) -> End {
        let mut end = self.end.subscribe();
        let end = end.wait_for(Option::is_some).await;
        end.ok().and_then(|end| end.clone()).unwrap_or_default()
    }
}

impl Link {
    pub(crate) async fn open(executable: &Path) -> Result<Self, Error> {
        let mut supervisor = Command::new(executable)
            .arg("supervisor")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::SupervisorNotStarted)?;
        let pid = supervisor.id().ok_or(Error::SupervisorGone)?;
        let stdin = supervisor.stdin.take().ok_or(Error::SupervisorGone)?;
        let stdout = supervisor.stdout.take().ok_or(Error::SupervisorGone)?;
        let (requests, outgoing) = mpsc::unbounded_channel();
        tokio::spawn(write_requests(stdin, outgoing));
        let shared = Arc::new(Shared {
            over: AtomicBool::new(false),
            waiting: Mutex::default(),
            lives: Mutex::default(),
            crashes: broadcast::channel(CRASHES_KEPT).0,
            crashes_so_far: Mutex::default(),
        });
        let (ended, gone) = watch::channel(false);
        let heard = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                heard.hear(&line);
            }
            // Reaped here, so that a stopped cluster leaves no zombie either.
            let _ = supervisor.wait().await;
            heard.supervisor_gone();
            let _ = ended.send(true);
        });
        Ok(Self {
            pid,
            next: AtomicU64::new(1),
            requests: Mutex::new(Some(requests)),
            shared,
            gone,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn crashes(&self) -> broadcast::Receiver<Crash> {
        self.shared.crashes.subscribe()
    }

    pub(crate) fn crashes_so_far(&self) -> Vec<Crash> {
        lock(&self.shared.crashes_so_far).clone()
    }

    /// Starts a program; returns its life, its process id, and the lines it says.
    pub(crate) async fn spawn(
        &self,
        pool: &str,
        instance: &str,
        launch: Launch,
    ) -> Result<(Arc<Life>, u32, mpsc::UnboundedReceiver<String>), Error> {
        let (said, lines) = mpsc::unbounded_channel();
        let life = Arc::new(Life {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            pool: pool.to_owned(),
            instance: instance.to_owned(),
            said: Mutex::new(Some(said)),
            end: watch::channel(None).0,
            serves: AtomicBool::new(false),
        });
        let child = life.number;
        lock(&self.shared.lives).insert(child, Arc::clone(&life));
        let answer = self.request(Order::Spawn { child, launch }).await;
        if let Ok(Ok(Answer::Spawned { pid })) = answer {
            return Ok((life, pid, lines));
        }
        lock(&self.shared.lives).remove(&child);
        let why = answer?.err().unwrap_or_default();
        let who = format!("{pool}-{instance}");
        Err(Error::NotSpawned { who, why })
    }

    /// Sends an order and waits for its answer, which may be a refusal.
    pub(crate) async fn request(&self, order: Order) -> Result<Result<Answer, String>, Error> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        lock(&self.shared.waiting).insert(id, answered);
        let line = protocol::line(&Request { id, order });
        let sent = lock(&self.requests)
            .as_ref()
            .is_some_and(|requests| requests.send(line).is_ok());
        if !sent || self.shared.over.load(Ordering::SeqCst) {
            lock(&self.shared.waiting).remove(&id);
            return Err(Error::SupervisorGone);
        }
        answer.await.map_err(|_| Error::SupervisorGone)
    }

    /// Ends the supervisor and waits until it, and thus every child, is gone.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        for life in lock(&self.shared.lives).values() {
            life.serves(false);
        }
        lock(&self.requests).take();
        let mut gone = self.gone.clone();
        let ended = gone.wait_for(|gone| *gone).await;
        ended.map(drop).map_err(|_| Error::SupervisorGone)
    }
}

impl Shared {
    fn hear(&self, line: &str) {
        match protocol::parse(line) {
            Ok(Report::Answer { id, answer }) => {
                if let Some(waiting) = lock(&self.waiting).remove(&id) {
                    // Whoever asked may have stopped waiting.
                    let _ = waiting.send(answer);
                }
            }
            Ok(Report::Said { child, line }) => {
                if let Some(life) = lock(&self.lives).get(&child)
                    && let Some(said) = &*lock(&life.said)
                {
                    let _ = said.send(line);
                }
            }
            Ok(Report::Ended { child, end }) => {
                let life = lock(&self.lives).remove(&child);
                if let Some(life) = life {
                    self.end(&life, end);
                }
            }
            Err(error) => tracing::error!(%error, "the supervisor said something else"),
        }
    }

    fn end(&self, life: &Life, end: End) {
        if life.serves.load(Ordering::SeqCst) {
            let crash = Crash {
                pool: life.pool.clone(),
                instance: life.instance.clone(),
                status: end.to_string(),
                exit_code: end.exit_code,
                stderr: end.stderr.clone(),
            };
            tracing::error!(?crash, "a child ended unasked");
            lock(&self.crashes_so_far).push(crash.clone());
            // Nobody may be listening; the list above keeps it.
            let _ = self.crashes.send(crash);
        }
        lock(&life.said).take();
        life.end.send_replace(Some(end));
    }

    fn supervisor_gone(&self) {
        self.over.store(true, Ordering::SeqCst);
        let lives: Vec<_> = lock(&self.lives).drain().collect();
        for (_, life) in lives {
            self.end(&life, End::default());
        }
        lock(&self.waiting).clear();
    }
}

async fn write_requests(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() {
            return;
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no code panics while it holds one of these locks")
}
