//! A figure that is known, or the reason why it is not: nothing is ever put in its place.

use serde::Serialize;

/// A unit cost that no record has, and what would measure it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{what} is not measured in these records")]
pub struct Missing {
    /// The unit cost.
    pub what: &'static str,
    /// The command that measures it, but for its arms; null where none does.
    pub measured_by: Option<&'static str>,
    /// The arms that it is missing of.
    pub arms: Vec<String>,
}

impl Missing {
    /// Of one arm.
    pub fn of(
        what: &'static str,
        measured_by: impl Into<Option<&'static str>>,
        arm: &str,
    ) -> Missing {
        Missing {
            what,
            measured_by: measured_by.into(),
            arms: vec![arm.to_owned()],
        }
    }
}

/// A number, or why there is none. In formulas it is a `Result`, so that whatever needs a figure
/// that is missing is missing too, for the same reason.
pub type Known<T> = Result<T, Missing>;

/// The same as a file shows it: `{"value": 12.5}` or `{"not_measured": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// It is known.
    Value(f64),
    /// It is not, and this is why.
    NotMeasured(Missing),
}

impl From<Known<f64>> for Figure {
    fn from(known: Known<f64>) -> Figure {
        known.map_or_else(Figure::NotMeasured, Figure::Value)
    }
}

impl Figure {
    /// The number, if there is one.
    pub fn value(&self) -> Option<f64> {
        match self {
            Figure::Value(value) => Some(*value),
            Figure::NotMeasured(_) => None,
        }
    }

    /// Why there is none.
    pub fn missing(&self) -> Option<&Missing> {
        match self {
            Figure::Value(_) => None,
            Figure::NotMeasured(missing) => Some(missing),
        }
    }
}
