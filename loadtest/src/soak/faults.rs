//! What strikes the servers of a soak: one thing after the other, drawn from the seed, each over
//! and settled before the next, so that what it explains is known.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_pcg::Pcg64;
use tokio::time::sleep;

use super::history::{Fault, Moment, Struck};
use super::notes::Notes;
use crate::keys::{HeldKey, KeyFiles};
use crate::pools::INSTANCES;
use crate::scene::Scene;

/// Nothing strikes for so long before each blow: at least, and at most.
const QUIET_MS: std::ops::Range<u64> = 4_000..12_000;

/// What is struck stays so for so long: at least, and at most.
const STRUCK_MS: std::ops::Range<u64> = 1_500..5_000;

/// One blow, drawn and not yet struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blow {
    /// Nothing strikes for so long before it.
    pub quiet: Duration,
    /// What it is.
    pub fault: Fault,
    /// The arm, as a number, where it strikes one.
    pub arm: usize,
    /// The instance.
    pub instance: &'static str,
    /// How long what is struck stays so.
    pub length: Duration,
}

/// The arms that can be struck, as numbers.
#[derive(Debug)]
pub struct Arms {
    /// All of them.
    pub all: Vec<usize>,
    /// Those whose instances sign.
    pub that_sign: Vec<usize>,
    /// Those that have a store of their own.
    pub with_store: Vec<usize>,
}

impl Arms {
    /// Sorts them.
    pub fn of(scenes: &[Scene]) -> Arms {
        let those = |can: fn(&Scene) -> bool| {
            let all = scenes.iter().enumerate();
            all.filter_map(|(at, scene)| can(scene).then_some(at))
                .collect()
        };
        Arms {
            all: those(|_| true),
            that_sign: those(|scene| keys(scene).is_some()),
            with_store: those(|scene| scene.store.is_some()),
        }
    }

    /// Those that can be struck so.
    pub fn for_fault(&self, fault: Fault) -> &[usize] {
        match fault {
            Fault::KeyReplaced => &self.that_sign,
            Fault::StoreKilled | Fault::StoreEmptied | Fault::StoreFrozen => &self.with_store,
            Fault::StoreLate | Fault::InstanceLate => &[],
            Fault::Killed | Fault::Frozen | Fault::Restarted => &self.all,
        }
    }
}

/// Every key that an arm's instances have had, the newest first: a token of the oldest may live
/// as long as the soak.
pub type Rings = BTreeMap<usize, Vec<HeldKey>>;

/// Draws the next blow.
pub fn draw(random: &mut Pcg64, possible: &[Fault], arms: &Arms) -> Blow {
    let fault = *possible.choose(random).unwrap_or(&Fault::Killed);
    Blow {
        quiet: Duration::from_millis(random.random_range(QUIET_MS)),
        fault,
        arm: *arms.for_fault(fault).choose(random).unwrap_or(&0),
        instance: INSTANCES.choose(random).unwrap_or(&INSTANCES[0]),
        length: Duration::from_millis(random.random_range(STRUCK_MS)),
    }
}

/// Strikes, waits until all is well again, and writes it down.
///
/// # Errors
/// When a process does not do as it is told, or the history cannot be written.
pub async fn strike(
    blow: &Blow,
    scenes: &[Scene],
    rings: &mut Rings,
    notes: &Notes,
) -> anyhow::Result<()> {
    let scene = &scenes[blow.arm];
    let from_us = notes.now_us();
    let struck = |to_us| Struck {
        fault: blow.fault,
        arm: scene.arm.name.to_owned(),
        instance: blow
            .fault
            .is_of_an_instance()
            .then(|| blow.instance.to_owned()),
        from_us,
        to_us,
    };
    let said = || format!("{}: {}", scene.arm.name, blow.fault.label());
    let blown = match blow.fault {
        Fault::StoreKilled | Fault::StoreEmptied | Fault::StoreFrozen => {
            at_the_store(blow, scene).await
        }
        // Nobody strikes so.
        Fault::StoreLate | Fault::InstanceLate => Ok(()),
        Fault::KeyReplaced => replace_key(scene, rings.entry(blow.arm).or_default(), from_us).await,
        Fault::Killed | Fault::Frozen | Fault::Restarted => at_an_instance(blow, scene).await,
    };
    blown.with_context(said)?;
    let back_us = notes.now_us();
    scene.settled().await.with_context(said)?;
    notes.struck(struck(back_us))
}

async fn at_the_store(blow: &Blow, scene: &Scene) -> anyhow::Result<()> {
    let store = scene.store.as_ref().context("it has no store of its own")?;
    let redis = &store.redis;
    if blow.fault == Fault::StoreFrozen {
        redis.freeze().await?;
        sleep(blow.length).await;
        return Ok(redis.thaw().await?);
    }
    redis.kill().await?;
    if blow.fault == Fault::StoreEmptied {
        redis.forget()?;
    }
    sleep(blow.length).await;
    Ok(redis.start().await?)
}

async fn at_an_instance(blow: &Blow, scene: &Scene) -> anyhow::Result<()> {
    let instance = scene.instance(blow.instance);
    let instance = instance.context("every pool has an a and a b")?;
    match blow.fault {
        Fault::Killed => {
            instance.kill().await?;
            sleep(blow.length).await;
            instance.start().await?;
        }
        Fault::Frozen => {
            instance.freeze().await?;
            sleep(blow.length).await;
            instance.thaw().await?;
        }
        _ => {
            instance.terminate().await?;
            instance.start().await?;
        }
    }
    Ok(())
}

fn keys(scene: &Scene) -> Option<&KeyFiles> {
    scene.backstage.as_ref()?.keys.as_ref()
}

/// Everybody can check with the new key before anybody signs with it.
async fn replace_key(scene: &Scene, ring: &mut Vec<HeldKey>, now_us: Moment) -> anyhow::Result<()> {
    let files = keys(scene).context("its instances sign nothing")?;
    let lab = scene.lab()?;
    if ring.is_empty() {
        ring.push(files.first()?);
    }
    let new = files.make(&format!("k-{now_us}")).await?;
    let known: Vec<_> = ring.iter().chain([&new]).collect();
    let used: Vec<_> = [&new].into_iter().chain(ring.iter()).collect();
    for keys in [known, used] {
        for instance in 0..INSTANCES.len() {
            files.give(scene, lab, instance, &keys).await?;
        }
    }
    ring.insert(0, new);
    Ok(())
}
