//! What the revocation events share: logins, watchers, one order each, one wait for all.
//!
//! An event says who orders what. Here its logins are made, every instance is asked over and over
//! with a kept credential ([`crate::lag`]), the order is given, and what was seen is compared with
//! what the arm's properties say.

mod plot;
pub mod tally;

use std::time::Duration;

use anyhow::bail;
use futures_util::future::{join_all, try_join_all};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::answer::Answer;
use crate::arms::State;
use crate::events::Event;
use crate::expected::Scope;
use crate::lag::Reading;
use crate::scene::Scene;
use crate::site::Site;
use crate::visitors::Account;
use plot::{Given, Plot, prepare};

/// An order to end logins, as an event defines it.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Who gives it.
    pub by: By,
    /// Whose logins it is to end.
    pub scope: Scope,
    /// How it is given.
    pub order: Telling,
    /// How what it did to the account is undone, where accounts outlive the run.
    pub undo: Option<Undo>,
    /// What the instances are asked for afterwards.
    pub asked: &'static str,
}

/// A request: its method, its path, its body.
pub type Request = (Method, String, Option<Value>);

/// How an order is given.
#[derive(Debug, Clone, Copy)]
pub enum Telling {
    /// By logging out, in whichever way the application has for it.
    LogOut,
    /// By this request, which concerns this user.
    Request(fn(&Account) -> Request),
}

/// How what an order did to an account is undone.
#[derive(Debug, Clone, Copy)]
pub enum Undo {
    /// An admin sends this.
    ByAdmin(fn(&Account) -> Request),
    /// The user logs in with this password and sends this.
    WithPassword(&'static str, fn(&Account) -> Request),
}

/// Who gives an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The very login that is to end, at the other instance than the one that took it.
    TheLoginItself,
    /// Another login of the same user.
    AnotherLogin,
    /// An admin.
    Admin,
}

/// Everything that was observed of one order.
#[derive(Debug)]
pub struct Revoked {
    /// The event.
    pub event: &'static Event,
    /// The order.
    pub order: Order,
    /// The instance that was told, as in `x-served-by`.
    pub told: String,
    /// The login that gave the order was taken by this instance.
    pub given_with: String,
    /// What it answered.
    pub answer: Answer,
    /// One for each instance asked.
    pub rows: Vec<Row>,
    /// What a refresh token of a login that should have ended was answered, where there is one.
    pub refreshed: Option<Answer>,
    /// Why the account is not what it was before, if it should be and is not.
    pub not_undone: Option<String>,
}

/// What was observed at one instance.
#[derive(Debug)]
pub struct Row {
    /// The instance asked, as in `x-served-by`.
    pub asked: String,
    /// The instance that had taken the login.
    pub taken_by: String,
    /// What the watcher saw.
    pub reading: Reading,
    /// What was left of the login's own life when the order was answered.
    pub remaining_ms: Option<f64>,
}

/// What is known of one instance while the watch still goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoFar {
    /// The instance asked.
    pub asked: String,
    /// Whether it ever accepted.
    pub known: bool,
    /// Whether it accepted long after the order.
    pub works_on: bool,
}

/// Somebody who wants to know early how `logout-elsewhere` goes.
pub type Early = oneshot::Sender<Vec<SoFar>>;

/// How long after its order [`SoFar`] is told. Half of it is longer than an order takes to spread
/// where it spreads at all, but for a cache that nobody calls.
const EARLY: Duration = Duration::from_millis(1_500);

/// How long a watcher may take to be accepted for the first time.
const FIRST_ACCEPTED: Duration = Duration::from_millis(250);

/// How often logins are made again because it took too long.
const TRIES_IN_TIME: usize = 3;

/// Plays these events on one arm, side by side, each on users of its own.
///
/// # Errors
/// When a login is refused that had to succeed.
pub async fn play(
    site: &Site,
    scene: &Scene,
    orders: &[(&'static Event, Order)],
    early: Option<Early>,
) -> anyhow::Result<Vec<Revoked>> {
    let mut plots = prepare_in_time(site, scene, orders).await?;
    let watchers = plots.iter_mut().flat_map(|plot| &mut plot.watched);
    join_all(watchers.map(|watched| watched.watcher.accepted_once(FIRST_ACCEPTED))).await;

    let mut given = Vec::new();
    for plot in plots {
        let order = plot.give(scene).await;
        given.push((plot, order));
    }
    let asked_elsewhere = |(plot, _): &&(Plot, Given)| plot.order.by == By::TheLoginItself;
    if let Some(early) = early
        && let Some((plot, order)) = given.iter().find(asked_elsewhere)
    {
        let answered = order.answer.answered;
        sleep_until(answered + EARLY).await;
        // Whoever wanted to know may have left.
        let _ = early.send(plot.so_far(answered, EARLY / 2));
    }
    let finished = given
        .into_iter()
        .map(|(plot, order)| plot.finish(scene, order));
    Ok(join_all(finished).await)
}

/// Short-lived logins must be young when the order is given: a login that dies while others wait
/// for their password check would look as if the order had ended it.
async fn prepare_in_time(
    site: &Site,
    scene: &Scene,
    orders: &[(&'static Event, Order)],
) -> anyhow::Result<Vec<Plot>> {
    let patience = scene.lifetime_ms().map(|ms| Duration::from_millis(ms / 2));
    for _ in 0..TRIES_IN_TIME {
        let begin = Instant::now();
        let plots = orders
            .iter()
            .map(|(event, order)| prepare(site, scene, event, *order));
        let plots = try_join_all(plots).await?;
        if patience.is_none_or(|patience| begin.elapsed() < patience) {
            return Ok(plots);
        }
    }
    bail!("{TRIES_IN_TIME} times, logging in took half of a login's life: this machine is too busy")
}

/// Why this order cannot be given on this arm, if it cannot.
pub fn cannot_be_given(state: State, order: &Order) -> Option<&'static str> {
    let nobody_is_admin = state == State::Nowhere && order.by == By::Admin;
    nobody_is_admin.then_some("whoever is believed without a check has no role, so nobody is admin")
}
