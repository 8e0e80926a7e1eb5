//! The command `demo`, the main job: the board's address, the headline table row by row, the other
//! arms, a hint of the cost, the report, and then the board until Ctrl-C.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::board_failure;
use crate::arms::{self, Arm};
use crate::board::embedded::Embedded;
use crate::board::{Board, Door, Rules};
use crate::book::{Book, RUNS};
use crate::cli::{DemoArgs, RunArgs};
use crate::events::{self, Event};
use crate::failure::{Failure, exit};
use crate::headline::{self, Words};
use crate::hint::{self, Hint};
use crate::matrix::{Desk, Plan};
use crate::progress::Progress;
use crate::record::{Section, Validity};
use crate::revocation::SoFar;
use crate::rig::Rig;
use crate::run::{self, interrupted, unless_interrupted};
use crate::site::Site;

/// Runs the demo.
///
/// # Errors
/// When the command line asks for what there is not, or the run cannot begin.
pub async fn run(args: DemoArgs, typed: String) -> anyhow::Result<u8> {
    let began = Instant::now();
    let DemoArgs {
        run: common,
        once,
        port,
    } = args;
    let plan = Plan {
        arms: arms::choose(&common.arms, true).map_err(Failure::Usage)?,
        events: events::ALL
            .into_iter()
            .filter(|event| event.is_short())
            .collect(),
        swapped: None,
    };
    let book = Book::open(common.out.as_deref(), common.seed, typed)?;
    let progress = Progress::new(common.json);
    let Some(raised) = unless_interrupted(raise(&common, &plan, port)).await else {
        book.close(true, Vec::new())?;
        return Ok(exit::INTERRUPTED);
    };
    let (rig, board) = raised?;
    greet(&rig, &board, &progress, common.seed);
    run::note_environment(&book, &rig);

    let site = Site::Cluster(Arc::clone(&rig));
    let desk = Desk {
        site: &site,
        book: &book,
        progress: &progress,
        plan: &plan,
    };
    desk.announce();
    let finished = unless_interrupted(show(&desk, &rig, &board, began))
        .await
        .is_some();
    progress.finish();
    let record = run::close(&rig, &book, !finished)?;
    run::tell_end(&book, &progress, &record, common.json)?;
    if finished && !once {
        board.show_figures(&record);
        progress.say(format!("Next    open {} and log in", board.url()));
        progress.say("        matrix --all runs every event; list says what there is");
        interrupted().await;
    }
    board.stop().await;
    run::strike(&rig, &progress).await?;
    Ok(run::verdict(&record))
}

async fn raise(
    common: &RunArgs,
    plan: &Plan,
    port: Option<u16>,
) -> anyhow::Result<(Arc<Rig>, Board)> {
    // The port first: if it is taken, nothing else need be started.
    let door = Door::open(port, false).await.map_err(board_failure)?;
    let rig = run::raise(common, &plan.arms).await?;
    let stage = Embedded::start(rig.cluster(), rig.work_dir(), common.redis_url.clone())
        .await
        .map_err(board_failure)?;
    let board = Board::before(Arc::new(stage), door, Rules::default());
    board.show_newest_figures(Path::new(RUNS));
    Ok((rig, board))
}

fn greet(rig: &Rig, board: &Board, progress: &Progress, seed: u64) {
    progress.say(board.announcement("own servers; safe to click while this runs"));
    let redis = match rig.redis() {
        Ok(redis) => format!("{}, {}", redis.how(), redis.version()),
        Err(_) => "none".to_owned(),
    };
    progress.say(format!("Redis   {redis}      Seed {seed}"));
    progress.say("");
}

async fn show(desk: &Desk<'_>, rig: &Rig, board: &Board, began: Instant) {
    show_headline(desk, began).await;
    show_the_others(desk).await;
    board.keep_quiet(true);
    show_cost(desk, rig).await;
    board.keep_quiet(false);
}

/// The headline table, row by row.
///
/// Three things go on at once. Visitors play on one arm after the other; orders to log out are
/// watched on one arm after the other, which takes longer; and rows are printed in their order, as
/// soon as what they say is known.
async fn show_headline(desk: &Desk<'_>, began: Instant) {
    let arms: Vec<_> = desk
        .plan
        .arms
        .iter()
        .copied()
        .filter(|arm| arm.headline)
        .collect();
    if arms.is_empty() {
        return;
    }
    desk.progress.say(headline::HEAD);
    let can_run = |arm: &Arm| desk.site.cannot_run(arm).is_none();
    let (told, heard): (Vec<_>, Vec<_>) = arms.iter().map(|_| oneshot::channel()).unzip();
    let (visited, visits) = watch::channel(0);
    let (revoked, revocations) = watch::channel(0);

    let visiting = async {
        let events: Vec<_> = desk
            .plan
            .visited()
            .into_iter()
            .filter(|e| e.is_basic())
            .collect();
        for arm in &arms {
            if can_run(arm) {
                desk.visit(arm, events.clone()).await;
            }
            visited.send_modify(|done| *done += 1);
        }
    };
    let revoking = async {
        for (arm, told) in arms.iter().zip(told) {
            if can_run(arm) {
                desk.revoke(arm, desk.plan.orders(), Some(told)).await;
            }
            revoked.send_modify(|done| *done += 1);
        }
    };
    let printing = async {
        let mut until_expiry = false;
        for (row, (arm, heard)) in arms.iter().zip(heard).enumerate() {
            if !can_run(arm) {
                desk.progress.say(headline::not_run_line(arm));
                continue;
            }
            let known = Known {
                row,
                visits: visits.clone(),
                revocations: revocations.clone(),
            };
            let words = known.words(desk, arm, heard).await;
            let seconds = began.elapsed().as_secs();
            until_expiry |= words.as_ref().is_some_and(|words| words.until_expiry);
            desk.progress
                .say(headline::line(arm, words.as_ref(), seconds));
        }
        until_expiry
    };
    let (until_expiry, (), ()) = tokio::join!(printing, visiting, revoking);
    for note in headline::notes(&arms, &desk.not_run(), until_expiry) {
        desk.progress.say(note);
    }
    desk.progress.say("");
}

/// How far the two workers are.
struct Known {
    row: usize,
    visits: watch::Receiver<usize>,
    revocations: watch::Receiver<usize>,
}

impl Known {
    /// Waits until the words of a row are known. `None` if they never will be: the arm failed.
    async fn words(
        mut self,
        desk: &Desk<'_>,
        arm: &Arm,
        heard: oneshot::Receiver<Vec<SoFar>>,
    ) -> Option<Words> {
        let done = |count: &usize| *count > self.row;
        // The senders live as long as the workers, which end after this.
        let _ = self.visits.wait_for(done).await;
        let revoked = self.revocations.wait_for(done);
        let so_far = tokio::select! {
            _ = revoked => None,
            Ok(so_far) = heard => Some(so_far),
        };
        let words = |so_far: Option<&[SoFar]>| {
            desk.book
                .edit(|record| headline::words(record, arm, so_far))
        };
        if let Some(words) = words(so_far.as_deref()) {
            return Some(words);
        }
        let _ = self.revocations.wait_for(done).await;
        words(None)
    }
}

/// The arms that are not in the table, and the events that are not, as far as they wait for no
/// expiry.
async fn show_the_others(desk: &Desk<'_>) {
    let visits: Vec<(&'static Arm, Vec<&'static Event>)> = desk
        .arms()
        .into_iter()
        .map(|arm| {
            let new = |event: &&'static Event| !(arm.headline && event.is_basic());
            (arm, desk.plan.visited().into_iter().filter(new).collect())
        })
        .collect();
    desk.progress
        .start_bar(visits.iter().map(|(_, events)| events.len() as u64).sum());
    desk.visit_all(visits.into_iter()).await;
    desk.progress.finish();
    let (cells, arms) = desk.book.edit(|record| {
        let arms: BTreeSet<_> = record.cells.iter().map(|cell| cell.arm.clone()).collect();
        (
            record.cells.iter().filter(|cell| cell.as_expected).count(),
            arms.len(),
        )
    });
    let all = desk.book.edit(|record| record.cells.len());
    desk.progress.say(format!(
        "All arms: {cells} of {all} cells of {arms} arms as expected"
    ));
    desk.progress.say("");
}

async fn show_cost(desk: &Desk<'_>, rig: &Rig) {
    desk.progress.doing("cost");
    let judged = match hint::take(rig, desk.book.edit(|record| record.seed)).await {
        Ok(hint) => {
            for line in hint::lines(&hint) {
                desk.progress.say(line);
            }
            let Hint {
                measures,
                comparisons,
            } = hint;
            desk.book.edit(|record| {
                record.measures = measures;
                record.comparisons = comparisons;
            });
            (
                Validity::HintOnly,
                "a few seconds, few blocks, a closed loop".to_owned(),
            )
        }
        Err(error) => {
            for line in headline::wrapped(&format!("cost: not shown, because {error:#}")) {
                desk.progress.say(line);
            }
            (Validity::Invalid, format!("{error:#}"))
        }
    };
    let (validity, because) = judged;
    desk.book.judge(Section::Cost, validity, &because);
    desk.progress.say("");
}
