//! What came of the claims, and what may be said of it. Formats nothing; see [`super::table`].

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Claim, FACTOR, Trouble};
use crate::failure::exit;
use crate::record::Environment;

/// The name of the file with a run's outcomes.
pub const FILE_NAME: &str = "claims.json";

/// A whole run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// The command as typed.
    pub command: String,
    /// Seed of the draws.
    pub seed: u64,
    /// Turns of each side.
    pub blocks: u32,
    /// Length of one turn.
    pub turn_s: f64,
    /// How far a rebuilt ratio may be off.
    pub factor: f64,
    /// Whether somebody ended it early.
    pub interrupted: bool,
    /// The machine and the build.
    pub environment: Environment,
    /// One for each claim, in the catalogue's order.
    pub outcomes: Vec<Outcome>,
}

/// What came of one claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Which claim.
    pub claim: String,
    /// Who published it, and where.
    pub source: String,
    /// The published figures, in words.
    pub published: String,
    /// The published ratio.
    pub published_ratio: f64,
    /// The set-up as published.
    pub rebuilt: Option<Measured>,
    /// The set-up without what most likely made the ratio.
    pub mended: Option<Measured>,
    /// What most likely made it.
    pub why: String,
    /// What was missing, with the remedy.
    pub not_run_because: Option<String>,
    /// Why its figures must not be shown.
    pub invalid_because: Option<String>,
}

/// What was measured of one set-up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// The set-up in words.
    pub set_up: String,
    /// Figures of the side above the line, one for each block.
    pub over: Vec<f64>,
    /// Figures of the side below it.
    pub under: Vec<f64>,
    /// Geometric mean of over / under.
    pub ratio: f64,
    /// Its interval of 95 %; none with few blocks.
    pub interval: Option<[f64; 2]>,
}

impl Outcome {
    /// Nothing yet.
    pub fn of(claim: &Claim) -> Outcome {
        Outcome {
            claim: claim.id.to_owned(),
            source: claim.source.to_owned(),
            published: claim.published.to_owned(),
            published_ratio: claim.ratio,
            rebuilt: None,
            mended: None,
            why: claim.why.to_owned(),
            not_run_because: None,
            invalid_because: None,
        }
    }

    /// Notes why figures are missing.
    pub fn lacks(&mut self, error: &anyhow::Error) {
        match error.downcast_ref() {
            Some(Trouble::NotRun(why)) => self.not_run_because = Some(why.clone()),
            _ => self.invalid_because = Some(format!("{error:#}")),
        }
    }

    /// Whether the rebuilt ratio is near the published one; none where it was not measured.
    pub fn is_reproduced(&self) -> Option<bool> {
        let rebuilt = self.rebuilt.as_ref()?;
        Some(is_near(rebuilt.ratio, self.published_ratio))
    }

    /// Whether its whole interval is near the published ratio as well; not where there is none.
    pub fn is_surely_reproduced(&self) -> bool {
        let interval = self.rebuilt.as_ref().and_then(|rebuilt| rebuilt.interval);
        let near = |end: &f64| is_near(*end, self.published_ratio);
        interval.is_some_and(|ends| ends.iter().all(near))
    }

    /// Whether no difference at all would be near it too: then that it is reproduced says little,
    /// and it is not counted.
    pub fn is_weak(&self) -> bool {
        is_near(1.0, self.published_ratio)
    }
}

/// Within [`FACTOR`], to either side.
fn is_near(ratio: f64, published: f64) -> bool {
    (ratio / published).ln().abs() <= FACTOR.ln()
}

impl Run {
    /// The claims that were reproduced, of those that could have come out otherwise.
    pub fn reproduced(&self) -> impl Iterator<Item = &Outcome> {
        let counts = |one: &&Outcome| !one.is_weak() && one.is_reproduced() == Some(true);
        self.outcomes.iter().filter(counts)
    }

    /// What it exits with: a claim that was rebuilt and came out otherwise is 1, one without valid
    /// figures 3; one that could not be run here is said and changes nothing.
    pub fn exit_code(&self) -> u8 {
        let off = |outcome: &Outcome| outcome.is_reproduced() == Some(false);
        let invalid = |outcome: &Outcome| outcome.invalid_because.is_some();
        let none = self.outcomes.iter().all(|one| one.rebuilt.is_none());
        match self.interrupted {
            true => exit::INTERRUPTED,
            _ if self.outcomes.iter().any(invalid) => exit::INVALID,
            _ if self.outcomes.iter().any(off) => exit::UNEXPECTED,
            _ if none => exit::INVALID,
            _ => exit::OK,
        }
    }

    /// Writes it into `dir`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, dir: &Path) -> anyhow::Result<()> {
        let path = dir.join(FILE_NAME);
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| path.display().to_string())
    }

    /// Reads what was saved in `dir`.
    ///
    /// # Errors
    /// When there is none, or it is something else.
    pub fn load(dir: &Path) -> anyhow::Result<Run> {
        let path = dir.join(FILE_NAME);
        let named = || path.display().to_string();
        let text = fs::read_to_string(&path).with_context(named)?;
        serde_json::from_str(&text).with_context(named)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A claim of 6.0 that was rebuilt to this ratio.
    pub(crate) fn outcome(ratio: f64) -> Outcome {
        let measured = |ratio: f64| Measured {
            set_up: "as it was".to_owned(),
            over: vec![ratio; 5],
            under: vec![1.0; 5],
            ratio,
            interval: Some([ratio * 0.9, ratio * 1.1]),
        };
        Outcome {
            claim: "somebody".to_owned(),
            source: "somewhere".to_owned(),
            published: "600 against 100".to_owned(),
            published_ratio: 6.0,
            rebuilt: Some(measured(ratio)),
            mended: Some(measured(1.25)),
            why: "because | of it".to_owned(),
            not_run_because: None,
            invalid_because: None,
        }
    }

    pub(crate) fn run(outcomes: Vec<Outcome>) -> Run {
        Run {
            command: "loadtest claims".to_owned(),
            seed: 7,
            blocks: 5,
            turn_s: 1.5,
            factor: FACTOR,
            interrupted: false,
            environment: Environment::default(),
            outcomes,
        }
    }

    #[test]
    fn near_is_within_the_factor_to_either_side() {
        for (ratio, near) in [
            (6.0, true),
            (8.9, true),
            (9.1, false),
            (4.1, true),
            (3.9, false),
        ] {
            assert_eq!(outcome(ratio).is_reproduced(), Some(near), "{ratio}");
        }
        assert!(is_near(0.9, 1.2) && !is_near(0.5, 1.2));
    }

    #[test]
    fn a_claim_that_no_difference_would_pass_too_is_weak() {
        let published = |ratio| Outcome {
            published_ratio: ratio,
            ..outcome(1.0)
        };
        assert!(published(1.05).is_weak() && published(0.82).is_weak());
        assert!(!published(6.0).is_weak() && !published(0.5).is_weak());
        let near = [published(1.05), outcome(6.0), outcome(20.0)];
        assert_eq!(run(near.to_vec()).reproduced().count(), 1);
    }

    #[test]
    fn a_ratio_is_sure_if_its_whole_interval_is_near() {
        // Intervals here are a tenth to either side.
        assert!(outcome(6.0).is_surely_reproduced());
        assert!(!outcome(8.9).is_surely_reproduced());
        let mut few = outcome(6.0);
        few.rebuilt.as_mut().unwrap().interval = None;
        assert!(!few.is_surely_reproduced());
    }

    #[test]
    fn the_exit_code_is_the_gravest() {
        let mut not_run = Outcome {
            rebuilt: None,
            mended: None,
            ..outcome(1.0)
        };
        not_run.lacks(&Trouble::NotRun("no Node".to_owned()).into());
        let mut invalid = outcome(6.0);
        invalid.lacks(&Trouble::Invalid("wrong answers".to_owned()).into());
        assert_eq!(run(vec![outcome(6.0), not_run.clone()]).exit_code(), 0);
        assert_eq!(run(vec![outcome(6.0), outcome(20.0)]).exit_code(), 1);
        assert_eq!(run(vec![outcome(20.0), invalid]).exit_code(), 3);
        assert_eq!(run(vec![not_run]).exit_code(), 3);
        let stopped = Run {
            interrupted: true,
            ..run(vec![outcome(20.0)])
        };
        assert_eq!(stopped.exit_code(), 130);
    }

    #[test]
    fn what_was_saved_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let run = run(vec![outcome(6.0)]);
        run.save(dir.path()).unwrap();
        let again = Run::load(dir.path()).unwrap();
        assert_eq!(
            serde_json::to_value(&again).unwrap(),
            serde_json::to_value(&run).unwrap()
        );
        let error = Run::load(&dir.path().join("nowhere")).unwrap_err();
        assert!(format!("{error:#}").contains("claims.json"), "{error:#}");
    }
}
