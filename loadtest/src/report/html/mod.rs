//! The report as one HTML file: no network, no script, light and dark, fit for paper.
//!
//! What is said comes from [`super::findings`] and its neighbours; here it only gets its place.
//! maud escapes whatever a record holds, names of arms included.

mod about;
mod against;
mod choose;
mod cost;
pub(super) mod frontier;
mod hops;
mod ladder;
mod lags;
mod matrix;
mod page_one;
mod parts;
pub(crate) mod plan;
mod sweeps;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::view::View;
use super::{Options, titles};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(crate) fn render(view: View<'_>, options: &Options) -> String {
    let title = titles::page(view);
    let body = html! {
        (page_one::render(view, options, &title))
        @if let Some(other) = &options.against {
            (against::render(view, View::new(other)))
        }
        @if view.watched() {
            (choose::render(view))
            (matrix::render(view))
            (hops::render(view))
            (lags::render(view))
        }
        (cost::cost(view))
        (frontier::render(view))
        (ladder::render(view))
        (about::doubts(view))
        (about::how(view))
    };
    page(&title, &body)
}

/// What every page is: its head, and one column.
fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · session-vs-jwt" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

/// A section with its title, and an anchor to jump to.
fn section(id: &str, title: &str, body: &Markup) -> Markup {
    html! {
        section id=(id) {
            h2 { (title) }
            (body)
        }
    }
}
