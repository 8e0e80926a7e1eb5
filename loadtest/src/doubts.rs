//! Reasons to disbelieve a run: what may be wrong, and what to do about it.
//!
//! A doubt is found in the record, or noted by whoever ran it, and is printed beside the figure
//! that it touches. It never changes a figure.
//!
//! Long because each doubt is named, sorted and worded in one place.

use std::fmt;

use crate::record::{self, Environment, Group, Record};

/// Below this many cores, instances, balancer, store and instrument take turns.
const CORES_ENOUGH: u32 = 8;

/// Above this share of waiting in the ten seconds before the run, the machine was busy with others.
const PRESSURE_PERCENT_MAX: f64 = 10.0;

/// Blocks below which an interval says little: a run with fewer is a hint.
pub const BLOCKS_ENOUGH: usize = 8;

/// Visitors below which a share has an interval too wide to quote.
const VISITORS_ENOUGH: u64 = 20;

/// One reason to disbelieve.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// The executable was built without optimisation.
    DebugBuild,
    /// Processes had to share few cores.
    FewCores {
        /// The cores this run could use.
        cores: u32,
    },
    /// Something else was running.
    BusyMachine {
        /// Load average over a minute, when the run began.
        load: f64,
        /// Cores to carry it.
        cores: u32,
    },
    /// Tasks were waiting for a core before the run began.
    Pressure {
        /// Share of time in which somebody waited.
        percent: f64,
    },
    /// A control group takes CPU time away.
    Quota {
        /// The cores' worth of time it allows.
        cores: f64,
    },
    /// The balancer is ours, and in one process with no network between.
    EmbeddedBalancer,
    /// Everything ran on one machine.
    OneMachine,
    /// The cost comes from too few blocks.
    QuickHint {
        /// Blocks of the arm with the fewest.
        blocks: usize,
    },
    /// The cost run could not do its part.
    CostInvalid {
        /// Why.
        because: String,
    },
    /// Turns were taken again, because their load was not the planned one.
    TurnsRepeated {
        /// How many.
        count: usize,
        /// Of how many.
        turns: usize,
    },
    /// There was no store, so arms are missing.
    StoreMissing {
        /// How many arms.
        arms: usize,
        /// Why, and how to get one.
        because: String,
    },
    /// The store is somebody else's and was left alone.
    ForeignStore,
    /// Lifetimes were shortened so that an expiry could be seen.
    ShortLifetimes {
        /// The shortest, in milliseconds.
        lifetime_ms: u64,
    },
    /// A share comes from few visitors.
    FewVisitors {
        /// The fewest of any cell.
        visitors: u64,
    },
    /// Outcomes differed from what was computed.
    Unexpected {
        /// How many rows.
        count: usize,
    },
    /// The observation ended while something was still accepted.
    Censored {
        /// How many rows.
        count: usize,
    },
    /// The run was stopped.
    Interrupted,
    /// The source differs from the commit that is named.
    UncommittedChanges,
    /// A process ended by itself.
    Crashed {
        /// Which, and how it ended.
        what: String,
    },
    /// The system does not tell a figure that others tell.
    NotAvailableHere {
        /// The figure.
        figure: String,
    },
}

impl Doubt {
    /// A stable name.
    pub fn kind(&self) -> &'static str {
        match self {
            Doubt::DebugBuild => "debug-build",
            Doubt::FewCores { .. } => "few-cores",
            Doubt::BusyMachine { .. } => "busy-machine",
            Doubt::Pressure { .. } => "cpu-pressure",
            Doubt::Quota { .. } => "cpu-quota",
            Doubt::EmbeddedBalancer => "embedded-balancer",
            Doubt::OneMachine => "one-machine",
            Doubt::QuickHint { .. } => "quick-hint",
            Doubt::CostInvalid { .. } => "cost-invalid",
            Doubt::TurnsRepeated { .. } => "turns-repeated",
            Doubt::StoreMissing { .. } => "store-missing",
            Doubt::ForeignStore => "foreign-store",
            Doubt::ShortLifetimes { .. } => "short-lifetimes",
            Doubt::FewVisitors { .. } => "few-visitors",
            Doubt::Unexpected { .. } => "unexpected-outcomes",
            Doubt::Censored { .. } => "censored-lags",
            Doubt::Interrupted => "interrupted",
            Doubt::UncommittedChanges => "uncommitted-changes",
            Doubt::Crashed { .. } => "crashed",
            Doubt::NotAvailableHere { .. } => "not-available-here",
        }
    }

    /// What it touches: `survival`, `revocation`, `cost` or `all`.
    pub fn about(&self) -> &'static str {
        match self {
            Doubt::DebugBuild
            | Doubt::FewCores { .. }
            | Doubt::BusyMachine { .. }
            | Doubt::Pressure { .. }
            | Doubt::Quota { .. }
            | Doubt::OneMachine
            | Doubt::QuickHint { .. }
            | Doubt::CostInvalid { .. }
            | Doubt::TurnsRepeated { .. }
            | Doubt::NotAvailableHere { .. } => "cost",
            Doubt::EmbeddedBalancer | Doubt::ForeignStore | Doubt::FewVisitors { .. } => "survival",
            Doubt::ShortLifetimes { .. } | Doubt::Censored { .. } => "revocation",
            Doubt::StoreMissing { .. }
            | Doubt::Unexpected { .. }
            | Doubt::Interrupted
            | Doubt::UncommittedChanges
            | Doubt::Crashed { .. } => "all",
        }
    }
}

/// What may be wrong; what to do.
impl fmt::Display for Doubt {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm a doubt: splitting would scatter the wording"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::DebugBuild => f.write_str(
                "This is a debug build, so costs are many times too high. \
                 Build with --release before you read a cost.",
            ),
            Doubt::FewCores { cores } => write!(
                f,
                "Instances, balancer, store and instrument shared {cores} {}, so each slowed \
                 the others. Trust ratios taken in the same run before times, and repeat it on \
                 a larger machine.",
                plural(u64::from(*cores), "core", "cores"),
            ),
            Doubt::BusyMachine { load, cores } => write!(
                f,
                "The machine was busy when the run began: load {load:.1} on {cores} {}. \
                 Stop other work and run it again.",
                plural(u64::from(*cores), "core", "cores"),
            ),
            Doubt::Pressure { percent } => write!(
                f,
                "In the ten seconds before the run somebody waited for a core {percent:.0} % of \
                 the time. Run it again when the machine is quiet.",
            ),
            Doubt::Quota { cores } => write!(
                f,
                "A control group allows {cores:.1} cores' worth of CPU time and pauses processes \
                 beyond it. Lift the limit, or read latencies as upper bounds.",
            ),
            Doubt::EmbeddedBalancer => f.write_str(
                "The balancer is this project's own. Repeat against the compose stack, where \
                 HAProxy balances, before you blame or praise a policy.",
            ),
            Doubt::OneMachine => f.write_str(
                "Everything ran on one machine, so a round trip to the store cost next to nothing. \
                 Add your own network's round trip for each store command.",
            ),
            Doubt::QuickHint { blocks } => write!(
                f,
                "The cost comes from {blocks} {} and is a hint; {BLOCKS_ENOUGH} are the least for \
                 an interval. Use measure before you quote it.",
                plural(*blocks as u64, "block", "blocks"),
            ),
            Doubt::CostInvalid { because } => {
                write!(
                    f,
                    "The cost run is invalid: {because}. No cost of it is shown."
                )
            }
            Doubt::TurnsRepeated { count, turns } => write!(
                f,
                "{count} of {turns} turns were taken again, because the first attempt failed or \
                 its load was not the planned one. Stop other work, or lower the rate.",
            ),
            Doubt::StoreMissing { arms, because } => write!(
                f,
                "{arms} {} that need a store did not run: {because}.",
                plural(*arms as u64, "arm", "arms"),
            ),
            Doubt::ForeignStore => f.write_str(
                "The store was not started by this run, so it was neither stopped nor emptied. \
                 Leave out --redis-url to see what happens when it fails.",
            ),
            Doubt::ShortLifetimes { lifetime_ms } => write!(
                f,
                "Lifetimes were shortened to {} s where an expiry was waited for. \
                 Put your own lifetime in the place of each \u{201c}until expiry\u{201d}.",
                *lifetime_ms as f64 / 1000.0,
            ),
            Doubt::FewVisitors { visitors } => write!(
                f,
                "Some shares come from {visitors} {}, and requests of one visitor are not \
                 independent. Read the interval, not the share.",
                plural(*visitors, "visitor", "visitors"),
            ),
            Doubt::Unexpected { count } => write!(
                f,
                "{count} {} not what was computed beforehand: either the expectation or the \
                 program is wrong. Look at the rows marked unexpected first.",
                plural(*count as u64, "outcome was", "outcomes were"),
            ),
            Doubt::Censored { count } => write!(
                f,
                "{count} {} still accepted when the observation ended, so the lag is a lower \
                 bound. Observe longer, or read it as \u{201c}at least\u{201d}.",
                plural(*count as u64, "credential was", "credentials were"),
            ),
            Doubt::Interrupted => f.write_str(
                "The run was stopped before its end. What was observed until then is here; run it \
                 again for the rest.",
            ),
            Doubt::UncommittedChanges => f.write_str(
                "The source had changes that the named commit does not hold. \
                 Commit them before you publish this run.",
            ),
            Doubt::Crashed { what } => {
                write!(
                    f,
                    "A process ended by itself: {what}. Read its log before the figures."
                )
            }
            Doubt::NotAvailableHere { figure } => {
                write!(
                    f,
                    "{figure} is not available on this system. Run it on Linux to have it."
                )
            }
        }
    }
}

impl From<Doubt> for record::Doubt {
    fn from(doubt: Doubt) -> record::Doubt {
        record::Doubt {
            kind: doubt.kind().to_owned(),
            text: doubt.to_string(),
            about: doubt.about().to_owned(),
        }
    }
}

/// Every doubt that the record itself gives reason for, the gravest first.
///
/// What only the run knows (a crash, a store that was not its own) is for the run to add.
pub fn find(record: &Record) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if record.interrupted {
        doubts.push(Doubt::Interrupted);
    }
    let unexpected = record.cells.iter().filter(|cell| !cell.as_expected).count()
        + record
            .revocations
            .iter()
            .filter(|row| !row.as_expected)
            .count();
    if unexpected > 0 {
        doubts.push(Doubt::Unexpected { count: unexpected });
    }
    doubts.extend(missing_store(record));
    if !record.measures.is_empty() {
        doubts.extend(about_cost(record));
    }
    doubts.extend(about_lags(record));
    let balancer = record.environment.topology.get("balancer");
    if balancer.is_some_and(|balancer| balancer.starts_with("embedded")) {
        doubts.push(Doubt::EmbeddedBalancer);
    }
    doubts.extend(few_visitors(record));
    if record.environment.commit.ends_with("+dirty") {
        doubts.push(Doubt::UncommittedChanges);
    }
    doubts
}

/// Of the cells whose share anybody would quote: a revocation is about one login, and of keys,
/// clocks and races each single answer counts.
fn few_visitors(record: &Record) -> Option<Doubt> {
    let of_no_share = |event: &str| {
        let story = record.events.iter().find(|story| story.event == event);
        let no_shares = [
            Group::Revocation,
            Group::KeysAndClocks,
            Group::HostileAndRacing,
        ];
        story.is_some_and(|story| no_shares.contains(&story.group))
    };
    let cells = record.cells.iter().filter(|cell| !of_no_share(&cell.event));
    let visitors = cells.map(|cell| cell.visitors).min()?;
    (visitors < VISITORS_ENOUGH).then_some(Doubt::FewVisitors { visitors })
}

fn missing_store(record: &Record) -> Option<Doubt> {
    let missing = record.arms.iter().filter(|arm| arm.needs_store);
    let reasons: Vec<_> = missing
        .filter_map(|arm| arm.not_run_because.clone())
        .collect();
    let because = reasons.first()?.trim_end_matches('.').to_owned();
    Some(Doubt::StoreMissing {
        arms: reasons.len(),
        because,
    })
}

fn about_cost(record: &Record) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let environment = &record.environment;
    if environment.profile == "debug" {
        doubts.push(Doubt::DebugBuild);
    }
    let blocks = fewest_blocks(record);
    if blocks < BLOCKS_ENOUGH {
        doubts.push(Doubt::QuickHint { blocks });
    }
    if environment.cores > 0 && environment.cores < CORES_ENOUGH {
        doubts.push(Doubt::FewCores {
            cores: environment.cores,
        });
    }
    doubts.extend(busy(environment));
    let count = record.measures.iter().filter(|one| one.repeated).count();
    if count > 0 {
        let turns = record.measures.len();
        doubts.push(Doubt::TurnsRepeated { count, turns });
    }
    let untold = |one: &record::Measure| {
        // Where nobody took latency, nobody looked at waiting either.
        one.latency_ns.is_some() && one.run_queue_ns_per_request.server.is_none()
    };
    if record.measures.iter().any(untold) {
        let figure = "How long processes waited for a core".to_owned();
        doubts.push(Doubt::NotAvailableHere { figure });
    }
    doubts.push(Doubt::OneMachine);
    doubts
}

fn busy(environment: &Environment) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    // Half the cores: a run on two cores that begins beside a build has load 1 or more.
    if let Some(load) = environment.load_average_1m
        && load > f64::from(environment.cores) / 2.0
    {
        doubts.push(Doubt::BusyMachine {
            load,
            cores: environment.cores,
        });
    }
    if let Some(percent) = environment.cpu_pressure_percent
        && percent > PRESSURE_PERCENT_MAX
    {
        doubts.push(Doubt::Pressure { percent });
    }
    if let Some(cores) = environment.cpu_quota_cores
        && cores < f64::from(environment.cores)
    {
        doubts.push(Doubt::Quota { cores });
    }
    doubts
}

fn about_lags(record: &Record) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let censored = record.revocations.iter().filter(|row| row.censored).count();
    if censored > 0 {
        doubts.push(Doubt::Censored { count: censored });
    }
    let shortest = record
        .revocations
        .iter()
        .filter_map(|row| row.lifetime_ms)
        .min();
    // A minute is what nobody would run with; shorter was chosen to be waited for.
    if let Some(lifetime_ms) = shortest.filter(|lifetime_ms| *lifetime_ms < 60_000) {
        doubts.push(Doubt::ShortLifetimes { lifetime_ms });
    }
    doubts
}

/// How many blocks the arm with the fewest has; 0 if nothing was measured.
pub fn fewest_blocks(record: &Record) -> usize {
    let mut blocks = std::collections::BTreeMap::<&str, std::collections::BTreeSet<u32>>::new();
    for measure in &record.measures {
        blocks
            .entry(&measure.arm)
            .or_default()
            .insert(measure.block);
    }
    blocks
        .values()
        .map(std::collections::BTreeSet::len)
        .min()
        .unwrap_or(0)
}

fn plural<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::record::Arm;

    /// One of each.
    fn all() -> Vec<Doubt> {
        vec![
            Doubt::DebugBuild,
            Doubt::FewCores { cores: 1 },
            Doubt::BusyMachine {
                load: 3.2,
                cores: 2,
            },
            Doubt::Pressure { percent: 40.0 },
            Doubt::Quota { cores: 1.5 },
            Doubt::EmbeddedBalancer,
            Doubt::OneMachine,
            Doubt::QuickHint { blocks: 5 },
            Doubt::CostInvalid {
                because: "the blocks disagree".into(),
            },
            Doubt::TurnsRepeated {
                count: 2,
                turns: 48,
            },
            Doubt::StoreMissing {
                arms: 5,
                because: "no Redis was found; install one".into(),
            },
            Doubt::ForeignStore,
            Doubt::ShortLifetimes { lifetime_ms: 4_000 },
            Doubt::FewVisitors { visitors: 3 },
            Doubt::Unexpected { count: 1 },
            Doubt::Censored { count: 2 },
            Doubt::Interrupted,
            Doubt::UncommittedChanges,
            Doubt::Crashed {
                what: "jwt-a, signal 11".into(),
            },
            Doubt::NotAvailableHere {
                figure: "Run-queue wait".into(),
            },
        ]
    }

    #[test]
    fn every_doubt_has_a_name_of_its_own_and_ends_as_a_sentence() {
        let kinds: BTreeSet<_> = all().iter().map(Doubt::kind).collect();
        assert_eq!(kinds.len(), all().len());
        for doubt in all() {
            let text = doubt.to_string();
            assert!(text.ends_with('.') && !text.contains("  "), "{text}");
            assert!(
                ["survival", "revocation", "cost", "all"].contains(&doubt.about()),
                "{text}"
            );
        }
        let text = Doubt::FewCores { cores: 1 }.to_string();
        assert!(text.contains("shared 1 core,"), "{text}");
    }

    #[test]
    fn an_empty_record_gives_no_reason_to_doubt_what_it_does_not_say() {
        assert_eq!(find(&Record::new(7, "loadtest matrix")), []);
    }

    #[test]
    fn what_only_touches_cost_is_no_doubt_of_a_run_without_cost() {
        let mut record = Record::new(7, "loadtest matrix");
        record.environment.profile = "debug".into();
        record.environment.cores = 2;
        record.environment.load_average_1m = Some(9.0);
        assert_eq!(find(&record), []);
    }

    #[test]
    fn a_missing_store_and_an_interruption_are_found_in_the_record() {
        let mut record = Record::new(7, "loadtest matrix");
        record.interrupted = true;
        record.arms = ["session-redis", "jwt-denylist"]
            .map(|name| Arm {
                arm: name.into(),
                needs_store: true,
                not_run_because: Some("no Redis was found; install redis-server".into()),
                ..Arm::default()
            })
            .into();
        let because = "no Redis was found; install redis-server".to_owned();
        assert_eq!(
            find(&record),
            [Doubt::Interrupted, Doubt::StoreMissing { arms: 2, because }]
        );
    }
}
