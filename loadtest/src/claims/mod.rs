//! Published numbers, their set-ups built again, and the same without what most likely made them.
//!
//! A [`Claim`] is data: what was published, a [`Setup`] that follows the publication, and a mended
//! one. [`catalogue`] holds them all, [`ground`] starts what a side of a set-up needs, [`standing`]
//! is a side that is up, [`figures`] asks it, [`outcome`] says what may be said. It is about
//! set-ups, never about people, and it knows nothing of how a server remembers a login.

pub mod catalogue;
pub mod far_store;
pub mod figures;
pub mod ground;
pub mod outcome;
pub mod standing;
pub mod table;

use std::time::Duration;

use cluster::Policy;

use crate::load::stats::Effect;
use crate::progress::Progress;
use ground::Ground;
use outcome::{Measured, Outcome};
use standing::Standing;

/// How far a rebuilt ratio may be from the published one, to either side.
pub const FACTOR: f64 = 1.5;

/// What somebody has published, and what we make of it.
#[derive(Debug)]
pub struct Claim {
    /// What it is called here.
    pub id: &'static str,
    /// Who published it, and where.
    pub source: &'static str,
    /// The published figures, in words.
    pub published: &'static str,
    /// The published figures as a ratio of two, the same way round as both set-ups.
    pub ratio: f64,
    /// The published set-up, as far as this project can build it.
    pub rebuilt: Setup,
    /// The same without what most likely made the ratio.
    pub mended: Setup,
    /// What most likely made it, in a line.
    pub why: &'static str,
}

/// Two things that are measured in turn: the ratio is over / under.
#[derive(Debug)]
pub struct Setup {
    /// What was set up, in a line.
    pub says: &'static str,
    /// The side above the line.
    pub over: Side,
    /// The side below it.
    pub under: Side,
}

/// One side of a set-up: a figure of something.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    /// A server is asked in a closed loop.
    Asked(Server, Load, Count),
    /// A script asks by itself and prints a figure.
    Script(Script),
    /// The bytes of the header line that carries this server's credential.
    Credential(Server),
    /// The bytes of a credential as it was published.
    Quoted(fn() -> anyhow::Result<usize>),
    /// Of requests for known logins, the share that three instances behind a balancer recognise.
    Recognised(Server, Policy),
}

/// A server, and the store that it gets.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    /// The program.
    pub program: Program,
    /// Its flags.
    pub flags: &'static [&'static str],
    /// Its store.
    pub store: Store,
}

/// Which program a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// A subcommand of this executable, the first of the flags.
    Ours,
    /// `server-jwt` with a key of this algorithm.
    Jwt(&'static str),
    /// `server.js` on this Node.
    Node(Node),
}

/// A release of Node, as the folder of scripts calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// Release 20.
    V20,
    /// Release 24.
    V24,
}

/// A script that measures by itself.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// On which Node.
    pub node: Node,
    /// Its name and first arguments. The seconds follow, and the store's URL if there is one.
    pub args: &'static [&'static str],
    /// Its store.
    pub store: Store,
}

/// Where a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// There is none.
    None,
    /// On this machine.
    Near,
    /// So many milliseconds there and back.
    Away(u64),
}

/// How a server is asked.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections, each with one request under way.
    pub connections: usize,
    /// From an answer to the next request, in milliseconds.
    pub pause_ms: u64,
    /// Logins that take turns.
    pub users: u32,
    /// Whether every second request is a login.
    pub logs_in: bool,
}

/// What is counted of a server that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Answers a second.
    PerSecond,
    /// Answers for each second of CPU time of the server, and of its store where that is ours.
    PerCpuSecond,
}

/// How long it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// How often both sides take their turn.
    pub blocks: u32,
    /// How long one turn is.
    pub turn: Duration,
    /// Seed of the draws and the intervals.
    pub seed: u64,
}

/// Why there is no figure, where it is no failure of a process or of the system.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something is missing here; the remedy is named.
    #[error("{0}")]
    NotRun(String),
    /// It was measured, and must not be shown.
    #[error("{0}")]
    Invalid(String),
}

/// Measures a claim both ways. What is known stands in `outcome` at once, so that nothing is lost
/// when somebody stops it in between.
pub async fn settle(
    ground: &Ground,
    claim: &'static Claim,
    extent: Extent,
    (progress, outcome): (&Progress, &mut Outcome),
) {
    let setups = [
        (&claim.rebuilt, "as published"),
        (&claim.mended, "without the fault"),
    ];
    for (setup, how) in setups {
        progress.doing(format!("{}: {how}", claim.id));
        match measure(ground, setup, extent, progress).await {
            Ok(measured) if outcome.rebuilt.is_none() => outcome.rebuilt = Some(measured),
            Ok(measured) => outcome.mended = Some(measured),
            Err(trouble) => return outcome.lacks(&trouble),
        }
    }
}

/// Starts both sides, measures them, and ends them again.
async fn measure(
    ground: &Ground,
    setup: &Setup,
    extent: Extent,
    progress: &Progress,
) -> anyhow::Result<Measured> {
    let sides = [
        ground.set_up(&setup.over).await?,
        ground.set_up(&setup.under).await?,
    ];
    let figures = take_turns(&sides, extent, progress).await;
    for side in sides {
        side.down().await?;
    }
    let [over, under] = figures?;
    let effect = Effect::between(&over, &under, extent.seed);
    let effect = effect.ok_or_else(|| Trouble::Invalid("a figure was 0".to_owned()))?;
    Ok(Measured {
        set_up: setup.says.to_owned(),
        over,
        under,
        ratio: effect.ratio,
        interval: effect.ratio_interval,
    })
}

/// Both sides in turn, the first one last in every second block; each has a turn beforehand that
/// is not counted.
async fn take_turns(
    sides: &[Standing; 2],
    extent: Extent,
    progress: &Progress,
) -> anyhow::Result<[Vec<f64>; 2]> {
    for side in sides {
        side.figure(extent.turn, extent.seed).await?;
    }
    let mut figures = [Vec::new(), Vec::new()];
    for block in 0..extent.blocks {
        let order = if block % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            let seed = extent.seed + u64::from(block);
            figures[side].push(sides[side].figure(extent.turn, seed).await?);
        }
        progress.step();
    }
    Ok(figures)
}
