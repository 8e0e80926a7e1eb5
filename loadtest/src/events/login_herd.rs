//! `login-herd`: far more people log in than passwords can be checked.
//!
//! Send times are fixed beforehand: people who find the door busy do not come more slowly. Played
//! once for each server, since what a login costs is its password check. How long everybody else
//! waits meanwhile is recorded and decides nothing: the generator is on the same cores.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, join_all};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Event, Needs, Play};
use crate::arms::{self, Arm, Server};
use crate::crowd::{Company, VISITORS};
use crate::expected::Happening;
use crate::expected::circumstance::Circumstance;
use crate::footprint::{Footprint, Takes, cores, password_checks_bytes};
use crate::holders::Holder;
use crate::record::{CameOut, Group, Wanted, Wish};
use crate::scene::Scene;
use crate::tally::{Observed, Visited};
use crate::visitors::{LOGIN_TIMEOUT, plain_http, steadfast};

/// The event.
pub static EVENT: Event = Event {
    name: "login-herd",
    label: "a herd logs in",
    story: "250 logins a second for each core are sent to the instances in turn for 20 s, one in \
            ten of whom does not wait for the answer, while people who are logged in ask the \
            instance that took their login.",
    group: Group::HostileAndRacing,
    wanted: Wanted::Recognised,
    needs: Needs::Backstage,
    play: Play::SomeVisitors { why_not, play },
};

/// Logins a second for each core: several times what a core can check.
const RATE_PER_CORE: usize = 250;

/// A herd beyond this is one on any machine.
const RATE_MAX: usize = 2_000;

/// How long it comes.
const LASTS: Duration = Duration::from_secs(20);

/// One of so many hangs up.
const LEAVES_ONE_OF: usize = 10;

/// When they do: their password is being checked by then, or waits to be.
const LEAVES_AFTER: Duration = Duration::from_millis(30);

/// How long others are asked for before, to compare with.
const IDLE: Duration = Duration::from_secs(1);

/// What somebody who is logged in thinks between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// What an instance may take for connections and waiting requests, beside its password checks.
const BESIDE_BYTES: u64 = 64 * 1024 * 1024;

fn why_not(arm: &Arm) -> Option<&'static str> {
    let alike = |other: &&Arm| match (arm.server, other.server) {
        (Server::Session { .. }, Server::Session { .. })
        | (Server::Jwt { .. }, Server::Jwt { .. }) => other.headline,
        _ => false,
    };
    match arms::ALL.iter().find(alike) {
        Some(first) if first.name == arm.name => None,
        Some(_) => Some("a login costs what its password check costs, in every arm of one server"),
        None => Some("it stands beside two servers that have a herd of their own"),
    }
}

/// What became of the herd.
#[derive(Debug, Default)]
struct Herd {
    offered: u64,
    taken: AtomicU64,
    told_to_wait: AtomicU64,
    hung_up: AtomicU64,
    others: Mutex<Vec<String>>,
}

impl Herd {
    /// Notes what came of a login of somebody who waits for it or `leaves`.
    fn note(&self, answer: reqwest::Result<reqwest::Response>, leaves: bool) {
        let other = match answer {
            Ok(answer) if answer.status() == StatusCode::OK => {
                self.taken.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Ok(answer)
                if answer.status() == StatusCode::SERVICE_UNAVAILABLE
                    && answer.headers().contains_key(RETRY_AFTER) =>
            {
                self.told_to_wait.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Ok(answer) => answer.status().to_string(),
            Err(error) if leaves && error.is_timeout() => {
                self.hung_up.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Err(error) if error.is_timeout() => "no answer in time".to_owned(),
            Err(error) if error.is_connect() => "no connection".to_owned(),
            Err(_) => "a connection that broke".to_owned(),
        };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.push(other);
    }
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let company = &*company;
        let scene = &company.scene;
        let holders = company.holders_everywhere(VISITORS).await?;
        let ended = AtomicBool::new(false);
        let resting = async {
            sleep(IDLE).await;
            ended.store(true, Ordering::Relaxed);
        };
        let (before, ()) = tokio::join!(ask_until(scene, &holders, &ended), resting);

        ended.store(false, Ordering::Relaxed);
        let coming = async {
            let herd = herd(company).await;
            ended.store(true, Ordering::Relaxed);
            herd
        };
        let mut footprint = Footprint::of(scene).await?;
        let (visits, herd) = tokio::select! {
            both = async { tokio::join!(ask_until(scene, &holders, &ended), coming) } => both,
            failed = footprint.watch() => match failed? {},
        };
        Ok(vec![observed(scene, &before, visits, &herd, &footprint)])
    })
}

fn observed(
    scene: &Scene,
    before: &[Visited],
    visits: Vec<Visited>,
    herd: &Herd,
    footprint: &Footprint,
) -> Observed {
    let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let (taken, told) = (count(&herd.taken), count(&herd.told_to_wait));
    let hung_up = count(&herd.hung_up);
    let [idle_ms, p99_ms] = [before, &visits[..]].map(p99_ms);
    let allowed = Takes {
        memory_bytes: password_checks_bytes() + BESIDE_BYTES,
        // Each login of the herd may have a connection and a request that waits, and no more.
        tasks: 2 * herd.offered,
    };
    let mut cell = Observed::new(EVENT.name, Happening::Herd, steadfast(scene.arm));
    let others = herd.others.lock().unwrap_or_else(PoisonError::into_inner);
    cell.wrong = if let Some(first) = others.first() {
        let others = others.len();
        Some(format!(
            "{others} logins got neither a login nor 503 with Retry-After, but {first}"
        ))
    } else if told == 0 {
        Some("nobody was sent away, so it was no herd".to_owned())
    } else {
        footprint.excess(allowed)
    };
    cell.outcome = Some(CameOut {
        words: format!(
            "{taken} of {} logins served, {told} told to come again, {hung_up} hung up; p99 of the \
             others {p99_ms:.0} ms, {idle_ms:.0} ms before",
            herd.offered
        ),
        wish: match cell.wrong {
            Some(_) => Wish::InPart,
            None => Wish::Granted,
        },
    });
    for (name, value) in [
        ("logins_offered", json!(herd.offered)),
        ("logins_served", json!(taken)),
        ("logins_told_to_wait", json!(told)),
        ("me_p99_ms", json!(p99_ms)),
        ("me_p99_before_ms", json!(idle_ms)),
        ("logins_hung_up", json!(hung_up)),
        ("instances", footprint.to_json(allowed)),
    ] {
        cell.more.insert(name.to_owned(), value);
    }
    cell.visits = visits;
    cell
}

/// Everybody asks the instance that took the login, again and again, until it has `ended`.
async fn ask_until(scene: &Scene, holders: &[Holder], ended: &AtomicBool) -> Vec<Visited> {
    let asking = holders.iter().enumerate().map(async |(n, holder)| {
        let base = scene.direct_to(&holder.taken_by);
        let mut visited = holder.visited();
        sleep(PAUSE * n as u32 / holders.len() as u32).await;
        while !ended.load(Ordering::Relaxed) {
            visited.note(holder.ask(&base).await, Circumstance::Usual);
            sleep(PAUSE).await;
        }
        visited
    });
    join_all(asking).await
}

/// The herd: every login is sent at its time, whatever became of those before it.
async fn herd(company: &Company) -> Herd {
    let rate = (RATE_PER_CORE * cores()).min(RATE_MAX);
    let logins = (rate as f64 * LASTS.as_secs_f64()) as usize;
    let herd = Herd {
        offered: logins as u64,
        ..Herd::default()
    };
    let (http, scene) = (plain_http(), &company.scene);
    // A few log in again and again: what a login costs does not depend on whose it is.
    let accounts: Vec<_> = (0..VISITORS).map(|_| company.site.fresh()).collect();
    // Straight to them: a balancer loses patience with a login that waits its turn.
    let bases: Vec<_> = scene.takers().map(|name| scene.direct(name)).collect();
    let start = Instant::now();
    let coming = (0..logins).map(async |n| {
        sleep_until(start + LASTS.mul_f64(n as f64 / logins as f64)).await;
        let account = &accounts[n % accounts.len()];
        let request = scene
            .interface
            .log_in(&http, &bases[n % bases.len()], account);
        let leaves = n % LEAVES_ONE_OF == 0;
        let patience = if leaves { LEAVES_AFTER } else { LOGIN_TIMEOUT };
        herd.note(request.timeout(patience).send().await, leaves);
    });
    join_all(coming).await;
    herd
}

/// The 99th percentile of what these answers took, in milliseconds.
fn p99_ms(visits: &[Visited]) -> f64 {
    let answers = visits.iter().flat_map(|visited| &visited.answers);
    let mut took: Vec<_> = answers
        .map(|answer| (answer.answered - answer.sent).as_secs_f64() * 1_000.0)
        .collect();
    took.sort_by(f64::total_cmp);
    let at = (took.len() * 99).div_ceil(100);
    took.get(at.saturating_sub(1)).copied().unwrap_or_default()
}
