//! The background's visitors: a steady rate of requests that nobody has to click.
//!
//! They log in without a password check, half of them at each server, and then ask who they are
//! through the balancer. They keep their cookie when a server tells them to remove it: otherwise
//! there would be nothing to see in the memory lane but logins. One who was refused often enough
//! logs in again, as people do.
//!
//! Bounded in everything: the rate, the requests under way, the logins a second, and a minute of
//! history. What cannot be sent because too much is under way is counted as not sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::Credential;
use app::users::load_user;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use tokio::time::MissedTickBehavior;

use super::cookies::is_the_balancers;
use super::crowd::{Crowd, Due, VISITORS, Visitor};
use super::stage::{Pool, Stage, Way};
use super::upstream;
use super::viewers::SEATS;

/// The highest rate that is offered, in requests per second and pool.
const RATE_MAX_RPS: u32 = 200;
/// How often requests leave.
const TICK: Duration = Duration::from_millis(50);
/// How many requests may be under way at a time, over all pools.
const UNDER_WAY_MAX: usize = 128;
/// How many seconds a strip shows.
const SECONDS: usize = 60;

/// What the background is asked to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Requests per second in each pool; 0 is none at all.
    rps: u32,
    /// Through the sticky balancer, not the one that takes turns.
    sticky: bool,
    /// To these pools.
    pools: Vec<Pool>,
}

impl Order {
    /// Whether it stays within bounds.
    pub(super) fn is_bounded(&self) -> bool {
        let once: BTreeSet<&Pool> = self.pools.iter().collect();
        self.rps <= RATE_MAX_RPS && once.len() == self.pools.len()
    }
}

/// What there is to see of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct TrafficView {
    #[serde(flatten)]
    order: Order,
    /// For each pool the last [`SECONDS`] seconds, the newest last.
    strips: BTreeMap<Pool, Vec<Second>>,
}

/// What became of one second's requests: known, refused, failed, not sent.
type Second = [u32; 4];

#[derive(Clone, Copy)]
enum Outcome {
    Known,
    Refused,
    Failed,
    NotSent,
}

/// The background.
pub(super) struct Traffic {
    stage: Arc<dyn Stage>,
    client: reqwest::Client,
    state: Mutex<State>,
    under_way: Arc<Semaphore>,
    changed: Notify,
    rests: AtomicBool,
    stopped: AtomicBool,
}

#[derive(Default)]
struct State {
    order: Order,
    strips: BTreeMap<Pool, VecDeque<Second>>,
    crowds: BTreeMap<Pool, Crowd>,
}

impl Traffic {
    /// Nothing happens until an order comes.
    pub(super) fn start(stage: Arc<dyn Stage>) -> Arc<Self> {
        let traffic = Arc::new(Self {
            stage,
            client: upstream::client(),
            state: Mutex::default(),
            under_way: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            changed: Notify::new(),
            rests: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        tokio::spawn(Arc::clone(&traffic).keep_going());
        traffic
    }

    /// From now on this, instead of what was before.
    pub(super) fn order(&self, order: Order) {
        let mut state = self.state();
        if order.rps == 0 {
            state.crowds.clear();
        }
        state
            .strips
            .retain(|pool, _| order.rps > 0 && order.pools.contains(pool));
        state.order = order;
        drop(state);
        self.changed.notify_one();
    }

    /// While it rests nothing is sent.
    pub(super) fn rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(super) fn view(&self) -> TrafficView {
        let state = self.state();
        let strips = state.strips.iter();
        TrafficView {
            order: state.order.clone(),
            strips: strips
                .map(|(pool, strip)| (*pool, strip.iter().copied().collect()))
                .collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep_going(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        // After a pause there is nothing to catch up with.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut due, mut ticks_in_second) = (0.0, 0);
        while !self.stopped.load(Ordering::Relaxed) {
            let order = self.state().order.clone();
            if order.rps == 0 || self.rests.load(Ordering::Relaxed) {
                due = 0.0;
                self.changed.notified().await;
                continue;
            }
            ticks.tick().await;
            if ticks_in_second == 0 {
                self.begin_second(&order);
            }
            ticks_in_second = (ticks_in_second + 1) % (1_000 / TICK.as_millis());
            due += f64::from(order.rps) * TICK.as_secs_f64();
            while due >= 1.0 {
                due -= 1.0;
                for pool in &order.pools {
                    self.send(*pool, order.sticky);
                }
            }
        }
    }

    fn begin_second(&self, order: &Order) {
        let mut state = self.state();
        for pool in &order.pools {
            let strip = state.strips.entry(*pool).or_default();
            strip.push_back([0; 4]);
            if strip.len() > SECONDS {
                strip.pop_front();
            }
        }
    }

    fn count(&self, pool: Pool, outcome: Outcome) {
        let mut state = self.state();
        if let Some(second) = state.strips.get_mut(&pool).and_then(VecDeque::back_mut) {
            second[outcome as usize] += 1;
        }
    }

    /// Sends one request, or counts that it could not be sent.
    fn send(self: &Arc<Self>, pool: Pool, sticky: bool) {
        let Ok(place) = Arc::clone(&self.under_way).try_acquire_owned() else {
            return self.count(pool, Outcome::NotSent);
        };
        // By lot: in strict order each of an even number would meet the same server always.
        let first = rand::rng().random_range(0..VISITORS);
        let due = self.state().crowds.entry(pool).or_default().due(first);
        let Some((who, due)) = due else {
            return self.count(pool, Outcome::NotSent);
        };
        let traffic = Arc::clone(self);
        tokio::spawn(async move {
            match due {
                Due::Ask(visitor) => traffic.ask(pool, sticky, who, visitor).await,
                Due::LogIn { at } => traffic.log_in(pool, who, at).await,
            }
            drop(place);
        });
    }

    async fn log_in(&self, pool: Pool, who: usize, at: &str) {
        let credential = self.logged_in(pool, who, at).await;
        if credential.is_none() {
            // That server is dead, or the store does not answer: the next one's turn.
            self.count(pool, Outcome::Failed);
        }
        if let Some(crowd) = self.state().crowds.get_mut(&pool) {
            crowd.visitors[who].arrive(credential);
        }
    }

    async fn logged_in(
        &self,
        pool: Pool,
        who: usize,
        at: &str,
    ) -> Option<(HeaderName, Credential)> {
        let address = self.address(pool, &Way::Direct(at.to_owned())).await?;
        let user = load_user((SEATS + who) as u32);
        let lab = self.stage.lab()?;
        let made = lab.credentials(&format!("http://{address}"), &[user]).await;
        made.ok()?.pop()
    }

    async fn ask(&self, pool: Pool, sticky: bool, who: usize, visitor: Visitor) {
        let way = if sticky { Way::Sticky } else { Way::Turns };
        let Some(address) = self.address(pool, &way).await else {
            return self.count(pool, Outcome::Failed);
        };
        let mut request = self.client.get(format!("http://{address}/me"));
        let cookies = [visitor.session(), visitor.sent_to.as_deref()];
        let cookies: Vec<&str> = cookies.into_iter().flatten().collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(token) = visitor.token() {
            request = request.bearer_auth(token);
        }
        let answer = upstream::ask(request).await;
        let outcome = match &answer {
            Ok(answer) if answer.status.is_success() => Outcome::Known,
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => Outcome::Refused,
            _ => Outcome::Failed,
        };
        self.count(pool, outcome);
        if let Some(crowd) = self.state().crowds.get_mut(&pool) {
            let visitor = &mut crowd.visitors[who];
            match outcome {
                Outcome::Known => visitor.refusals = 0,
                Outcome::Refused => visitor.refusals += 1,
                Outcome::Failed | Outcome::NotSent => {}
            }
            if let Some(sent_to) = answer.ok().and_then(|a| balancers_cookie(pool, &a.headers)) {
                visitor.sent_to = Some(sent_to);
            }
        }
    }

    /// The background has a seat of its own, so that nobody's turns are mixed with it.
    async fn address(&self, pool: Pool, way: &Way) -> Option<SocketAddr> {
        self.stage.address(pool, way, SEATS).await.ok()
    }
}

fn balancers_cookie(pool: Pool, headers: &HeaderMap) -> Option<String> {
    let set = headers.get_all(SET_COOKIE).iter();
    set.filter_map(|value| value.to_str().ok()?.split(';').next())
        .find(|pair| is_the_balancers(pair, pool))
        .map(str::to_owned)
}
