//! What a run of `measure` is to do: which arms, in which variants, and what each turn of them asks
//! of instances and machine. Nothing is started here.

use std::time::Duration;

use super::ZERO;
use super::presets::{Preset, Variant};
use super::traffic::{LOGINS_AT_ONCE, VISITORS};
use crate::arms::{self, Arm, Carried, Server, State};
use crate::cli::Swap;
use crate::environment;
use crate::load::schedule::Shard;
use crate::record::{Measuring, TWIN};
use crate::visitors::Users;

/// Logins made beforehand where nothing is kept of any.
const LIVE_LOGINS_UNKEPT_MAX: u32 = 10_000;

/// More than a login was seen to take in any arm, instance and store together.
const BYTES_A_LOGIN_MAX: u64 = 2_000;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is varied.
    pub preset: &'static Preset,
    /// What of that, the usual variant first.
    pub variants: Vec<&'static Variant>,
    /// The arms, the zero line first.
    pub arms: Vec<&'static Arm>,
    /// How often each is measured.
    pub blocks: u32,
    /// Requests a second of the usual variant.
    pub rate_rps: f64,
    /// How long the load goes on before anything is timed.
    pub warm_up: Duration,
    /// How long each turn is timed.
    pub timed: Duration,
    /// Everything random is drawn from it.
    pub seed: u64,
    /// Which part of the schedule is sent.
    pub shard: Shard,
    /// Within how much 99 % must be answered, where the highest rate is looked for.
    pub p99_bound: Duration,
    /// CPU time that the swapped arm wastes on each check, if it is one that checks nothing, in
    /// nanoseconds: a difference of known size.
    pub waste_ns: u64,
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
    /// CPU time that it wastes on each check, in nanoseconds: none, except in such a test.
    pub waste_ns: u64,
    /// What the record calls its variant; none is the usual one.
    pub name: Option<&'static str>,
    /// What is done otherwise than usual.
    pub variant: &'static Variant,
    /// Requests a second.
    pub rate_rps: f64,
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

/// The usual variant of a preset, and those that were asked for, or else all of them.
///
/// # Errors
/// One line that names the flag and what may stand there.
pub fn choose_variants(
    names: &[String],
    preset: &'static Preset,
) -> Result<Vec<&'static Variant>, String> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !preset.names().any(|one| one == **name))
    {
        let known: Vec<_> = preset.names().map(|name| format!("{name:?}")).collect();
        return Err(match known.is_empty() {
            true => format!("--variant: --preset {} has none; leave it out", preset.name),
            false => format!(
                "--variant: --preset {} has no {unknown:?}; use {}",
                preset.name,
                known.join(" or ")
            ),
        });
    }
    let wanted = |variant: &&'static Variant| {
        let named = |name: &'static str| names.iter().any(|one| one == name);
        names.is_empty() || variant.name.is_none_or(named)
    };
    Ok(preset.variants.iter().filter(wanted).collect())
}

impl Plan {
    /// What takes turns: every arm in every variant, and the A/A arms, one that asks no store (the
    /// zero line, where there is one) and, where any arm does, one that does.
    pub fn cases(&self, can_run: impl Fn(&Arm) -> bool) -> Vec<Case> {
        let arms = || self.arms.iter().copied().filter(|arm| can_run(arm));
        let mut cases = Vec::new();
        for variant in self.variants.iter().copied() {
            let fits = |arm: &&'static Arm| {
                let token = arm.properties.carried == Carried::SignedToken;
                // A refresh token does not travel in a cookie.
                let in_cookie = token && !arm.properties.refreshes;
                in_cookie || !variant.token_in_cookie
            };
            cases.extend(arms().filter(fits).map(|arm| self.case(arm, variant)));
        }
        let stored = arms().find(|arm| arm.server.needs_store());
        // A target has no zero line.
        let cheap = arms().find(|arm| arm.name == ZERO);
        let cheap = cheap.or_else(|| arms().find(|arm| !arm.server.needs_store()));
        let twins = cheap.into_iter().chain(stored);
        cases.extend(twins.map(|arm| Case {
            name: Some(TWIN),
            ..self.case(arm, self.variants[0])
        }));
        cases
    }

    fn case(&self, arm: &'static Arm, variant: &'static Variant) -> Case {
        let swapped = self.swapped.filter(|swap| swap.arm.name == arm.name);
        Case {
            arm,
            server: swapped.map_or(arm.server, |swap| swap.with.server),
            waste_ns: swapped.map_or(0, |_| self.waste_ns),
            name: variant.name,
            variant,
            rate_rps: self.rate_rps * variant.rate_share,
        }
    }

    /// What a record keeps of it.
    pub fn to_record(&self) -> Measuring {
        let variants = || self.variants.iter();
        let far = variants().filter_map(|variant| {
            let far = (variant.name?.to_owned(), variant.store_round_trip_ms);
            (far.1 > 0).then_some(far)
        });
        let searches = variants().any(|variant| variant.highest_rate);
        Measuring {
            preset: self.preset.name.to_owned(),
            blocks: self.blocks,
            rate_rps: self.rate_rps,
            timed_ms: self.timed.as_millis() as u64,
            warm_up_ms: self.warm_up.as_millis() as u64,
            shard: self.shard.to_string(),
            variants: variants()
                .filter_map(|variant| variant.name.map(str::to_owned))
                .collect(),
            store_round_trips_ms: far.collect(),
            p99_bound_ms: searches.then_some(self.p99_bound.as_secs_f64() * 1e3),
        }
    }
}

impl Case {
    /// Flags of its instances, beside the arm's own.
    pub fn flags(&self) -> Vec<String> {
        let variant = self.variant;
        let mut flags: Vec<_> = variant
            .flags
            .iter()
            .map(|flag| (*flag).to_owned())
            .collect();
        if variant.pad_claims_bytes > 0 {
            flags.extend([
                "--pad-claims".to_owned(),
                variant.pad_claims_bytes.to_string(),
            ]);
        }
        if self.waste_ns > 0 && self.server == Server::Trusting {
            flags.extend(["--waste-ns".to_owned(), self.waste_ns.to_string()]);
        }
        if variant.token_in_cookie && matches!(self.server, Server::Jwt { .. }) {
            flags.extend(["--carry".to_owned(), "cookie".to_owned()]);
        }
        flags
    }

    /// Logins that are made beforehand. Where nothing is kept of a login, a million of them would
    /// leave what a thousand leave, and only take time.
    pub fn live_logins(&self) -> u32 {
        let wanted = self.variant.live_logins;
        let properties = &self.arm.properties;
        // A deny-list holds what was ended, and nothing of who is logged in.
        let stored = matches!(properties.state, State::Process | State::Store);
        match stored || properties.refreshes {
            true => wanted,
            false => wanted.min(LIVE_LOGINS_UNKEPT_MAX),
        }
    }

    /// Logins that are made when all has been timed, to see what they take in memory. What an
    /// allocator holds in reserve is a small part of many.
    pub fn further_logins(&self) -> u32 {
        match self.variant.user_each {
            true => 20_000,
            false => 2_000,
        }
    }

    /// The load users it needs.
    pub(super) fn users(&self) -> u32 {
        match self.variant.user_each {
            true => VISITORS + self.live_logins() + self.further_logins() + LOGINS_AT_ONCE,
            false => Users::COUNT,
        }
    }

    /// Why this machine cannot hold its logins, if it cannot.
    pub(super) fn too_large(&self) -> Option<String> {
        let needed = u64::from(self.live_logins()) * BYTES_A_LOGIN_MAX;
        let free = environment::memory_available_bytes();
        (needed > free / 2).then(|| {
            format!(
                "{} logins may take {} MB, and no more than half of the {} MB that are free may \
                 be; use a larger machine",
                self.live_logins(),
                needed >> 20,
                free >> 20
            )
        })
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
