//! A failover under load, looked at through two instances: what of the last changes is lost, who is
//! refused meanwhile, and that both go on by themselves.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use app::conformance::{Pair, Server, Visitor, known};
use serde_json::json;
use tokio::task::{JoinHandle, block_in_place};

use super::many_redis::{Many, wait_for_master, wait_for_replica};

/// How many visitors of each kind there are.
pub const OF_EACH: usize = 4;

/// How long both instances may take until they write again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Confirmed logins that the replica had not heard of, and that nobody knows any more.
    pub lost: usize,
    /// Confirmed log-outs that it had not heard of, and whose logins work again.
    pub undone: usize,
    /// Logins that the replica had heard of, and that nobody knows any more.
    pub lost_although_copied: usize,
    /// How often those were answered what, during all of it.
    pub answers: BTreeMap<u16, usize>,
    /// Until both instances took log-outs again.
    pub away: Duration,
}

impl Found {
    /// What the replica had heard of is kept, and nobody is told that they are logged out.
    pub fn assert_nobody_else_is_concerned(&self) {
        assert_eq!(self.lost_although_copied, 0, "{self:?}");
        let statuses: Vec<_> = self.answers.keys().copied().collect();
        assert_eq!(statuses, [200, 503], "nobody is logged out: {self:?}");
    }
}

/// Kills the master under load, after its replica has stopped hearing from it.
pub async fn fail_over(many: &Many, pair: &Pair) -> Found {
    // So that there is something in the store, whatever is kept there.
    both_write(pair, Instant::now()).await;
    let kept = logged_in(pair).await;
    let mut leaving = logged_in(pair).await;
    let (master, replica) = many.holder();
    block_in_place(|| wait_for_replica(master, replica));
    // While it stands still, nothing can bring it what comes now.
    replica.freeze();
    let _: i64 = master.run(&["CLIENT", "KILL", "TYPE", "replica"]);
    let newcomers = logged_in(pair).await;
    let left = leaving.clone();
    for visitor in &mut leaving {
        let answer = visitor.post(&pair.a, "/logout", json!({})).await;
        assert_eq!(answer.json["ended"], "everywhere", "{}", answer.text);
    }

    let over = Arc::new(AtomicBool::new(false));
    let load = [&pair.a, &pair.b].map(|server| ask_on(server, &kept, &over));
    master.kill();
    let killed_at = Instant::now();
    replica.thaw();
    block_in_place(|| wait_for_master(replica));
    both_write(pair, killed_at).await;
    let away = killed_at.elapsed();
    over.store(true, Ordering::Relaxed);
    let mut answers = BTreeMap::new();
    for asking in load {
        for status in asking.await.expect("nothing went wrong") {
            *answers.entry(status).or_default() += 1;
        }
    }
    Found {
        lost: OF_EACH - known_of(&newcomers, pair).await,
        undone: known_of(&left, pair).await,
        lost_although_copied: OF_EACH - known_of(&kept, pair).await,
        answers,
        away,
    }
}

/// Until a visitor can log in and out at both instances, which nobody starts anew.
pub async fn both_write(pair: &Pair, since: Instant) {
    for server in [&pair.a, &pair.b] {
        loop {
            let mut visitor = Visitor::default();
            let login = json!({ "username": "luca", "password": "pacioli-1494" });
            let answer = visitor.post(server, "/login", login).await;
            if answer.status == 200
                && visitor.post(server, "/logout", json!({})).await.status == 200
            {
                break;
            }
            assert!(since.elapsed() < PATIENCE, "{}", answer.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Keeps asking until it is over, and answers what came.
fn ask_on(server: &Server, who: &[Visitor], over: &Arc<AtomicBool>) -> JoinHandle<Vec<u16>> {
    let (server, who, over) = (server.clone(), who.to_vec(), Arc::clone(over));
    tokio::spawn(async move {
        let mut answers = Vec::new();
        for visitor in who.iter().cycle() {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let answer = visitor.clone().get(&server, "/me").await;
            answers.push(answer.status.as_u16());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        answers
    })
}

async fn logged_in(pair: &Pair) -> Vec<Visitor> {
    let mut visitors = vec![Visitor::default(); OF_EACH];
    for visitor in &mut visitors {
        visitor.log_in(&pair.a, "mia").await;
    }
    visitors
}

async fn known_of(visitors: &[Visitor], pair: &Pair) -> usize {
    let mut count = 0;
    for visitor in visitors {
        let (at_a, at_b) = (known(visitor, &pair.a).await, known(visitor, &pair.b).await);
        assert_eq!(at_a, at_b, "both ask the same store");
        count += usize::from(at_a);
    }
    count
}
