//! What there is to choose from, as text for a terminal: the command `list`.

use std::fmt::Write;

/// One thing that can be named on the command line.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// What to type.
    pub name: &'a str,
    /// What pages and tables call it.
    pub label: &'a str,
    /// What it shows, in half a sentence.
    pub shows: &'a str,
}

/// Headings with their entries below, in columns; 80 characters wide where the names allow it.
pub fn text(sections: &[(&str, Vec<Entry<'_>>)]) -> String {
    let entries: Vec<_> = sections.iter().flat_map(|(_, entries)| entries).collect();
    let names = entries.iter().map(|entry| entry.name.chars().count());
    let labels = entries.iter().map(|entry| entry.label.chars().count());
    let (name_width, label_width) = (names.max().unwrap_or(0), labels.max().unwrap_or(0));
    let mut text = String::new();
    for (at, (heading, entries)) in sections.iter().enumerate() {
        let between = if at == 0 { "" } else { "\n" };
        let _ = writeln!(text, "{between}{heading}");
        for Entry { name, label, shows } in entries {
            let line = format!("  {name:name_width$}  {label:label_width$}");
            if line.chars().count() + 2 + shows.chars().count() <= WIDTH {
                let _ = writeln!(text, "{}", format!("{line}  {shows}").trim_end());
            } else {
                let _ = writeln!(text, "{}", line.trim_end());
                let _ = writeln!(text, "  {:name_width$}    {shows}", "");
            }
        }
    }
    text
}

/// As wide as a terminal that nobody has touched.
const WIDTH: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_a_long_explanation_gets_a_line_of_its_own() {
        let long = "x".repeat(60);
        let arms = vec![
            Entry {
                name: "jwt",
                label: "JWT",
                shows: "signed",
            },
            Entry {
                name: "session",
                label: "Session",
                shows: &long,
            },
        ];
        let events = vec![Entry {
            name: "balanced",
            label: "all ask",
            shows: "",
        }];
        let expected = format!(
            "Arms\n  jwt       JWT      signed\n  session   Session\n              {long}\n\n\
             Events\n  balanced  all ask\n"
        );
        assert_eq!(text(&[("Arms", arms), ("Events", events)]), expected);
    }
}
