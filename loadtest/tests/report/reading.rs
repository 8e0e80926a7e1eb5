//! How the tests read a page, and how they alter the world that it is about.

use loadtest::record::Record;
use loadtest::report::{Options, html};

/// The page as a reader gets it who chooses nothing.
pub(crate) fn page(record: &Record) -> String {
    html(record, &Options::default())
}

/// The words of a page, without its tags: what a reader sees.
pub(crate) fn words(page: &str) -> String {
    let body = &page[page.find("<body>").expect("a body")..];
    let mut words = String::new();
    let mut within_tag = false;
    for letter in body.chars() {
        match letter {
            '<' => within_tag = true,
            '>' => {
                within_tag = false;
                words.push(' ');
            }
            letter if !within_tag => words.push(letter),
            _ => {}
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
}

/// Make every outcome of `from`'s arms that of `to`: requests, hops, lags.
pub(crate) fn behaves_like(record: &mut Record, from: &str, to: &str) {
    let source = record.clone();
    record.cells.retain(|cell| cell.arm != from);
    record.revocations.retain(|row| row.arm != from);
    for mut cell in source.cells.into_iter().filter(|cell| cell.arm == to) {
        from.clone_into(&mut cell.arm);
        record.cells.push(cell);
    }
    for mut row in source.revocations.into_iter().filter(|row| row.arm == to) {
        from.clone_into(&mut row.arm);
        record.revocations.push(row);
    }
}
