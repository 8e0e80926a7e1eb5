//! One order from its preparation to its end: logins made, watchers at work, the order given, the
//! last login dead.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use cluster::Policy;
use futures_util::future::{join_all, try_join_all};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{By, Order, Revoked, Row, SoFar, Telling, Undo};
use crate::answer::{Answer, Outcome, Wanted};
use crate::events::Event;
use crate::expected::WAITED_FOR_MS;
use crate::lag::Watcher;
use crate::pools::INSTANCES;
use crate::scene::{Scene, short};
use crate::site::{Site, admin, as_admin};
use crate::visitors::{Account, LoginFact, Visitor, steadfast};

/// How long past its natural end a login is still asked for: expiries may be rounded up to a
/// second. One whose end is not waited for is asked for twice as long.
const OVERTIME: Duration = Duration::from_millis(1_500);

/// How often a login through a sticky balancer is tried, until it lands where it is wanted.
const TRIES: usize = 8;

/// One order: its logins made, its watchers at work.
pub(super) struct Plot {
    event: &'static Event,
    pub(super) order: Order,
    user: Account,
    giver: Visitor,
    /// Who holds the logins that are to end, if the giver's is not itself the one.
    others: Vec<Visitor>,
    /// Where the order is given.
    told_at: String,
    pub(super) watched: Vec<Watched>,
}

pub(super) struct Watched {
    asked: String,
    login: LoginFact,
    pub(super) watcher: Watcher,
}

/// Makes the logins and begins to watch them.
pub(super) async fn prepare(
    site: &Site,
    scene: &Scene,
    event: &'static Event,
    order: Order,
) -> anyhow::Result<Plot> {
    let user = match order.asked {
        "/records" => site.fresh_accountant(scene).await?,
        _ => site.fresh(),
    };
    let [a, b] = INSTANCES;
    let b_can_issue = scene.arm.properties.can_issue(b);
    let login_for_b = if b_can_issue { b } else { a };
    let (giver, told, others) = match order.by {
        By::TheLoginItself => (user.clone(), b, vec![]),
        By::AnotherLogin => (user.clone(), a, vec![(a, a), (b, login_for_b)]),
        By::Admin => (admin(), a, vec![(a, a), (b, login_for_b)]),
    };
    let logins = others.iter().map(async |&(asked, taken_by)| {
        anyhow::Ok((asked, log_in_at(scene, &user, taken_by).await?))
    });
    let (giver, others) = tokio::try_join!(log_in_at(scene, &giver, a), try_join_all(logins))?;

    let mut watched = Vec::new();
    if others.is_empty() {
        for asked in INSTANCES {
            watched.push(watch(scene, &giver, order.asked, asked)?);
        }
    }
    for (asked, visitor) in &others {
        watched.push(watch(scene, visitor, order.asked, asked)?);
    }
    let sticky = scene.arm.policy == Policy::Sticky;
    let told_at = if sticky {
        scene.balanced.clone()
    } else {
        scene.direct(told)
    };
    let others = others.into_iter().map(|(_, visitor)| visitor).collect();
    Ok(Plot {
        event,
        order,
        user,
        giver,
        others,
        told_at,
        watched,
    })
}

/// What was answered to an order.
pub(super) struct Given {
    pub(super) answer: Answer,
    /// When, in milliseconds since the epoch.
    at_ms: f64,
}

/// Who tries once more to log in through a sticky balancer, until it picks the right instance.
static TURNS: Mutex<()> = Mutex::const_new(());

/// Logs somebody in at one instance: directly, or, where the balancer is sticky, as often as it
/// takes until the balancer picks that instance.
async fn log_in_at(scene: &Scene, user: &Account, name: &str) -> anyhow::Result<Visitor> {
    let sticky = scene.arm.policy == Policy::Sticky;
    let base = if sticky {
        scene.balanced.clone()
    } else {
        scene.direct(name)
    };
    let mut one_after_the_other = None;
    for n in 0..TRIES {
        // Several orders log somebody in at the same time. In step with each other, each would get
        // the turn that another one waits for, again and again.
        if n > 0 && one_after_the_other.is_none() {
            one_after_the_other = Some(TURNS.lock().await);
        }
        let kind = steadfast(scene.arm);
        let interface = Arc::clone(&scene.interface);
        let mut visitor = Visitor::new(kind, interface, user.clone());
        let answer = visitor.log_in(&base).await;
        if visitor.login.is_none() {
            bail!(
                "{} could not log in at {}: {}",
                user.name,
                scene.served_by(name),
                answer.reason
            );
        }
        if short(visitor.taken_by()) == name {
            return Ok(visitor);
        }
    }
    bail!(
        "{TRIES} logins through the balancer of {}, and none reached {name}",
        scene.arm.name
    )
}

fn watch(
    scene: &Scene,
    visitor: &Visitor,
    path: &'static str,
    asked: &str,
) -> anyhow::Result<Watched> {
    let ticket = visitor.ticket(&scene.direct(asked), path);
    let ticket = ticket.context("a login without a credential")?;
    let login = visitor.login.clone().context("a visitor without a login")?;
    let asked = scene.served_by(asked);
    Ok(Watched {
        asked,
        login,
        watcher: Watcher::start(ticket),
    })
}

impl Plot {
    /// Gives the order, tells the watchers, and says what was answered and when.
    pub(super) async fn give(&self, scene: &Scene) -> Given {
        let (giver, base) = (&self.giver, &self.told_at);
        let answer = match self.order.order {
            Telling::LogOut => giver.log_out(base).await,
            Telling::Request(request) => {
                let (method, path, body) = request(&self.user);
                let body = body.as_ref();
                giver.send(method, base, &path, body, Wanted::Success).await
            }
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_ms = now.unwrap_or_default().as_millis() as f64;
        for watched in &self.watched {
            let natural_end = natural_end(scene, &watched.login, answer.answered);
            watched.watcher.order_answered(answer.answered, natural_end);
        }
        Given { answer, at_ms }
    }

    /// What is known while the watch goes on; `spread` after the answer, an order has spread.
    pub(super) fn so_far(&self, answered: Instant, spread: Duration) -> Vec<SoFar> {
        let so_far = |watched: &Watched| {
            let last = watched.watcher.last_accepted();
            SoFar {
                asked: watched.asked.clone(),
                known: last.is_some(),
                works_on: last.is_some_and(|last| last >= answered + spread),
            }
        };
        self.watched.iter().map(so_far).collect()
    }

    /// Waits until all watchers have seen enough.
    pub(super) async fn finish(self, scene: &Scene, given: Given) -> Revoked {
        let Given { answer, at_ms } = given;
        let lifetime_ms = scene.lifetime_ms();
        let rows = self.watched.into_iter().map(async |watched| Row {
            reading: watched.watcher.finish(answer.answered).await,
            remaining_ms: lifetime_ms
                .map(|lifetime_ms| watched.login.since_ms as f64 + lifetime_ms as f64 - at_ms),
            taken_by: watched.login.taken_by,
            asked: watched.asked,
        });
        let rows = join_all(rows).await;
        let given_with = self.giver.taken_by().to_owned();
        // Only now: a refresh that succeeded would have handed out a new access token.
        let mut ended = self.others.into_iter().next().unwrap_or(self.giver);
        let refreshed = ended.refresh(&scene.balanced).await;
        let undone = match self.order.undo.filter(|_| scene.outlives_the_run()) {
            Some(how) => undo(scene, &self.user, how).await,
            None => Ok(()),
        };
        let told = answer.served_by.clone();
        Revoked {
            event: self.event,
            order: self.order,
            told,
            given_with,
            answer,
            rows,
            refreshed,
            not_undone: undone.err().map(|error| format!("{error:#}")),
        }
    }
}

/// Makes an account again what it was, so that a target can be asked a second time.
async fn undo(scene: &Scene, user: &Account, how: Undo) -> anyhow::Result<()> {
    let (password, request) = match how {
        Undo::WithPassword(password, request) => (password, request),
        Undo::ByAdmin(request) => {
            let (method, path, body) = request(user);
            return as_admin(scene, method, &path, &body.unwrap_or_default()).await;
        }
    };
    let (method, path, body) = request(user);
    let changed = Account {
        password: password.to_owned(),
        ..user.clone()
    };
    let visitor = log_in_at(scene, &changed, INSTANCES[0]).await?;
    // Where the login was taken, whatever the balancer does.
    let base = scene.direct(INSTANCES[0]);
    let answer = visitor
        .send(method, &base, &path, body.as_ref(), Wanted::Success)
        .await;
    match answer.outcome {
        Outcome::Recognised => Ok(()),
        _ => bail!("{path} was answered {}", answer.reason),
    }
}

/// By when a login must have died by itself, and a little more.
fn natural_end(scene: &Scene, login: &LoginFact, answered: Instant) -> Instant {
    match scene.lifetime_ms() {
        Some(lifetime_ms) if lifetime_ms <= WAITED_FOR_MS => {
            login.at + Duration::from_millis(lifetime_ms) + OVERTIME
        }
        _ => answered + 2 * OVERTIME,
    }
}
