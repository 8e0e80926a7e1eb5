//! What a request costs: arms take turns in random blocks, each turn with fresh processes, under a
//! load whose send times were drawn beforehand.
//!
//! [`presets`] says what can be asked for, [`plan`] what is, [`turn`] carries out one turn,
//! [`clocks`] reads what processes used in it, [`figures`] divides that by the requests,
//! [`compare`] says what may be concluded. The load itself is [`crate::load`]'s. Cost is measured
//! direct to the instance: no balancer, no second server's answer, valid credentials only; what is
//! done otherwise is a variant. Of servers that somebody else has started, what they say of
//! themselves is taken, without fresh processes: [`stated`].

pub mod break_even;
pub mod clocks;
pub mod compare;
pub mod figures;
pub mod mix;
pub mod plan;
pub mod presets;
pub mod search;
mod stand;
mod stated;
pub mod traffic;
mod trial;
pub mod turn;

use std::fs;

use crate::arms::Arm;
use crate::book::Book;
use crate::load::blocks;
use crate::load::gate::Invalid;
use crate::progress::Progress;
use crate::record::{self, NotRun, Section};
use crate::site::Site;
use plan::{Case, Plan};

/// The arm that checks nothing: what everything is compared with.
pub const ZERO: &str = "trusting";

/// How often a turn is tried whose load is not the planned one.
const ATTEMPTS: u32 = 3;

/// What a measurement is called among events.
pub const EVENT: &str = "measure";

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
    /// Cluster, accounts, store; or a target, whose processes are what they are.
    pub site: &'a Site,
    /// The URL of the Redis behind a target.
    pub target_store: Option<&'a str>,
    /// Where it is written.
    pub book: &'a Book,
    /// Where it is told.
    pub progress: &'a Progress,
    /// What is to be done.
    pub plan: &'a Plan,
}

impl Desk<'_> {
    /// Why an arm cannot be measured, if it cannot.
    pub fn cannot_run(&self, arm: &Arm) -> Option<String> {
        let (because, known) = match self.site {
            Site::Cluster(rig) => {
                if let Some(why) = rig.cannot_run(arm) {
                    return Some(why);
                }
                let known = rig.redis().is_ok_and(|redis| redis.pid().is_some());
                let because = "what a Redis uses can be read only of one that was started here as \
                               a process; leave out --redis-url, or install redis-server";
                (because, known)
            }
            Site::Target(ground) => {
                if let Some(why) = ground.cannot_measure(arm) {
                    return Some(why.to_owned());
                }
                let because = "what the target's Redis uses it is asked itself; name it with \
                               --target-store";
                (because, self.target_store.is_some())
            }
        };
        (arm.server.needs_store() && !known).then(|| because.to_owned())
    }

    /// What takes turns.
    pub fn cases(&self) -> Vec<Case> {
        self.plan.cases(|arm| self.cannot_run(arm).is_none())
    }

    /// The same without what cannot be done here or is beyond a limit, which is written down and
    /// told.
    ///
    /// # Errors
    /// When a process does not come up.
    pub async fn possible(&self) -> anyhow::Result<Vec<Case>> {
        let mut possible = Vec::new();
        let cases = self.cases();
        if let (Site::Cluster(rig), Some(users)) = (self.site, cases.iter().map(Case::users).max())
        {
            rig.have_users(users).await?;
        }
        for case in cases {
            let mut because = case.too_large();
            if because.is_none() && trial::needed(&case) {
                because = trial::refusal(self, &case).await?;
            }
            let Some(because) = because else {
                possible.push(case);
                continue;
            };
            self.progress.say(format!("no speed {case}: {because}"));
            self.book.edit(|record| {
                record.not_run.push(NotRun {
                    arm: case.arm.name.to_owned(),
                    event: EVENT.to_owned(),
                    variant: case.name.map(str::to_owned),
                    because,
                });
            });
        }
        Ok(possible)
    }

    /// Writes down what is compared, and which arms cannot run.
    pub fn announce(&self) {
        let arms = self.plan.arms.iter();
        let arms = arms.map(|arm| record::Arm {
            not_run_because: self.cannot_run(arm),
            ..self.site.describe(arm)
        });
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
    pub async fn run_all(&self, cases: &[Case]) -> anyhow::Result<Option<Fault>> {
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

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reasons: Vec<_> = self.invalid.iter().map(ToString::to_string).collect();
        write!(f, "{}: {}", self.turn, reasons.join("; "))
    }
}

#[cfg(test)]
mod tests;
