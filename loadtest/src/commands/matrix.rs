//! The command `matrix`: every arm of the plan against every event of it.

use crate::arms;
use crate::cli::MatrixArgs;
use crate::failure::{Failure, exit};
use crate::matrix::{self, Desk, Plan};
use crate::progress::Progress;
use crate::run::{self, unless_interrupted};
use crate::site::{self, Site};

/// Runs the matrix and says what was not as expected.
///
/// # Errors
/// When the command line asks for what there is not, or the run cannot begin.
pub async fn run(args: MatrixArgs, typed: String) -> anyhow::Result<u8> {
    let MatrixArgs {
        run: common,
        all,
        swap,
        target,
    } = args;
    let mut plan = Plan {
        arms: match target {
            // Which it has, its file says.
            Some(_) => Vec::new(),
            None => arms::choose(&common.arms, all).map_err(Failure::Usage)?,
        },
        events: matrix::events(all),
        swapped: swap.map(|swap| (swap.arm, swap.with)),
    };
    let begun = site::begin(target.as_deref(), &common, &plan.arms, typed);
    let Some((book, site)) = begun.await? else {
        return Ok(exit::INTERRUPTED);
    };
    if let Site::Target(ground) = &site {
        plan.arms = ground.arms();
    }
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
