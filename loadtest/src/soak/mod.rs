//! A soak: people go on logging in, asking and logging out for an hour, while processes are killed,
//! frozen and restarted and the store is struck, all drawn from one seed; then a checker replays
//! what happened and finds what no promise and no fault explains.
//!
//! [`people`] live, [`faults`] strike, [`yardstick`] sees how late stores are by themselves,
//! [`notes`] writes it all down as a [`history`], and [`check`], which knows nothing of servers,
//! judges it.

pub mod check;
pub mod faults;
pub mod history;
pub mod notes;
pub mod people;
pub mod yardstick;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use rand::SeedableRng as _;
use rand_pcg::Pcg64;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::arms::{self, Arm, Channel, Issuers, State};
use crate::pools::Lives;
use crate::progress::Progress;
use crate::record::Environment;
use crate::rig::{Rig, random};
use crate::scene::{Scene, lifetime_ms};
use crate::visitors::Account;
use check::{Promise, Violation};
use history::{Came, Fault, Line, What};
use notes::Notes;
use people::{PEOPLE, Person};

/// The arms of a soak that nobody chose others for: every way in which a login must outlive its
/// instance.
pub const ARMS: [&str; 5] = [
    "session-redis",
    "session-cached",
    "jwt-hs256",
    "jwt-denylist",
    "jwt-denylist-synced",
];

/// What a soak comes to, as it stands in `soak.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The command line.
    pub command: String,
    /// Seed of everything that was drawn.
    pub seed: u64,
    /// How long it went on, in seconds.
    pub seconds: f64,
    /// Machine, versions and layout.
    pub environment: Environment,
    /// How often each fault struck.
    pub faults: BTreeMap<&'static str, u64>,
    /// What was asked of each arm.
    pub arms: BTreeMap<String, Counts>,
    /// What nothing explains; a soak that is well has none.
    pub violations: Vec<String>,
}

/// What was asked of one arm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Logins made.
    pub logins: u64,
    /// Log-outs acknowledged.
    pub log_outs: u64,
    /// Answers that recognised somebody.
    pub recognised: u64,
    /// Answers that refused somebody.
    pub refused: u64,
    /// Requests that failed.
    pub failed: u64,
}

/// Why a soak can say nothing of this arm, if it cannot.
pub fn cannot_soak(arm: &Arm) -> Option<&'static str> {
    let properties = &arm.properties;
    match properties.state {
        State::Nowhere => return Some("nothing is remembered there"),
        State::Process | State::CredentialOfOne => {
            return Some("it promises nothing about other instances");
        }
        State::Store | State::Credential => {}
    }
    if properties.issuers == Issuers::OnlyA {
        return Some("nobody can log in there while A is away");
    }
    properties
        .refreshes
        .then_some("its people would have to refresh their tokens")
}

/// What an arm promises, with logins that live so long.
pub fn promise(arm: &Arm, lives: Lives) -> Promise {
    let properties = &arm.properties;
    let within_ms = match properties.ended {
        Channel::Store => Some(0),
        Channel::StoreWithin(bound_ms) => Some(bound_ms),
        Channel::Nobody | Channel::OwnProcess | Channel::OwnProcessThisLogin => None,
    };
    let in_store = properties.state == State::Store;
    Promise {
        ended_within_us: within_ms.map(|ms| ms * 1_000),
        life_us: lifetime_ms(arm, lives).map(|ms| ms * 1_000),
        expiry_step_us: properties.expiry_step_ms * 1_000,
        logins_in_store: in_store,
        log_outs_in_store: !in_store && within_ms.is_some(),
        asks_store: arm.server.needs_store(),
    }
}

/// Replays a history, of whichever of our arms.
pub fn violations(history: &[Line]) -> Vec<Violation> {
    let promises = arms::ALL.iter().filter(|arm| cannot_soak(arm).is_none());
    let promises = promises.map(|arm| (arm.name.to_owned(), promise(arm, Lives::USUAL)));
    check::check(history, &promises.collect())
}

/// Lets people live and faults strike until the time is over.
///
/// # Errors
/// When a process does not do as it is told, or the history cannot be written.
pub async fn play(
    rig: &Rig,
    arms: &[&'static Arm],
    (seed, length): (u64, Duration),
    notes: &Notes,
    progress: &Progress,
) -> anyhow::Result<()> {
    let scenes = arms.iter().copied();
    let scenes = scenes.map(|arm| rig.set_up(arm, Lives::USUAL, arm.server));
    let scenes = try_join_all(scenes).await?;
    let end = Instant::now() + length;
    let (stop, stopped) = watch::channel(false);
    let people = scenes.iter().flat_map(|scene| {
        (0..PEOPLE).map(|n| Person {
            scene,
            notes,
            account: Account::of_load_user(rig.users.fresh()),
            random: random(seed, &format!("{}, {n}", scene.arm.name)),
        })
    });
    let living: Vec<_> = people.map(|person| person.live(stopped.clone())).collect();
    let watching = scenes.iter();
    let watching = watching.map(|scene| yardstick::watch(scene, notes, stopped.clone()));
    let watching = join_all(watching.collect::<Vec<_>>());
    let striking = async {
        let struck = strike_until(end, &scenes, seed, notes, progress).await;
        stop.send_replace(true);
        struck
    };
    let (struck, lived, watched) = tokio::join!(striking, join_all(living), watching);
    let ended = lived.into_iter().chain(watched);
    ended.collect::<anyhow::Result<Vec<()>>>()?;
    struck
}

async fn strike_until(
    end: Instant,
    scenes: &[Scene],
    seed: u64,
    notes: &Notes,
    progress: &Progress,
) -> anyhow::Result<()> {
    let arms = faults::Arms::of(scenes);
    let keeps = |scene: &Scene| scene.store.iter().all(|store| store.redis.can_keep());
    let mut possible = Fault::ALL.to_vec();
    possible.retain(|fault| !arms.for_fault(*fault).is_empty());
    // One in a container comes back with nothing, whoever ended it.
    possible.retain(|fault| *fault != Fault::StoreKilled || scenes.iter().all(keeps));
    let mut rings = faults::Rings::default();
    let mut lots = Pcg64::seed_from_u64(seed);
    loop {
        let blow = faults::draw(&mut lots, &possible, &arms);
        let at = Instant::now() + blow.quiet;
        // Whatever is struck must be well again when it ends.
        if at + blow.length + LAST_BLOW_BEFORE_END > end {
            sleep_until(end).await;
            return Ok(());
        }
        sleep_until(at).await;
        progress.doing(blow.fault.label());
        notes.set_struck_now(Some(scenes[blow.arm].arm.name));
        faults::strike(&blow, scenes, &mut rings, notes).await?;
        notes.set_struck_now(None);
        progress.doing("");
    }
}

/// Nothing strikes in the last seconds, so that what a blow did is still seen.
const LAST_BLOW_BEFORE_END: Duration = Duration::from_secs(5);

/// What a history comes to.
pub fn counts(history: &[Line]) -> (BTreeMap<String, Counts>, BTreeMap<&'static str, u64>) {
    let (mut arms, mut faults) = (BTreeMap::<String, Counts>::new(), BTreeMap::new());
    for line in history {
        match line {
            Line::Struck(struck) => *faults.entry(struck.fault.label()).or_default() += 1,
            Line::Asked(asked) => {
                let counts = arms.entry(asked.arm.clone()).or_default();
                let count = match (asked.what, asked.came) {
                    (_, Came::Failed) => &mut counts.failed,
                    (_, Came::Refused) => &mut counts.refused,
                    (What::LogIn, Came::Done) => &mut counts.logins,
                    (What::LogOut, Came::Done) => &mut counts.log_outs,
                    (What::WhoAmI, Came::Done) => &mut counts.recognised,
                };
                *count += 1;
            }
        }
    }
    (arms, faults)
}

/// A table for people.
pub fn lines(summary: &Summary) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<22}{:>8}{:>10}{:>12}{:>10}{:>8}",
        "", "logins", "log-outs", "recognised", "refused", "failed"
    )];
    for (arm, counts) in &summary.arms {
        let Counts {
            logins,
            log_outs,
            recognised,
            refused,
            failed,
        } = counts;
        lines.push(format!(
            "{arm:<22}{logins:>8}{log_outs:>10}{recognised:>12}{refused:>10}{failed:>8}"
        ));
    }
    let faults = summary.faults.iter();
    let faults: Vec<_> = faults
        .map(|(what, count)| format!("{what} {count} times"))
        .collect();
    lines.push(format!("Struck: {}.", faults.join(", ")));
    for violation in &summary.violations {
        lines.push(format!("VIOLATION  {violation}"));
    }
    if summary.violations.is_empty() {
        lines.push("Nothing happened that no promise and no fault explains.".to_owned());
    }
    lines
}
