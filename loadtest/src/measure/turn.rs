//! One turn: fresh processes, visitors who log in, the load, what everybody used meanwhile, and
//! what further logins take in memory.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};

use super::clocks::{Clocks, Processes, Spent};
use super::figures::{figures, percentiles};
use super::plan::Case;
use super::search::Search;
use super::stand::Stand;
use super::traffic::{Crowd, LOGINS_AT_ONCE, VISITORS, traffic};
use super::{Desk, mix};
use crate::load::gate::{self, Facts, Invalid};
use crate::load::generator::{self, Pacing, Readings, Settings};
use crate::load::hlog;
use crate::load::request::Traffic;
use crate::load::schedule::{Arrivals, Plan as LoadPlan, Step};
use crate::record::{Capacity, Measure, Memory, Try};

/// Nothing is sent between warm-up and timed part for so long. The clocks are read meanwhile, so
/// that no request counts on one side of them and costs on the other, though a busy machine read
/// them late.
pub const PAUSE: Duration = Duration::from_millis(100);

/// What is still on its way when the pause begins has so long to end before the clocks are read.
const SETTLE: Duration = Duration::from_millis(20);

/// Servers that have just answered a rate are warm for the next.
const WARM_UP_BETWEEN_RATES: Duration = Duration::from_millis(100);

/// From the moment at which all is ready to the first request: connections are opened meanwhile.
const BEFORE_START: Duration = Duration::from_millis(100);

/// Connections to each instance, where the store is near.
const CONNECTIONS: usize = 16;

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
    let stand = Stand::up(desk, case).await.with_context(in_words)?;
    let taken = on(desk, case, block, &stand).await;
    let ended = stand.down(desk.site).await;
    let taken = taken.with_context(in_words)?;
    ended.with_context(in_words)?;
    Ok(taken)
}

async fn on(desk: &Desk<'_>, case: &Case, block: u32, stand: &Stand) -> anyhow::Result<Taken> {
    let mut crowd = Crowd::of(case);
    let traffic = traffic(desk, case, stand, &mut crowd).await?;
    let clocks = &stand.clocks;
    // It moves away when everybody has logged in, and comes back before more do.
    stand.set_store_away(case.variant.store_round_trip_ms);
    let Loaded {
        readings,
        spent,
        invalid,
        capacity,
    } = match case.variant.highest_rate {
        true => highest_rate(desk, case, block, &traffic, clocks).await?,
        false => load(desk, case, (block, desk.plan.warm_up), traffic, clocks).await?,
    };
    stand.set_store_away(0);
    let memory = match clocks {
        Clocks::Read(processes) => Some(memory(case, stand, processes, &mut crowd).await?),
        Clocks::Stated(_) => None,
    };
    let hlog = write_hlog(desk, case, block, &readings)?;
    let measure = Measure {
        memory_bytes_per_login: memory.as_ref().map(|memory| {
            memory.server_bytes_per_login + memory.store_bytes_per_login.unwrap_or(0.0)
        }),
        memory,
        hlog: Some(hlog),
        capacity,
        ..figures(case, block, &readings, &spent)
    };
    Ok(Taken { measure, invalid })
}

/// What came of a load.
#[derive(Debug)]
struct Loaded {
    readings: Readings,
    spent: Spent,
    invalid: Vec<Invalid>,
    capacity: Option<Capacity>,
}

/// Sends at one rate after the other, and keeps what the highest brought in that was in time.
async fn highest_rate(
    desk: &Desk<'_>,
    case: &Case,
    block: u32,
    traffic: &Traffic,
    clocks: &Clocks,
) -> anyhow::Result<Loaded> {
    let bound_ns = desk.plan.p99_bound.as_nanos() as u64;
    let mut search = Search::from(case.rate_rps);
    let mut warm_up = desk.plan.warm_up;
    let (mut best, mut worst, mut tries) = (None, None, Vec::new());
    while let Some(rate_rps) = search.next() {
        let at_rate = Case {
            rate_rps,
            ..case.clone()
        };
        let at = (block, warm_up);
        let loaded = load(desk, &at_rate, at, traffic.clone(), clocks).await?;
        warm_up = warm_up.min(WARM_UP_BETWEEN_RATES);
        if !loaded.invalid.iter().all(Invalid::is_about_load) {
            return Ok(loaded);
        }
        let p99_ns = percentiles(&loaded.readings.tally.latency().0).p99;
        let in_time = loaded.invalid.is_empty() && p99_ns <= bound_ns;
        tries.push(Try {
            rate_rps,
            p99_ns,
            in_time,
            generator_cpu_share: loaded.readings.effort.cpu_share(),
        });
        if search.note(rate_rps, in_time) {
            worst = Some(loaded);
        } else if in_time {
            best = Some(loaded);
        }
    }
    let invalid = gate::judge_search(search.found(), worst.as_ref().map(|worst| &*worst.invalid));
    let capacity = search.found().map(|(rate_rps, too_high_rps)| Capacity {
        rate_rps,
        too_high_rps,
        p99_bound_ns: bound_ns,
        tries,
    });
    let kept = best.or(worst).context("a search tries something")?;
    Ok(Loaded {
        invalid,
        capacity,
        ..kept
    })
}

/// Sends what is planned, and reads what the processes used while it was timed.
async fn load(
    desk: &Desk<'_>,
    case: &Case,
    (block, warm_up): (u32, Duration),
    traffic: Traffic,
    clocks: &Clocks,
) -> anyhow::Result<Loaded> {
    let plan = LoadPlan {
        seed: seed_of_block(desk.plan.seed, block),
        arrivals: Arrivals::Poisson,
        steps: vec![
            Step::constant(case.rate_rps, warm_up),
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
        warm_up: warm_up + PAUSE,
        stop: Arc::clone(&stop.0),
        ..Settings::default()
    };
    let start = Instant::now() + BEFORE_START;
    let running =
        tokio::task::spawn_blocking(move || generator::run(traffic, &pacing, &settings, start));
    tokio::time::sleep_until((start + warm_up + SETTLE).into()).await;
    let before = clocks.used().await?;
    let readings = running.await??;
    let after = clocks.used().await?;
    Ok(Loaded {
        invalid: gate::judge(&Facts::from(&readings)),
        spent: after.since(&before)?,
        capacity: None,
        readings,
    })
}

/// Connections to each instance. With a store far away each is occupied for long, and one that is
/// waited for would be the generator's doing.
fn connections(case: &Case) -> usize {
    let round_trip = Duration::from_millis(case.variant.store_round_trip_ms);
    let under_way = case.rate_rps * round_trip.as_secs_f64();
    let each = CONNECTIONS + under_way.ceil() as usize;
    match case.variant.balanced {
        // One address stands for all of them.
        true => each * case.variant.instances.len(),
        false => each,
    }
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

/// What everybody holds now, and what further logins add to it.
async fn memory(
    case: &Case,
    stand: &Stand,
    processes: &Processes,
    crowd: &mut Crowd,
) -> anyhow::Result<Memory> {
    let [a, ..] = &stand.seats[..] else {
        bail!("every pool has an a");
    };
    let whole = processes.memory()?;
    // Once for the buffers and pages that such a request takes and that stay.
    stand.lab.log_in(&a.base, &crowd.take()).await?;
    let before = processes.memory()?;
    let further = case.further_logins();
    for _ in 0..further / LOGINS_AT_ONCE {
        stand.lab.log_in(&a.base, &crowd.take()).await?;
    }
    let after = processes.memory()?;
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / f64::from(further);
    Ok(Memory {
        instances: stand.seats.len() as u32,
        live_logins: u64::from(VISITORS + case.live_logins()),
        server_bytes: whole.server_bytes,
        store_bytes: whole.store_bytes,
        further_logins: further.into(),
        server_bytes_per_login: each(after.server_bytes, before.server_bytes),
        store_bytes_per_login: after
            .store_bytes
            .zip(before.store_bytes)
            .map(|(after, before)| each(after, before)),
    })
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
