//! `key-rotated`: a signing key is replaced while tokens are out.
//!
//! In two phases every instance learns the new key before any signs with it, and nobody notices. In
//! one phase each goes over by itself, and until the last has, the instances refuse each other's
//! logins: that is the control, without which "nobody noticed" would prove nothing.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::{Event, Needs, Play};
use crate::answer::{Answer, Outcome};
use crate::arms::{Arm, CheckedWith, State};
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::circumstance::{Circumstance, Held, Key};
use crate::holders::Holder;
use crate::keys::{HeldKey, KeyFiles};
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::short;
use crate::tally::{Observed, Visited};

/// The event.
pub static EVENT: Event = Event {
    name: "key-rotated",
    label: "the key is replaced",
    story: "While everybody asks through the balancer, the signing key is replaced: in two phases \
            (all learn it, then all sign with it), and in one (A goes over, then B).",
    group: Group::KeysAndClocks,
    wanted: Wanted::Recognised,
    needs: Needs::Backstage,
    play: Play::SomeVisitors { why_not, play },
};

/// How long everybody asks after each step.
const AFTER_STEP: Duration = Duration::from_millis(250);

/// Logins that are made after each step, at each instance that can.
const NEW_LOGINS: usize = 2;

/// What every instance holds after each step.
const TWO_PHASES: [Held; 2] = [Held::both(Key::Old), Held::both(Key::New)];
const ONE_PHASE: [Held; 1] = [Held::NEW];

fn why_not(arm: &Arm) -> Option<&'static str> {
    if arm.properties.checked_with == CheckedWith::Nothing {
        return Some("it signs nothing, so there is no key to replace");
    }
    if arm.properties.checked_with == CheckedWith::OnlyKey {
        return Some("its key is read once, at the start; nothing replaces it");
    }
    let alone = arm.properties.state == State::CredentialOfOne;
    alone.then_some("its servers share no key that could be replaced for all")
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        let files = company.scene.backstage.as_ref();
        let files = files.and_then(|backstage| backstage.keys.clone());
        let files = files.context("there are no keys to be replaced")?;
        let mut cells = Vec::new();
        for in_two_phases in [true, false] {
            cells.extend(rotate(company, &files, in_two_phases).await?);
        }
        Ok(cells)
    })
}

async fn rotate(
    company: &mut Company,
    files: &KeyFiles,
    in_two_phases: bool,
) -> anyhow::Result<Vec<Observed>> {
    company.make_whole().await?;
    let company = &*company;
    let kid = if in_two_phases { "k2" } else { "k3" };
    let (old, new) = (files.first()?, files.make(kid).await?);
    let mut rotation = Rotation {
        company,
        files,
        keys: [&old, &new],
        kid,
        log: std::array::from_fn(|_| vec![(Instant::now(), Instant::now(), Held::OLD)]),
        newcomers: Vec::new(),
    };
    let stepping = async move {
        rotation.step_by_step(in_two_phases).await?;
        Ok((rotation.log, rotation.newcomers))
    };
    let ((log, newcomers), mut visits) = company.ask_while(stepping).await?;
    // What everybody had before was signed with the old key.
    for visited in visits.iter_mut().flatten() {
        let under = |answer: &Answer| circumstance(&log, Key::Old, answer);
        visited.under = visited.answers.iter().map(under).collect();
    }
    let mut judged = Vec::new();
    for newcomer in newcomers {
        judged.push(newcomer.judged(company, &log).await);
    }
    // The old key goes when the last old token has expired, which nobody waits for here.
    for instance in 0..INSTANCES.len() {
        let lab = company.scene.lab()?;
        files.give(&company.scene, lab, instance, &[&new]).await?;
    }
    let variant = if in_two_phases {
        "two phases"
    } else {
        "one phase"
    };
    let mut cells = company.observe(visits, |kind| Observed {
        variant: Some(variant.to_owned()),
        ..Observed::new(EVENT.name, Happening::KeysReplaced { in_two_phases }, kind)
    });
    if let Some(cell) = cells.first_mut() {
        cell.visits.append(&mut judged);
    }
    Ok(cells)
}

/// When each instance was told to hold which keys, and when it said that it does.
type Log = [Vec<(Instant, Instant, Held)>; INSTANCES.len()];

struct Rotation<'a> {
    company: &'a Company,
    files: &'a KeyFiles,
    keys: [&'a HeldKey; 2],
    kid: &'a str,
    log: Log,
    newcomers: Vec<Newcomer>,
}

/// Somebody who logged in during the rotation, and asked both instances at once.
struct Newcomer {
    holder: Holder,
    visited: Visited,
    signed_with: Key,
}

impl Newcomer {
    async fn judged(self, company: &Company, log: &Log) -> Visited {
        let mut visited = self.visited;
        let own = company.scene.direct_to(&self.holder.taken_by);
        visited.kept = self.holder.ask(&own).await.outcome == Outcome::Recognised;
        let under = |answer: &Answer| circumstance(log, self.signed_with, answer);
        visited.under = visited.answers.iter().map(under).collect();
        visited
    }
}

impl Rotation<'_> {
    async fn step_by_step(&mut self, in_two_phases: bool) -> anyhow::Result<()> {
        self.newcomers_ask().await?;
        let steps = match in_two_phases {
            true => &TWO_PHASES[..],
            false => &ONE_PHASE[..],
        };
        for held in steps {
            for instance in 0..INSTANCES.len() {
                self.change(instance, *held).await?;
                self.newcomers_ask().await?;
                sleep(AFTER_STEP).await;
            }
        }
        Ok(())
    }

    /// Has one instance hold these keys, by what an operator does for it.
    async fn change(&mut self, instance: usize, held: Held) -> anyhow::Result<()> {
        let (scene, [old, new]) = (&self.company.scene, self.keys);
        let lab = scene.lab()?;
        let begun = Instant::now();
        let name = INSTANCES[instance];
        match held {
            Held::NEW => self.files.give(scene, lab, instance, &[new]).await?,
            Held {
                signs_with: Key::Old,
                ..
            } => self.files.give(scene, lab, instance, &[old, new]).await?,
            // Who can only verify has nothing to sign with.
            _ if scene.arm.properties.can_issue(name) => {
                lab.sign_with(&scene.direct(name), self.kid).await?;
            }
            _ => {}
        }
        self.log[instance].push((begun, Instant::now(), held));
        Ok(())
    }

    async fn newcomers_ask(&mut self) -> anyhow::Result<()> {
        let company = self.company;
        let scene = &company.scene;
        for taker in scene.takers() {
            let held = self.log[place(taker)].last();
            let signed_with = held.map_or(Key::Old, |(_, _, held)| held.signs_with);
            for holder in company.holders(taker, NEW_LOGINS).await? {
                let mut visited = holder.visited();
                for name in INSTANCES {
                    visited.answers.push(holder.ask(&scene.direct(name)).await);
                }
                self.newcomers.push(Newcomer {
                    holder,
                    visited,
                    signed_with,
                });
            }
        }
        Ok(())
    }
}

/// The place of an instance, by its name or by what it calls itself.
fn place(name: &str) -> usize {
    usize::from(short(name) != INSTANCES[0])
}

/// What the one who answered held when the request was sent, and when the answer came.
fn circumstance(log: &Log, signed_with: Key, answer: &Answer) -> Circumstance {
    let log = &log[place(&answer.served_by)];
    let settled = log.iter().rfind(|(_, done, _)| *done <= answer.sent);
    let latest = log.iter().rfind(|(begun, ..)| *begun <= answer.answered);
    let held = |found: Option<&(Instant, Instant, Held)>| found.map_or(Held::OLD, |found| found.2);
    Circumstance::Keys {
        signed_with,
        first: held(settled),
        last: held(latest),
    }
}
