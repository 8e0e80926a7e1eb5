//! For how long an ended login went on working.

use maud::{Markup, html};

use super::parts;
use super::section;
use crate::record::Revocation;
use crate::report::headline::LOGGED_OUT;
use crate::report::lag::{self, Lag};
use crate::report::view::{View, letter};
use crate::report::{titles, words};

/// How long an ended login still worked: bars for log-out, then every event.
pub(super) fn render(view: View<'_>) -> Markup {
    let rows = &view.record.revocations;
    let body = html! {
        @if rows.is_empty() {
            p.lead { "No revocation was observed in this run." }
        } @else {
            p.lead {
                "From the answer to the log-out until the last request that was still accepted, by "
                "the server that was asked."
            }
            (lag_bars(view))
            (lag_table(view))
        }
    };
    section("log-out", &titles::lags(view), &body)
}

fn lag_bars(view: View<'_>) -> Markup {
    let arms = view.headline_arms().into_iter();
    let worst = arms.filter_map(|arm| {
        let rows = view.revocations(&arm.arm, LOGGED_OUT);
        let longest_ms = rows.iter().map(|row| row.lag_ms).fold(0.0_f64, f64::max);
        Some((arm, longest_ms, lag::of_rows(&rows)?.word))
    });
    let worst: Vec<_> = worst.collect();
    let longest = worst
        .iter()
        .map(|(_, lag_ms, _)| *lag_ms)
        .fold(1.0_f64, f64::max);
    html! {
        ul.lags {
            @for (arm, lag_ms, said) in worst {
                li {
                    b { (view.full_label(arm)) } ": " (said)
                    span.track aria-hidden="true" {
                        @if lag_ms > 0.0 {
                            i style={ "width:" (format!("{:.1}", lag_ms / longest * 100.0)) "%" } {}
                        }
                    }
                }
            }
        }
        p.foot { "Bars begin at zero; the longest is " (words::duration_ms(longest)) "." }
    }
}

/// Arms against events, with the lag of each instance that was asked.
fn lag_table(view: View<'_>) -> Markup {
    let rows = &view.record.revocations;
    let mut events: Vec<(&str, Option<&str>)> = Vec::new();
    let mut arms: Vec<&str> = Vec::new();
    for row in rows {
        let event = key(row);
        if !events.contains(&event) {
            events.push(event);
        }
        if !arms.contains(&row.arm.as_str()) {
            arms.push(&row.arm);
        }
    }
    let table = html! {
        table.matrix {
            caption { "Lag at each server, in brackets the requests accepted after the answer" }
            thead {
                tr {
                    th scope="col" { "arm" }
                    @for (event, variant) in &events {
                        th scope="col" {
                            (view.event(event).label)
                            @if let Some(variant) = variant { " (" (variant) ")" }
                        }
                    }
                    th scope="col" { "promised bound" }
                    th scope="col" { "lifetime" }
                }
            }
            tbody {
                @for arm in &arms {
                    @let own: Vec<_> = rows.iter().filter(|row| row.arm == *arm).collect();
                    tr {
                        th scope="row" { (words::capital(&view.short_label_of(arm))) }
                        @for (event, variant) in &events {
                            td.split {
                                @for row in &own {
                                    @if key(row) == (*event, *variant) { (lag_cell(row)) }
                                }
                            }
                        }
                        td { (distinct_ms(&own, |row| row.bound_ms)) }
                        td { (distinct_ms(&own, |row| row.lifetime_ms)) }
                    }
                }
            }
        }
    };
    html! {
        h3 { "Every revocation" }
        (parts::scrolling("Every revocation", &table))
        p.foot {
            "Times are exact to one poll: " (resolution(rows)) ". "
            "“≥”: still accepted when the watching ended."
        }
    }
}

fn key(row: &Revocation) -> (&str, Option<&str>) {
    (&row.event, row.variant.as_deref())
}

fn lag_cell(row: &Revocation) -> Markup {
    html! {
        div class=(lag::lag(row).tone().name()) {
            (letter(&row.instance)) " "
            @if lag::lag(row) == Lag::NeverKnown { (Lag::NeverKnown.statement()) }
            @else if row.censored { "≥ " (words::duration_ms(row.lag_ms)) }
            @else { (words::duration_ms(row.lag_ms)) }
            @if row.accepted_after > 0 { " (" (words::count(row.accepted_after)) ")" }
            @if !row.as_expected { br; span.missed { "≠ expected: " (row.expected) } }
        }
    }
}

fn distinct_ms(rows: &[&Revocation], of: fn(&Revocation) -> Option<u64>) -> String {
    let mut values: Vec<_> = rows.iter().filter_map(|row| of(row)).collect();
    values.sort_unstable();
    values.dedup();
    let values: Vec<_> = values
        .into_iter()
        .map(|ms| words::duration_ms(ms as f64))
        .collect();
    if values.is_empty() {
        "none".to_owned()
    } else {
        words::join(&values)
    }
}

/// How exact the lags are: the finest and the coarsest gap between polls.
fn resolution(rows: &[Revocation]) -> String {
    let of = |fold: fn(f64, f64) -> f64| rows.iter().map(|row| row.resolution_ms).reduce(fold);
    match (of(f64::min), of(f64::max)) {
        (Some(least), Some(most)) if most - least >= 1.0 => {
            format!(
                "{} to {}",
                words::duration_ms(least),
                words::duration_ms(most)
            )
        }
        (Some(least), _) => words::duration_ms(least),
        _ => String::new(),
    }
}
