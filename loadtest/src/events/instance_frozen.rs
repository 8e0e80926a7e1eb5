//! `instance-frozen`: a process that neither works nor ends, as when a machine runs out of memory
//! or a disk hangs. Whoever waits for it cannot know whether it will still do what it was asked.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::clock_skewed::{ask, life_of, lives_ms, made};
use super::{Event, Needs, Play};
use crate::answer::{Answer, Outcome};
use crate::arms::{Channel, State};
use crate::crowd::{Company, log_in_while};
use crate::expected::Happening;
use crate::expected::circumstance::Clocks;
use crate::holders::Holder;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::scene::other;
use crate::tally::{LoginTried, Observed};
use crate::visitors::steadfast;

/// The event.
pub static EVENT: Event = Event {
    name: "instance-frozen",
    label: "A is frozen",
    story: "While everybody asks through the balancer, A is stopped (SIGSTOP) until the balancer \
            has found out, and goes on; newcomers go on logging in, and the time of some logins \
            is over meanwhile.",
    group: Group::Instances,
    wanted: Wanted::Recognised,
    needs: Needs::Processes,
    play: Play::Visitors(play),
};

/// How long everybody asks before.
const BEFORE: Duration = Duration::from_millis(150);

/// How long it stays frozen when the balancer has found out.
const AND_THEN: Duration = Duration::from_millis(500);

/// How long somebody waits for a log-out at the frozen instance before giving up.
const GIVES_UP: Duration = Duration::from_millis(300);

/// Logins whose time is over while it is frozen.
const ENDING: usize = 3;

/// How long they have left: long enough to freeze it first.
const LEFT: Duration = Duration::from_millis(1_500);

/// Logins whose time is over before the instance that took them goes on.
struct Ending {
    holders: Vec<Holder>,
    made_ms: (u64, u64),
    taker_ahead_ms: i64,
    over_at: Instant,
}

/// An instance that did not answer: since when, when the balancer had found out, until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absence {
    pub(super) from: Instant,
    pub(super) seen: Instant,
    pub(super) to: Instant,
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let cells = strike(company).await;
        company.leave_if_pinned();
        cells
    })
}

async fn strike(company: &Company) -> anyhow::Result<Vec<Observed>> {
    let [victim, ..] = INSTANCES;
    let ending = Ending::made_at(company, victim).await?;
    // Only a login that can be ended can be ended late.
    let hurried = match company.scene.arm.properties.ended {
        Channel::Nobody => None,
        _ => company.holders(victim, 1).await?.pop(),
    };
    let freezing = freeze(company, victim, hurried.as_ref(), &ending);
    let ((absence, logins), visits) = company.ask_while(log_in_while(company, freezing)).await?;
    let late = match &hurried {
        Some(hurried) => Some(late_effect(company, hurried, victim).await),
        None => None,
    };
    let mut cells = company.observe(visits, |kind| Observed {
        blows: vec![(absence.from, absence.seen)],
        logins: absence.judge(company, victim, &logins),
        ..Observed::new(EVENT.name, Happening::OutOfReach, kind)
    });
    for cell in &mut cells {
        cell.more.insert(
            "found_out_after_ms".to_owned(),
            absence.found_out_after_ms(),
        );
        if let Some(late) = late {
            cell.more
                .insert("log_out_that_was_given_up".to_owned(), late.into());
        }
    }
    cells.extend(ending.shown_to(company, victim).await);
    Ok(cells)
}

async fn freeze(
    company: &Company,
    victim: &str,
    hurried: Option<&Holder>,
    ending: &Ending,
) -> anyhow::Result<Absence> {
    let scene = &company.scene;
    sleep(BEFORE).await;
    let instance = scene.instance(victim).context("no process to signal")?;
    let from = Instant::now();
    instance.freeze().await?;
    if let Some(hurried) = hurried {
        let ticket = hurried.ticket.at(&scene.direct(victim));
        // Nobody answers: whether it was done is open.
        let _ = timeout(GIVES_UP, ticket.log_out()).await;
    }
    let found = scene.seen_down(victim).await;
    let seen = Instant::now();
    sleep(AND_THEN).await;
    sleep_until(ending.over_at).await;
    let to = Instant::now();
    // Whatever happened, it must not stay frozen.
    instance.thaw().await?;
    found?;
    scene.settled().await?;
    Ok(Absence { from, seen, to })
}

/// What became of the log-out that its sender had given up. Either is right: a log-out may be
/// repeated, and nobody was told that it was done.
async fn late_effect(company: &Company, hurried: &Holder, victim: &str) -> &'static str {
    let answer = hurried.ask(&company.scene.direct(victim)).await;
    match answer.outcome {
        Outcome::Recognised => "was not done",
        Outcome::Refused => "was done after the thaw",
        Outcome::Failed => "is not known",
    }
}

impl Ending {
    /// Logs some in at an instance whose clock is so far behind that hardly any of their time is
    /// left when it is right again. Nobody where nothing depends on a time.
    async fn made_at(company: &Company, victim: &str) -> anyhow::Result<Ending> {
        let scene = &company.scene;
        let lives_ms = match scene.arm.properties.state {
            State::Nowhere => None,
            _ => lives_ms(scene),
        };
        let mut ending = Ending {
            holders: Vec::new(),
            made_ms: (0, 0),
            taker_ahead_ms: 0,
            over_at: Instant::now(),
        };
        if let Some(lives_ms) = lives_ms {
            let (lab, base) = (scene.lab()?, scene.direct(victim));
            ending.taker_ahead_ms = LEFT.as_millis() as i64 - lives_ms as i64;
            lab.set_clock(&base, ending.taker_ahead_ms).await?;
            let made = made(company, victim, ENDING, ending.taker_ahead_ms).await;
            lab.set_clock(&base, 0).await?;
            (ending.holders, ending.made_ms) = made?;
            ending.over_at = Instant::now() + LEFT;
        }
        Ok(ending)
    }

    /// What it says to them when it goes on. It was frozen for as long as they had left, and the
    /// clock went on without it.
    async fn shown_to(self, company: &Company, victim: &str) -> Option<Observed> {
        let scene = &company.scene;
        let mut cell = Observed {
            variant: Some("logins end meanwhile".to_owned()),
            ..Observed::new(EVENT.name, Happening::ClocksDiffer, steadfast(scene.arm))
        };
        for holder in self.holders {
            let clocks = Clocks {
                taker_ahead_ms: self.taker_ahead_ms,
                ..life_of(scene, &holder, self.made_ms)
            };
            let mut visited = holder.visited();
            ask(scene, &holder, victim, clocks, &mut visited).await;
            cell.visits.push(visited);
        }
        (!cell.visits.is_empty()).then_some(cell)
    }
}

impl Absence {
    /// How long it took the balancer to find out.
    pub(super) fn found_out_after_ms(&self) -> serde_json::Value {
        ((self.seen - self.from).as_millis() as u64).into()
    }

    /// What became of logins that were tried meanwhile, and what should have.
    pub(super) fn judge(
        &self,
        company: &Company,
        victim: &str,
        logins: &[Answer],
    ) -> Vec<LoginTried> {
        let properties = &company.scene.arm.properties;
        let others_can = properties.can_log_in([other(victim)].iter());
        let judge = |answer: &Answer| LoginTried {
            must_succeed: self.login_must_succeed(answer, others_can),
            answer: answer.clone(),
        };
        logins.iter().map(judge).collect()
    }

    fn login_must_succeed(&self, answer: &Answer, others_can: bool) -> Option<bool> {
        if answer.answered < self.from {
            return Some(true);
        }
        if answer.sent <= self.seen {
            return None;
        }
        match others_can {
            true => Some(true),
            false => (answer.answered < self.to).then_some(false),
        }
    }
}
