//! What one arm takes: its unit costs, the reader's needs, and the formulas.

use serde::Serialize;

use super::figure::{Figure, Known, Missing};
use super::formulas;
use super::needs::Needs;
use super::units::{self, Spent, Units, Window};
use crate::measure::ZERO;

/// What an arm takes. All regions together, but for what is said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmPlan {
    /// The arm.
    pub arm: String,
    /// Its plain label.
    pub label: String,
    /// Whether its requests ask a store.
    pub asks_store: bool,
    /// Cores of the instances that are busy with requests.
    pub request_cores: Figure,
    /// Cores of the instances that are busy with logins and renewed tokens.
    pub login_cores: Figure,
    /// Instances, of one thread each.
    pub instances: Figure,
    /// Memory of all instances, in bytes.
    pub server_bytes: Figure,
    /// Cores of balancers like ours.
    pub balancer_cores: Figure,
    /// Commands to the store for requests, a second.
    pub store_commands_per_second: Figure,
    /// Cores of the store that are busy with requests.
    pub store_request_cores: Figure,
    /// Cores of the store that are busy with logins and renewed tokens.
    pub store_login_cores: Figure,
    /// Memory of the store, without copies of it, in bytes.
    pub store_bytes: Figure,
    /// Nodes of the store that memory asks for.
    pub store_nodes_by_memory: Figure,
    /// Nodes of the store that commands ask for.
    pub store_nodes_by_commands: Figure,
    /// From clients, in bits a second.
    pub in_bits_per_second: Figure,
    /// To clients, in bits a second.
    pub out_bits_per_second: Figure,
    /// What a request waits longer because the store is in one region, the mean, in milliseconds.
    pub added_wait_ms: Figure,
    /// How long an ended login may go on working, in seconds.
    pub revocation_window_s: Figure,
    /// Requests a second of an instance at which a request's cost was measured.
    pub measured_at_rps: Figure,
}

/// What one arm takes.
pub fn arm_plan(units: &Units, needs: &Needs) -> ArmPlan {
    let requests = request(units, needs);
    let logins = logins(units, needs);
    let commands = requests
        .clone()
        .map(|request| needs.requests_per_second * request.commands);
    let store_request_cores = requests
        .clone()
        .map(|request| formulas::cores(needs.requests_per_second, request.store_ns));
    let store_login_cores = logins
        .clone()
        .map(|logins| formulas::cores(1.0, logins.store_ns));
    let store_cores = both(&store_request_cores, &store_login_cores);
    let request_cores = requests
        .clone()
        .map(|request| formulas::cores(needs.requests_per_second, request.server_ns));
    let login_cores = logins
        .clone()
        .map(|logins| formulas::cores(1.0, logins.server_ns));
    let instances = both(&request_cores, &login_cores).map(|(requests, logins)| {
        let least = needs.instances_min * needs.regions;
        formulas::processes(requests + logins, needs.utilisation_max, least)
    });
    let balancer = units.balancer_ns.clone();
    let store_bytes = store_bytes(units, needs);
    ArmPlan {
        arm: units.arm.clone(),
        label: units.label.clone(),
        asks_store: units.nature.asks_store,
        request_cores: request_cores.into(),
        login_cores: login_cores.into(),
        server_bytes: server_bytes(units, needs, &instances).into(),
        instances: instances.into(),
        balancer_cores: balancer
            .map(|ns| formulas::cores(needs.requests_per_second, ns))
            .into(),
        store_nodes_by_memory: if_asked(
            units,
            store_bytes
                .clone()
                .map(|bytes| formulas::nodes_by_memory(bytes, needs.store_node_bytes)),
        )
        .into(),
        store_bytes: store_bytes.into(),
        store_nodes_by_commands: if_asked(
            units,
            store_cores.map(|(requests, logins)| {
                formulas::nodes_by_commands(requests + logins, needs.utilisation_max)
            }),
        )
        .into(),
        store_request_cores: if_asked(units, store_request_cores).into(),
        store_login_cores: if_asked(units, store_login_cores).into(),
        store_commands_per_second: if_asked(units, commands).into(),
        in_bits_per_second: bandwidth(units, needs, |check, claims| {
            (check.sent_bytes, claims.sent_bytes)
        })
        .into(),
        out_bits_per_second: bandwidth(units, needs, |check, claims| {
            (check.received_bytes, claims.received_bytes)
        })
        .into(),
        added_wait_ms: added_wait_ms(units, needs).into(),
        revocation_window_s: window_s(units, needs).into(),
        measured_at_rps: units
            .check
            .clone()
            .map(|check| check.rate_of_an_instance)
            .into(),
    }
}

/// Nothing, for an arm that asks no store.
fn if_asked(units: &Units, figure: Known<f64>) -> Known<f64> {
    match units.nature.asks_store {
        true => figure,
        false => Ok(0.0),
    }
}

/// What each byte of claims adds, which nobody needs to know where there are none.
fn claims(units: &Units, needs: &Needs) -> Known<units::PerClaim> {
    match needs.claims_bytes > 0.0 && units.arm != ZERO {
        true => units.claims.clone(),
        false => Ok(units::PerClaim::default()),
    }
}

/// What one request takes, your own handler among it.
fn request(units: &Units, needs: &Needs) -> Known<Spent> {
    let (check, claims) = (units.check.clone()?.spent, claims(units, needs)?.spent);
    let with = |without, per_byte| formulas::with_claims(without, per_byte, needs.claims_bytes);
    Ok(Spent {
        server_ns: with(check.server_ns, claims.server_ns) + needs.handler_ns,
        store_ns: with(check.store_ns, claims.store_ns),
        commands: check.commands,
    })
}

/// What all logins and renewed tokens of a second take together.
fn logins(units: &Units, needs: &Needs) -> Known<Spent> {
    let login = units.login.clone()?;
    let mut all = times(login, needs.logins_per_second);
    if units.nature.refreshes {
        let each = formulas::refreshes_per_second(needs.live_logins, needs.access_lifetime_s);
        let renewed = times(units.remember.clone()?, each);
        all.server_ns += renewed.server_ns;
        all.store_ns += renewed.store_ns;
        all.commands += renewed.commands;
    }
    Ok(all)
}

fn times(spent: Spent, count: f64) -> Spent {
    Spent {
        server_ns: spent.server_ns * count,
        store_ns: spent.store_ns * count,
        commands: spent.commands * count,
    }
}

fn server_bytes(units: &Units, needs: &Needs, instances: &Known<f64>) -> Known<f64> {
    let (held, instances) = (units.memory.clone()?, instances.clone()?);
    let login = held_of_a_login(units, needs, units.nature.server_keeps, held.server_login)?;
    let each = needs.live_logins / instances;
    Ok(formulas::server_bytes(
        instances,
        held.process,
        formulas::accounts_bytes(each, held.accounts_login, held.accounts_seen),
        (needs.live_logins, login),
    ))
}

fn store_bytes(units: &Units, needs: &Needs) -> Known<f64> {
    if !units.nature.asks_store {
        return Ok(0.0);
    }
    if !units.nature.store_keeps {
        // Its size is a matter of how many log out, and of how long their tokens had left.
        let what = "what the store keeps of an ended login";
        return Err(Missing::of(what, None, &units.arm));
    }
    let held = units.memory.clone()?;
    let login = held_of_a_login(units, needs, true, held.store_login)?;
    Ok(formulas::store_bytes(
        held.store_empty,
        needs.live_logins,
        login,
    ))
}

/// Of a login that is kept, its claims too.
fn held_of_a_login(units: &Units, needs: &Needs, keeps: bool, bytes: f64) -> Known<f64> {
    if !keeps {
        return Ok(0.0);
    }
    let claims = claims(units, needs)?;
    Ok(formulas::with_claims(
        bytes,
        claims.held_bytes,
        needs.claims_bytes,
    ))
}

fn bandwidth(
    units: &Units,
    needs: &Needs,
    bytes: impl Fn(units::Check, units::PerClaim) -> (f64, f64),
) -> Known<f64> {
    let (without, per_byte) = bytes(units.check.clone()?, claims(units, needs)?);
    let bytes = formulas::with_claims(without, per_byte, needs.claims_bytes);
    Ok(formulas::bits_per_second(needs.requests_per_second, bytes))
}

/// Nobody waits for a store that is where everybody is.
fn added_wait_ms(units: &Units, needs: &Needs) -> Known<f64> {
    if needs.regions <= 1.0 || !units.nature.asks_store {
        return Ok(0.0);
    }
    let trips = units.trips.clone()?;
    Ok(formulas::added_wait_ms(
        trips,
        needs.round_trip_ms,
        needs.regions,
    ))
}

/// A token that is renewed lives for its own lifetime, any other credential for the login's. News
/// that travels within a bound also travels between regions.
fn window_s(units: &Units, needs: &Needs) -> Known<f64> {
    let between_regions_ms = match needs.regions > 1.0 {
        true => needs.round_trip_ms,
        false => 0.0,
    };
    Ok(match units.window.clone()? {
        Window::None => 0.0,
        Window::Within(ms) => (ms + between_regions_ms) / 1e3,
        Window::Lifetime if units.nature.refreshes => needs.access_lifetime_s,
        Window::Lifetime => needs.lifetime_s,
    })
}

/// Two figures that are both needed; the first that is missing, if one is.
fn both<A: Clone, B: Clone>(a: &Known<A>, b: &Known<B>) -> Known<(A, B)> {
    Ok((a.clone()?, b.clone()?))
}
