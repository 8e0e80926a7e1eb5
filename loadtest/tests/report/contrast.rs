//! Every colour of the style sheet that carries words stands out from what it stands on.
//!
//! The ratio is WCAG 2's; 4.5 is what it asks of words of any size.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../src/report/html/style.css");

/// Words, and what they may stand on.
const PAIRS: [(&str, &str); 9] = [
    ("ink", "paper"),
    ("ink", "sheet"),
    ("soft", "paper"),
    ("soft", "sheet"),
    ("full-ink", "full"),
    ("part-ink", "part"),
    ("none-ink", "none"),
    ("ink", "line"),
    ("paper", "ink"),
];

#[test]
fn words_stand_out_in_light_dark_and_print() {
    let themes: Vec<_> = STYLE.split(":root {").skip(1).map(colours).collect();
    assert_eq!(themes.len(), 3, "light, dark and print");
    for theme in themes {
        for (words, ground) in PAIRS {
            let ratio = contrast(&theme[words], &theme[ground]);
            assert!(ratio >= 4.5, "{words} on {ground}: {ratio:.2} in {theme:?}");
        }
    }
}

/// The variables of one `:root` block.
fn colours(block: &str) -> BTreeMap<String, String> {
    let block = block.split('}').next().unwrap_or_default();
    let variables = block
        .split(';')
        .filter_map(|one| one.trim().strip_prefix("--")?.split_once(':'));
    variables
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("#rrggbb");
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}
