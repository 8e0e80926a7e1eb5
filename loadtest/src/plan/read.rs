//! Unit costs, read out of records. What no record has is [`Missing`], with what measures it.
//!
//! Which variant of which preset a turn belongs to is looked up in [`presets`]; a turn of a preset
//! that this program does not know says nothing here. Figures are medians over blocks.

use crate::arms::{self, State};
use crate::measure::ZERO;
use crate::measure::presets::{self, Ask, USUAL, Variant};
use crate::record::{Measure, Memory, Record};
use crate::report;
use crate::report::lag::{Lag, lag};

use super::figure::{Known, Missing};
use super::formulas;
use super::units::{Check, Held, Nature, PerClaim, Spent, Units, Window};

/// The event whose lags are the revocation window.
const LOGGED_OUT: &str = "logout-elsewhere";

/// The turns of one arm in one variant of one record, and the base they vary.
struct Turns<'a> {
    variant: &'static Variant,
    rate_of_an_instance: f64,
    measures: Vec<&'a Measure>,
    usual: Vec<&'a Measure>,
}

impl Turns<'_> {
    fn spent(&self) -> Option<Spent> {
        spent(&self.measures)
    }
}

/// What every arm of these records costs, the zero line among them, in the records' order.
pub fn read(records: &[Record]) -> Vec<Units> {
    let mut found: Vec<Units> = Vec::new();
    for record in records {
        for arm in &record.arms {
            if arm.not_run_because.is_none() && found.iter().all(|units| units.arm != arm.arm) {
                found.push(of_arm(records, &arm.arm, report::full_label(record, arm)));
            }
        }
    }
    found
}

fn of_arm(records: &[Record], arm: &str, label: String) -> Units {
    let turns = turns(records, arm);
    let nature = nature(records, arm);
    let first =
        |wanted: &dyn Fn(&Variant) -> bool| turns.iter().find(|turns| wanted(turns.variant));
    let missing = |what, preset: &'static str| Missing::of(what, preset, arm);
    let login = first(&|variant| variant.ask == Ask::LogIn).and_then(Turns::spent);
    let remember = first(&|variant| variant.ask == Ask::LogInUnchecked).and_then(Turns::spent);
    let balanced = first(&|variant| variant.balanced);
    let balanced =
        balanced.and_then(|turns| median(&turns.measures, |one| one.cpu_ns_per_request.balancer));
    Units {
        check: check(&turns)
            .ok_or_else(|| missing("the cost of a request", "measure --preset quick")),
        balancer_ns: balanced.ok_or_else(|| {
            missing(
                "the balancer's part of a request",
                "measure --preset balanced",
            )
        }),
        login: login.ok_or_else(|| missing("the cost of a login", "measure --preset login")),
        remember: remember
            .ok_or_else(|| missing("the cost of a renewed token", "measure --preset login")),
        memory: held(records, &turns, nature).ok_or_else(|| {
            missing(
                "memory of a process and of a login",
                "measure --preset scale",
            )
        }),
        claims: per_claim(&turns)
            .ok_or_else(|| missing("what a byte of claims adds", "measure --preset claims-size")),
        trips: match nature.asks_store {
            true => trips(records, arm).ok_or_else(|| {
                missing(
                    "how often a request waits for the store",
                    "measure --preset store-distance",
                )
            }),
            false => Ok(0.0),
        },
        window: window(records, arm),
        arm: arm.to_owned(),
        label,
        nature,
    }
}

/// Every arm of ours declares it; of somebody else's only the record's word is known, and what it
/// was seen to hold is taken for what it keeps.
pub fn nature(records: &[Record], arm: &str) -> Nature {
    match arms::find(arm) {
        Some(arm) => {
            let properties = arm.properties;
            Nature {
                server_keeps: properties.state == State::Process,
                store_keeps: properties.state == State::Store || properties.refreshes,
                asks_store: arm.server.needs_store(),
                refreshes: properties.refreshes,
                signed: matches!(properties.state, State::Credential | State::CredentialOfOne),
            }
        }
        None => {
            let mut arms = records.iter().flat_map(|record| &record.arms);
            let stored = arms.any(|one| one.arm == arm && one.needs_store);
            Nature {
                server_keeps: true,
                store_keeps: stored,
                asks_store: stored,
                refreshes: false,
                signed: false,
            }
        }
    }
}

fn turns<'a>(records: &'a [Record], arm: &str) -> Vec<Turns<'a>> {
    let mut found = Vec::new();
    for record in records {
        let Some(asked) = &record.measuring else {
            continue;
        };
        let Ok(preset) = presets::find(&asked.preset) else {
            continue;
        };
        for variant in preset.variants {
            let of = |name: Option<&str>| -> Vec<&Measure> {
                let all = record.measures.iter();
                all.filter(|one| one.arm == arm && one.variant.as_deref() == name)
                    .collect()
            };
            let measures = of(variant.name);
            if !measures.is_empty() {
                let rate_rps = asked.rate_rps * variant.rate_share;
                found.push(Turns {
                    variant,
                    rate_of_an_instance: rate_rps / variant.instances.len() as f64,
                    measures,
                    usual: of(None),
                });
            }
        }
    }
    found
}

/// A request that nothing is done otherwise for but the rate: of those, the first at the highest
/// rate of an instance, since cost falls as the rate rises and a plan is about busy servers.
fn check(turns: &[Turns<'_>]) -> Option<Check> {
    let plain = |variant: &Variant| {
        *variant
            == Variant {
                name: variant.name,
                rate_share: variant.rate_share,
                instances: variant.instances,
                user_each: variant.user_each,
                ..USUAL
            }
    };
    let mut best: Option<&Turns<'_>> = None;
    for turns in turns.iter().filter(|turns| plain(turns.variant)) {
        if best.is_none_or(|best| turns.rate_of_an_instance > best.rate_of_an_instance) {
            best = Some(turns);
        }
    }
    let turns = best?;
    Some(Check {
        spent: turns.spent()?,
        sent_bytes: median(&turns.measures, |one| one.bytes_per_request.sent)?,
        received_bytes: median(&turns.measures, |one| one.bytes_per_request.received)?,
        rate_of_an_instance: turns.rate_of_an_instance,
    })
}

/// What two servers with hardly any logins hold, and what further ones added.
fn held(records: &[Record], turns: &[Turns<'_>], nature: Nature) -> Option<Held> {
    let base = turns.iter().find(|turns| is_base(turns.variant))?;
    let zero_line = self::turns(records, ZERO);
    let zero = zero_line.iter().find(|turns| is_base(turns.variant))?;
    held_at(&base.measures, &zero.measures, nature)
}

/// The variant from which memory is predicted: the first of the preset that fills stores by as
/// many users as logins.
pub fn is_base(variant: &Variant) -> bool {
    variant.user_each && variant.name.is_none()
}

/// What is held by an arm of this nature, from its turns and those of the zero line.
pub fn held_at(measures: &[&Measure], zero: &[&Measure], nature: Nature) -> Option<Held> {
    let of = |measures: &[&Measure], figure: fn(&Memory) -> Option<f64>| {
        median_of(
            measures
                .iter()
                .filter_map(|one| figure(one.memory.as_ref()?)),
        )
    };
    let zero_login = of(zero, |memory| Some(memory.server_bytes_per_login))?;
    let login = of(measures, |memory| Some(memory.server_bytes_per_login))?;
    let store_login = of(measures, |memory| memory.store_bytes_per_login).unwrap_or(0.0);
    let kept = |keeps: bool, bytes: f64| if keeps { bytes } else { 0.0 };
    let beyond = formulas::login_bytes(login, zero_login);
    let server_login = kept(nature.server_keeps, beyond);
    let store_login = kept(nature.store_keeps, store_login);
    let live_logins = of(measures, |memory| Some(memory.live_logins as f64))?;
    let instances = of(measures, |memory| Some(f64::from(memory.instances)))?;
    let server = of(measures, |memory| Some(memory.server_bytes as f64))?;
    let store = of(measures, |memory| Some(memory.store_bytes? as f64)).unwrap_or(0.0);
    // The few logins of the base point are no part of an empty process.
    let each = live_logins / instances;
    Some(Held {
        process: server / instances - each * (server_login + zero_login),
        store_empty: store - live_logins * store_login,
        server_login,
        store_login,
        accounts_login: zero_login,
        accounts_seen: of(zero, |memory| Some(memory.further_logins as f64))?,
    })
}

/// The slope between an arm's usual variant and the one with the most claims that was measured,
/// a token in a cookie aside.
fn per_claim(turns: &[Turns<'_>]) -> Option<PerClaim> {
    let padded = turns
        .iter()
        .filter(|turns| turns.variant.pad_claims_bytes > 0 && !turns.variant.token_in_cookie);
    let most = padded.max_by_key(|turns| turns.variant.pad_claims_bytes)?;
    let bytes = f64::from(most.variant.pad_claims_bytes);
    let slope = |figure: fn(&Measure) -> Option<f64>| {
        let (with, without) = (
            median(&most.measures, figure)?,
            median(&most.usual, figure)?,
        );
        Some((with - without) / bytes)
    };
    let (with, without) = (most.spent()?, spent(&most.usual)?);
    Some(PerClaim {
        spent: Spent {
            server_ns: (with.server_ns - without.server_ns) / bytes,
            store_ns: (with.store_ns - without.store_ns) / bytes,
            commands: 0.0,
        },
        sent_bytes: slope(|one| one.bytes_per_request.sent)?,
        received_bytes: slope(|one| one.bytes_per_request.received)?,
        held_bytes: slope(|one| one.memory_bytes_per_login)?,
    })
}

fn trips(records: &[Record], arm: &str) -> Option<f64> {
    let mut found = records.iter().flat_map(|record| &record.break_evens);
    found
        .find(|one| one.arm == arm)
        .map(|one| one.trips_per_request)
}

/// The longest lag of any instance after a log-out at another.
fn window(records: &[Record], arm: &str) -> Known<Window> {
    let rows = records.iter().flat_map(|record| &record.revocations);
    let rows = rows.filter(|row| row.arm == arm && row.event == LOGGED_OUT);
    let windows = rows.map(|row| match lag(row) {
        Lag::NeverKnown | Lag::AtOnce => Window::None,
        Lag::Within { bound_ms, .. } => Window::Within(bound_ms as f64),
        Lag::For { lag_ms } => Window::Within(lag_ms),
        Lag::UntilExpiry { .. } | Lag::Still { .. } => Window::Lifetime,
    });
    let longest = windows.reduce(Window::longer);
    longest.ok_or_else(|| Missing::of("how long an ended login works", "matrix", arm))
}

/// CPU and commands of one request, medians over blocks.
pub fn spent(measures: &[&Measure]) -> Option<Spent> {
    Some(Spent {
        server_ns: median(measures, |one| one.cpu_ns_per_request.server)?,
        store_ns: median(measures, |one| one.cpu_ns_per_request.store).unwrap_or(0.0),
        commands: median(measures, |one| one.store_commands_per_request).unwrap_or(0.0),
    })
}

/// The middle of what blocks say; half-way between the two middle ones for an even number.
pub fn median(measures: &[&Measure], figure: fn(&Measure) -> Option<f64>) -> Option<f64> {
    median_of(measures.iter().filter_map(|one| figure(one)))
}

/// The same of figures.
pub fn median_of(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match (figures.len(), figures.len() % 2) {
        (0, _) => None,
        (_, 1) => Some(figures[middle]),
        _ => Some(f64::midpoint(figures[middle - 1], figures[middle])),
    }
}
