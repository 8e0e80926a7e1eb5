//! Whether what was seen is what a page quotes, where `…` stands for what may differ: within a
//! line for any text, alone on a line for any lines.

/// Whether a line fits its quotation.
pub(crate) fn line_fits(quoted: &str, seen: &str) -> bool {
    let mut pieces = quoted.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = seen.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            let Some(at) = rest.find(before) else {
                return false;
            };
            rest = &rest[at + before.len()..];
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end),
    }
}

/// Whether a text fits its quotation, line by line.
pub(crate) fn text_fits(quoted: &str, seen: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        // A report keeps numbers and units together by a space that nobody sees.
        let text = text.replace('\u{a0}', " ");
        let lines = text.trim_matches('\n').lines();
        lines.map(|line| line.trim_end().to_owned()).collect()
    };
    lines_fit(&lines(quoted), &lines(seen))
}

fn lines_fit(quoted: &[String], seen: &[String]) -> bool {
    match quoted {
        [] => seen.is_empty(),
        [any, rest @ ..] if any == "…" => {
            (0..=seen.len()).any(|skipped| lines_fit(rest, &seen[skipped..]))
        }
        [first, rest @ ..] => seen
            .split_first()
            .is_some_and(|(line, after)| line_fits(first, line) && lines_fit(rest, after)),
    }
}

#[test]
fn what_is_marked_may_differ_and_nothing_else() {
    for (quoted, seen, fits) in [
        (
            "Server … knows you. …",
            "Server A knows you. It asked.",
            true,
        ),
        (
            "Server … knows you.",
            "Server A knows you. It asked.",
            false,
        ),
        ("Server … knows you.", "Server A knows nobody.", false),
        ("no mark", "no mark", true),
        ("no mark", "no mark at all", false),
        ("a…a", "a", false),
        ("first\n…\nlast", "first\nlast", true),
        ("first\n…\nlast", "first\nsecond\nthird\nlast", true),
        ("first\n…\nlast", "first\nsecond", false),
        ("first", "first\nsecond", false),
        ("", "said something", false),
    ] {
        assert_eq!(text_fits(quoted, seen), fits, "{quoted:?} and {seen:?}");
    }
}
