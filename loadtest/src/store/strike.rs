//! The store is taken away under load and comes back: everybody asks, some write, and afterwards
//! what each was told is held against what is true.

use std::time::Duration;

use anyhow::Context as _;
use cluster::Redis;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};

use super::people::{Leaver, Newcomer, People, knock, knock_together};
use super::truth::truth;
use super::yardstick::Yardstick;
use crate::answer::{Answer, Outcome};
use crate::arms::Properties;
use crate::crowd::{Company, Crowd};
use crate::expected::Happening;
use crate::expected::store::{StoreEvent, WELL_WITHIN_MS, Without};
use crate::footprint::Footprint;
use crate::record::Client;
use crate::scene::Scene;
use crate::tally::outage::{Outage, Then, UNAVAILABLE};
use crate::tally::{LoginTried, Observed};

/// How long everybody asks before the blow.
const BEFORE: Duration = Duration::from_millis(200);

/// So many log in when it comes, so that some of them are just being written down.
const BURST: usize = 6;

/// And so long before.
const LEAD: Duration = Duration::from_millis(40);

/// How long a store is away that stopped: long enough for whatever backs off to have backed off.
const STOPPED: Duration = Duration::from_secs(10);

/// How long one is that froze.
const FROZEN: Duration = Duration::from_secs(4);

/// A signal that was sent takes a moment to be obeyed.
const SURELY: Duration = Duration::from_millis(20);

/// A pause of its own that a store has begun cannot be ended, so it is so much longer than needed:
/// a few renewals, each of which waits in vain, end before it does.
const PAUSED_LONGER: Duration = Duration::from_secs(1);

/// How long one is at least beyond what may be answered from memory.
const AWAY_MIN: Duration = Duration::from_millis(1_500);

/// How soon some leave after it went, while a memory still knows them.
const LEAVE_SOON: Duration = Duration::from_millis(50);

/// How long before its return others do.
const LEAVE_LATE: Duration = Duration::from_millis(500);

/// How long everybody goes on asking when all must be well.
const AND_THEN: Duration = Duration::from_millis(500);

/// How long newcomers wait before the next one tries to log in.
const KNOCK_PAUSE: Duration = Duration::from_millis(400);

/// What is done, and for which cell.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// The event.
    pub event: &'static str,
    /// Its variant.
    pub variant: Option<&'static str>,
    /// What happens to the store: it is stopped, frozen, paused or emptied.
    pub happening: StoreEvent,
}

/// What was seen of those who write.
pub(super) struct Struck {
    outage: Outage,
    pub(super) newcomers: Vec<Newcomer>,
    pub(super) left: Vec<Answer>,
    pub(super) renewed: Vec<Answer>,
    pub(super) yardstick: Yardstick,
    /// What the instances took.
    pub(super) footprint: Footprint,
}

/// When it went and returned, and what those were told who wrote meanwhile.
struct Blow {
    goes: (Instant, Instant),
    returns: (Instant, Instant),
    left: Vec<Answer>,
    renewed: Vec<Answer>,
}

/// Plays it on an arm with a store of its own.
///
/// # Errors
/// When a login beforehand is refused, or the store does not do as it is told.
pub async fn strike(company: &mut Company, plot: Plot) -> anyhow::Result<Vec<Observed>> {
    let _alone = super::alone().await;
    company.make_whole().await?;
    let company = &*company;
    let mut people = People::gather(company).await?;
    let struck = under_load(company, plot, &mut people);
    let (struck, visits) = company.ask_while(struck).await?;
    let (facts, mut wrong) = truth(company, plot, &struck, &mut people).await?;
    wrong.extend(said_wrongly(&struck));
    Ok(company.observe(visits, |kind| {
        let logins = struck.newcomers.iter().map(|newcomer| LoginTried {
            must_succeed: struck.outage.login_succeeds(&newcomer.answer),
            answer: newcomer.answer.clone(),
        });
        let dropped = cookies_dropped(company, kind);
        Observed {
            variant: plot.variant.map(str::to_owned),
            outage: Some(struck.outage.clone()),
            wrong: wrong.first().cloned().or(dropped),
            logins: logins.collect(),
            more: facts.clone(),
            ..Observed::new(plot.event, Happening::Store(plot.happening), kind)
        }
    }))
}

impl Plot {
    pub(super) fn then(self) -> Then {
        match self.happening {
            StoreEvent::Emptied { epoch } => Then::Emptied { epoch },
            _ => Then::Kept,
        }
    }

    fn away(self, properties: &Properties) -> Duration {
        let grace = match properties.without_store() {
            Without::FailsWithin(ms) => Duration::from_millis(ms),
            Without::Fails | Without::Works => Duration::ZERO,
        };
        let away = match self.happening {
            StoreEvent::Stopped => STOPPED,
            StoreEvent::Frozen | StoreEvent::Paused => FROZEN,
            _ => Duration::ZERO,
        };
        away.max(grace + AWAY_MIN)
    }

    async fn hit(self, redis: &Redis, away: Duration) -> anyhow::Result<()> {
        let struck = match self.happening {
            StoreEvent::Frozen => redis.freeze().await,
            StoreEvent::Paused => redis.pause(away + PAUSED_LONGER).await,
            _ => redis.kill().await,
        };
        Ok(struck?)
    }

    async fn heal(self, redis: &Redis) -> anyhow::Result<()> {
        if matches!(self.happening, StoreEvent::Emptied { .. }) {
            redis.forget()?;
        }
        let healed = match self.happening {
            StoreEvent::Frozen => redis.thaw().await,
            StoreEvent::Paused => {
                sleep(PAUSED_LONGER).await;
                Ok(())
            }
            _ => redis.start().await,
        };
        Ok(healed?)
    }
}

async fn under_load(company: &Company, plot: Plot, people: &mut People) -> anyhow::Result<Struck> {
    let mut newcomers = Vec::new();
    let mut yardstick = Yardstick::default();
    let mut footprint = Footprint::of(&company.scene).await?;
    let happening = async {
        sleep(BEFORE).await;
        let (burst, blow) = tokio::join!(
            knock_together(company, BURST),
            go_and_return(company, plot, people)
        );
        sleep(AND_THEN).await;
        anyhow::Ok((burst, blow?))
    };
    let knocking = async {
        loop {
            newcomers.push(knock(company).await);
            sleep(KNOCK_PAUSE).await;
        }
    };
    let (burst, blow) = tokio::select! {
        result = happening => result?,
        never = knocking => never,
        failed = footprint.watch() => match failed? {},
        never = yardstick.measure(&company.scene.balanced) => never,
    };
    newcomers.extend(burst);
    let noise = yardstick.noise();
    let (back, well) = blow.returns;
    Ok(Struck {
        outage: Outage {
            goes: blow.goes,
            returns: (back, well + noise),
            then: plot.then(),
            noise,
        },
        newcomers,
        left: blow.left,
        renewed: blow.renewed,
        yardstick,
        footprint,
    })
}

/// The store goes, some write, and it returns.
async fn go_and_return(company: &Company, plot: Plot, people: &mut People) -> anyhow::Result<Blow> {
    let scene = &company.scene;
    let store = scene.store.as_ref();
    let redis = &store.context("this arm has no store of its own")?.redis;
    let away = plot.away(&scene.arm.properties);
    sleep(LEAD).await;
    let from = Instant::now();
    plot.hit(redis, SURELY + away).await?;
    sleep(SURELY).await;
    let gone = Instant::now();
    sleep(LEAVE_SOON).await;
    let (soon, late) = people.leavers.split_at(people.leavers.len() / 2);
    let mut left = leave(soon, scene).await;
    sleep_until(gone + away - LEAVE_LATE).await;
    left.extend(leave(late, scene).await);
    let renewed = people.renew(scene).await;
    sleep_until(gone + away).await;
    let returning = Instant::now();
    plot.heal(redis).await?;
    let well = Instant::now() + Duration::from_millis(WELL_WITHIN_MS);
    sleep_until(well).await;
    Ok(Blow {
        goes: (from, gone),
        returns: (returning, well),
        left,
        renewed,
    })
}

async fn leave(leavers: &[Leaver], scene: &Scene) -> Vec<Answer> {
    join_all(leavers.iter().map(|leaver| leaver.leave(scene))).await
}

/// What those were told who wrote while the store was away: nothing but that it is.
fn said_wrongly(struck: &Struck) -> Option<String> {
    let writes = [("log-out", &struck.left), ("renewal", &struck.renewed)];
    let mut writes = writes
        .into_iter()
        .flat_map(|(what, answers)| answers.iter().map(move |answer| (what, answer)));
    let wrong = writes.find(|(_, answer)| answer.reason != UNAVAILABLE);
    if let Some((what, Answer { reason, .. })) = wrong {
        return Some(format!(
            "a {what} was answered {reason} while the store was away"
        ));
    }
    let refused = |newcomer: &&Newcomer| newcomer.answer.outcome == Outcome::Refused;
    let refused = struck.newcomers.iter().find(refused)?;
    let reason = &refused.answer.reason;
    Some(format!(
        "a login was answered {reason}, and nothing was wrong with it"
    ))
}

/// An outage makes nobody's browser forget anything.
fn cookies_dropped(company: &Company, kind: Client) -> Option<String> {
    let crowds = company.crowds.iter().filter(|crowd| crowd.kind == kind);
    let visitors = crowds.flat_map(|Crowd { visitors, .. }| visitors);
    let dropped = visitors.filter(|visitor| !visitor.holds_credential(&company.scene.balanced));
    match dropped.count() {
        0 => None,
        dropped => Some(format!(
            "{dropped} clients were made to drop their credential"
        )),
    }
}
