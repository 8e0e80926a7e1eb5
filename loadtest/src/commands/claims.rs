//! The command `claims`: published ratios, built again and mended, side by side.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::book;
use crate::claims::catalogue::{self, CLAIMS};
use crate::claims::ground::Ground;
use crate::claims::outcome::{FILE_NAME, Run};
use crate::claims::{self, Claim, Extent, FACTOR, table};
use crate::cli::claims::ClaimsArgs;
use crate::environment;
use crate::failure::{Failure, exit};
use crate::progress::Progress;
use crate::run::unless_interrupted;

/// Rebuilds the claims, and says what came of each.
///
/// # Errors
/// When the command line asks for what there is not, or nothing can be started.
pub async fn run(args: ClaimsArgs, typed: String) -> anyhow::Result<u8> {
    let progress = Progress::new(args.json);
    if args.list {
        for claim in &CLAIMS {
            println!("{:<13} {}; {}", claim.id, claim.published, claim.source);
        }
        return Ok(exit::OK);
    }
    if let Some(dir) = &args.replay {
        let usage = |error| Failure::Usage(format!("--replay {error:#}"));
        return end(&args, &progress, &Run::load(dir).map_err(usage)?);
    }
    let wanted = choose(&args.claims)?;
    if let Some(file) = args.splice.as_deref().filter(|file| !file.is_file()) {
        let file = file.display();
        return Err(Failure::Usage(format!("--splice {file}: no such file")).into());
    }
    let dir = book::folder(args.out.as_deref())?;
    let raised = unless_interrupted(Ground::raise(&args.node, args.redis_url.clone())).await;
    let Some(ground) = raised else {
        return Ok(exit::INTERRUPTED);
    };
    let ground = ground?;
    let extent = Extent {
        blocks: args.blocks,
        turn: Duration::from_secs_f64(args.seconds),
        seed: args.seed,
    };
    let mut run = Run {
        command: typed,
        seed: args.seed,
        blocks: args.blocks,
        turn_s: args.seconds,
        factor: FACTOR,
        interrupted: false,
        environment: environment::gather(BTreeMap::new(), BTreeMap::new()),
        outcomes: Vec::new(),
    };
    progress.start_bar_with_time_left(2 * u64::from(args.blocks) * wanted.len() as u64);
    for claim in wanted {
        let settled = claims::settle(&ground, claim, extent, &progress);
        let Some(outcome) = unless_interrupted(settled).await else {
            run.interrupted = true;
            break;
        };
        for line in table::lines(&outcome) {
            progress.say(line);
        }
        run.outcomes.push(outcome);
        run.save(&dir)?;
    }
    progress.finish();
    run.save(&dir)?;
    ground.strike().await?;
    progress.say(format!("Outcomes  {}/{FILE_NAME}", dir.display()));
    end(&args, &progress, &run)
}

fn choose(ids: &[String]) -> Result<Vec<&'static Claim>, Failure> {
    let find = |id: &String| {
        catalogue::find(id).ok_or_else(|| {
            Failure::Usage(format!(
                "there is no claim {id:?}; `claims --list` names them"
            ))
        })
    };
    match ids {
        [] => Ok(CLAIMS.iter().collect()),
        ids => ids.iter().map(find).collect(),
    }
}

fn end(args: &ClaimsArgs, progress: &Progress, run: &Run) -> anyhow::Result<u8> {
    if args.replay.is_some() {
        for line in run.outcomes.iter().flat_map(table::lines) {
            progress.say(line);
        }
    }
    if let Some(file) = &args.splice {
        let spliced = table::splice(run, file);
        spliced.map_err(|error| Failure::Usage(format!("{error:#}")))?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(run)?);
    }
    Ok(run.exit_code())
}
