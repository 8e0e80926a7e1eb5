//! The command `soak`: an hour of people and faults, and a checker that replays it.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::arms::{self, Arm};
use crate::book;
use crate::cli::soak::SoakArgs;
use crate::environment;
use crate::failure::{Failure, exit};
use crate::progress::Progress;
use crate::record::Environment;
use crate::run::{self, Footing as _, unless_interrupted};
use crate::soak::history::Line;
use crate::soak::notes::{self, Notes};
use crate::soak::{self, Summary};

/// The name of the file that says what a soak came to.
const FILE_NAME: &str = "soak.json";

/// Soaks, or replays a soak, and says what nothing explains; exits 1 if there is any of it.
///
/// # Errors
/// When the command line asks for what there is not, or a process does not do as it is told.
pub async fn run(args: SoakArgs, typed: String) -> anyhow::Result<u8> {
    let progress = Progress::new(args.run.json);
    if let Some(dir) = &args.replay {
        let history = notes::read(dir)?;
        let summary = summary(&args, typed, &history, Duration::ZERO);
        return tell(&progress, &summary, args.run.json, false);
    }
    let wanted = choose(&args.run.arms)?;
    let dir = book::folder(args.run.out.as_deref())?;
    let Some(rig) = unless_interrupted(run::raise(&args.run, &wanted)).await else {
        return Ok(exit::INTERRUPTED);
    };
    let rig = rig?;
    let can_run = |arm: &&'static Arm| rig.cannot_run(arm).is_none();
    let (arms, missing): (Vec<_>, Vec<_>) = wanted.into_iter().partition(can_run);
    for arm in missing {
        let why = rig.cannot_run(arm).unwrap_or_default();
        progress.say(format!("not run  {}: {why}", arm.name));
    }
    let length = Duration::from_secs_f64(args.minutes * 60.0);
    progress.say(format!(
        "Soak: {} arms, {} people each, {} minutes, seed {}",
        arms.len(),
        soak::people::PEOPLE,
        args.minutes,
        args.run.seed
    ));
    let notes = Notes::begin(&dir)?;
    let began = Instant::now();
    let lots = (args.run.seed, length);
    let played = unless_interrupted(soak::play(&rig, &arms, lots, &notes, &progress)).await;
    progress.finish();
    let history = notes.end()?;
    let crashes = rig.crashes();
    let mut summary = Summary {
        environment: environment::gather(rig.topology(), rig.versions()),
        ..summary(&args, typed, &history, began.elapsed())
    };
    let crashed = crashes.into_iter().map(|crash| {
        let (pool, instance, status) = (crash.pool, crash.instance, crash.status);
        format!("{pool}-{instance} ended by itself: {status}")
    });
    summary.violations.extend(crashed);
    let path = dir.join(FILE_NAME);
    let written = fs::write(&path, serde_json::to_string_pretty(&summary)?);
    written.with_context(|| path.display().to_string())?;
    // What was seen is saved first, whatever becomes of the processes.
    run::strike(&rig, &progress).await?;
    let interrupted = played.is_none();
    let code = tell(&progress, &summary, args.run.json, interrupted)?;
    progress.say(format!("History  {}/{}", dir.display(), notes::FILE_NAME));
    match played {
        Some(Err(error)) => Err(error),
        _ => Ok(code),
    }
}

fn choose(names: &[String]) -> Result<Vec<&'static Arm>, Failure> {
    let usual: Vec<_> = soak::ARMS.iter().map(|name| (*name).to_owned()).collect();
    let names = if names.is_empty() { &usual } else { names };
    let arms = arms::choose(names, false).map_err(Failure::Usage)?;
    for arm in &arms {
        if let Some(why) = soak::cannot_soak(arm) {
            return Err(Failure::Usage(format!(
                "--arms: a soak says nothing of {}: {why}; leave it out",
                arm.name
            )));
        }
    }
    Ok(arms)
}

fn summary(args: &SoakArgs, command: String, history: &[Line], length: Duration) -> Summary {
    let (arms, faults) = soak::counts(history);
    let violations = soak::violations(history);
    Summary {
        command,
        seed: args.run.seed,
        seconds: length.as_secs_f64(),
        environment: Environment::default(),
        faults,
        arms,
        violations: violations.iter().map(ToString::to_string).collect(),
    }
}

fn tell(
    progress: &Progress,
    summary: &Summary,
    json: bool,
    interrupted: bool,
) -> anyhow::Result<u8> {
    for line in soak::lines(summary) {
        progress.say(line);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(summary)?);
    }
    Ok(match (interrupted, summary.violations.is_empty()) {
        (_, false) => exit::UNEXPECTED,
        (true, true) => exit::INTERRUPTED,
        (false, true) => exit::OK,
    })
}
