//! The command `claims`: published ratios, built again and mended, side by side.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::book;
use crate::claims::catalogue::{self, CLAIMS};
use crate::claims::ground::Ground;
use crate::claims::outcome::{FILE_NAME, Outcome, Run};
use crate::claims::{self, Claim, Extent, FACTOR, table};
use crate::cli::claims::ClaimsArgs;
use crate::environment;
use crate::failure::{Failure, exit};
use crate::progress::Progress;
use crate::report::list::{self, Entry};
use crate::run::unless_interrupted;

/// Rebuilds the claims, and says what came of each.
///
/// # Errors
/// When the command line asks for what there is not, or nothing can be started.
pub async fn run(args: ClaimsArgs, typed: String) -> anyhow::Result<u8> {
    let progress = Progress::new(args.json);
    if args.list {
        print!("{}", text());
        return Ok(exit::OK);
    }
    if let Some(dir) = &args.replay {
        let usage = |error| {
            Failure::Usage(format!(
                "--replay {error:#}; name the folder of a run of `claims`, which holds {FILE_NAME}"
            ))
        };
        let run = Run::load(dir).map_err(usage)?;
        for line in run.outcomes.iter().flat_map(table::lines) {
            progress.say(line);
        }
        return end(&args, &progress, &run, dir);
    }
    let wanted = choose(&args.only)?;
    if let Some(file) = args.splice.as_deref().filter(|file| !file.is_file()) {
        let file = file.display();
        let none = format!("--splice {file}: no such file; name one with a block for the table");
        return Err(Failure::Usage(none).into());
    }
    let dir = book::folder(args.out.as_deref())?;
    let raised = unless_interrupted(Ground::raise(&args.node, args.redis_url.clone())).await;
    let Some(ground) = raised else {
        return Ok(exit::INTERRUPTED);
    };
    let ground = ground?;
    let run = rebuild(&ground, wanted, &args, (typed, &dir, &progress)).await;
    progress.finish();
    ground.strike().await?;
    let run = run?;
    progress.say(format!(
        "Outcomes  {}/{FILE_NAME}   ({} beside it)",
        dir.display(),
        table::FILE_NAME
    ));
    end(&args, &progress, &run, &dir)
}

/// Every claim in turn; what is known is written down after each.
async fn rebuild(
    ground: &Ground,
    wanted: Vec<&'static Claim>,
    args: &ClaimsArgs,
    (command, dir, progress): (String, &Path, &Progress),
) -> anyhow::Result<Run> {
    let extent = Extent {
        blocks: args.blocks,
        turn: Duration::from_secs_f64(args.seconds),
        seed: args.seed,
    };
    let mut run = Run {
        command,
        seed: args.seed,
        blocks: args.blocks,
        turn_s: args.seconds,
        factor: FACTOR,
        interrupted: false,
        environment: environment::gather(BTreeMap::new(), BTreeMap::new()),
        outcomes: Vec::new(),
    };
    // Now, not after a minute of work: a folder that cannot be written is found at once.
    save(&run, dir)?;
    progress.start_bar_with_time_left(2 * u64::from(args.blocks) * wanted.len() as u64);
    for claim in wanted {
        let mut outcome = Outcome::of(claim);
        let settled = claims::settle(ground, claim, extent, (progress, &mut outcome));
        run.interrupted = unless_interrupted(settled).await.is_none();
        if !run.interrupted || outcome.rebuilt.is_some() {
            for line in table::lines(&outcome) {
                progress.say(line);
            }
            run.outcomes.push(outcome);
        }
        save(&run, dir)?;
        if run.interrupted {
            break;
        }
    }
    Ok(run)
}

fn save(run: &Run, dir: &Path) -> anyhow::Result<()> {
    run.save(dir)?;
    table::save(run, dir)
}

/// Which claims there are.
fn text() -> String {
    let entry = |claim: &'static Claim| Entry {
        name: claim.id,
        label: claim.published,
        shows: claim.source,
    };
    list::text(&[("Claims (claims --only)", CLAIMS.iter().map(entry).collect())])
}

fn choose(ids: &[String]) -> Result<Vec<&'static Claim>, Failure> {
    let find = |id: &String| {
        catalogue::find(id).ok_or_else(|| {
            Failure::Usage(format!(
                "--only: there is no claim {id:?}; `claims --list` names them"
            ))
        })
    };
    match ids {
        [] => Ok(CLAIMS.iter().collect()),
        ids => ids.iter().map(find).collect(),
    }
}

/// The total, for people and for whoever asked.
fn end(args: &ClaimsArgs, progress: &Progress, run: &Run, dir: &Path) -> anyhow::Result<u8> {
    progress.say(table::total(run));
    if let Some(file) = &args.splice {
        table::splice(run, dir, file).map_err(|error| Failure::Usage(format!("{error:#}")))?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(run)?);
    }
    Ok(run.exit_code())
}
