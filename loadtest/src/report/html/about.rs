//! The end of the report: doubts, and how it was run.

use maud::{Markup, html};

use super::parts;
use super::section;
use crate::record::Arm;
use crate::report::view::View;
use crate::report::{advice, words};

/// What may be wrong, and what to do about it.
pub(super) fn doubts(view: View<'_>) -> Markup {
    let doubts = &view.record.doubts;
    let title = match doubts.len() {
        0 => "The run noted no doubt".to_owned(),
        n => words::counted(n as u64, "reason to doubt this", "reasons to doubt this"),
    };
    let body = html! {
        @if doubts.is_empty() {
            p.lead { "That is no proof that there is none." }
        } @else {
            ul.doubts {
                @for doubt in doubts {
                    li {
                        b { (words::capital(&doubt.about)) ": " } (doubt.text) " "
                        code.soft { (doubt.kind) }
                    }
                }
            }
        }
    };
    section("doubts", &title, &body)
}

/// Environment, command, arms with their settings, and what this does not show.
pub(super) fn how(view: View<'_>) -> Markup {
    let record = view.record;
    let body = html! {
        h3 { "The command" }
        pre { code { (advice::command(view)) } }
        (environment(view))
        (arms(view))
        h3 { "Limits" }
        ul {
            li {
                "A share is one of requests; its interval is Wilson's over visitors, because "
                "requests of one visitor depend on each other."
            }
            li { "A lag is exact to one poll. “Until expiry” is a setting, not a speed." }
            @if record.measures.is_empty() { li { "Nothing here says what a check costs." } }
            @if record.interrupted {
                li { "The run was stopped before its end; what is missing was not observed." }
            }
        }
        p.foot { "Everything on this page was made from record.json, schema " (record.schema) "." }
    };
    section("how", "How it was run", &body)
}

fn environment(view: View<'_>) -> Markup {
    let record = view.record;
    let environment = &record.environment;
    let known = |words: &str| {
        if words.is_empty() {
            "unknown".to_owned()
        } else {
            words.to_owned()
        }
    };
    let mut facts = vec![
        ("Seed", record.seed.to_string()),
        ("Began", known(&record.started_at)),
        ("Ended", known(&record.finished_at)),
        ("Processor", known(&environment.cpu)),
        (
            "Cores",
            at_least_one(environment.cores.into(), |n| n.to_string()),
        ),
        (
            "Memory",
            at_least_one(environment.memory_bytes, words::bytes),
        ),
        ("System", known(&environment.kernel)),
        ("Compiler", known(&environment.rustc)),
        ("Build", known(&environment.profile)),
        ("Commit", known(&environment.commit)),
    ];
    if let Some(load) = environment.load_average_1m {
        facts.push(("Load before", format!("{load:.2}")));
    }
    if let Some(percent) = environment.cpu_pressure_percent {
        facts.push((
            "Waiting for a core before",
            format!("{percent:.0} % of the time"),
        ));
    }
    if let Some(cores) = environment.cpu_quota_cores {
        facts.push(("CPU quota", format!("{cores:.1} cores")));
    }
    html! {
        h3 { "The machine and the build" }
        dl.facts { @for (name, fact) in &facts { dt { (name) } dd { (fact) } } }
        @if !environment.topology.is_empty() {
            h3 { "Who ran where" }
            dl.facts { @for (name, fact) in &environment.topology { dt { (name) } dd { (fact) } } }
        }
        @if !environment.versions.is_empty() {
            h3 { "Versions" }
            p {
                @for (at, (name, version)) in environment.versions.iter().enumerate() {
                    @if at > 0 { " · " } (name) " " (version)
                }
            }
        }
    }
}

/// A figure that is never zero where it is known.
fn at_least_one(n: u64, words: impl Fn(u64) -> String) -> String {
    if n == 0 {
        "unknown".to_owned()
    } else {
        words(n)
    }
}

fn arms(view: View<'_>) -> Markup {
    let table = html! {
        table.matrix {
            thead {
                tr {
                    th scope="col" { "arm" }
                    th scope="col" { "pool" }
                    th scope="col" { "policy" }
                    th.number scope="col" { "instances" }
                    th scope="col" { "settings" }
                }
            }
            tbody {
                @for arm in &view.record.arms {
                    tr {
                        th scope="row" { (view.full_label(arm)) small { code { (arm.arm) } }
                            @if !arm.teaches.is_empty() { small { (arm.teaches) } } }
                        td { code { (arm.pool) } }
                        td { (arm.policy) }
                        td.number { (arm.instances) }
                        td { (settings(arm)) }
                    }
                }
            }
        }
    };
    html! {
        @if !view.record.arms.is_empty() {
            h3 { "What was compared" }
            (parts::scrolling("What was compared", &table))
        }
    }
}

fn settings(arm: &Arm) -> Markup {
    html! {
        @if let Some(because) = &arm.not_run_because { "not run: " (because) }
        @else {
            @for (at, (name, value)) in arm.settings.iter().enumerate() {
                @if at > 0 { br; }
                @let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                code { (name) " = " (value) }
            }
        }
    }
}
