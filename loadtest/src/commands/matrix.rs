//! The command `matrix`: every arm of the plan against every event of it.

use std::sync::Arc;

use crate::arms;
use crate::book::Book;
use crate::cli::MatrixArgs;
use crate::failure::{Failure, exit};
use crate::matrix::{self, Desk, Plan};
use crate::progress::Progress;
use crate::run::{self, unless_interrupted};
use crate::site::Site;
use crate::target::Target;
use crate::target::ground::Ground;

/// Runs the matrix and says what was not as expected.
///
/// # Errors
/// When the command line asks for what there is not, or the run cannot begin.
pub async fn run(args: MatrixArgs, typed: String) -> anyhow::Result<u8> {
    let target = args.target.as_deref().map(Target::load).transpose()?;
    let MatrixArgs {
        run: common,
        all,
        swap,
        ..
    } = args;
    let arms = match target {
        Some(_) => Vec::new(),
        None => arms::choose(&common.arms, all).map_err(Failure::Usage)?,
    };
    let mut plan = Plan {
        arms,
        events: matrix::events(all),
        swapped: swap.map(|swap| (swap.arm, swap.with)),
    };
    // A target that does not answer leaves no folder behind.
    let ground = match target {
        Some(target) => {
            let finding = Ground::find(target, &common.arms, common.seed);
            let Some(ground) = unless_interrupted(finding).await else {
                return Ok(exit::INTERRUPTED);
            };
            Some(ground?)
        }
        None => None,
    };
    let book = Book::open(common.out.as_deref(), common.seed, typed)?;
    let site = match ground {
        Some(ground) => {
            plan.arms = ground.arms();
            let site = Site::Target(Arc::new(ground));
            run::note_environment(&book, &site);
            site
        }
        None => match run::raise_for(&book, &common, &plan.arms).await? {
            Some(rig) => Site::Cluster(rig),
            None => return Ok(exit::INTERRUPTED),
        },
    };
    let progress = Progress::new(common.json);
    progress.start_bar(plan.steps(&site));
    let desk = Desk {
        site: &site,
        book: &book,
        progress: &progress,
        plan: &plan,
    };
    desk.announce();
    for (arm, why) in desk.not_run() {
        progress.say(format!("not run  {}: {why}", arm.name));
    }
    let finished = unless_interrupted(desk.run_all()).await.is_some();
    progress.finish();
    // What was observed is saved first, whatever becomes of the processes.
    let record = run::close(&site, &book, !finished)?;
    run::strike(&site, &progress).await?;
    let cells = record.cells.len();
    let surprises = record.cells.iter().filter(|cell| !cell.as_expected).count();
    progress.say(format!(
        "{} of {cells} cells as expected",
        cells - surprises
    ));
    run::tell_end(&book, &progress, &record, common.json)?;
    Ok(run::verdict(&record))
}
