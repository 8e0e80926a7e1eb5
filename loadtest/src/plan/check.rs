//! The model against measured runs: everything is predicted from one base point, and compared with
//! what the same record measured at other sizes.

use serde::Serialize;

use super::Source;
use super::formulas;
use super::read::{self, held_at, median_of, spent};
use super::units::{Held, Nature, Spent};
use crate::measure::ZERO;
use crate::measure::presets;
use crate::record::{Measure, Memory, Record, TWIN};
use crate::report;

/// What is too far off, as a share.
pub const ERROR_MAX: f64 = 0.15;

/// The preset that measures what is checked.
pub const PRESET: &str = "scale";

/// The model held against records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The records.
    pub sources: Vec<Source>,
    /// Every prediction beside what was measured.
    pub points: Vec<Point>,
}

impl Check {
    /// Every prediction for these records, each from its own base point.
    ///
    /// # Errors
    /// When one is a record of something else, or has nothing to compare.
    pub fn of(records: &[Record]) -> Result<Check, Error> {
        let points = records.iter().map(check).collect::<Result<Vec<_>, _>>()?;
        Ok(Check {
            sources: records.iter().map(Source::of).collect(),
            points: points.into_iter().flatten().collect(),
        })
    }

    /// Whether all are near enough.
    pub fn holds(&self) -> bool {
        self.points.iter().all(Point::holds)
    }
}

/// A prediction beside what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The arm.
    pub arm: String,
    /// Its plain label.
    pub label: String,
    /// Instances.
    pub instances: u32,
    /// Logins that were alive.
    pub live_logins: u64,
    /// What was predicted.
    pub figure: Checked,
    /// The prediction, in cores or bytes.
    pub predicted: f64,
    /// What was measured, the median over blocks, in the same unit.
    pub measured: f64,
    /// `predicted` / `measured` - 1.
    pub error: f64,
}

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// Cores that the instances are busy with.
    ServerCores,
    /// Cores that the store is busy with.
    StoreCores,
    /// Memory of the instances.
    ServerBytes,
    /// Memory of the store.
    StoreBytes,
}

impl Point {
    /// Whether it is near enough.
    pub fn holds(&self) -> bool {
        self.error.abs() <= ERROR_MAX
    }
}

/// Why a record says nothing of the model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is of something else.
    #[error(
        "--check: the record is not one of `measure --preset {PRESET}`; measure that, and name its \
         folder"
    )]
    NotOfThePreset,
    /// It has no base point, or nothing beside it.
    #[error(
        "--check: the record has no usual turn with its memory and one beside it of any arm; \
         `measure --preset {PRESET}` to its end measures them"
    )]
    NothingToCompare,
}

/// Every prediction for this record, made from its usual turns alone.
///
/// # Errors
/// When it is a record of something else, or has nothing to compare.
fn check(record: &Record) -> Result<Vec<Point>, Error> {
    let asked = record.measuring.as_ref().ok_or(Error::NotOfThePreset)?;
    if asked.preset != PRESET {
        return Err(Error::NotOfThePreset);
    }
    let preset = presets::find(PRESET).map_err(|_| Error::NotOfThePreset)?;
    let mut points = Vec::new();
    for arm in &record.arms {
        let nature = read::nature(std::slice::from_ref(record), &arm.arm);
        let Some(base) = Base::of(record, &arm.arm, nature) else {
            continue;
        };
        for name in preset.names().filter(|name| *name != TWIN) {
            let measures = turns(record, &arm.arm, Some(name));
            let label = report::full_label(record, arm);
            points.extend(base.against(&measures).map(|point| Point {
                arm: arm.arm.clone(),
                label: label.clone(),
                ..point
            }));
        }
    }
    match points.is_empty() {
        true => Err(Error::NothingToCompare),
        false => Ok(points),
    }
}

/// Unit costs of one arm at the one point from which all else is predicted.
#[derive(Debug)]
struct Base {
    spent: Spent,
    held: Held,
    nature: Nature,
}

/// What a turn held and sent, medians over blocks.
#[derive(Debug, Clone, Copy)]
struct Size {
    instances: f64,
    live_logins: f64,
    requests_per_second: f64,
}

impl Base {
    fn of(record: &Record, arm: &str, nature: Nature) -> Option<Base> {
        let measures = turns(record, arm, None);
        Some(Base {
            spent: spent(&measures)?,
            held: held_at(&measures, &turns(record, ZERO, None), nature)?,
            nature,
        })
    }

    /// What is predicted for the size of these turns, beside what they measured.
    fn against(&self, measures: &[&Measure]) -> impl Iterator<Item = Point> + use<> {
        let points = Size::of(measures).and_then(|size| {
            let took = spent(measures)?;
            let cores = |ns| formulas::cores(size.requests_per_second, ns);
            let server_bytes = memory(measures, |memory| Some(memory.server_bytes as f64))?;
            let mut found = vec![
                (
                    Checked::ServerCores,
                    cores(self.spent.server_ns),
                    cores(took.server_ns),
                ),
                (Checked::ServerBytes, self.server_bytes(size), server_bytes),
            ];
            if self.nature.asks_store {
                let store_bytes = memory(measures, |memory| Some(memory.store_bytes? as f64))?;
                found.push((
                    Checked::StoreCores,
                    cores(self.spent.store_ns),
                    cores(took.store_ns),
                ));
                found.push((Checked::StoreBytes, self.store_bytes(size), store_bytes));
            }
            Some(found.into_iter().map(move |point| size.point(point)))
        });
        points.into_iter().flatten()
    }

    fn server_bytes(&self, size: Size) -> f64 {
        let (held, each) = (&self.held, size.live_logins / size.instances);
        let accounts = formulas::accounts_bytes(each, held.accounts_login, held.accounts_seen);
        let logins = (size.live_logins, held.server_login);
        formulas::server_bytes(size.instances, held.process, accounts, logins)
    }

    fn store_bytes(&self, size: Size) -> f64 {
        formulas::store_bytes(
            self.held.store_empty,
            size.live_logins,
            self.held.store_login,
        )
    }
}

impl Size {
    fn of(measures: &[&Measure]) -> Option<Size> {
        let rates = measures.iter().map(|one| one.rate_achieved_rps);
        Some(Size {
            instances: memory(measures, |memory| Some(f64::from(memory.instances)))?,
            live_logins: memory(measures, |memory| Some(memory.live_logins as f64))?,
            requests_per_second: median_of(rates)?,
        })
    }

    fn point(self, (figure, predicted, measured): (Checked, f64, f64)) -> Point {
        Point {
            arm: String::new(),
            label: String::new(),
            instances: self.instances as u32,
            live_logins: self.live_logins as u64,
            figure,
            predicted,
            measured,
            error: formulas::error(predicted, measured),
        }
    }
}

fn memory(measures: &[&Measure], figure: impl Fn(&Memory) -> Option<f64>) -> Option<f64> {
    median_of(
        measures
            .iter()
            .filter_map(|one| figure(one.memory.as_ref()?)),
    )
}

fn turns<'a>(record: &'a Record, arm: &str, variant: Option<&str>) -> Vec<&'a Measure> {
    let all = record.measures.iter();
    all.filter(|one| one.arm == arm && one.variant.as_deref() == variant)
        .collect()
}
