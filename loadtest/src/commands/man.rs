//! The command `man`: manual pages, one for each command, made from the definitions that read the
//! command line and from the exit codes.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::written;
use crate::cli::shell::ManArgs;
use crate::failure::{Failure, exit};

/// One page.
#[derive(Debug)]
pub struct Page {
    /// The name of its file.
    pub name: String,
    /// What stands in it, for `man`.
    pub text: Vec<u8>,
}

/// Writes the pages of `programs`, or prints the first one's own.
///
/// # Errors
/// When they cannot be written.
pub fn run(args: &ManArgs, programs: Vec<Command>) -> anyhow::Result<u8> {
    let pages = pages(programs)?;
    match &args.out {
        Some(folder) => {
            write(folder, &pages).map_err(|error| {
                Failure::Usage(format!(
                    "--out {}: {error}; name a folder that you may write to",
                    folder.display()
                ))
            })?;
            println!(
                "{} pages in {}; `man -l {}/loadtest.1` shows the first",
                pages.len(),
                folder.display(),
                folder.display()
            );
            Ok(exit::OK)
        }
        None => written(pages.first().map_or(&[], |page| &page.text)),
    }
}

/// The pages of `programs`, each program's own before those of its subcommands.
///
/// # Errors
/// None that memory would not have.
pub fn pages(programs: Vec<Command>) -> io::Result<Vec<Page>> {
    let mut pages = Vec::new();
    for program in programs {
        // Otherwise there would be a page for `help` and one for each of its words.
        let mut program = program.disable_help_subcommand(true);
        program.build();
        add(program, &mut pages)?;
    }
    Ok(pages)
}

fn add(command: Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let inner: Vec<_> = command.get_subcommands().cloned().collect();
    let page = Man::new(command);
    let mut text = Vec::new();
    page.render(&mut text)?;
    if pages.is_empty() {
        text.extend(exit_status().to_roff().into_bytes());
    }
    pages.push(Page {
        name: page.get_filename(),
        text,
    });
    for command in inner.into_iter().filter(|it| !it.is_hide_set()) {
        add(command, pages)?;
    }
    Ok(())
}

/// What the exit codes of loadtest mean.
fn exit_status() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in exit::ALL {
        section.control("TP", []);
        section.text([bold(code.to_string())]);
        section.text([roman(meaning)]);
    }
    section
}

fn write(folder: &Path, pages: &[Page]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for page in pages {
        fs::write(folder.join(&page.name), &page.text)?;
    }
    Ok(())
}
