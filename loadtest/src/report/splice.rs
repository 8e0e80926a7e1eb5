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
    between(text, &block)
}

/// `text` with `block` in place of its markers and what is between them.
fn between(text: &str, block: &str) -> anyhow::Result<String> {
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        bail!("has no report block");
    };
    if end < begin || text.matches(BEGIN).count() > 1 || text.matches(END).count() > 1 {
        bail!("has more than one report block, or its end before its beginning");
    }
    Ok(format!(
        "{}{block}{}",
        &text[..begin],
        &text[end + END.len()..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_is_replaced_and_twice_is_once() {
        let readme = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let block = format!("{BEGIN}\nnew\n{END}");
        let once = between(&readme, &block).unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(between(&once, &block).unwrap(), once);
    }

    #[test]
    fn a_file_without_one_block_is_left_alone() {
        for text in [
            "",
            BEGIN,
            &format!("{END} {BEGIN}"),
            &format!("{BEGIN}{END}{BEGIN}{END}"),
        ] {
            assert!(between(text, "x").is_err(), "{text:?}");
        }
    }
}
