//! The frontier as a drawing: in the report, and as a file of its own for a README.
//!
//! Left to right is the lag, on a scale of tens; upwards is the cost, from zero. Every mark has its
//! name beside it, so that nothing depends on colour.

use maud::{Markup, PreEscaped, html};

use super::section;
use crate::report::frontier::{LIFETIMES_MS, Mark, Span, marks};
use crate::report::view::View;
use crate::report::words;

/// The drawing, and the plane in it, in its own units.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 396.0;

/// Between two names, at least.
const LINE: f64 = 21.0;

/// The ends of the scale of lags, in milliseconds.
const LAG_MS: (f64, f64) = (5.0, 3_600_000.0);

/// What stands at the scale of lags.
const LAGS: [(f64, &str); 6] = [
    (10.0, "10 ms"),
    (100.0, "0.1 s"),
    (1_000.0, "1 s"),
    (10_000.0, "10 s"),
    (60_000.0, "1 min"),
    (3_600_000.0, "60 min"),
];

/// What SVG is, in a file of its own.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// What a file of its own needs to look like itself, light and dark.
const STYLE: &str = "\
svg{--ink:#16181d;--soft:#50545e;--line:#d5d6d3;--bar:#1f6ca8;--paper:#fff;\
font:15px system-ui,sans-serif}\
@media(prefers-color-scheme:dark){svg{--ink:#eceef2;--soft:#b3b8c2;--line:#383d46;--bar:#63b0ea;\
--paper:#15171b}}";

/// The section of the report; nothing where no arm's cost and lag are both known.
pub(super) fn render(view: View<'_>) -> Markup {
    let marks = marks(view);
    if marks.is_empty() {
        return html! {};
    }
    let body = html! {
        p.lead {
            "CPU of server, store and database for one request, beyond no check at all, against "
            "how long a login went on working somewhere after its log-out. A line is an arm whose "
            "logins end by time alone: there the lag is what is left of the lifetime, drawn from "
            "1 to 60 minutes."
        }
        figure.frontier { (drawing(view, &marks, None)) }
        p.foot {
            "Down and to the left is better. Upright bars are 95 % intervals; “within 10 ms” is "
            "the time between two polls: nothing was accepted later. A hollow mark is no "
            "difference shown."
        }
    };
    section("frontier", "What forgetting at once costs", &body)
}

/// The drawing as a file of its own; nothing where it would be empty.
pub(crate) fn file(view: View<'_>) -> Option<String> {
    let marks = marks(view);
    (!marks.is_empty()).then(|| drawing(view, &marks, Some(NAMESPACE)).into_string() + "\n")
}

/// A page knows what an `svg` is; a file of its own has to say it, and brings its colours along.
fn drawing(view: View<'_>, marks: &[Mark], namespace: Option<&str>) -> Markup {
    let top_us = highest_us(marks);
    let up = |ns: f64| BOTTOM - (ns / 1_000.0).max(0.0) / top_us * (BOTTOM - TOP);
    let names = names(marks, up);
    html! {
        svg xmlns=[namespace] viewBox={ "0 0 " (WIDTH) " " (HEIGHT) }
            role="img" aria-label="Cost of a check against the lag of a log-out" {
            @if namespace.is_some() {
                style { (PreEscaped(STYLE)) }
                rect width=(WIDTH) height=(HEIGHT) fill="var(--paper)" {}
            }
            (scales(top_us))
            @for (mark, name_at) in marks.iter().zip(names) {
                (place(view, mark, up, name_at))
            }
        }
    }
}

/// The upper end of the scale of costs, in microseconds: a round number above everything.
fn highest_us(marks: &[Mark]) -> f64 {
    let highest_ns = marks
        .iter()
        .map(|mark| mark.cost_interval_ns.map_or(mark.cost_ns, |[_, high]| high))
        .fold(0.0, f64::max);
    let step = step_us(highest_ns / 1_000.0);
    ((highest_ns / 1_000.0 / step).ceil() * step).max(step)
}

/// How far apart the lines of the scale of costs are: about four of them, at 1, 2 or 5.
fn step_us(highest_us: f64) -> f64 {
    let rough = (highest_us / 4.0).max(0.1);
    let ten = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * ten >= rough);
    step.unwrap_or(10.0) * ten
}

fn across(lag_ms: f64) -> f64 {
    let share = (lag_ms.max(LAG_MS.0) / LAG_MS.0).ln() / (LAG_MS.1 / LAG_MS.0).ln();
    LEFT + share * (RIGHT - LEFT)
}

fn scales(top_us: f64) -> Markup {
    let step = step_us(top_us);
    let lines = (top_us / step).round() as u32;
    html! {
        @for n in 0..=lines {
            @let us = f64::from(n) * step;
            @let y = BOTTOM - us / top_us * (BOTTOM - TOP);
            line x1=(LEFT) x2=(RIGHT) y1=(one(y)) y2=(one(y)) stroke="var(--line)" {}
            text x=(LEFT - 8.0) y=(one(y + 5.0)) text-anchor="end" fill="var(--soft)" {
                (one(us)) " µs"
            }
        }
        @for (ms, words) in LAGS {
            @let x = one(across(ms));
            line x1=(x) x2=(x) y1=(BOTTOM) y2=(BOTTOM + 6.0) stroke="var(--soft)" {}
            text x=(x) y=(BOTTOM + 24.0) text-anchor="middle" fill="var(--soft)" { (words) }
        }
        text x=(LEFT) y=(BOTTOM + 52.0) fill="var(--ink)" {
            "how long an ended login still works →"
        }
        text x="18" y=(one(f64::midpoint(TOP, BOTTOM))) text-anchor="middle" fill="var(--ink)"
            transform={ "rotate(-90 18 " (one(f64::midpoint(TOP, BOTTOM))) ")" } {
            "CPU beyond no check →"
        }
    }
}

/// Where the names stand: beside their marks, and never on top of each other.
fn names(marks: &[Mark], up: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut order: Vec<_> = (0..marks.len()).collect();
    order.sort_by(|a, b| marks[*b].cost_ns.total_cmp(&marks[*a].cost_ns));
    let mut at = vec![0.0; marks.len()];
    let mut free_from = TOP;
    for n in order {
        at[n] = up(marks[n].cost_ns).max(free_from);
        free_from = at[n] + LINE;
    }
    // The lowest may have been pushed out of the plane: then all that touch it move up.
    let mut below = BOTTOM + LINE / 2.0;
    let mut order: Vec<_> = (0..marks.len()).collect();
    order.sort_by(|a, b| at[*b].total_cmp(&at[*a]));
    for n in order {
        at[n] = at[n].min(below);
        below = at[n] - LINE;
    }
    at
}

/// One arm: its mark or line, its interval, its name.
fn place(view: View<'_>, mark: &Mark, up: impl Fn(f64) -> f64, name_y: f64) -> Markup {
    let y = up(mark.cost_ns);
    let ends = mark.cost_interval_ns.map(|ends| ends.map(&up));
    let (from, to) = match mark.lag {
        Span::Ms(ms) => (across(ms), across(ms)),
        Span::Lifetime => (across(LIFETIMES_MS.0), across(LIFETIMES_MS.1)),
    };
    let fill = if mark.differs {
        "var(--bar)"
    } else {
        "var(--paper)"
    };
    html! {
        g stroke="var(--bar)" stroke-width="2.5" {
            @if let Some([low, high]) = ends {
                line x1=(one(from)) x2=(one(from)) y1=(one(low)) y2=(one(high)) {}
            }
            @if from < to {
                line x1=(one(from)) x2=(one(to)) y1=(one(y)) y2=(one(y)) {}
            }
            circle cx=(one(from)) cy=(one(y)) r="6" fill=(fill) {}
            path d={ "M" (one(to + 9.0)) " " (one(y)) "L" (one(RIGHT + 12.0)) " " (one(name_y)) }
                stroke="var(--soft)" stroke-width="1" stroke-dasharray="2 4" fill="none" {}
        }
        text x=(RIGHT + 16.0) y=(one(name_y + 5.0)) fill="var(--ink)" {
            (words::capital(&view.short_label_of(&mark.arm))) ", "
            (words::signed_nanoseconds(mark.cost_ns)) ", "
            @match mark.lag {
                Span::Ms(ms) => { "within " (words::duration_ms(ms)) }
                Span::Lifetime => { "until expiry" }
            }
        }
    }
}

/// One digit after the point is finer than any screen.
fn one(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
