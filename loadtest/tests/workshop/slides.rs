//! The slides and the handout to print: HTML made from the same Markdown, and kept beside it. With
//! `UPDATE_SLIDES=1` they are written, otherwise held against what would be written.

use std::fs;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::{Options, Parser};

use super::page;

/// Says who made a page, so that nobody edits it; the tidy test knows it by its place.
const MADE: &str = "<!-- Made from the Markdown beside it: \
    UPDATE_SLIDES=1 cargo test --workspace --test workshop slides:: -->";

/// Lines of Markdown from which on a slide takes smaller type.
const DENSE_LINES: usize = 12;

/// Characters from which on it does, too.
const DENSE_CHARACTERS: usize = 750;

fn rendered(markdown: &str) -> Markup {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, parser);
    PreEscaped(out)
}

fn page(title: &str, style: &str, body: &Markup, script: Option<&str>) -> String {
    let page = html! {
        (DOCTYPE) (PreEscaped(MADE))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                (body)
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
    };
    format!("{}\n", page.into_string())
}

/// How much stands on a slide decides how large its type is.
fn size(text: &str) -> &'static str {
    // A row of a table takes two lines.
    let rows = text.lines().filter(|line| line.starts_with('|')).count();
    let lines = text.lines().count() + rows;
    let characters = text.chars().count();
    if lines > 2 * DENSE_LINES || characters > 2 * DENSE_CHARACTERS {
        "smallest"
    } else if lines > DENSE_LINES || characters > DENSE_CHARACTERS {
        "small"
    } else {
        "large"
    }
}

fn slides() -> String {
    let all = page::all();
    let body = html! {
        section .title {
            h1 { "Session or JWT?" }
            p { "You log in on the first of two servers; does the second one know you?" }
            ol { @for exercise in &all { li { (exercise.title.split_once(". ").unwrap().1) } } }
            p .hint { "Arrow keys go back and on." }
        }
        @for exercise in &all {
            section .title {
                h2 { (exercise.title) }
                div { (rendered(exercise.part("The question"))) }
                p .hint { (exercise.minutes) " minutes" }
            }
            @for part in exercise.parts.iter().filter(|part| part.name != "The question") {
                @for (n, text) in pieces(&part.text).into_iter().enumerate() {
                    section class=(size(&text)) {
                        h3 { (exercise.title) }
                        h2 { (part.name) @if n > 0 { " (on)" } }
                        div { (rendered(&text)) }
                    }
                }
            }
        }
    };
    let style = include_str!("slides.css");
    page(
        "Session or JWT? Eight exercises",
        style,
        &body,
        Some(include_str!("slides.js")),
    )
}

/// What goes onto one slide each: a long part is cut between blocks.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut fenced = false;
    let mut block = String::new();
    let mut blocks = Vec::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if line.is_empty() && !fenced {
            blocks.push(std::mem::take(&mut block));
        } else {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks.push(block);
    for block in blocks {
        let fits = |piece: &&mut String| {
            let together = format!("{piece}\n{block}");
            size(&together) != "smallest"
        };
        match pieces.last_mut().filter(fits) {
            Some(piece) => {
                piece.push('\n');
                piece.push_str(&block);
            }
            None => pieces.push(block),
        }
    }
    pieces
}

fn handout() -> String {
    let markdown = fs::read_to_string(page::folder().join("HANDOUT.md")).unwrap();
    let title = "Session or JWT? One page to take home";
    page(
        title,
        include_str!("handout.css"),
        &rendered(&markdown),
        None,
    )
}

#[track_caller]
fn is_kept(name: &str, wanted: &str) {
    let path = page::folder().join(name);
    if std::env::var_os("UPDATE_SLIDES").is_some() {
        fs::write(&path, wanted).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == wanted,
        "docs/workshop/{name} is not what the Markdown says: {MADE}"
    );
}

#[test]
fn the_slides_are_made_from_the_exercises() {
    is_kept("slides.html", &slides());
}

#[test]
fn the_handout_is_made_from_its_markdown() {
    is_kept("handout.html", &handout());
}

#[test]
fn a_slide_asks_no_network() {
    for made in [slides(), handout()] {
        for marker in ["src=", "@import", "url(", "<link"] {
            assert!(!made.contains(marker), "{marker}");
        }
    }
}
