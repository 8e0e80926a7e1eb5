//! What is true after a store was struck, by its own keys and by trying, beside what people were
//! told.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::people::{Newcomer, People};
use super::strike::{Plot, Struck};
use crate::answer::Outcome;
use crate::crowd::Company;
use crate::expected::store::StoreEvent;
use crate::footprint::{Takes, password_checks_bytes};
use crate::scene::Scene;
use crate::tally::outage::Then;

/// What an instance may take beside its password checks, in bytes.
const BESIDE_BYTES: u64 = 16 * 1024 * 1024;

/// Tasks that it may have more: connections of those who ask and log in at once.
const TASKS_MORE: u64 = 64;

/// What was found, by name.
pub type Facts = BTreeMap<String, Value>;

/// What is true, and what of it should not be.
pub(super) async fn truth(
    company: &Company,
    plot: Plot,
    struck: &Struck,
    people: &mut People,
) -> anyhow::Result<(Facts, Vec<String>)> {
    let scene = &company.scene;
    let properties = &scene.arm.properties;
    let epoch = matches!(plot.happening, StoreEvent::Emptied { epoch: true });
    let emptied = plot.then() != Then::Kept;
    let mut wrong = Vec::new();
    let mut facts = Facts::new();
    facts.insert("healthz".to_owned(), struck.yardstick.to_json());

    let (mut failed, mut done) = (struck.left.len() + struck.renewed.len(), 0);
    if properties.login_writes() {
        let logins = Logins::read(scene, &struck.newcomers).await?;
        failed += logins.failed;
        done += logins.failed_and_there;
        let missing = logins.confirmed_and_missing;
        facts.insert("logins_confirmed".to_owned(), json!(logins.confirmed));
        facts.insert("logins_confirmed_and_missing".to_owned(), json!(missing));
        if !emptied && missing > 0 {
            wrong.push(format!(
                "{missing} logins were confirmed and are not in the store"
            ));
        }
    }
    // What is gone with the store was ended by nobody.
    if !emptied || !(properties.refreshes || properties.ends_with_store(epoch)) {
        for leaver in &mut people.leavers {
            done += usize::from(leaver.is_gone(scene).await);
        }
    }
    let renewed = people.renew(scene).await;
    if !renewed.is_empty() {
        let count = |outcome| renewed.iter().filter(|a| a.outcome == outcome).count();
        let (refused, failed) = (count(Outcome::Refused), count(Outcome::Failed));
        let told = json!({"refused": refused, "failed": failed, "all": renewed.len()});
        facts.insert("renewals_afterwards".to_owned(), told);
        match plot.happening {
            // One that was given up may have been taken: then the old token is a used one.
            StoreEvent::Frozen | StoreEvent::Paused => done += refused,
            StoreEvent::Emptied { .. } if refused + failed < renewed.len() => {
                wrong.push("a refresh token works that the store has forgotten".to_owned());
            }
            StoreEvent::Stopped if refused > 0 => {
                wrong.push(format!("{refused} refresh tokens were refused afterwards"));
            }
            _ => {}
        }
    }
    facts.insert("writes_reported_failed".to_owned(), json!(failed));
    facts.insert("of_these_done_all_the_same".to_owned(), json!(done));

    let revives = emptied && properties.revives(epoch);
    wrong.extend(revived(scene, people, revives, &mut facts).await);
    let allowed = may_take();
    wrong.extend(struck.footprint.excess(allowed));
    facts.insert("instances".to_owned(), struck.footprint.to_json(allowed));
    Ok((facts, wrong))
}

/// What an instance may take beyond what it took when everybody asked and nothing had happened:
/// its password checks, and the connections and waiting requests of a few dozen people. Thousands
/// of requests fail meanwhile; whoever kept something of each would take more.
fn may_take() -> Takes {
    Takes {
        memory_bytes: password_checks_bytes() + BESIDE_BYTES,
        tasks: TASKS_MORE,
    }
}

/// Whether logins that were ended before are accepted, all or none of them, as it should be.
pub async fn revived(
    scene: &Scene,
    people: &People,
    revives: bool,
    facts: &mut Facts,
) -> Option<String> {
    let logins = people.ended.len();
    if logins == 0 {
        return None;
    }
    let accepted = people.accepted_again(scene).await;
    let found = json!({"logins": logins, "accepted_afterwards": accepted});
    facts.insert("ended_before".to_owned(), found);
    let should = if revives { logins } else { 0 };
    (accepted != should).then(|| {
        format!(
            "of {logins} logins that were ended before, {accepted} are accepted afterwards; it \
             should have been {should}"
        )
    })
}

/// What logins were told, and what of them is in the store.
#[derive(Debug, Default)]
struct Logins {
    confirmed: usize,
    confirmed_and_missing: usize,
    failed: usize,
    failed_and_there: usize,
}

impl Logins {
    async fn read(scene: &Scene, newcomers: &[Newcomer]) -> anyhow::Result<Logins> {
        let store = scene.store.as_ref();
        let redis = &store.context("this arm has no store of its own")?.redis;
        let mut logins = Logins::default();
        for Newcomer { user, answer } in newcomers {
            // The index of a user's sessions, or of a user's families of refresh tokens.
            let sessions = redis.keys(&format!("*:u:{user}")).await?;
            let families = redis.keys(&format!("*:families:{user}")).await?;
            let there = !sessions.is_empty() || !families.is_empty();
            if answer.outcome == Outcome::Recognised {
                logins.confirmed += 1;
                logins.confirmed_and_missing += usize::from(!there);
            } else {
                logins.failed += 1;
                logins.failed_and_there += usize::from(there);
            }
        }
        Ok(logins)
    }
}
