//! What a request costs: by process, arm against arm, and what else was measured beside it.

use maud::{Markup, html};

use super::parts;
use super::section;
use super::sweeps;
use crate::record::{Comparison, Section, Validity};
use crate::report::cost::{self, ArmCost};
use crate::report::sweeps::searched;
use crate::report::view::View;
use crate::report::{titles, validity, words};

/// What a request cost, by process.
pub(super) fn cost(view: View<'_>) -> Markup {
    let judged = validity::of(view, Section::Cost);
    let because = judged
        .because
        .unwrap_or_else(|| "the run is invalid".to_owned());
    let (title, body) = match judged.validity {
        Validity::NotMeasured => (
            "What a request costs".to_owned(),
            html! { p.lead { "Not measured in this run." } },
        ),
        Validity::Invalid => (
            "Cost: not shown".to_owned(),
            html! {
                p.lead { "An invalid run reports no speed: " (because) "." }
                (sweeps::render(view))
            },
        ),
        Validity::HintOnly => {
            let hint = html! { p.lead { b { "A hint only: " } (because) "." } };
            (titles::cost(view), html! { (hint) (costs(view)) })
        }
        Validity::Ok => (titles::cost(view), costs(view)),
    };
    section("cost", &title, &body)
}

fn costs(view: View<'_>) -> Markup {
    let costs = cost::by_arm(view);
    if searched(view) {
        return html! { (sweeps::render(view)) };
    }
    let most = costs
        .iter()
        .filter_map(ArmCost::total_ns)
        .fold(1.0_f64, f64::max);
    html! {
        ul.lags {
            @for cost in &costs {
                @if let Some(total) = cost.total_ns() {
                    li {
                        b { (words::capital(&view.short_label_of(&cost.arm))) } ": "
                        (words::nanoseconds(total))
                        span.track aria-hidden="true" {
                            (bar("server", cost.server_ns, most))
                            (bar("store", cost.store_ns, most))
                            (bar("rest", cost.database_ns, most))
                        }
                    }
                }
            }
        }
        p.foot.key {
            span { i {} "server" } span { i.store {} "store" } span { i.rest {} "database" }
            "CPU time per request, median over blocks. Bars begin at zero."
        }
        (cost_table(view, &costs))
        @if let Some(sentence) = cost::how_sure(view) { p.foot { (sentence) } }
        (pairs(view))
        (variants(view))
        (sweeps::render(view))
        (beside(view, &costs))
    }
}

fn bar(process: &str, ns: Option<f64>, most: f64) -> Markup {
    html! {
        @if let Some(ns) = ns.filter(|ns| *ns > 0.0) {
            i class=(process) style={ "width:" (format!("{:.1}", ns / most * 100.0)) "%" } {}
        }
    }
}

fn cost_table(view: View<'_>, costs: &[ArmCost]) -> Markup {
    let table = html! {
        table.matrix {
            caption {
                "Direct to the server that took the login, valid credentials only"
                @if let Some(variant) = cost::variant(view) { " (" (variant) ")" }
            }
            thead {
                tr {
                    th scope="col" { "arm" }
                    @for name in ["server", "store", "database", "generator"] {
                        th.number scope="col" { (name) }
                    }
                    th.number scope="col" { (cost::ratio_heading(view)) }
                    @for name in ["difference", "store commands", "bytes out / in", "blocks",
                        "requests"] {
                        th.number scope="col" { (name) }
                    }
                }
            }
            tbody { @for cost in costs { (cost_row(view, cost)) } }
        }
    };
    parts::scrolling("Cost by process", &table)
}

/// What an arm's row of costs is linked to by.
pub(super) fn row_id(arm: &str) -> String {
    format!("cost-{arm}")
}

fn cost_row(view: View<'_>, cost: &ArmCost) -> Markup {
    let ns = |ns: Option<f64>| ns.map_or_else(|| "–".to_owned(), words::nanoseconds);
    let comparison = cost::against_zero(view, &cost.arm);
    html! {
        tr id=(row_id(&cost.arm)) {
            th scope="row" { (words::capital(&view.short_label_of(&cost.arm))) }
            td.number { (ns(cost.server_ns)) }
            td.number { (ns(cost.store_ns)) }
            td.number { (ns(cost.database_ns)) }
            td.number { (ns(cost.generator_ns)) }
            td.number {
                @if let Some(one) = comparison { (ratio(one)) } @else { "–" }
            }
            td.number {
                @if let Some(one) = comparison {
                    (words::signed_nanoseconds(one.difference_ns))
                    @if let Some([low, high]) = one.difference_interval {
                        small { "[" (words::nanoseconds(low)) ", " (words::nanoseconds(high)) "]" }
                    }
                } @else { "–" }
            }
            td.number { (commands(cost.store_commands)) }
            td.number { (bytes(cost.bytes_sent)) " / " (bytes(cost.bytes_received)) }
            td.number { (cost.blocks) }
            td.number { (words::count(cost.requests)) }
        }
    }
}

fn commands(commands: Option<f64>) -> String {
    commands.map_or_else(|| "–".to_owned(), |commands| format!("{commands:.2}"))
}

fn bytes(bytes: Option<f64>) -> String {
    bytes.map_or_else(|| "–".to_owned(), |bytes| format!("{bytes:.0}"))
}

fn ratio(comparison: &Comparison) -> Markup {
    html! { (cost::ratio_words(comparison)) small { (cost::verdict_words(comparison.verdict)) } }
}

/// Arms against each other, the zero line aside.
fn pairs(view: View<'_>) -> Markup {
    let pairs = cost::pairs(view);
    let label = |arm: &str| words::capital(&view.short_label_of(arm));
    let table = html! {
        table.matrix {
            caption { "CPU of server, store and database for one request" }
            thead {
                tr {
                    th scope="col" { "arm" }
                    th scope="col" { "beside" }
                    th.number scope="col" { "ratio" }
                    th.number scope="col" { "difference" }
                }
            }
            tbody {
                @for one in &pairs {
                    tr {
                        th scope="row" { (label(&one.arm)) }
                        td { (label(&one.against)) }
                        td.number { (ratio(one)) }
                        td.number { (words::signed_nanoseconds(one.difference_ns)) }
                    }
                }
            }
        }
    };
    html! {
        @if !pairs.is_empty() {
            h3 { "One way beside another" }
            (parts::scrolling("One way beside another", &table))
        }
    }
}

/// What the arms cost when something is done otherwise.
fn variants(view: View<'_>) -> Markup {
    let ns = |ns: Option<f64>| ns.map_or_else(|| "–".to_owned(), words::nanoseconds);
    let variants: Vec<_> = cost::variants(view).collect();
    let table = html! {
        table.matrix {
            caption { "CPU of server, store and database for one request, medians over blocks" }
            thead {
                tr {
                    th scope="col" { "what is done otherwise" }
                    th scope="col" { "arm" }
                    @for name in ["CPU", "ratio to the same arm without", "balancer",
                        "bytes out / in", "half within", "99 % within"] {
                        th.number scope="col" { (name) }
                    }
                }
            }
            tbody {
                @for variant in &variants {
                    @for cost in cost::by_arm_in(view, Some(variant)) {
                        tr {
                            td { (words::capital(variant)) }
                            th scope="row" {
                                (words::capital(&view.short_label_of(&cost.arm)))
                            }
                            td.number { (ns(cost.total_ns())) }
                            td.number {
                                @match cost::beside_usual(view, &cost.arm, variant) {
                                    Some(one) => (ratio(one)),
                                    None => "–",
                                }
                            }
                            td.number { (ns(cost.balancer_ns)) }
                            td.number {
                                (bytes(cost.bytes_sent)) " / " (bytes(cost.bytes_received))
                            }
                            td.number { (ns(cost.service_p50_ns)) }
                            td.number { (ns(cost.service_p99_ns)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if !variants.is_empty() {
            h3 { "Done otherwise" }
            (parts::scrolling("Done otherwise", &table))
        }
    }
}

/// Latency on both clocks, waiting and memory: what shared machines and allocators blur.
fn beside(view: View<'_>, costs: &[ArmCost]) -> Markup {
    let ns = |ns: Option<f64>| ns.map_or_else(|| "–".to_owned(), words::nanoseconds);
    let table = html! {
        table.matrix {
            caption { "Medians over blocks" }
            thead {
                tr {
                    th scope="col" { "arm" }
                    @for name in ["half within", "99 % within", "half, from the plan",
                        "99 %, from the plan", "server waited for a core", "memory a login"] {
                        th.number scope="col" { (name) }
                    }
                }
            }
            tbody {
                @for cost in costs {
                    tr {
                        th scope="row" { (words::capital(&view.short_label_of(&cost.arm))) }
                        @for figure in [cost.service_p50_ns, cost.service_p99_ns,
                            cost.intended_p50_ns, cost.intended_p99_ns, cost.server_wait_ns] {
                            td.number { (ns(figure)) }
                        }
                        td.number {
                            (bytes(cost.memory_bytes_per_login))
                            @if cost.memory_bytes_per_login.is_some() { " bytes" }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if costs.iter().any(|cost| cost.service_p50_ns.is_some()) {
            h3 { "Latency, waiting, memory" }
            (parts::scrolling("Latency, waiting, memory", &table))
            p.foot {
                "Latency runs from the moment the client turned to a request; “from the plan”, "
                "from the moment at which it should have done so. On few cores both say more about "
                "the machine than about an arm. Waiting is a lower bound. Memory includes what an "
                "allocator holds in reserve: the first line shows how much of it is no login."
            }
        }
    }
}
