//! Whose credential is sent next, and which: the half of a schedule that a closed loop needs too.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::request::CredentialKind;
use super::schedule::PlanError;

/// Whose credentials are sent, and in which state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawPlan {
    /// How many visitors take turns.
    pub visitors: u32,
    /// Kinds of credential with their weights.
    pub mix: Vec<(CredentialKind, u16)>,
}

impl DrawPlan {
    /// Visitors whose credentials are all valid.
    pub fn valid(visitors: u32) -> DrawPlan {
        DrawPlan {
            visitors,
            mix: vec![(CredentialKind::Valid, 1)],
        }
    }

    /// Every visitor with every kind of credential that can be drawn.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, CredentialKind)> {
        let kinds = self.mix.iter().filter(|(_, weight)| *weight > 0);
        kinds.flat_map(|(kind, _)| (0..self.visitors).map(|visitor| (visitor, *kind)))
    }

    /// Why nothing can be drawn, if so.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.visitors == 0 {
            return Err(PlanError::NoVisitors);
        }
        if self.mix.iter().all(|(_, weight)| *weight == 0) {
            return Err(PlanError::NoCredentials);
        }
        Ok(())
    }
}

/// Visitors and credentials without end, as a plan and a seed have it.
#[derive(Debug, Clone)]
pub struct Draws {
    random: Pcg64,
    round: Vec<u32>,
    next: usize,
    mix: Vec<(CredentialKind, u16)>,
    weight: u32,
}

impl Draws {
    /// Draws from a seed of its own. The plan must have passed its check.
    pub fn new(plan: &DrawPlan, seed: &mut Pcg64) -> Draws {
        Draws {
            random: Pcg64::from_rng(seed),
            round: (0..plan.visitors).collect(),
            next: 0,
            mix: plan.mix.clone(),
            weight: plan.mix.iter().map(|(_, weight)| u32::from(*weight)).sum(),
        }
    }

    /// Every visitor comes once in each round, in an order that is new each time: strict turns
    /// would alias with the balancer's rotation.
    pub fn draw(&mut self) -> (u32, CredentialKind) {
        if self.next == 0 {
            self.round.shuffle(&mut self.random);
        }
        let visitor = self.round[self.next];
        self.next = (self.next + 1) % self.round.len();
        (visitor, self.kind())
    }

    fn kind(&mut self) -> CredentialKind {
        let [(only, _)] = self.mix[..] else {
            let mut left = self.random.random_range(0..self.weight);
            for (kind, weight) in &self.mix {
                let weight = u32::from(*weight);
                if left < weight {
                    return *kind;
                }
                left -= weight;
            }
            return self.mix[0].0;
        };
        only
    }
}
