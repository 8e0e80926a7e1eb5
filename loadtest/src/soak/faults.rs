//! What strikes the servers of a soak: one thing after the other, drawn from the seed, each over
//! and settled before the next, so that what it explains is known.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_pcg::Pcg64;
use tokio::time::sleep;

use super::history::{Fault, Struck};
use super::notes::Notes;
use crate::pools::INSTANCES;
use crate::rig::Rig;
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

/// Draws the next blow to one of `arms` arms. The same draws are made whatever may be struck.
pub fn draw(random: &mut Pcg64, possible: &[Fault], arms: usize) -> Blow {
    Blow {
        quiet: Duration::from_millis(random.random_range(QUIET_MS)),
        fault: *possible.choose(random).unwrap_or(&Fault::Killed),
        arm: random.random_range(0..arms),
        instance: INSTANCES.choose(random).unwrap_or(&INSTANCES[0]),
        length: Duration::from_millis(random.random_range(STRUCK_MS)),
    }
}

/// Strikes, waits until all is well again, and writes it down.
///
/// # Errors
/// When a process does not do as it is told, or the history cannot be written.
pub async fn strike(blow: &Blow, rig: &Rig, scenes: &[Scene], notes: &Notes) -> anyhow::Result<()> {
    let scene = &scenes[blow.arm];
    let from_us = notes.now_us();
    let struck = |to_us| Struck {
        fault: blow.fault,
        arm: (!blow.fault.is_of_the_store()).then(|| scene.arm.name.to_owned()),
        instance: (!blow.fault.is_of_the_store()).then(|| blow.instance.to_owned()),
        from_us,
        to_us,
    };
    let said = || format!("{}: {}", scene.arm.name, blow.fault.label());
    let blown = match blow.fault.is_of_the_store() {
        true => at_the_store(blow, rig).await,
        false => at_an_instance(blow, scene).await,
    };
    blown.with_context(said)?;
    let back_us = notes.now_us();
    scene.settled().await.with_context(said)?;
    notes.struck(struck(back_us))
}

async fn at_the_store(blow: &Blow, rig: &Rig) -> anyhow::Result<()> {
    let redis = rig.redis().map_err(|why| anyhow!("{why}"))?;
    match blow.fault {
        Fault::StoreKilled => {
            redis.kill().await?;
            sleep(blow.length).await;
            redis.start().await?;
        }
        _ => {
            redis.freeze().await?;
            sleep(blow.length).await;
            redis.thaw().await?;
        }
    }
    Ok(())
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
