//! `store-full`: a store without room either refuses what is new, or throws away what is old.

use std::time::Duration;

use anyhow::Context as _;
use cluster::Redis;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Event, Needs, Play};
use crate::answer::{Answer, Outcome};
use crate::arms::State;
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::store::{StoreEvent, Without};
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::store::people::{Newcomer, People, knock_together};
use crate::store::truth::Facts;
use crate::tally::outage::{Outage, Then, UNAVAILABLE};
use crate::tally::{LoginTried, Observed, Visited};

/// The event.
pub static EVENT: Event = Event {
    name: "store-full",
    label: "the store is full",
    story: "The store's memory is full, and it refuses writes (in another run: throws keys away); \
            visitors ask, and some log in, log out and renew.",
    group: Group::Store,
    wanted: Wanted::Recognised,
    needs: Needs::OwnStore,
    play: Play::Visitors(play),
};

/// How many log in while it is full.
const NEWCOMERS: usize = 4;

/// What fills it: keys, and bytes in each. Twice what there is room for, so that a key that was
/// there before is thrown away or not about equally likely.
const FILLER: (usize, usize) = (900, 1_000);

/// Room beyond what it holds already, in bytes; connections need some of it as well.
const ROOM: u64 = 512 * 1024;

/// How soon instances must have noticed that keys were thrown away.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);

/// How often they are asked.
const ASK_AGAIN: Duration = Duration::from_millis(100);

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        let mut cells = refuses(company).await?;
        cells.extend(evicts(company).await?);
        Ok(cells)
    })
}

fn redis(company: &Company) -> anyhow::Result<&Redis> {
    let store = company.scene.store.as_ref();
    Ok(&store.context("this arm has no store of its own")?.redis)
}

/// What was answered by a store that refuses writes.
struct Refused {
    visits: Vec<Vec<Visited>>,
    newcomers: Vec<Newcomer>,
    left: Vec<Answer>,
    renewed: Vec<Answer>,
}

async fn refuses(company: &mut Company) -> anyhow::Result<Vec<Observed>> {
    company.make_whole().await?;
    let properties = company.scene.arm.properties;
    let mut people = People::gather(company).await?;
    let refused = ask_the_full(company, &mut people).await?;
    let scene = &company.scene;
    let mut wrong = Vec::new();
    let (mut confirmed, mut gone) = (0, 0);
    for (leaver, answer) in people.leavers.iter_mut().zip(&refused.left) {
        let done = answer.outcome == Outcome::Recognised;
        let is_gone = leaver.is_gone(scene).await;
        confirmed += usize::from(done);
        gone += usize::from(is_gone);
        let reason = &answer.reason;
        if done == properties.log_out_adds() || (!done && *reason != UNAVAILABLE) {
            wrong.push(format!("a log-out was answered {reason} by a full store"));
        }
        if done && !is_gone {
            wrong.push("a log-out was confirmed, and the login works on".to_owned());
        }
    }
    let taken = refused.renewed.iter().find(|a| a.reason != UNAVAILABLE);
    if let Some(Answer { reason, .. }) = taken {
        wrong.push(format!("a renewal was answered {reason} by a full store"));
    }
    let again = people.renew(scene).await;
    let not_again = again.iter().find(|a| a.outcome != Outcome::Recognised);
    if let Some(Answer { reason, .. }) = not_again {
        wrong.push(format!(
            "a renewal was answered {reason} when there was room again"
        ));
    }
    let outs = json!({"tried": refused.left.len(), "confirmed": confirmed, "gone": gone});
    let happening = Happening::Store(StoreEvent::Full);
    Ok(company.observe(refused.visits, |kind| {
        let logins = refused.newcomers.iter().map(|newcomer| LoginTried {
            answer: newcomer.answer.clone(),
            must_succeed: Some(!properties.login_writes()),
        });
        let mut cell = Observed::new(EVENT.name, happening, kind);
        cell.variant = Some("refuses writes".to_owned());
        cell.wrong = wrong.first().cloned();
        cell.logins = logins.collect();
        cell.more.insert("log_outs".to_owned(), outs.clone());
        cell
    }))
}

async fn ask_the_full(company: &mut Company, people: &mut People) -> anyhow::Result<Refused> {
    redis(company)?
        .configure("maxmemory-policy", "noeviction")
        .await?;
    redis(company)?.configure("maxmemory", "1").await?;
    let mut visits = Vec::new();
    for crowd in 0..company.crowds.len() {
        let asked = company.ask_in_rounds(crowd, 1, |scene, _| scene.balanced.clone());
        visits.push(asked.await);
    }
    let newcomers = knock_together(company, NEWCOMERS).await;
    let mut left = Vec::new();
    for leaver in &people.leavers {
        left.push(leaver.leave(&company.scene).await);
    }
    let renewed = people.renew(&company.scene).await;
    redis(company)?.configure("maxmemory", "0").await?;
    Ok(Refused {
        visits,
        newcomers,
        left,
        renewed,
    })
}

async fn evicts(company: &mut Company) -> anyhow::Result<Vec<Observed>> {
    // What earlier events have left would be counted as well.
    redis(company)?.flush().await?;
    company.make_whole().await?;
    let properties = company.scene.arm.properties;
    let mut people = match properties.state {
        // Their sessions would be among those that are counted.
        State::Store => People::nobody(),
        _ => People::gather(company).await?,
    };
    let thrown_away = fill_up(redis(company)?).await?;
    let outage = Outage::none_but(Then::Thinned);
    if let Without::FailsWithin(ms) = properties.without_store() {
        sleep(Duration::from_millis(ms)).await;
    }
    let records = redis(company)?.keys("*:s:*").await?.len();
    let mut visits = Vec::new();
    for crowd in 0..company.crowds.len() {
        let asked = company.ask_in_rounds(crowd, 1, |scene, visitor| {
            scene.direct_to(visitor.taken_by())
        });
        visits.push(asked.await);
    }
    let known = visits.iter().flatten().filter(|visited| visited.kept);
    let known = known.count();
    let mut facts = Facts::from([("keys_thrown_away".to_owned(), json!(thrown_away))]);
    let mut wrong = Vec::new();
    if properties.state == State::Store {
        facts.insert("records_left".to_owned(), json!(records));
        wrong.extend(differs("logins are known", known, records));
    } else {
        wrong.extend(of_tokens(company, &mut people, &mut facts).await?);
    }
    let happening = Happening::Store(StoreEvent::Evicts);
    Ok(company.observe(visits, |kind| Observed {
        variant: Some("throws keys away".to_owned()),
        outage: Some(outage.clone()),
        wrong: wrong.first().cloned(),
        more: facts.clone(),
        ..Observed::new(EVENT.name, happening, kind)
    }))
}

fn differs(what: &str, said: usize, should: usize) -> Option<String> {
    (said != should).then(|| format!("{said} {what}; by the store's keys it should be {should}"))
}

/// What became of ended logins and of refresh tokens, by trying and by the store's keys.
async fn of_tokens(
    company: &Company,
    people: &mut People,
    facts: &mut Facts,
) -> anyhow::Result<Vec<String>> {
    let scene = &company.scene;
    let properties = &scene.arm.properties;
    let mut wrong = Vec::new();
    if properties.ends_logins() {
        let denied = redis(company)?.keys("*:deny:*").await?.len();
        let (back, logins) = (people.accepted_again(scene).await, people.ended.len());
        let ended = json!({"logins": logins, "accepted_afterwards": back});
        facts.insert("ended_before".to_owned(), ended);
        let forgotten = match properties.revives(false) {
            true => logins.saturating_sub(denied),
            false => 0,
        };
        wrong.extend(differs("ended logins are accepted", back, forgotten));
        if !noticed(company).await? {
            wrong.push("no instance has noticed that keys were thrown away".to_owned());
        }
    }
    if properties.refreshes {
        let families = redis(company)?.keys("*:family:*").await?.len();
        let everybody = people.leavers.len() + people.renewers.len();
        let renewed = people.renew(scene).await;
        let mut alive = renewed
            .iter()
            .filter(|a| a.outcome == Outcome::Recognised)
            .count();
        for leaver in &mut people.leavers {
            alive += usize::from(!leaver.is_gone(scene).await);
        }
        facts.insert("refresh_tokens".to_owned(), json!(everybody));
        facts.insert("of_these_good".to_owned(), json!(alive));
        wrong.extend(differs("refresh tokens are good", alive, families));
    }
    Ok(wrong)
}

/// Fills the store beyond its memory, then gives it room again. How many keys it threw away.
async fn fill_up(redis: &Redis) -> anyhow::Result<u64> {
    let number = async |section: &str, field: &str| -> anyhow::Result<u64> {
        let info = redis.info(section).await?;
        let said = info.get(field).context("a Redis says so")?;
        Ok(said.parse()?)
    };
    let before = number("stats", "evicted_keys").await?;
    let used = number("memory", "used_memory").await?;
    redis
        .configure("maxmemory-policy", "allkeys-random")
        .await?;
    redis
        .configure("maxmemory", &(used + ROOM).to_string())
        .await?;
    let (keys, bytes) = FILLER;
    let filled = redis.fill("filler:", keys, bytes).await;
    redis.configure("maxmemory", "0").await?;
    redis.configure("maxmemory-policy", "noeviction").await?;
    filled?;
    Ok(number("stats", "evicted_keys").await? - before)
}

/// Whether every instance says that its store threw keys away.
async fn noticed(company: &Company) -> anyhow::Result<bool> {
    let lab = company.scene.lab.as_ref();
    let lab = lab.context("there is no way into the lab")?;
    let until = Instant::now() + NOTICED_WITHIN;
    for name in INSTANCES {
        let base = company.scene.direct(name);
        loop {
            let state: Value = lab.state(&base, NOTICED_WITHIN).await?;
            let counts = state["counts"].as_array();
            let evicted = counts
                .into_iter()
                .flatten()
                .any(|count| count[0] == "store_evicted_keys" && count[1].as_u64() > Some(0));
            if evicted {
                break;
            }
            if Instant::now() > until {
                return Ok(false);
            }
            sleep(ASK_AGAIN).await;
        }
    }
    Ok(true)
}
