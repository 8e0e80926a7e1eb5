//! The command `measure`: what a request costs, in interleaved blocks, with a gate that says when
//! not to believe it.

use std::time::Duration;

use crate::cli::measure::MeasureArgs;
use crate::failure::{Failure, exit};
use crate::load::gate;
use crate::load::schedule::Shard;
use crate::measure::plan::{self, Case, Plan};
use crate::measure::presets::{self, Preset};
use crate::measure::{Desk, Fault, compare};
use crate::progress::Progress;
use crate::record::{Section, Validity};
use crate::report;
use crate::run::{self, unless_interrupted};
use crate::site::{self, Site};

/// How many logins a second are made beforehand, to tell how long a run takes.
const LOGINS_A_SECOND: f64 = 20_000.0;

/// How many rates a search for the highest one tries where nothing is in its way.
const TRIES_USUAL: f64 = 13.0;

/// Why what is measured on a target is a hint.
const STATED_BY_THEMSELVES: &str = "the target's servers say themselves what they used, no process \
                                    is fresh, and there is no server without a check to compare \
                                    with";

/// More than this were hardly meant: they are drawn, and held in memory, before the first is sent.
const REQUESTS_A_TURN_MAX: f64 = 10_000_000.0;

/// Measures, and says what may be said of it.
///
/// # Errors
/// When the command line asks for what there is not, or the run cannot begin.
pub async fn run(args: MeasureArgs, typed: String) -> anyhow::Result<u8> {
    let mut plan = plan(&args)?;
    let common = args.run;
    let target = args.target.as_deref();
    let Some((book, site)) = site::begin(target, &common, &plan.arms, typed).await? else {
        return Ok(exit::INTERRUPTED);
    };
    if let Site::Target(ground) = &site {
        plan.arms = ground.pools();
    }
    book.edit(|record| {
        let topology = &mut record.environment.topology;
        topology.insert(
            "balancer".to_owned(),
            "not asked: cost is direct".to_owned(),
        );
    });
    let progress = Progress::new(common.json);
    let desk = Desk {
        site: &site,
        target_store: args.target_store.as_deref(),
        book: &book,
        progress: &progress,
        plan: &plan,
    };
    desk.announce();
    let outcome = unless_interrupted(async {
        let cases = desk.possible().await?;
        begin(&desk, &cases)?;
        desk.run_all(&cases).await
    });
    let outcome = outcome.await;
    progress.finish();
    let code = conclude(&desk, outcome.as_ref());
    let record = run::close(&site, &book, outcome.is_none())?;
    run::strike(&site, &progress).await?;
    for line in report::cost_lines(&record) {
        progress.say(line);
    }
    run::tell_end(&book, &progress, &record, common.json)?;
    match outcome {
        Some(Err(error)) => Err(error),
        _ => Ok(code),
    }
}

fn plan(args: &MeasureArgs) -> Result<Plan, Failure> {
    let preset = presets::find(&args.preset).map_err(Failure::Usage)?;
    if args.target.is_some() {
        fits_a_target(preset, args.shard)?;
    }
    let variants = plan::choose_variants(&args.variant, preset).map_err(Failure::Usage)?;
    let shares = variants.iter().map(|variant| variant.rate_share);
    let most = args.rate * args.seconds * shares.fold(0.0, f64::max);
    if most > REQUESTS_A_TURN_MAX {
        return Err(Failure::Usage(format!(
            "--rate {} for --seconds {} is {most:.0} requests a turn, and {REQUESTS_A_TURN_MAX:.0} \
             are the most; lower one of them",
            args.rate, args.seconds
        )));
    }
    let searches = preset.variants.iter().any(|variant| variant.highest_rate);
    if searches && args.shard != Shard::WHOLE {
        return Err(Failure::Usage(format!(
            "--shard: --preset {} looks for a rate, and shards of it would each find another; \
             leave one of them out",
            preset.name
        )));
    }
    Ok(Plan {
        p99_bound: args.p99_bound(),
        preset,
        variants,
        arms: match args.target {
            // Which it has, its file says.
            Some(_) => Vec::new(),
            None => plan::choose(&args.run.arms, preset).map_err(Failure::Usage)?,
        },
        blocks: args.blocks,
        rate_rps: args.rate,
        warm_up: Duration::from_secs_f64(args.warm_up),
        timed: args.timed(),
        seed: args.run.seed,
        shard: args.shard,
        waste_ns: args.waste_ns,
        swapped: args.swap,
    })
}

/// Whether this can be asked of servers that somebody else has started.
fn fits_a_target(preset: &Preset, shard: Shard) -> Result<(), Failure> {
    if !preset.suits_a_target() {
        let suit = presets::ALL.iter().filter(|one| one.suits_a_target());
        let suit: Vec<_> = suit.map(|one| one.name).collect();
        return Err(Failure::Usage(format!(
            "--preset {} starts servers of its own; with --target use {}",
            preset.name,
            suit.join(" or ")
        )));
    }
    match shard == Shard::WHOLE {
        true => Ok(()),
        false => Err(Failure::Usage(
            "--shard: with --target every shard would count what the servers used for all of \
             them; leave one of them out"
                .to_owned(),
        )),
    }
}

/// What will be done and how long it takes, and what cannot be done and why.
fn begin(desk: &Desk<'_>, cases: &[Case]) -> Result<(), Failure> {
    let plan = desk.plan;
    for arm in &plan.arms {
        if let Some(why) = desk.cannot_run(arm) {
            desk.progress.say(format!("not run  {}: {why}", arm.name));
        }
    }
    if cases.is_empty() {
        return Err(Failure::Usage(
            "nothing of this can be measured, for the reasons above".to_owned(),
        ));
    }
    let turns = cases.len() as u64 * u64::from(plan.blocks);
    let block: f64 = cases.iter().map(|case| about_seconds(case, plan)).sum();
    desk.progress.say(format!(
        "Cost: {}. {turns} turns in {} blocks, {} requests a second, seed {}; about {:.0} s",
        plan.preset.label,
        plan.blocks,
        plan.rate_rps,
        plan.seed,
        block * f64::from(plan.blocks),
    ));
    desk.progress.start_bar_with_time_left(turns);
    Ok(())
}

/// How long a turn takes: the timed part, warm-up, processes that start and end, and logins.
fn about_seconds(case: &Case, plan: &Plan) -> f64 {
    let logins = f64::from(case.live_logins() + case.further_logins()) / LOGINS_A_SECOND;
    let (warm_up, timed) = (plan.warm_up.as_secs_f64(), plan.timed.as_secs_f64());
    let more = match case.variant.highest_rate {
        true => (TRIES_USUAL - 1.0) * (timed + 0.35),
        false => 0.0,
    };
    warm_up + timed + 0.45 + more + logins
}

/// Compares what was measured, or says why nothing may be said; the exit code.
fn conclude(desk: &Desk<'_>, outcome: Option<&anyhow::Result<Option<Fault>>>) -> u8 {
    let (because, code) = match outcome {
        Some(Ok(Some(fault))) => (fault.to_string(), gate::exit_code(&fault.invalid)),
        Some(Err(error)) => (format!("{error:#}"), exit::INVALID),
        Some(Ok(None)) => return compare(desk, exit::OK),
        None => return compare(desk, exit::INTERRUPTED),
    };
    desk.invalidate(&because);
    code
}

fn compare(desk: &Desk<'_>, code: u8) -> u8 {
    desk.book.edit(compare::conclude);
    if desk.site.rig().is_none() {
        desk.book
            .judge(Section::Cost, Validity::HintOnly, STATED_BY_THEMSELVES);
    }
    if cfg!(debug_assertions) {
        let debug = "a debug build; build with --release";
        desk.book.judge(Section::Cost, Validity::HintOnly, debug);
    }
    code
}
