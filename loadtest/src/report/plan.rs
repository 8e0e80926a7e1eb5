//! A plan, and what the model says of measured runs, as tables for every form of a report.
//! Long because the tables stand together with their words.

use super::sweeps::Table;
use super::words;
use crate::plan::arm::ArmPlan;
use crate::plan::break_even::{Less, Of, Point};
use crate::plan::check::{self, Checked};
use crate::plan::figure::{Figure, Missing};
use crate::plan::needs::Needs;
use crate::plan::{Plan, Source};

/// What stands where a unit cost is missing.
const UNKNOWN: &str = "not measured";

/// What is to be carried, in sentences.
pub(crate) fn asked(needs: &Needs) -> Vec<String> {
    let count = |n: f64| large(n);
    vec![
        format!(
            "{} logins alive, {} requests and {} logins a second, so {} requests a login; a login \
             lasts {}, an access token that is renewed {}.",
            count(needs.live_logins),
            count(needs.requests_per_second),
            rounded(needs.logins_per_second),
            rounded(needs.requests_per_login()),
            words::duration_ms(needs.lifetime_s * 1e3),
            words::duration_ms(needs.access_lifetime_s * 1e3),
        ),
        format!(
            "{} more remembered of a login; {}{}; {} of your own CPU time a request.",
            words::counted(needs.claims_bytes as u64, "byte", "bytes"),
            words::counted(needs.regions as u64, "region", "regions"),
            match needs.regions > 1.0 {
                true => format!(", {} apart", words::duration_ms(needs.round_trip_ms)),
                false => String::new(),
            },
            words::nanoseconds(needs.handler_ns),
        ),
        format!(
            "No core busier than {}, at least {} a region, a node of the store holds {}.",
            words::percent(needs.utilisation_max),
            words::counted(needs.instances_min as u64, "instance", "instances"),
            bytes(needs.store_node_bytes),
        ),
    ]
}

/// Every table of a plan.
pub(crate) fn tables(plan: &Plan) -> Vec<Table> {
    let mut tables = vec![servers(plan), stores(plan), rest(plan)];
    for of in [
        Of::RoundTripMs,
        Of::RequestsPerLogin,
        Of::AccessLifetimeS,
        Of::ClaimsBytes,
    ] {
        tables.extend(points(plan, of));
    }
    tables
}

/// What is missing, each unit cost once for all arms together, and what would measure it.
pub(crate) fn missing(plan: &Plan) -> Vec<String> {
    let mut found: Vec<Missing> = Vec::new();
    let of_arms = plan.arms.iter().flat_map(figures);
    let of_points = plan
        .break_evens
        .iter()
        .filter_map(|point| match &point.less {
            Less::NotMeasured(missing) => Some(missing),
            _ => None,
        });
    for missing in of_arms.filter_map(Figure::missing).chain(of_points) {
        let same =
            |one: &&mut Missing| (one.what, one.measured_by) == (missing.what, missing.measured_by);
        match found.iter_mut().find(same) {
            Some(one) => {
                let new = missing.arms.iter().filter(|arm| !one.arms.contains(arm));
                let new: Vec<_> = new.cloned().collect();
                one.arms.extend(new);
            }
            None => found.push(missing.clone()),
        }
    }
    let line = |missing: &Missing| match missing.measured_by {
        Some(by) => format!(
            "Not measured: {}; `{by} --arms {}` measures it.",
            missing.what,
            missing.arms.join(",")
        ),
        None => format!(
            "Not measured: {} ({}); no preset measures it.",
            missing.what,
            missing.arms.join(", ")
        ),
    };
    let mut lines: Vec<_> = found.iter().map(line).collect();
    if !plan.arms_without_cost.is_empty() {
        lines.push(format!(
            "Not planned, since no record has the cost of a request: {}.",
            plan.arms_without_cost.join(", ")
        ));
    }
    lines
}

/// Where figures come from, a line for each record.
pub(crate) fn sources(sources: &[Source]) -> Vec<String> {
    let line = |source: &Source| {
        let doubts = match source.doubts.is_empty() {
            true => String::new(),
            false => format!(" Not to be quoted: {}.", words::join(&source.doubts)),
        };
        format!(
            "From `{}`, {}, commit {}, {}.{doubts}",
            source.command, source.started_at, source.commit, source.cpu
        )
    };
    sources.iter().map(line).collect()
}

fn figures(arm: &ArmPlan) -> [&Figure; 15] {
    [
        &arm.request_cores,
        &arm.login_cores,
        &arm.instances,
        &arm.server_bytes,
        &arm.balancer_cores,
        &arm.store_request_cores,
        &arm.store_login_cores,
        &arm.store_commands_per_second,
        &arm.store_bytes,
        &arm.store_nodes_by_memory,
        &arm.store_nodes_by_commands,
        &arm.in_bits_per_second,
        &arm.out_bits_per_second,
        &arm.added_wait_ms,
        &arm.revocation_window_s,
    ]
}

fn table(
    plan: &Plan,
    title: &str,
    head: Vec<&'static str>,
    foot: &str,
    row: impl Fn(&ArmPlan) -> Vec<String>,
) -> Table {
    let rows = plan.arms.iter().map(|arm| {
        let label = std::iter::once(words::capital(&arm.label));
        label.chain(row(arm)).collect()
    });
    Table {
        title: title.to_owned(),
        head,
        rows: rows.collect(),
        foot: foot.to_owned(),
    }
}

fn servers(plan: &Plan) -> Table {
    let head = vec![
        "arm",
        "request cores",
        "login cores",
        "instances",
        "memory",
        "balancer cores",
        "measured at",
    ];
    let foot = "Cores are busy ones; an instance has one thread. Logins include the check of the \
                password and renewed tokens. A request was measured at so many a second for each \
                instance; it costs less on a busier one, so at higher rates cores are an upper \
                bound. The balancer is ours, which costs more than HAProxy.";
    table(plan, "Servers", head, foot, |arm| {
        vec![
            shown(&arm.request_cores, rounded),
            shown(&arm.login_cores, rounded),
            shown(&arm.instances, large),
            shown(&arm.server_bytes, bytes),
            shown(&arm.balancer_cores, rounded),
            shown(&arm.measured_at_rps, |rps| format!("{}/s", large(rps))),
        ]
    })
}

fn stores(plan: &Plan) -> Table {
    let head = vec![
        "arm",
        "commands",
        "request cores",
        "login cores",
        "memory",
        "nodes by commands",
        "nodes by memory",
    ];
    let foot = "Commands are those of requests. A node carries them out on one core. Of nodes \
                take the larger figure, and as many again for each copy.";
    table(plan, "The store", head, foot, |arm| {
        let of_store = |figure: &Figure, words: fn(f64) -> String| match arm.asks_store {
            true => shown(figure, words),
            false => "–".to_owned(),
        };
        vec![
            of_store(&arm.store_commands_per_second, |per_second| {
                format!("{}/s", large(per_second))
            }),
            of_store(&arm.store_request_cores, rounded),
            of_store(&arm.store_login_cores, rounded),
            of_store(&arm.store_bytes, bytes),
            of_store(&arm.store_nodes_by_commands, large),
            of_store(&arm.store_nodes_by_memory, large),
        ]
    })
}

fn rest(plan: &Plan) -> Table {
    let head = vec![
        "arm",
        "bandwidth in",
        "bandwidth out",
        "longer wait",
        "ended login works",
    ];
    let foot = "Bandwidth is that of heads and bodies of requests, without TCP, TLS and what your \
                handler answers. Requests wait longer where the store is in another region; the \
                mean over all of them.";
    table(plan, "Network and revocation", head, foot, |arm| {
        vec![
            shown(&arm.in_bits_per_second, bits),
            shown(&arm.out_bits_per_second, bits),
            shown(&arm.added_wait_ms, words::duration_ms),
            shown(&arm.revocation_window_s, |seconds| match seconds > 0.0 {
                true => format!("up to {}", words::duration_ms(seconds * 1e3)),
                false => "not at all".to_owned(),
            }),
        ]
    })
}

/// Where signing costs less than asking a store, as one thing is varied.
fn points(plan: &Plan, of: Of) -> Option<Table> {
    let known = |point: &&Point| point.of == of && !matches!(point.less, Less::NotMeasured(_));
    let points: Vec<_> = plan.break_evens.iter().filter(known).collect();
    let (title, foot) = match of {
        Of::RoundTripMs => (
            "By the round trip to the store",
            "Latency at the median, as measured.",
        ),
        Of::RequestsPerLogin => (
            "By the requests of a login",
            "CPU time of server and store; of a login what is left without the check of the \
             password.",
        ),
        Of::AccessLifetimeS => (
            "By the lifetime of a renewed access token",
            "CPU time of server and store, at the requests a second of a login that were asked \
             for.",
        ),
        Of::ClaimsBytes => (
            "By the bytes of claims",
            "CPU time of server and store. Beyond some 6,000 bytes a token is refused.",
        ),
    };
    let rows = points.iter().map(|point| {
        vec![
            words::capital(&point.label),
            words::capital(&point.against_label),
            less(&point.less, of),
        ]
    });
    (!points.is_empty()).then(|| Table {
        title: title.to_owned(),
        head: vec!["this arm", "costs less than", "where"],
        rows: rows.collect(),
        foot: foot.to_owned(),
    })
}

fn less(less: &Less, of: Of) -> String {
    let at = |value: f64| match of {
        Of::RoundTripMs => format!("{value:.2} ms"),
        Of::RequestsPerLogin => rounded(value),
        Of::AccessLifetimeS => words::duration_ms(value * 1e3),
        Of::ClaimsBytes => format!("{} bytes", large(value)),
    };
    match less {
        Less::From(value) => format!("from {} on", at(*value)),
        Less::UpTo(value) => format!("up to {}", at(*value)),
        Less::Always => "always".to_owned(),
        Less::Never => "never".to_owned(),
        Less::NotMeasured(_) => UNKNOWN.to_owned(),
    }
}

/// The model against what was measured.
pub(crate) fn checked(points: &[check::Point]) -> Table {
    let rows = points.iter().map(|point| {
        let (figure, unit): (_, fn(f64) -> String) = match point.figure {
            Checked::ServerCores => ("CPU of the servers", share_of_core),
            Checked::StoreCores => ("CPU of the store", share_of_core),
            Checked::ServerBytes => ("memory of the servers", bytes),
            Checked::StoreBytes => ("memory of the store", bytes),
        };
        vec![
            words::capital(&point.label),
            words::counted(point.instances.into(), "server", "servers"),
            words::count(point.live_logins),
            figure.to_owned(),
            unit(point.predicted),
            unit(point.measured),
            format!(
                "{}{}",
                signed_percent(point.error),
                if point.holds() { "" } else { " ✗" }
            ),
        ]
    });
    let held = points.iter().filter(|point| point.holds()).count();
    Table {
        title: format!(
            "{} predictions within {}",
            words::of(held as u64, points.len() as u64),
            words::percent(check::ERROR_MAX)
        ),
        head: vec![
            "arm",
            "servers",
            "logins",
            "figure",
            "predicted",
            "measured",
            "error",
        ],
        rows: rows.collect(),
        foot: "All predicted from one point: two servers, 100 logins, and what 20,000 more added \
               at one of them. Medians over blocks. Where nothing is kept of a login, no more than \
               10,000 are made."
            .to_owned(),
    }
}

fn shown(figure: &Figure, words: impl Fn(f64) -> String) -> String {
    figure.value().map_or_else(|| UNKNOWN.to_owned(), words)
}

/// `0.34`, `12.5`, `1,234`: three digits that count, whole from a hundred on.
fn rounded(n: f64) -> String {
    match n {
        0.0 => "0".to_owned(),
        n if n < 0.01 => "< 0.01".to_owned(),
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => large(n),
    }
}

/// A number that counts things; a million and more in words.
fn large(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{} thousand million", rounded(n / 1e9)),
        n if n >= 1e6 => format!("{} million", rounded(n / 1e6)),
        n => words::count(n.round() as u64),
    }
}

fn bytes(n: f64) -> String {
    match n {
        n if n >= 1e12 => format!("{} TB", rounded(n / 1e12)),
        n => words::bytes(n.round() as u64),
    }
}

fn bits(n: f64) -> String {
    for (size, unit) in [(1e12, "Tbit/s"), (1e9, "Gbit/s"), (1e6, "Mbit/s")] {
        if n >= size {
            return format!("{} {unit}", rounded(n / size));
        }
    }
    format!("{} kbit/s", rounded(n / 1e3))
}

fn share_of_core(cores: f64) -> String {
    format!("{cores:.4} cores")
}

fn signed_percent(share: f64) -> String {
    let sign = if share < 0.0 { '\u{2212}' } else { '+' };
    format!("{sign}{:.1} %", share.abs() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_count() {
        let all = [0.0, 0.001, 1.234, 12.34, 1_234.0].map(rounded);
        assert_eq!(all, ["0", "< 0.01", "1.23", "12.3", "1,234"]);
        assert_eq!(large(1e9), "1.00 thousand million");
        assert_eq!(bits(4e6), "4.00 Mbit/s");
        assert_eq!(bytes(1.5e12), "1.50 TB");
        assert_eq!(signed_percent(-0.042), "\u{2212}4.2 %");
    }
}
