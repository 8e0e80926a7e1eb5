//! One turn: fresh processes, visitors who log in, the load, what everybody used meanwhile, and
//! what further logins take in memory.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, anyhow};
use app::users::load_user;
use cluster::{Pool, Redis};

use super::clocks::{Processes, Spent};
use super::distance::Distance;
use super::figures::figures;
use super::traffic::{LOGINS_AT_ONCE, traffic};
use super::{Case, Desk, mix};
use crate::load::gate::{self, Facts, Invalid};
use crate::load::generator::{self, Pacing, Readings, Settings};
use crate::load::hlog;
use crate::load::request::Traffic;
use crate::load::schedule::{Arrivals, Plan as LoadPlan, Step};
use crate::pools::INSTANCES;
use crate::record::Measure;
use crate::scene::base;

/// How long the load goes on before anything is timed.
pub const WARM_UP: Duration = Duration::from_millis(500);

/// Nothing is sent between warm-up and timed part for so long. The clocks are read meanwhile, so
/// that no request counts on one side of them and costs on the other, though a busy machine read
/// them late.
pub const PAUSE: Duration = Duration::from_millis(100);

/// What is still on its way when the pause begins has so long to end before the clocks are read.
const SETTLE: Duration = Duration::from_millis(20);

/// From the moment at which all is ready to the first request: connections are opened meanwhile.
const BEFORE_START: Duration = Duration::from_millis(100);

/// Connections to each instance, where the store is near.
const CONNECTIONS: usize = 16;

/// Logins that are made when all has been timed, to see what they take in memory.
const FURTHER_LOGINS: u32 = 2_000;

/// What a turn brought in.
#[derive(Debug)]
pub struct Taken {
    /// For the record.
    pub measure: Measure,
    /// Why it is invalid, if it is.
    pub invalid: Vec<Invalid>,
}

impl Taken {
    /// Whether the same turn may be valid when the machine is quieter: no wrong answer is.
    pub fn may_do_better(&self) -> bool {
        !self.invalid.is_empty() && self.invalid.iter().all(Invalid::is_about_load)
    }
}

/// Takes one turn.
///
/// # Errors
/// When a process does not come up or ends, or a file cannot be written.
pub async fn take(desk: &Desk<'_>, case: &Case, block: u32) -> anyhow::Result<Taken> {
    let in_words = || format!("{case}, block {block}");
    let store = fresh_store(desk, case).await.with_context(in_words)?;
    let distance = distance(case, store.as_ref()).with_context(in_words)?;
    let mut flags = case.variant.flags.to_vec();
    if distance.is_some() {
        // The relay is on loopback, and the servers would take the store for one that is near.
        flags.extend(["--store-nodelay", "true"]);
    }
    let pool = desk.rig.instances(
        case.arm,
        case.server,
        case.variant.instances,
        &flags,
        distance.as_ref().map(|distance| distance.address),
    );
    let pool = pool.await.with_context(in_words)?;
    let taken = on(desk, case, block, &pool, (store, distance.as_ref())).await;
    let stopped = pool.stop().await;
    let taken = taken.with_context(in_words)?;
    stopped.with_context(in_words)?;
    Ok(taken)
}

/// The store in a process that is new and empty.
async fn fresh_store(desk: &Desk<'_>, case: &Case) -> anyhow::Result<Option<Redis>> {
    if !case.server.needs_store() {
        return Ok(None);
    }
    let redis = desk.rig.redis().map_err(|why| anyhow!("{why}"))?;
    redis.kill().await?;
    redis.start().await?;
    Ok(Some(redis.clone()))
}

/// What makes the store a far one, where that is asked for.
fn distance(case: &Case, store: Option<&Redis>) -> anyhow::Result<Option<Distance>> {
    let Some(store) = store.filter(|_| case.variant.store_round_trip_ms > 0) else {
        return Ok(None);
    };
    let address = store
        .url()
        .trim_start_matches("redis://")
        .trim_end_matches('/');
    let address = address
        .parse()
        .context("the store has no address of its own")?;
    Ok(Some(Distance::to(address)?))
}

async fn on(
    desk: &Desk<'_>,
    case: &Case,
    block: u32,
    pool: &Pool,
    (store, distance): (Option<Redis>, Option<&Distance>),
) -> anyhow::Result<Taken> {
    let traffic = traffic(desk.rig, case, pool).await?;
    let processes = Processes::of(pool, store)?;
    // It moves away when everybody has logged in, and comes back before more do.
    let set = |ms| {
        distance
            .iter()
            .for_each(|distance| distance.set(Duration::from_millis(ms)))
    };
    set(case.variant.store_round_trip_ms);
    let (readings, spent) = load(desk, case, block, traffic, &processes).await?;
    set(0);
    let memory = memory_bytes_per_login(desk, pool, &processes).await?;
    let invalid = gate::judge(&Facts::from(&readings));
    let hlog = write_hlog(desk, case, block, &readings)?;
    let measure = Measure {
        memory_bytes_per_login: Some(memory),
        hlog: Some(hlog),
        ..figures(case, block, &readings, &spent)
    };
    Ok(Taken { measure, invalid })
}

/// Sends what is planned, and reads what the processes used while it was timed.
async fn load(
    desk: &Desk<'_>,
    case: &Case,
    block: u32,
    traffic: Traffic,
    processes: &Processes,
) -> anyhow::Result<(Readings, Spent)> {
    let plan = LoadPlan {
        seed: seed_of_block(desk.plan.seed, block),
        arrivals: Arrivals::Poisson,
        steps: vec![
            Step::constant(case.rate_rps, WARM_UP),
            Step::constant(0.0, PAUSE),
            Step::constant(case.rate_rps, desk.plan.timed),
        ],
        draws: mix::draws(case, traffic.visitors.len() as u32),
    };
    let pacing = Pacing::Open(plan.schedule(desk.plan.shard)?);
    let stop = StopOnDrop::default();
    let settings = Settings {
        connections: connections(case),
        reuse: case.variant.reuse,
        warm_up: WARM_UP + PAUSE,
        stop: Arc::clone(&stop.0),
        ..Settings::default()
    };
    let start = Instant::now() + BEFORE_START;
    let running =
        tokio::task::spawn_blocking(move || generator::run(traffic, &pacing, &settings, start));
    tokio::time::sleep_until((start + WARM_UP + SETTLE).into()).await;
    let before = processes.used().await?;
    let readings = running.await??;
    let after = processes.used().await?;
    Ok((readings, after.since(&before)))
}

/// Connections to each instance. With a store far away each is occupied for long, and one that is
/// waited for would be the generator's doing.
fn connections(case: &Case) -> usize {
    let round_trip = Duration::from_millis(case.variant.store_round_trip_ms);
    let under_way = case.rate_rps * round_trip.as_secs_f64();
    CONNECTIONS + under_way.ceil() as usize
}

/// Of one block all arms get the same requests at the same times, of two blocks none.
pub fn seed_of_block(seed: u64, block: u32) -> u64 {
    seed.wrapping_mul(1_000).wrapping_add(block.into())
}

/// Ends the generator when nobody waits for it any more: its threads are not this task's.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn memory_bytes_per_login(
    desk: &Desk<'_>,
    pool: &Pool,
    processes: &Processes,
) -> anyhow::Result<f64> {
    let instance = pool.instance(INSTANCES[0]).context("every pool has an a")?;
    let (lab, address) = (desk.rig.lab(), base(instance.address()));
    // The same users each time: what the database keeps of an account is no part of a login.
    let users: Vec<_> = (0..LOGINS_AT_ONCE).map(load_user).collect();
    // Once for the buffers and pages that such a request takes and that stay.
    lab.log_in(&address, &users).await?;
    let before = processes.memory_bytes()?;
    for _ in 0..FURTHER_LOGINS / LOGINS_AT_ONCE {
        lab.log_in(&address, &users).await?;
    }
    let taken = processes.memory_bytes()?.saturating_sub(before);
    Ok(taken as f64 / f64::from(FURTHER_LOGINS))
}

fn write_hlog(
    desk: &Desk<'_>,
    case: &Case,
    block: u32,
    readings: &Readings,
) -> anyhow::Result<String> {
    let case = case
        .to_string()
        .replace(|c: char| !c.is_alphanumeric(), "-");
    let name: PathBuf = ["hlog", &format!("{case}-{block}.hlog")].iter().collect();
    let path = desk.book.dir().join(&name);
    let cannot = || {
        format!(
            "{}: cannot be written; name a folder with --out",
            path.display()
        )
    };
    fs::create_dir_all(desk.book.dir().join("hlog")).with_context(cannot)?;
    let file = File::create(&path).with_context(cannot)?;
    let start = SystemTime::now() - readings.window;
    hlog::write(&readings.tally, start, readings.window, file)?;
    Ok(name.to_string_lossy().into_owned())
}
