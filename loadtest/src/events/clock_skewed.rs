//! `clock-skewed`: two servers that do not agree about the time.
//!
//! Nobody waits for a lifetime here: the lab moves a clock to just before or just after the moment
//! in question. First B's clock is wrong by as much as clocks are; then the edges of a login's life
//! are probed, by moving the clock of who judges and, for what says itself when it was made, the
//! clock of who makes it.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::bail;
use futures_util::future::LocalBoxFuture;

use super::{Event, Needs, Play};
use crate::answer::Outcome;
use crate::arms::{Arm, Lifetime, State};
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::circumstance::{Circumstance, Clocks};
use crate::holders::Holder;
use crate::pools::INSTANCES;
use crate::record::{CameOut, Group, Wanted, Wish};
use crate::scene::{Scene, short};
use crate::tally::{Observed, Visited};
use crate::visitors::steadfast;

/// The event.
pub static EVENT: Event = Event {
    name: "clock-skewed",
    label: "B's clock is wrong",
    story: "B's clock is put 30 and 90 s ahead and behind; logins made on A and on B are shown to \
            both. Then a clock is moved to just before and just after a login's time.",
    group: Group::KeysAndClocks,
    wanted: Wanted::Recognised,
    needs: Needs::Lab,
    play: Play::SomeVisitors { why_not, play },
};

/// By how much B's clock is wrong.
const SKEWS: [(&str, i64); 4] = [
    ("B 30 s ahead", 30_000),
    ("B 90 s ahead", 90_000),
    ("B 30 s behind", -30_000),
    ("B 90 s behind", -90_000),
];

/// Logins at each instance for each skew.
const LOGINS: usize = 5;

/// How far from an edge it is probed. More than the second in which expiries are counted.
const BESIDE_MS: i64 = 1_500;

/// How often a probe is made again that took so long that the edge passed by.
const TRIES: usize = 10;

fn why_not(arm: &Arm) -> Option<&'static str> {
    let nobody = arm.properties.state == State::Nowhere;
    nobody.then_some("nothing of it depends on a time")
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let mut cells = Vec::new();
        for (variant, ahead_ms) in SKEWS {
            let cell = skewed(company, variant, [0, ahead_ms]).await;
            set_right(&company.scene).await?;
            cells.push(cell?);
        }
        let cell = edges(company).await;
        set_right(&company.scene).await?;
        cells.push(cell?);
        Ok(cells)
    })
}

async fn set_right(scene: &Scene) -> anyhow::Result<()> {
    for name in INSTANCES {
        scene.lab()?.set_clock(&scene.direct(name), 0).await?;
    }
    Ok(())
}

fn observed(scene: &Scene, variant: &str) -> Observed {
    Observed {
        variant: Some(variant.to_owned()),
        ..Observed::new(EVENT.name, Happening::ClocksDiffer, steadfast(scene.arm))
    }
}

async fn skewed(
    company: &Company,
    variant: &str,
    ahead_ms: [i64; INSTANCES.len()],
) -> anyhow::Result<Observed> {
    let scene = &company.scene;
    let mut cell = observed(scene, variant);
    for (name, ahead_ms) in INSTANCES.into_iter().zip(ahead_ms) {
        scene
            .lab()?
            .set_clock(&scene.direct(name), ahead_ms)
            .await?;
    }
    for taker in scene.takers() {
        let taker_ahead_ms = ahead_ms[place(taker)];
        let (holders, made_ms) = made(company, taker, LOGINS, taker_ahead_ms).await?;
        for holder in holders {
            let mut visited = holder.visited();
            for asked in INSTANCES {
                let clocks = Clocks {
                    taker_ahead_ms,
                    asked_ahead_ms: ahead_ms[place(asked)],
                    ..life_of(scene, &holder, made_ms)
                };
                ask(scene, &holder, asked, clocks, &mut visited).await;
            }
            cell.visits.push(visited);
        }
    }
    cell.outcome = Some(between(&cell.visits));
    Ok(cell)
}

/// Whose logins were refused where.
fn between(visits: &[Visited]) -> CameOut {
    let (mut refused, mut known) = (BTreeSet::new(), BTreeSet::new());
    for visited in visits {
        for answer in &visited.answers {
            let hop = [&visited.taken_by, &answer.served_by].map(|name| short(name).to_uppercase());
            let set = match answer.outcome {
                Outcome::Recognised => &mut known,
                Outcome::Refused | Outcome::Failed => &mut refused,
            };
            set.insert(hop);
        }
    }
    let said: Vec<_> = refused
        .iter()
        .map(|[taken_by, asked]| format!("{taken_by}'s by {asked}"))
        .collect();
    let (words, wish) = match (refused.is_empty(), known.is_empty()) {
        (true, _) => ("all known".to_owned(), Wish::Granted),
        (false, true) => ("all refused".to_owned(), Wish::Denied),
        (false, false) => (format!("refused: {}", said.join(", ")), Wish::InPart),
    };
    CameOut { words, wish }
}

/// Each edge of a login's life is probed from both sides. Who judges is B where B can know a login
/// of A's, and A where it cannot.
async fn edges(company: &Company) -> anyhow::Result<Observed> {
    let scene = &company.scene;
    let properties = &scene.arm.properties;
    let judge = match properties.knows(INSTANCES[0], INSTANCES[1], false) {
        true => INSTANCES[1],
        false => INSTANCES[0],
    };
    let lives_ms = lives_ms(scene).and_then(|ms| i64::try_from(ms).ok());
    let lives_ms = lives_ms.unwrap_or_default();
    let ends_ms = lives_ms + properties.leeway_ms as i64;
    let mut cell = observed(scene, "edges");
    let beside = |edge_ms: i64| [edge_ms - BESIDE_MS, edge_ms + BESIDE_MS];
    for ahead_ms in [beside(0), beside(lives_ms), beside(ends_ms)].concat() {
        probe(company, judge, [0, ahead_ms], &mut cell).await?;
    }
    // Made so long ago, or not yet: for a clock of which nobody here can move the hands.
    for ahead_ms in [beside(0), beside(-lives_ms), beside(-ends_ms)].concat() {
        if judge != INSTANCES[0] {
            probe(company, judge, [ahead_ms, 0], &mut cell).await?;
        }
    }
    let answers = cell.visits.iter().flat_map(|visited| &visited.answers);
    let accepted = answers.filter(|answer| answer.outcome == Outcome::Recognised);
    let (accepted, probes) = (accepted.count(), cell.visits.len());
    // Where no probe is refused, no clock of an instance's is listened to.
    cell.outcome = Some(CameOut {
        words: format!("{accepted} of {probes} probes accepted"),
        wish: match accepted {
            0 => Wish::Denied,
            _ => Wish::Granted,
        },
    });
    Ok(cell)
}

/// One login of A's, made and judged by clocks that are so far ahead. Again if the edge passed by
/// meanwhile.
async fn probe(
    company: &Company,
    judge: &str,
    [taker_ahead_ms, judge_ahead_ms]: [i64; 2],
    cell: &mut Observed,
) -> anyhow::Result<()> {
    let scene = &company.scene;
    let (lab, taker) = (scene.lab()?, INSTANCES[0]);
    for _ in 0..TRIES {
        lab.set_clock(&scene.direct(taker), taker_ahead_ms).await?;
        let (holders, made_ms) = made(company, taker, 1, taker_ahead_ms).await?;
        lab.set_clock(&scene.direct(judge), judge_ahead_ms).await?;
        let [holder] = &holders[..] else {
            bail!("one login was asked for");
        };
        let clocks = Clocks {
            taker_ahead_ms,
            asked_ahead_ms: judge_ahead_ms,
            ..life_of(scene, holder, made_ms)
        };
        let mut visited = holder.visited();
        let decided = ask(scene, holder, judge, clocks, &mut visited).await;
        if taker == judge {
            lab.set_clock(&scene.direct(taker), 0).await?;
        }
        if decided {
            cell.visits.push(visited);
            return Ok(());
        }
    }
    bail!("{TRIES} times, an edge passed by while it was probed: this machine is too busy")
}

/// Asks, and says whether it is certain what the answer must be.
pub(super) async fn ask(
    scene: &Scene,
    holder: &Holder,
    asked: &str,
    clocks: Clocks,
    visited: &mut Visited,
) -> bool {
    let from_ms = now_ms();
    let answer = holder.ask(&scene.direct(asked)).await;
    let under = Circumstance::Clocks(Clocks {
        asked_ms: (from_ms, now_ms()),
        ..clocks
    });
    let properties = &scene.arm.properties;
    let decided = properties.recognises(&under, &holder.taken_by, &answer.served_by);
    visited.note(answer, under);
    decided.is_some()
}

/// New logins at an instance, and between which moments of its clock they were made.
pub(super) async fn made(
    company: &Company,
    taker: &str,
    count: usize,
    ahead_ms: i64,
) -> anyhow::Result<(Vec<Holder>, (u64, u64))> {
    let from_ms = now_ms();
    let holders = company.holders(taker, count).await?;
    let by_its_clock = |ms: u64| ms.saturating_add_signed(ahead_ms);
    Ok((holders, (by_its_clock(from_ms), by_its_clock(now_ms()))))
}

/// When a login was made and how long it lives: what its token says, if it is one.
pub(super) fn life_of(scene: &Scene, holder: &Holder, made_ms: (u64, u64)) -> Clocks {
    let claims = holder.ticket.claims().unwrap_or_default();
    let seconds = |claim: &str| claims[claim].as_u64();
    let said = seconds("iat").zip(seconds("exp"));
    Clocks {
        made_ms: said.map_or(made_ms, |(iat, _)| (iat * 1_000, iat * 1_000)),
        taker_ahead_ms: 0,
        lives_ms: said
            .map(|(iat, exp)| exp.saturating_sub(iat) * 1_000)
            .or(lives_ms(scene)),
        asked_ms: (0, 0),
        asked_ahead_ms: 0,
    }
}

/// How long a login lives of which nothing else is heard.
pub(super) fn lives_ms(scene: &Scene) -> Option<u64> {
    match scene.arm.properties.lifetime {
        Lifetime::Session => Some(scene.lives.idle_ms.min(scene.lives.absolute_ms)),
        Lifetime::AccessToken => Some(scene.lives.access_ms),
        Lifetime::None | Lifetime::TwoWeeks => {
            // As the scene has it.
            scene.lifetime_ms()
        }
    }
}

fn place(name: &str) -> usize {
    usize::from(name != INSTANCES[0])
}

/// By the machine's clock, which all instances read.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}
