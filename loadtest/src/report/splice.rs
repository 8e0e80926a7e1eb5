//! The report block of a README and the path of a page on choosing: made by a command, and
//! carrying it.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::cost_run::CostRun;
use super::markdown::choose::{self, Sections};
use super::view::View;
use super::{markdown, titles};
use crate::record::Record;

/// Between these stands what page one of the report says.
const REPORT: Block<'static> = Block {
    begin: "<!-- BEGIN: report -->",
    end: "<!-- END: report -->",
};

/// Replace the block of that name in `file` by `body`, which `made_by` made.
pub(crate) fn block_into_file(
    name: &str,
    (made_by, body): (&str, &str),
    file: &Path,
) -> anyhow::Result<()> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("--splice {}: cannot be read", file.display()))?;
    let text = block_spliced(name, (made_by, body), &text)
        .with_context(|| format!("--splice {}", file.display()))?;
    fs::write(file, text).with_context(|| format!("--splice {}: cannot be written", file.display()))
}

/// `text` with `body` in its block of that name.
pub(crate) fn block_spliced(
    name: &str,
    (made_by, body): (&str, &str),
    text: &str,
) -> anyhow::Result<String> {
    let block = Block {
        begin: &format!("<!-- BEGIN: {name} -->"),
        end: &format!("<!-- END: {name} -->"),
    };
    let spliced = between(text, &block, made_by, body);
    spliced.with_context(|| {
        let Block { begin, end } = block;
        format!("put {begin} and {end} where the block is to stand")
    })
}

/// Between these stands which way to choose.
const CHOOSE: Block<'static> = Block {
    begin: "<!-- BEGIN: choose -->",
    end: "<!-- END: choose -->",
};

/// Two markers.
struct Block<'a> {
    begin: &'a str,
    end: &'a str,
}

/// Replace what is between the markers of `file`, of whichever kind, by what this record says.
pub(crate) fn into_file(
    record: &Record,
    dir: &Path,
    costs: Option<&CostRun>,
    file: &Path,
) -> anyhow::Result<()> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("--splice {}: cannot be read", file.display()))?;
    let dir = dir.display().to_string();
    let outcome = if text.contains(CHOOSE.begin) {
        chosen(record, &dir, costs, &file.display().to_string(), &text)
    } else {
        let name = file.file_name().unwrap_or(file.as_os_str());
        spliced(record, &dir, costs, &name.to_string_lossy(), &text)
    };
    let spliced = outcome.with_context(|| {
        format!(
            "--splice {}: put {} and {} (or {} and {}) where the block is to stand",
            file.display(),
            REPORT.begin,
            REPORT.end,
            CHOOSE.begin,
            CHOOSE.end,
        )
    })?;
    fs::write(file, spliced)
        .with_context(|| format!("--splice {}: cannot be written", file.display()))
}

/// `text` with what this record says between its markers; the block names the command that made it.
pub(crate) fn spliced(
    record: &Record,
    dir: &str,
    costs: Option<&CostRun>,
    file: &str,
    text: &str,
) -> anyhow::Result<String> {
    let view = View::new(record);
    let command = command(dir, costs, file);
    let block = format!("**{}.**\n\n{}", titles::page(view), markdown::summary(view));
    between(text, &REPORT, &command, &block)
}

/// `text` with the path between its markers, linked to the reports of the runs it is filled from.
pub(crate) fn chosen(
    record: &Record,
    dir: &str,
    costs: Option<&CostRun>,
    file: &str,
    text: &str,
) -> anyhow::Result<String> {
    let view = View::new(record);
    let command = command(dir, costs, file);
    let page = |dir: &str| format!("{}/report.md", seen_from(file, dir));
    let sections = Sections {
        run: page(dir),
        costs: page(costs.map_or(dir, |costs| &costs.dir)),
    };
    let of_costs = costs.map_or(view, |costs| View::new(&costs.record));
    let block = choose::choose(view, of_costs, &sections);
    between(text, &CHOOSE, &command, &block)
}

/// The command that makes a block.
fn command(dir: &str, costs: Option<&CostRun>, file: &str) -> String {
    let cost = costs.map_or_else(String::new, |run| format!(" --cost {}", run.dir));
    format!("loadtest report {dir}{cost} --splice {file}")
}

/// A folder as a link in `file` has to name it; both are named from the same folder.
fn seen_from(file: &str, dir: &str) -> String {
    let mut folder: Vec<_> = file.split('/').collect();
    folder.pop();
    let dir: Vec<_> = dir.trim_end_matches('/').split('/').collect();
    let shared = folder.iter().zip(&dir).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", folder.len() - shared);
    up.chain(dir[shared..].iter().copied())
        .collect::<Vec<_>>()
        .join("/")
}

/// `text` with `words` in place of a block's markers and what is between them.
fn between(text: &str, block: &Block<'_>, command: &str, words: &str) -> anyhow::Result<String> {
    let Block { begin, end } = block;
    let (Some(starts), Some(ends)) = (text.find(begin), text.find(end)) else {
        bail!("has no such block");
    };
    if ends < starts || text.matches(begin).count() > 1 || text.matches(end).count() > 1 {
        bail!("has more than one such block, or its end before its beginning");
    }
    Ok(format!(
        "{}{begin}\n<!-- Do not edit: made by `{command}` -->\n\n{words}{end}{}",
        &text[..starts],
        &text[ends + end.len()..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_is_replaced_and_twice_is_once() {
        let Block { begin, end } = REPORT;
        let readme = format!("before\n{begin}\nold\n{end}\nafter\n");
        let once = between(&readme, &REPORT, "a command", "new\n").unwrap();
        let made = "<!-- Do not edit: made by `a command` -->";
        assert_eq!(
            once,
            format!("before\n{begin}\n{made}\n\nnew\n{end}\nafter\n")
        );
        assert_eq!(between(&once, &REPORT, "a command", "new\n").unwrap(), once);
    }

    #[test]
    fn a_file_without_one_block_is_left_alone() {
        let Block { begin, end } = REPORT;
        for text in [
            "",
            begin,
            &format!("{end} {begin}"),
            &format!("{begin}{end}{begin}{end}"),
            &format!("{}{}", CHOOSE.begin, CHOOSE.end),
        ] {
            assert!(between(text, &REPORT, "", "x").is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_link_is_seen_from_where_the_page_stands() {
        for (file, dir, link) in [
            ("README.md", "docs/results/x", "docs/results/x"),
            ("docs/DECIDE.md", "docs/results/x/", "results/x"),
            ("docs/a/b.md", "runs/x", "../../runs/x"),
        ] {
            assert_eq!(seen_from(file, dir), link);
        }
    }
}
