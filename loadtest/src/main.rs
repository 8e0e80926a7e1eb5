//! The one main executable: `demo`, `watch`, `matrix`, `measure`, `merge`, `report`, `plan`,
//! `self-test`, `soak`, `claims`, `inspect`, `list`, `completions`, `man`, and, hidden, every
//! process of a cluster.

use std::ffi::OsString;
use std::process::ExitCode;

use loadtest::cli::{self, Command};
use loadtest::failure::exit_code;
use loadtest::{commands, dispatch};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = dispatch::foreign(&args) {
        return code;
    }
    let typed = cli::as_typed(&args);
    let cli = match cli::parse(args) {
        Ok(cli) => cli,
        Err((help, 0)) => {
            println!("{help}");
            return ExitCode::SUCCESS;
        }
        Err((line, code)) => {
            eprintln!("{line}");
            return ExitCode::from(code);
        }
    };
    let outcome = match cli.command {
        None => {
            println!("{}", cli::FIVE_LINES);
            Ok(0)
        }
        Some(Command::Demo(args)) => block_on(commands::demo::run(args, typed)),
        Some(Command::Watch(args)) => block_on(commands::watch::run(args)),
        Some(Command::Matrix(args)) => block_on(commands::matrix::run(args, typed)),
        Some(Command::Measure(args)) => block_on(commands::measure::run(args, typed)),
        Some(Command::Merge(args)) => commands::merge::run(&args, typed),
        Some(Command::Report(args)) => commands::report::run(args),
        Some(Command::Plan(args)) => commands::plan::run(&args, &typed),
        Some(Command::SelfTest(args)) => commands::self_test::run(&args),
        Some(Command::Soak(args)) => block_on(commands::soak::run(args, typed)),
        Some(Command::Claims(args)) => block_on(commands::claims::run(args, typed)),
        Some(Command::List) => {
            print!("{}", commands::list::text());
            Ok(0)
        }
        Some(Command::Completions(args)) => {
            commands::completions::run(&args, &dispatch::programs())
        }
        Some(Command::Man(args)) => commands::man::run(&args, dispatch::programs().into()),
        // Done by `dispatch`, which looks first; here it stands for `--help`.
        Some(Command::Inspect { .. }) => Ok(0),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<u8>>) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(command);
    // Whatever still waits on a thread of its own must not hold up the end.
    runtime.shutdown_background();
    outcome
}
