//! What a request costs: arms take turns in random blocks, each turn with fresh processes, under a
//! load whose send times were drawn beforehand.
//!
//! [`presets`] says what is asked for, [`turn`] carries out one turn, [`clocks`] reads what
//! processes used in it, [`figures`] divides that by the requests, [`compare`] says what may be
//! concluded. The load itself is [`crate::load`]'s. Cost is measured direct to the instance: no
//! balancer, no second server's answer, valid credentials only.

pub mod clocks;
pub mod compare;
pub mod distance;
pub mod figures;
pub mod mix;
pub mod presets;
pub mod traffic;
pub mod turn;

use std::fs;
use std::time::Duration;

use crate::arms::{self, Arm, Server};
use crate::book::Book;
use crate::cli::Swap;
use crate::describe::describe;
use crate::load::blocks;
use crate::load::gate::Invalid;
use crate::load::schedule::Shard;
use crate::progress::Progress;
use crate::record::{Measuring, Section, TWIN};
use crate::rig::Rig;
use presets::{Preset, USUAL, Variant};

/// The arm that checks nothing: what everything is compared with.
pub const ZERO: &str = "trusting";

/// How often a turn is tried whose load is not the planned one.
const ATTEMPTS: u32 = 3;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is varied.
    pub preset: &'static Preset,
    /// The arms, the zero line first.
    pub arms: Vec<&'static Arm>,
    /// How often each is measured.
    pub blocks: u32,
    /// Requests a second of the usual variant.
    pub rate_rps: f64,
    /// How long each turn is timed.
    pub timed: Duration,
    /// Everything random is drawn from it.
    pub seed: u64,
    /// Which part of the schedule is sent.
    pub shard: Shard,
    /// An arm that is run with the settings of another, to see whether the instrument notices.
    pub swapped: Option<Swap>,
}

/// What one turn measures.
#[derive(Debug, Clone)]
pub struct Case {
    /// The arm.
    pub arm: &'static Arm,
    /// How its instances are started: the arm's own way, except in a test of the instrument.
    pub server: Server,
    /// What the record calls its variant; none is the usual one.
    pub name: Option<&'static str>,
    /// What is done otherwise than usual.
    pub variant: &'static Variant,
    /// Requests a second.
    pub rate_rps: f64,
}

/// Why a run is invalid.
#[derive(Debug)]
pub struct Fault {
    /// The turn that was at fault.
    pub turn: String,
    /// Its reasons, the gravest first.
    pub invalid: Vec<Invalid>,
}

/// What a run stands on and writes to.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// Cluster, accounts, store.
    pub rig: &'a Rig,
    /// Where it is written.
    pub book: &'a Book,
    /// Where it is told.
    pub progress: &'a Progress,
    /// What is to be done.
    pub plan: &'a Plan,
}

/// The arms that were asked for, or else the preset's, the zero line always among them.
///
/// # Errors
/// One line that names the flag and what may stand there.
pub fn choose(names: &[String], preset: &Preset) -> Result<Vec<&'static Arm>, String> {
    let of_preset: Vec<_> = preset.arms.iter().map(|name| (*name).to_owned()).collect();
    let names = if names.is_empty() { &of_preset } else { names };
    let mut chosen = arms::choose(names, false)?;
    let zero = arms::find(ZERO).ok_or("the zero line is gone")?;
    chosen.retain(|arm| arm.name != ZERO);
    chosen.insert(0, zero);
    Ok(chosen)
}

impl Plan {
    /// What takes turns: every arm in every variant, and the A/A arms, one that asks no store and,
    /// where any arm does, one that does.
    pub fn cases(&self, can_run: impl Fn(&Arm) -> bool) -> Vec<Case> {
        let arms = || self.arms.iter().copied().filter(|arm| can_run(arm));
        let mut cases = Vec::new();
        for variant in self.preset.variants {
            cases.extend(arms().map(|arm| self.case(arm, variant)));
        }
        let stored = arms().find(|arm| arm.server.needs_store());
        let twins = arms()
            .find(|arm| arm.name == ZERO)
            .into_iter()
            .chain(stored);
        cases.extend(twins.map(|arm| Case {
            name: Some(TWIN),
            ..self.case(arm, &USUAL)
        }));
        cases
    }

    fn case(&self, arm: &'static Arm, variant: &'static Variant) -> Case {
        let swapped = self.swapped.filter(|swap| swap.arm.name == arm.name);
        Case {
            arm,
            server: swapped.map_or(arm.server, |swap| swap.with.server),
            name: variant.name,
            variant,
            rate_rps: self.rate_rps * variant.rate_share,
        }
    }

    /// What a record keeps of it.
    pub fn to_record(&self) -> Measuring {
        Measuring {
            preset: self.preset.name.to_owned(),
            blocks: self.blocks,
            rate_rps: self.rate_rps,
            timed_ms: self.timed.as_millis() as u64,
            warm_up_ms: turn::WARM_UP.as_millis() as u64,
            shard: self.shard.to_string(),
            variants: self.preset.names().map(str::to_owned).collect(),
        }
    }
}

impl Desk<'_> {
    /// Why an arm cannot be measured, if it cannot.
    pub fn cannot_run(&self, arm: &Arm) -> Option<String> {
        if let Some(why) = self.rig.cannot_run(arm) {
            return Some(why);
        }
        let ours = self.rig.redis().is_ok_and(|redis| redis.pid().is_some());
        (arm.server.needs_store() && !ours).then(|| {
            "what a Redis uses can be read only of one that was started here as a process; leave \
             out --redis-url, or install redis-server"
                .to_owned()
        })
    }

    /// What takes turns.
    pub fn cases(&self) -> Vec<Case> {
        self.plan.cases(|arm| self.cannot_run(arm).is_none())
    }

    /// Writes down what is compared, and which arms cannot run.
    pub fn announce(&self) {
        let arms = self.plan.arms.iter();
        let arms = arms.map(|arm| describe(arm, self.cannot_run(arm)));
        let arms: Vec<_> = arms.collect();
        self.book.edit(|record| {
            record.arms = arms;
            record.measuring = Some(self.plan.to_record());
        });
    }

    /// Takes every turn of every block. What makes the run invalid ends it: no speed of it will be
    /// shown anyway.
    ///
    /// # Errors
    /// When a process does not come up or ends, or the record cannot be written.
    pub async fn run_all(&self) -> anyhow::Result<Option<Fault>> {
        let cases = self.cases();
        let blocks = blocks::order(cases.len(), self.plan.blocks as usize, self.plan.seed);
        for (block, order) in (0..).zip(blocks) {
            for at in order {
                let case = &cases[at];
                self.progress.doing(case.to_string());
                let invalid = self.take(case, block).await?;
                if !invalid.is_empty() {
                    let turn = format!("{case}, block {block}");
                    return Ok(Some(Fault { turn, invalid }));
                }
                self.progress.step();
            }
        }
        Ok(None)
    }

    /// One turn. If the generator could not do its part, or somebody did not come up in time, which
    /// on a shared machine may be a neighbour's doing, it is taken again.
    async fn take(&self, case: &Case, block: u32) -> anyhow::Result<Vec<Invalid>> {
        let mut attempt = 1;
        loop {
            let result = turn::take(self, case, block).await;
            let may_do_better = match &result {
                Ok(taken) => taken.may_do_better(),
                Err(_) => true,
            };
            if attempt == ATTEMPTS || !may_do_better {
                let mut taken = result?;
                taken.measure.repeated = attempt > 1;
                self.book.note_cost(taken.measure)?;
                return Ok(taken.invalid);
            }
            attempt += 1;
        }
    }

    /// Says that the run is invalid and why, and forgets every speed that it measured, the
    /// histograms on disk too.
    pub fn invalidate(&self, because: &str) {
        self.book.invalidate(Section::Cost, because);
        self.book.edit(|record| {
            for measure in &mut record.measures {
                if let Some(name) = &measure.hlog {
                    // One that cannot be removed is no longer named anywhere.
                    let _ = fs::remove_file(self.book.dir().join(name));
                }
                figures::forget_speed(measure);
            }
        });
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.arm.name)?;
        match self.name {
            Some(name) => write!(f, ", {name}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reasons: Vec<_> = self.invalid.iter().map(ToString::to_string).collect();
        write!(f, "{}: {}", self.turn, reasons.join("; "))
    }
}

#[cfg(test)]
mod tests;
