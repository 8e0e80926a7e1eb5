//! The pieces of a Markdown page, and the escaping that keeps a record's words words.

use std::fmt::Write;

use crate::report::mark::{Expectation, Mark};

/// The sign, the words, and the second sign.
pub(super) fn marked(mark: &Mark) -> String {
    let expectation = match &mark.expectation {
        None => String::new(),
        Some(Expectation::Met) => " =".to_owned(),
        Some(Expectation::Missed(expected)) => format!(" **≠ expected: {}**", text(expected)),
    };
    format!("{} {}{expectation}", mark.tone.sign(), text(&mark.line()))
        .trim_start()
        .to_owned()
}

/// A heading with its points.
pub(super) fn list(title: &str, lines: &[String]) -> String {
    let mut page = format!("## {}\n\n", text(title));
    for line in lines {
        let _ = writeln!(page, "- {}", text(line));
    }
    page + "\n"
}

/// A table, or a line where there is nothing to put in one.
pub(super) fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return "Nothing was observed.\n\n".to_owned();
    }
    let mut page = format!(
        "| {} |\n|{}\n",
        head.join(" | "),
        " --- |".repeat(head.len())
    );
    for row in rows {
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
    page + "\n"
}

/// Text that stays text, also within a table.
pub(super) fn text(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '\n' | '\r' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => {
                safe.push('\\');
                safe.push(letter);
            }
            other => safe.push(other),
        }
    }
    safe
}
