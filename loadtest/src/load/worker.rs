//! One thread of the generator: a runtime, its connections, and the notes that it takes.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

use super::answer::Answer;
use super::clock::Clock;
use super::connection::{Connection, Limits, Trouble};
use super::counts::WrongAnswer;
use super::effort::{Effort, Mark};
use super::generator::{Reuse, Settings};
use super::pacer::Pacer;
use super::request::{Judgement, Request, Traffic};
use super::source::{Source, Ticket};
use super::tally::{Outcome, Tally, Times};
use super::watch::{TimedOut, Watch};

/// Servers here close a connection that has been idle for 5 s: it is given up well before.
const IDLE_NS_MAX: u64 = 3_000_000_000;

/// How often requests are looked at that may be overdue.
const LOOK_NS: u64 = 10_000_000;

/// A pause after trouble: a closed loop against a dead server would spin.
const REST_NS: u64 = 1_000_000;

/// Who signs an answer that nobody signs.
const NOBODY: &[u8] = b"-";

/// What one thread brought in.
pub(super) struct Part {
    pub(super) tally: Tally,
    pub(super) effort: Effort,
}

/// What one thread has to do.
pub(super) struct Work {
    pub(super) traffic: Arc<Traffic>,
    /// Requests for each address, and how many connections share them.
    pub(super) lanes: Vec<Lane>,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    /// From an answer to the next request, over which the first ones are spread.
    pub(super) think_ns: u64,
}

/// Requests for one address.
pub(super) struct Lane {
    pub(super) target: usize,
    pub(super) connections: usize,
    pub(super) source: Source,
}

/// Does the work, on the calling thread.
pub(super) fn work(work: Work) -> io::Result<Part> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let stop = Arc::clone(&work.settings.stop);
        let timeout_ns = work.settings.timeout.as_nanos() as u64;
        let (worker, clients) = Worker::start(work)?;
        let all = async {
            for client in clients {
                client.await.map_err(io::Error::other)?;
            }
            Ok(())
        };
        let pacer = Rc::clone(&worker);
        let pacer = spawn_local(async move { pacer.pacer.run().await });
        tokio::select! {
            done = all => done,
            () = worker.look_out(timeout_ns, &stop) => Ok(()),
            failed = pacer => failed.map_err(io::Error::other)?,
        }?;
        Ok(Part {
            effort: worker.effort(),
            tally: worker.tally.take(),
        })
    })
}

struct Worker {
    traffic: Arc<Traffic>,
    clock: Clock,
    pacer: Pacer,
    warm_up_ns: u64,
    mark: Cell<Option<Mark>>,
    tally: RefCell<Tally>,
    watches: Vec<Rc<Watch>>,
}

impl Worker {
    /// Sets all clients going; they wait for the clock's start.
    fn start(work: Work) -> io::Result<(Rc<Worker>, Vec<tokio::task::JoinHandle<()>>)> {
        let connections: usize = work.lanes.iter().map(|lane| lane.connections).sum();
        let worker = Rc::new(Worker {
            traffic: work.traffic,
            clock: work.clock,
            pacer: Pacer::new(work.clock)?,
            warm_up_ns: work.settings.warm_up.as_nanos() as u64,
            mark: Cell::new(None),
            tally: RefCell::default(),
            watches: (0..connections).map(|_| Rc::default()).collect(),
        });
        let limits = Limits {
            requests: work.settings.reuse.requests(),
            idle_ns: IDLE_NS_MAX,
        };
        let ahead = work.settings.reuse != Reuse::NewPerRequest;
        let mut watches = worker.watches.iter().cloned();
        let mut clients = Vec::new();
        for lane in work.lanes {
            let source = Rc::new(RefCell::new(lane.source));
            let address = worker.traffic.targets[lane.target];
            for watch in watches.by_ref().take(lane.connections) {
                let client = Client {
                    worker: Rc::clone(&worker),
                    source: Rc::clone(&source),
                    connection: Connection::new(address, limits),
                    watch,
                };
                let first_ns = work.think_ns * clients.len() as u64 / connections as u64;
                clients.push(spawn_local(client.run(ahead, first_ns)));
            }
        }
        Ok((worker, clients))
    }

    /// Gives up what is overdue, until told to stop.
    async fn look_out(&self, timeout_ns: u64, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            self.pacer.sleep_until(self.clock.now_ns() + LOOK_NS).await;
            let latest_ns = self.clock.now_ns().checked_sub(timeout_ns);
            for watch in &self.watches {
                watch.look(latest_ns);
            }
        }
    }

    /// Whether a request due then is timed. The first one is where the effort begins to count.
    fn measures(&self, due_ns: u64, now_ns: u64) -> bool {
        let measured = due_ns >= self.warm_up_ns;
        if measured && self.mark.get().is_none() {
            self.mark.set(Some(Mark::now(now_ns)));
        }
        measured
    }

    fn effort(&self) -> Effort {
        let mark = self.mark.get();
        let now = Mark::now(self.clock.now_ns());
        mark.map_or_else(Effort::default, |mark| now.since(&mark))
    }
}

/// One connection and who uses it.
struct Client {
    worker: Rc<Worker>,
    source: Rc<RefCell<Source>>,
    connection: Connection,
    watch: Rc<Watch>,
}

impl Client {
    async fn run(mut self, ahead: bool, first_ns: u64) {
        let worker = Rc::clone(&self.worker);
        if ahead {
            // If it fails, the first request tries again and notes why.
            let _ = self.watch.over(0, self.connection.open(0)).await;
        }
        // Before the start the clock stands at 0.
        worker.pacer.sleep_until(first_ns.max(1)).await;
        let mut now_ns = worker.clock.now_ns();
        loop {
            let Some(ticket) = self.source.borrow_mut().next(now_ns) else {
                break;
            };
            if ticket.due_ns > now_ns {
                worker.pacer.sleep_until(ticket.due_ns).await;
            }
            let (ended_ns, well) = self.send(ticket).await;
            worker.tally.borrow_mut().counts.connections += self.connection.take_opened();
            now_ns = ended_ns;
            if !well {
                self.connection.close();
                worker.pacer.sleep_until(ended_ns + REST_NS).await;
            }
        }
    }

    /// Sends one request and notes what came of it; when that was, and whether the connection is
    /// well.
    async fn send(&mut self, ticket: Ticket) -> (u64, bool) {
        let worker = &self.worker;
        let request = worker.traffic.visitors[ticket.visitor as usize]
            .request(ticket.kind)
            .expect("what is drawn was checked before the run");
        let began_ns = worker.clock.now_ns();
        let measured = worker.measures(ticket.due_ns, began_ns);
        let exchange = self.connection.exchange(request.bytes(), began_ns);
        let result = self.watch.over(began_ns, exchange).await;
        let ended_ns = worker.clock.now_ns();
        let times = measured.then_some(Times {
            due_ns: ticket.due_ns,
            began_ns,
            ended_ns,
        });
        let mut tally = worker.tally.borrow_mut();
        note(&mut tally, ticket, request, times, &result);
        (ended_ns, matches!(result, Ok(Ok(_))))
    }
}

type Exchanged<'a> = Result<Result<Answer<'a>, Trouble>, TimedOut>;

/// Notes one request; without times it belongs to the warm-up.
fn note(
    tally: &mut Tally,
    ticket: Ticket,
    request: &Request,
    times: Option<Times>,
    result: &Exchanged<'_>,
) {
    if let Ok(Ok(answer)) = result {
        judge(tally, ticket, request, answer);
    }
    let Some(times) = times else {
        tally.counts.warm_up += 1;
        return;
    };
    tally.counts.sent += 1;
    match result {
        Ok(Ok(answer)) => {
            let counts = &mut tally.counts;
            counts.bytes_sent += request.bytes().len() as u64;
            counts.bytes_received += answer.length() as u64;
            counts.retried += u64::from(answer.retried());
            let outcome = Outcome::of_status(answer.status());
            tally.record(outcome, signature(answer), times);
        }
        Ok(Err(trouble)) => {
            *tally.counts.broken.entry(trouble.to_string()).or_default() += 1;
            tally.record(Outcome::Broken, NOBODY, times);
        }
        Err(TimedOut) => tally.record(Outcome::TimedOut, NOBODY, times),
    }
}

/// A wrong answer counts in the warm-up too: there is no time at which a forger may be let in.
fn judge(tally: &mut Tally, ticket: Ticket, request: &Request, answer: &Answer<'_>) {
    let wrong = match request.deserves.judge(answer) {
        Judgement::Deserved => return,
        Judgement::WrongAccept => &mut tally.counts.wrong_accepts,
        Judgement::Wrong => &mut tally.counts.wrong_answers,
    };
    wrong.push(WrongAnswer {
        index: ticket.index,
        visitor: ticket.visitor,
        kind: ticket.kind,
        instance: String::from_utf8_lossy(signature(answer)).into_owned(),
        expected: request.deserves.status_at(answer.served_by()),
        got: answer.status(),
    });
}

fn signature<'a>(answer: &Answer<'a>) -> &'a [u8] {
    let served_by = answer.served_by();
    if served_by.is_empty() {
        NOBODY
    } else {
        served_by
    }
}
