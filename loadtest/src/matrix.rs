//! The matrix: which arms meet which events, in which order, and what goes into the book.
//!
//! Arms run side by side where an event asserts no time; each has instances and keys of its own,
//! and its own part of the store. Orders to end logins assert times, so two arms never watch at
//! the same time, but all orders to one arm run together and share one wait for the expiry.
//!
//! Long because the order in which everything is played is to be read in one piece.

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::arms::{Arm, Server};
use crate::book::Book;
use crate::crowd::Company;
use crate::events::{self, Event, Play};
use crate::pools::Lives;
use crate::progress::Progress;
use crate::record::{self, Section};
use crate::revocation::{self, Early, Order};
use crate::site::Site;
use crate::tally::Observed;
use crate::target::statistics;

/// How many arms are up at the same time. Most of their time they wait, for health checks and
/// drains; more of them would wait for the cores.
const SIDE_BY_SIDE: usize = 4;

/// What a run is to do.
#[derive(Debug)]
pub struct Plan {
    /// The arms, in their order.
    pub arms: Vec<&'static Arm>,
    /// The events, in their order.
    pub events: Vec<&'static Event>,
    /// An arm that is run with the settings of another, to see whether the matrix notices.
    pub swapped: Option<(&'static Arm, &'static Arm)>,
}

/// What a run stands on and writes to.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// A cluster with its accounts and its store, or a target.
    pub site: &'a Site,
    /// Where it is written.
    pub book: &'a Book,
    /// Where it is told.
    pub progress: &'a Progress,
    /// What is to be done.
    pub plan: &'a Plan,
}

impl Plan {
    /// How many steps the plan has: an event on an arm, all orders to an arm being one.
    pub fn steps(&self, site: &Site) -> u64 {
        let per_arm = self.visited().len() + usize::from(!self.orders().is_empty());
        let arms = self
            .arms
            .iter()
            .filter(|arm| site.cannot_run(arm).is_none())
            .count();
        (arms * per_arm) as u64
    }

    /// The events that are played on visitors.
    pub fn visited(&self) -> Vec<&'static Event> {
        let visited = |event: &&Event| !matches!(event.play, Play::Order(_));
        self.events.iter().copied().filter(visited).collect()
    }

    /// The orders to end logins.
    pub fn orders(&self) -> Vec<(&'static Event, Order)> {
        let order = |event: &&'static Event| match event.play {
            Play::Order(order) => Some((*event, order)),
            Play::Visitors(_) | Play::SomeVisitors { .. } => None,
        };
        self.events.iter().filter_map(order).collect()
    }

    fn server(&self, arm: &'static Arm) -> Server {
        match self.swapped {
            Some((swapped, with)) if swapped.name == arm.name => with.server,
            _ => arm.server,
        }
    }
}

impl<'a> Desk<'a> {
    /// Writes down what is compared, and which arms cannot run.
    pub fn announce(&self) {
        let arms = self.plan.arms.iter().map(|arm| self.site.describe(arm));
        let arms: Vec<_> = arms.collect();
        let stories: Vec<_> = self
            .plan
            .events
            .iter()
            .map(|event| event.to_record())
            .collect();
        self.book.edit(|record| {
            record.arms = arms;
            record.events = stories;
        });
    }

    /// The arms that can run.
    pub fn arms(&self) -> Vec<&'static Arm> {
        let can_run = |arm: &&'static Arm| self.site.cannot_run(arm).is_none();
        self.plan.arms.iter().copied().filter(can_run).collect()
    }

    /// The arms that cannot run, each with the reason.
    pub fn not_run(&self) -> Vec<(&'static Arm, String)> {
        let why = |arm: &&'static Arm| self.site.cannot_run(arm).map(|why| (*arm, why));
        self.plan.arms.iter().filter_map(why).collect()
    }

    /// Everything in the plan.
    pub async fn run_all(&self) {
        self.visit_all(
            self.arms()
                .into_iter()
                .map(|arm| (arm, self.plan.visited())),
        )
        .await;
        for arm in self.arms() {
            self.revoke(arm, self.plan.orders(), None).await;
        }
    }

    /// Plays events on visitors, several arms side by side where each has its own.
    pub async fn visit_all(
        &self,
        visits: impl Iterator<Item = (&'static Arm, Vec<&'static Event>)>,
    ) {
        let visits = stream::iter(visits).map(|(arm, events)| self.visit(arm, events));
        let side_by_side = match self.site {
            Site::Cluster(_) => SIDE_BY_SIDE,
            // Arms may share instances there, and one arm's kill would be in another's cells.
            Site::Target(_) => 1,
        };
        visits
            .buffer_unordered(side_by_side)
            .collect::<Vec<()>>()
            .await;
    }

    /// Plays these events on an arm's visitors.
    pub async fn visit(&self, arm: &'static Arm, events: Vec<&'static Event>) {
        let mut done = 0;
        if let Err(error) = self.try_visit(arm, &events, &mut done).await {
            self.give_up(arm, &events[done..], &error);
        }
    }

    async fn try_visit(
        &self,
        arm: &'static Arm,
        events: &[&'static Event],
        done: &mut usize,
    ) -> anyhow::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let scene = self
            .site
            .set_up(arm, Lives::USUAL, self.plan.server(arm))
            .await?;
        let mut company = Company::gather(self.site.clone(), scene);
        for event in events {
            let (Play::Visitors(play) | Play::SomeVisitors { play, .. }) = event.play else {
                continue;
            };
            if !self.site.concerns(event.group, arm) {
                *done += 1;
                self.progress.step();
                continue;
            }
            let why_not = event.why_not(arm);
            if let Some(why) = why_not.or_else(|| self.site.cannot_play(arm, event.needs)) {
                self.book.note_not_run(arm.name, event.name, why);
                *done += 1;
                self.progress.step();
                continue;
            }
            self.progress
                .doing(format!("{}: {}", arm.label, event.label));
            let before = self.site.retries(arm).await?;
            let played = play(&mut company).await;
            let observed = played.map_err(|error| error.context(event.name))?;
            let after = self.site.retries(arm).await?;
            let retried = after
                .zip(before)
                .map(|(now, then)| now.saturating_sub(then));
            self.note_visits(arm, &observed, retried)?;
            *done += 1;
            self.progress.step();
        }
        company.scene.clear().await
    }

    /// `retried` is what a target's balancer tried again, for all clients together.
    fn note_visits(
        &self,
        arm: &Arm,
        observed: &[Observed],
        retried: Option<u64>,
    ) -> anyhow::Result<()> {
        let (mut cells, mut hops) = (Vec::new(), Vec::new());
        let alone = observed.len() == 1;
        for observed in observed {
            let (mut cell, more) = observed.tally(arm);
            if self.site.rig().is_none() {
                statistics::note(&mut cell.detail, retried, alone);
            }
            cells.push(cell);
            hops.extend(more);
        }
        self.tell_surprises(&cells);
        Ok(self.book.note(cells, hops, Vec::new())?)
    }

    /// Gives these orders to an arm and watches what they do, until the last login has died.
    pub async fn revoke(
        &self,
        arm: &'static Arm,
        orders: Vec<(&'static Event, Order)>,
        early: Option<Early>,
    ) {
        let events: Vec<_> = orders.iter().map(|(event, _)| *event).collect();
        if let Err(error) = self.try_revoke(arm, orders, early).await {
            self.give_up(arm, &events, &error);
        }
    }

    async fn try_revoke(
        &self,
        arm: &'static Arm,
        mut orders: Vec<(&'static Event, Order)>,
        early: Option<Early>,
    ) -> anyhow::Result<()> {
        orders.retain(|(event, order)| {
            let why_not = revocation::cannot_be_given(arm.properties.state, order)
                .or_else(|| self.site.cannot_play(arm, event.needs));
            why_not
                .inspect(|why| self.book.note_not_run(arm.name, event.name, *why))
                .is_none()
        });
        if orders.is_empty() {
            return Ok(());
        }
        let scene = self
            .site
            .set_up(arm, Lives::BRIEF, self.plan.server(arm))
            .await?;
        self.progress.doing(format!("{}: log-outs", arm.label));
        let revoked = revocation::play(self.site, &scene, &orders, early).await?;
        let (mut cells, mut hops, mut revocations) = (Vec::new(), Vec::new(), Vec::new());
        for revoked in revoked {
            let tallied = revoked.tally(arm, scene.lifetime_ms());
            cells.push(tallied.cell);
            hops.extend(tallied.hops);
            revocations.extend(tallied.revocations);
        }
        self.tell_surprises(&cells);
        self.book.note(cells, hops, revocations)?;
        self.progress.step();
        scene.clear().await
    }

    fn tell_surprises(&self, cells: &[record::Cell]) {
        for cell in cells.iter().filter(|cell| !cell.as_expected) {
            let variant = cell
                .variant
                .as_deref()
                .map(|v| format!(", {v}"))
                .unwrap_or_default();
            let note = cell.detail.note.as_deref().unwrap_or("differs");
            self.progress.say(format!(
                "NOT AS EXPECTED  {}, {}{variant}: {note}",
                cell.arm, cell.event
            ));
        }
    }

    /// An arm that fails does not take the others with it, but the run is not complete.
    fn give_up(&self, arm: &Arm, events: &[&Event], error: &anyhow::Error) {
        let why = format!("{error:#}");
        self.progress.say(format!("NOT RUN  {}: {why}", arm.name));
        for event in events {
            self.book.note_not_run(arm.name, event.name, &why);
            self.book.invalidate(
                match event.play {
                    Play::Visitors(_) | Play::SomeVisitors { .. } => Section::Survival,
                    Play::Order(_) => Section::Revocation,
                },
                &format!("{} gave up at {}: {why}", arm.name, event.name),
            );
        }
    }
}

/// The events of a matrix: the basic ones, or all.
pub fn events(all: bool) -> Vec<&'static Event> {
    events::ALL
        .into_iter()
        .filter(|event| all || event.is_basic())
        .collect()
}
