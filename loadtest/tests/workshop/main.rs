//! The workshop's pages against what happens: every command is run in a copy of the source, every
//! button is pressed in a real browser, and what the pages quote is compared with what was seen.
//!
//! A page that needs Redis, Chromium or openssl fails here where there is none.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board;
#[path = "../board_support/browser.rs"]
#[allow(dead_code, reason = "the board's own tests use the rest")]
mod browser;
mod kit;
mod page;
mod quote;
mod slides;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};

use page::{Exercise, Step};

/// The folder of the workspace.
fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

#[test]
fn there_are_eight_and_each_has_every_part() {
    let all = page::all();
    assert_eq!(all.len(), 8);
    for exercise in &all {
        let parts: Vec<_> = exercise
            .parts
            .iter()
            .map(|part| part.name.as_str())
            .collect();
        assert_eq!(parts, page::PARTS, "{}", exercise.path);
        assert!((10..=15).contains(&exercise.minutes), "{}", exercise.path);
    }
}

#[test]
fn every_file_that_is_named_is_there() {
    for path in page::documents() {
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let file = path.parent().unwrap().join(link);
            assert!(file.exists(), "{}: {link}", path.display());
        }
    }
    for exercise in page::all() {
        assert!(exercise.part("The file").contains("](../../"));
    }
}

/// What is pressed is what has an answer in the table, in the same order.
#[test]
fn every_press_has_its_row() {
    for exercise in page::all() {
        let pressed: Vec<_> = exercise
            .steps()
            .into_iter()
            .filter_map(|step| match step {
                Step::Press(label) => Some(label),
                _ => None,
            })
            .collect();
        let rows = exercise.rows().into_iter().filter_map(|row| row.pressed);
        assert_eq!(pressed, rows.collect::<Vec<_>>(), "{}", exercise.path);
    }
}

/// The page's own words are the only ones that a button can have.
#[test]
fn every_button_is_one_of_the_board() {
    let words = include_str!("../../src/board/page/words.json");
    let words: serde_json::Map<String, serde_json::Value> = serde_json::from_str(words).unwrap();
    let labels: Vec<_> = words.values().filter_map(|word| word.as_str()).collect();
    let is_one = |label: &str| {
        let here = ["A", "B"].map(|here| label.replace(&format!(" {here}"), " {here}"));
        labels.contains(&label) || here.iter().any(|label| labels.contains(&label.as_str()))
    };
    for path in page::documents() {
        let text = fs::read_to_string(&path).unwrap();
        for label in page::labels(&text) {
            let (list, option) = label.split_once(": ").unwrap_or((&label, &label));
            assert!(
                is_one(list) && is_one(option),
                "{}: {label}",
                path.display()
            );
        }
    }
}

/// A command within a sentence is not run, but it must be one.
#[test]
fn every_command_in_a_sentence_has_its_options() {
    for path in page::documents() {
        let text = fs::read_to_string(&path).unwrap();
        for command in text
            .split('`')
            .filter_map(|code| code.strip_prefix("cargo run --release -- "))
        {
            terminal::assert_is_offered(command, &path);
        }
    }
}

async fn follow(number: usize) {
    let exercise = &page::all()[number - 1];
    if exercise.has_commands() {
        terminal::follow(exercise);
    }
    if !exercise.steps().is_empty() {
        board::follow(exercise).await;
    }
}

#[tokio::test]
async fn exercise_1_says_what_happens() {
    follow(1).await;
}

#[tokio::test]
async fn exercise_2_says_what_happens() {
    follow(2).await;
}

#[tokio::test]
async fn exercise_3_says_what_happens() {
    follow(3).await;
}

#[tokio::test]
async fn exercise_4_says_what_happens() {
    follow(4).await;
}

#[tokio::test]
async fn exercise_5_says_what_happens() {
    follow(5).await;
}

#[tokio::test]
async fn exercise_6_says_what_happens() {
    follow(6).await;
}

#[tokio::test]
async fn exercise_7_says_what_happens() {
    follow(7).await;
}

#[tokio::test]
async fn exercise_8_says_what_happens() {
    follow(8).await;
}

/// The commands of the other pages: how the board is started is tried by every exercise on it.
#[test]
fn the_index_lists_every_exercise_with_its_minutes() {
    let index = fs::read_to_string(page::folder().join("README.md")).unwrap();
    for Exercise {
        path,
        title,
        minutes,
        ..
    } in page::all()
    {
        let file = path.rsplit('/').next().unwrap();
        let title = title.split_once(". ").unwrap().1;
        let wanted = format!("[{title}]({file}) | {minutes} |");
        assert!(index.contains(&wanted), "docs/workshop/README.md: {wanted}");
    }
}
