//! The balancer's control: orders on standard input, each acknowledged on standard output.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::arm::Arm;
use super::control::{Answer, Order, Refusal, Reply, Request};
use super::forward::Waits;
use super::health;
use super::upstream::{Pool, Upstream};
use crate::protocol;

/// Obeys until standard input ends, or until SIGTERM, which lets answers end first.
pub(super) async fn serve() {
    let (replies, outgoing) = mpsc::unbounded_channel();
    tokio::spawn(write_replies(outgoing));
    let mut desk = Desk::new(replies);
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let mut terminated = std::pin::pin!(terminated());
    loop {
        tokio::select! {
            line = orders.next_line() => match line {
                Ok(Some(line)) => desk.obey(&line).await,
                // Whoever gave the orders is gone, and so is whoever waits for an answer.
                Ok(None) | Err(_) => return,
            },
            () = &mut terminated => break,
        }
    }
    desk.close_all().await;
}

async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut stream) => {
            stream.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

async fn write_replies(mut replies: mpsc::UnboundedReceiver<Reply>) {
    let mut stdout = tokio::io::stdout();
    while let Some(reply) = replies.recv().await {
        let line = protocol::line(&reply);
        if stdout.write_all(&line).await.is_err() || stdout.flush().await.is_err() {
            return;
        }
    }
}

/// Everything that orders can change.
struct Desk {
    replies: mpsc::UnboundedSender<Reply>,
    health_interval: Duration,
    waits: Waits,
    pools: HashMap<u64, Arc<Pool>>,
    arms: HashMap<SocketAddr, Open>,
}

/// An arm whose address is open.
struct Open {
    arm: Arc<Arm>,
    close: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Desk {
    fn new(replies: mpsc::UnboundedSender<Reply>) -> Self {
        Self {
            replies,
            health_interval: Duration::from_secs(1),
            waits: Waits {
                connect: Duration::from_secs(1),
                answer: Duration::from_secs(5),
            },
            pools: HashMap::new(),
            arms: HashMap::new(),
        }
    }

    async fn obey(&mut self, line: &str) {
        let Request { id, order } = match protocol::parse(line) {
            Ok(request) => request,
            Err(error) => return eprintln!("balancer: {error}"),
        };
        let answer = match order {
            Order::Settings {
                health_interval,
                connect_wait,
                answer_wait,
            } => {
                self.health_interval = health_interval;
                self.waits = Waits {
                    connect: connect_wait,
                    answer: answer_wait,
                };
                Ok(Answer::Done)
            }
            Order::Pool {
                pool,
                name,
                members,
            } => {
                let pool = self.pools.entry(pool).or_default();
                let new = pool.update(&name, members);
                return self.check_then_acknowledge(id, new);
            }
            Order::Listen {
                arm,
                policy,
                pool,
                issuer,
                address,
            } => match self.pools.get(&pool).cloned() {
                Some(pool) => {
                    let arm = Arm::new(&arm, policy, pool, issuer, self.waits);
                    self.listen(arm, address).await
                }
                None => Err(Refusal::Unknown(format!("there is no pool {pool}"))),
            },
            Order::State { address } => match self.arms.get(&address) {
                Some(open) => Ok(Answer::State(open.arm.state())),
                None => Err(unknown(address)),
            },
            Order::Close { address } => match self.arms.remove(&address) {
                Some(open) => {
                    self.forget_pool_of(&open);
                    return self.close_then_acknowledge(id, open);
                }
                None => Err(unknown(address)),
            },
        };
        self.acknowledge(id, answer);
    }

    fn acknowledge(&self, id: u64, answer: Result<Answer, Refusal>) {
        let _ = self.replies.send(Reply { id, answer });
    }

    async fn listen(&mut self, arm: Arm, address: SocketAddr) -> Result<Answer, Refusal> {
        let refused = |error: std::io::Error| Refusal::CannotListen(error.to_string());
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let arm = Arc::new(arm);
        let (close, closed) = oneshot::channel();
        let served = tokio::spawn(Arc::clone(&arm).serve(listener, closed));
        self.arms.insert(address, Open { arm, close, served });
        Ok(Answer::Listening(address))
    }

    /// The change is in force at once; the acknowledgement waits until the new instances have
    /// been asked whether they are ready, and the next order does not wait for that.
    fn check_then_acknowledge(&self, id: u64, new: Vec<Arc<Upstream>>) {
        let (replies, interval) = (self.replies.clone(), self.health_interval);
        tokio::spawn(async move {
            let checks = new
                .into_iter()
                .map(|upstream| health::watch(upstream, interval));
            join_all(checks).await;
            let answer = Ok(Answer::Done);
            let _ = replies.send(Reply { id, answer });
        });
    }

    /// A pool that nobody can reach need not be asked whether it is ready.
    fn forget_pool_of(&mut self, closed: &Open) {
        let pool = &closed.arm.pool;
        if !self
            .arms
            .values()
            .any(|open| Arc::ptr_eq(&open.arm.pool, pool))
        {
            self.pools.retain(|_, known| !Arc::ptr_eq(known, pool));
        }
    }

    fn close_then_acknowledge(&self, id: u64, open: Open) {
        let replies = self.replies.clone();
        tokio::spawn(async move {
            close(open).await;
            let answer = Ok(Answer::Done);
            let _ = replies.send(Reply { id, answer });
        });
    }

    async fn close_all(self) {
        join_all(self.arms.into_values().map(close)).await;
    }
}

async fn close(open: Open) {
    let _ = open.close.send(());
    let _ = open.served.await;
}

fn unknown(address: SocketAddr) -> Refusal {
    Refusal::Unknown(format!("nothing listens on {address}"))
}
