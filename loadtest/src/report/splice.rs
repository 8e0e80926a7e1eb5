//! The report block of a README: made by a command, and carrying it.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::view::View;
use super::{markdown, titles};
use crate::record::Record;

const BEGIN: &str = "<!-- BEGIN: report -->";
const END: &str = "<!-- END: report -->";

/// Replace the block between the markers of `file` by what this record says.
pub(crate) fn into_file(record: &Record, dir: &Path, file: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("--splice {}: cannot be read", file.display()))?;
    let name = file
        .file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy();
    let spliced = spliced(record, &dir.display().to_string(), &name, &text).with_context(|| {
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
    file: &str,
    text: &str,
) -> anyhow::Result<String> {
    let view = View::new(record);
    let block = format!(
        "{BEGIN}\n<!-- Do not edit: made by `loadtest report {dir} --splice {file}` -->\n\n\
         **{}.**\n\n{}{END}",
        titles::page(view),
        markdown::summary(view),
    );
    between(text, &block, (BEGIN, END))
}

/// `text` with `block` in place of its markers and what is between them.
pub(crate) fn between(text: &str, block: &str, (from, to): (&str, &str)) -> anyhow::Result<String> {
    let (Some(begin), Some(end)) = (text.find(from), text.find(to)) else {
        bail!("it has no block between {from} and {to}");
    };
    if end < begin || text.matches(from).count() > 1 || text.matches(to).count() > 1 {
        bail!("it has more than one such block, or its end before its beginning");
    }
    Ok(format!(
        "{}{block}{}",
        &text[..begin],
        &text[end + to.len()..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_is_replaced_and_twice_is_once() {
        let readme = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let block = format!("{BEGIN}\nnew\n{END}");
        let once = between(&readme, &block, (BEGIN, END)).unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(between(&once, &block, (BEGIN, END)).unwrap(), once);
    }

    #[test]
    fn a_file_without_one_block_is_left_alone() {
        for text in [
            "",
            BEGIN,
            &format!("{END} {BEGIN}"),
            &format!("{BEGIN}{END}{BEGIN}{END}"),
        ] {
            assert!(between(text, "x", (BEGIN, END)).is_err(), "{text:?}");
        }
    }
}
