//! The report block of a README: made by a command, and carrying it.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::cost_run::CostRun;
use super::view::View;
use super::{markdown, titles};
use crate::record::Record;

const BEGIN: &str = "<!-- BEGIN: report -->";
const END: &str = "<!-- END: report -->";

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
    let (begin, end) = (
        format!("<!-- BEGIN: {name} -->"),
        format!("<!-- END: {name} -->"),
    );
    let block = format!("{begin}\n<!-- Do not edit: made by `{made_by}` -->\n\n{body}{end}");
    between((&begin, &end), text, &block)
        .with_context(|| format!("put {begin} and {end} where the block is to stand"))
}

/// Replace the block between the markers of `file` by what this record says.
pub(crate) fn into_file(
    record: &Record,
    dir: &Path,
    costs: Option<&CostRun>,
    file: &Path,
) -> anyhow::Result<()> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("--splice {}: cannot be read", file.display()))?;
    let name = file
        .file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy();
    let dir = dir.display().to_string();
    let spliced = spliced(record, &dir, costs, &name, &text).with_context(|| {
        format!(
            "--splice {}: put {BEGIN} and {END} where the block is to stand",
            file.display()
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
    let cost = costs.map_or_else(String::new, |run| format!(" --cost {}", run.dir));
    let block = format!(
        "{BEGIN}\n<!-- Do not edit: made by `loadtest report {dir}{cost} --splice {file}` -->\n\n\
         **{}.**\n\n{}{END}",
        titles::page(view),
        markdown::summary(view),
    );
    between((BEGIN, END), text, &block)
}

/// `text` with `block` in place of these markers and what is between them.
fn between((first, last): (&str, &str), text: &str, block: &str) -> anyhow::Result<String> {
    let (Some(begin), Some(end)) = (text.find(first), text.find(last)) else {
        bail!("has no such block");
    };
    if end < begin || text.matches(first).count() > 1 || text.matches(last).count() > 1 {
        bail!("has more than one such block, or its end before its beginning");
    }
    Ok(format!(
        "{}{block}{}",
        &text[..begin],
        &text[end + last.len()..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_is_replaced_and_twice_is_once() {
        let readme = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let block = format!("{BEGIN}\nnew\n{END}");
        let once = between((BEGIN, END), &readme, &block).unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(between((BEGIN, END), &once, &block).unwrap(), once);
    }

    #[test]
    fn a_file_without_one_block_is_left_alone() {
        for text in [
            "",
            BEGIN,
            &format!("{END} {BEGIN}"),
            &format!("{BEGIN}{END}{BEGIN}{END}"),
        ] {
            assert!(between((BEGIN, END), text, "x").is_err(), "{text:?}");
        }
    }
}
