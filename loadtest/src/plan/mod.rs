//! What somebody's own users, requests and lifetimes would take, from measured unit costs.
//!
//! [`read`] takes [`units`] out of records, [`needs`] is what the reader says, [`formulas`] is the
//! model, and [`arm`] is where they meet. [`check`] holds the model against runs that were measured
//! at other sizes, [`break_even`] says where one way begins to cost less than another. A figure
//! whose unit cost no record has is not known, and says what would measure it ([`figure`]).
//!
//! Nothing here measures, and how it is shown is [`crate::report`]'s. `docs/SCALE.md` has the
//! model with its reasons.

pub mod arm;
pub mod break_even;
pub mod check;
pub mod figure;
pub mod formulas;
pub mod needs;
pub mod read;
pub mod units;

use serde::Serialize;

use crate::record::Record;
use arm::{ArmPlan, arm_plan};
use break_even::Point;
use needs::Needs;

/// The file that `plan` writes.
pub const FILE_NAME: &str = "plan.json";

/// The page beside it.
pub const PAGE: &str = "plan.html";

/// What is needed, and what it takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// What is to be carried.
    pub needs: Needs,
    /// Where the unit costs come from.
    pub sources: Vec<Source>,
    /// What every arm takes for it, the zero line first where there is one.
    pub arms: Vec<ArmPlan>,
    /// Arms of these records of which none has the cost of a request.
    pub arms_without_cost: Vec<String>,
    /// Where one arm costs less than another.
    pub break_evens: Vec<Point>,
}

/// A record that unit costs come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Source {
    /// The command that measured it.
    pub command: String,
    /// When.
    pub started_at: String,
    /// Of which commit.
    pub commit: String,
    /// On which processor.
    pub cpu: String,
    /// Reasons not to quote what is planned from it.
    pub doubts: Vec<String>,
}

/// What these needs take in every arm of these records.
pub fn plan(records: &[Record], needs: Needs) -> Plan {
    let all = read::read(records);
    // Of the others there would be nothing to show.
    let (units, without): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.check.is_ok());
    let measured = records.iter().flat_map(|record| &record.break_evens);
    let break_evens = break_even::points(&units, &measured.collect::<Vec<_>>(), &needs);
    Plan {
        arms: units.iter().map(|units| arm_plan(units, &needs)).collect(),
        sources: records.iter().map(Source::of).collect(),
        arms_without_cost: without.into_iter().map(|one| one.arm).collect(),
        break_evens,
        needs,
    }
}

impl Source {
    /// What a plan says of a record.
    pub fn of(record: &Record) -> Source {
        let environment = &record.environment;
        let mut doubts = Vec::new();
        if environment.profile != "release" {
            doubts.push(format!("a {} build", environment.profile));
        }
        if record.interrupted {
            doubts.push("stopped before its end".to_owned());
        }
        Source {
            command: record.command.clone(),
            started_at: record.started_at.clone(),
            commit: environment.commit.clone(),
            cpu: environment.cpu.clone(),
            doubts,
        }
    }
}
