//! The command `completions`: what a shell needs to complete a command line, made from the
//! definition that reads it.

use clap::Command;

use clap_complete::Shell;

use super::written;
use crate::cli::shell::CompletionsArgs;

/// Prints the completions of one of `programs`.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &CompletionsArgs, programs: &[Command]) -> anyhow::Result<u8> {
    let mut made = Vec::new();
    // The command line names only programs that there are.
    for program in programs.iter().filter(|it| it.get_name() == args.program) {
        let mut program = program.clone();
        clap_complete::generate(args.shell, &mut program, &args.program, &mut made);
    }
    let text = String::from_utf8(made)?;
    match args.shell {
        Shell::Bash => written(with_one_name(&text, &args.program).as_bytes()),
        _ => written(text.as_bytes()),
    }
}

/// clap_complete writes a program with a hyphen in its name in two ways, and then finds none of its
/// subcommands (<https://github.com/clap-rs/clap/issues/6421>).
fn with_one_name(text: &str, program: &str) -> String {
    text.replace(
        &program.replace('-', "__subcmd__"),
        &program.replace('-', "__"),
    )
}
