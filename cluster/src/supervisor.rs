//! The supervisor process: the parent of every instance, of the balancer and of Redis.
//!
//! It does what it is told and knows nothing of what its children are for. When its standard
//! input ends, which happens however the main process ends, it kills every child with SIGKILL,
//! frozen ones too, reaps them, and ends. It runs in a process group of its own, so that Ctrl-C
//! reaches the main process alone.
//!
//! It has one thread, and must: Linux sends a child's death signal ([`crate::die_with_parent`])
//! when the *thread* that started it ends.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::protocol::{self, Answer, End, Launch, Order, Report, Request, Sign};
use crate::tail::{self, Tail};
use crate::watched::SUPERVISOR_PID;

/// How long output may trail behind its writer's end: a grandchild can hold the pipe open.
const OUTPUT_WAIT: Duration = Duration::from_millis(200);
/// How long killed children may take to be reaped before the supervisor ends all the same.
const REAP_WAIT: Duration = Duration::from_secs(5);

/// Runs the supervisor process until its standard input ends: the hidden subcommand `supervisor`.
pub fn run() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(supervise());
            // Not a return: dropping the runtime would wait for its thread that reads standard
            // input, which after a signal has not ended.
            std::process::exit(0)
        }
        Err(error) => {
            eprintln!("supervisor: {error}");
            ExitCode::FAILURE
        }
    }
}

type Reports = mpsc::UnboundedSender<Report>;

async fn supervise() {
    let (reports, outgoing) = mpsc::unbounded_channel();
    let writer = tokio::spawn(write_reports(outgoing));
    let mut children = Children {
        orders: HashMap::new(),
        tasks: JoinSet::new(),
        reports,
    };
    let mut requests = BufReader::new(tokio::io::stdin()).lines();
    let mut ending = std::pin::pin!(told_to_end());
    loop {
        tokio::select! {
            line = requests.next_line() => match line {
                Ok(Some(line)) => children.obey(&line),
                Ok(None) | Err(_) => break,
            },
            () = &mut ending => break,
        }
    }
    children.end().await;
    // The channel is closed now. Nobody may be left to read, and that is no reason to stay.
    let _ = tokio::time::timeout(OUTPUT_WAIT, writer).await;
}

/// Whoever signals the supervisor means the whole cluster.
async fn told_to_end() {
    let signals = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ];
    let mut heard = JoinSet::new();
    for kind in signals {
        if let Ok(mut stream) = signal(kind) {
            heard.spawn(async move { stream.recv().await });
        }
    }
    match heard.join_next().await {
        Some(_) => {}
        None => std::future::pending().await,
    }
}

async fn write_reports(mut reports: mpsc::UnboundedReceiver<Report>) {
    let mut stdout = tokio::io::stdout();
    while let Some(report) = reports.recv().await {
        let line = protocol::line(&report);
        if stdout.write_all(&line).await.is_err() || stdout.flush().await.is_err() {
            return;
        }
    }
}

struct Children {
    orders: HashMap<u64, mpsc::UnboundedSender<ToChild>>,
    tasks: JoinSet<()>,
    reports: Reports,
}

enum ToChild {
    Signal(u64, Sign),
    Tell(u64, String),
    Stderr(u64),
}

impl Children {
    fn obey(&mut self, line: &str) {
        let Request { id, order } = match protocol::parse(line) {
            Ok(request) => request,
            Err(error) => return eprintln!("supervisor: {error}"),
        };
        let (child, order) = match order {
            Order::Spawn { child, launch } => {
                let answer = self.spawn(child, &launch);
                return answer_to(&self.reports, id, answer);
            }
            Order::Signal { child, signal } => (child, ToChild::Signal(id, signal)),
            Order::Tell { child, line } => (child, ToChild::Tell(id, line)),
            Order::Stderr { child } => (child, ToChild::Stderr(id)),
        };
        let sent = self.orders.get(&child).map(|orders| orders.send(order));
        if !matches!(sent, Some(Ok(()))) {
            answer_to(&self.reports, id, Err("it has ended".to_owned()));
        }
    }

    fn spawn(&mut self, number: u64, launch: &Launch) -> Result<Answer, String> {
        self.orders.retain(|_, orders| !orders.is_closed());
        while self.tasks.try_join_next().is_some() {}
        let mut child = Command::new(&launch.program)
            .args(&launch.args)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .env(SUPERVISOR_PID, std::process::id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", launch.program.display()))?;
        let pid = child.id().ok_or("it ended at once")?;
        let mut outputs = JoinSet::new();
        let tail = Arc::new(Mutex::new(Tail::default()));
        if let Some(stderr) = child.stderr.take() {
            outputs.spawn(tail::collect(stderr, Arc::clone(&tail)));
        }
        if let Some(stdout) = child.stdout.take() {
            if launch.speaks {
                outputs.spawn(pass_on(stdout, number, self.reports.clone()));
            } else {
                outputs.spawn(tail::collect(stdout, Arc::clone(&tail)));
            }
        }
        let (told, lines) = mpsc::unbounded_channel();
        if let Some(stdin) = child.stdin.take() {
            tokio::spawn(write_lines(stdin, lines));
        }
        let (orders, inbox) = mpsc::unbounded_channel();
        self.orders.insert(number, orders);
        let watch = Watch {
            number,
            child,
            tail,
            outputs,
            told,
            reports: self.reports.clone(),
        };
        self.tasks.spawn(watch.until_it_ends(inbox));
        Ok(Answer::Spawned { pid })
    }

    /// Kills and reaps every child, then closes the channel of reports.
    async fn end(mut self) {
        for orders in self.orders.values() {
            // The answer goes to nobody.
            let _ = orders.send(ToChild::Signal(0, Sign::Kill));
        }
        let reaped = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(REAP_WAIT, reaped).await.is_err() {
            eprintln!("supervisor: a killed child has not ended after {REAP_WAIT:?}");
        }
    }
}

/// One child, from its start to its end.
struct Watch {
    number: u64,
    child: Child,
    tail: Arc<Mutex<Tail>>,
    outputs: JoinSet<()>,
    told: mpsc::UnboundedSender<String>,
    reports: Reports,
}

impl Watch {
    /// Only this task reaps the child and only this task signals it, so a signal can never hit
    /// another process that got the same id.
    async fn until_it_ends(mut self, mut inbox: mpsc::UnboundedReceiver<ToChild>) {
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status,
                Some(order) = inbox.recv() => self.obey(order),
            }
        };
        inbox.close();
        let outputs = async { while self.outputs.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(OUTPUT_WAIT, outputs).await;
        let end = self.end(status.ok());
        let _ = self.reports.send(Report::Ended {
            child: self.number,
            end,
        });
        while let Some(order) = inbox.recv().await {
            let (ToChild::Signal(id, _) | ToChild::Tell(id, _) | ToChild::Stderr(id)) = order;
            answer_to(&self.reports, id, Err("it has ended".to_owned()));
        }
    }

    fn obey(&mut self, order: ToChild) {
        let (id, answer) = match order {
            ToChild::Signal(id, signal) => (id, self.signal(signal)),
            // A task of its own writes, because a frozen child reads nothing and must still be
            // killed.
            ToChild::Tell(id, line) => match self.told.send(line) {
                Ok(()) => (id, Ok(Answer::Done)),
                Err(_) => (id, Err("it does not listen any more".to_owned())),
            },
            ToChild::Stderr(id) => (id, Ok(Answer::Lines(self.lines()))),
        };
        answer_to(&self.reports, id, answer);
    }

    fn signal(&self, signal: Sign) -> Result<Answer, String> {
        let pid = self.child.id().ok_or("it has ended")?;
        let pid = i32::try_from(pid).map_err(|error| error.to_string())?;
        match nix::sys::signal::kill(Pid::from_raw(pid), signal.signal()) {
            Ok(()) => Ok(Answer::Done),
            Err(error) => Err(error.to_string()),
        }
    }

    fn end(&self, status: Option<ExitStatus>) -> End {
        End {
            exit_code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            stderr: self.lines(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let tail = self.tail.lock();
        tail.expect("no code panics while it holds this lock")
            .lines()
    }
}

fn answer_to(reports: &Reports, id: u64, answer: Result<Answer, String>) {
    let _ = reports.send(Report::Answer { id, answer });
}

async fn pass_on(stdout: ChildStdout, child: u64, reports: Reports) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if reports.send(Report::Said { child, line }).is_err() {
            return;
        }
    }
}

async fn write_lines(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if stdin.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}
