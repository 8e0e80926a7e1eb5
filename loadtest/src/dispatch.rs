//! The one file that names the server crates: one executable holds everything, and a cluster's
//! processes are children of that same file.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::time::Duration;

use app::trusting::Trusting;
use clap::{CommandFactory as _, Parser};

use crate::claims::far_store;
use crate::{cli, healthcheck};

/// The null server, as a subcommand.
#[derive(Debug, Parser)]
#[command(name = "trusting")]
struct TrustingArgs {
    #[command(flatten)]
    settings: app::Settings,
    /// CPU time that each check wastes, in nanoseconds
    #[arg(long, value_name = "NS", default_value_t = 0)]
    waste_ns: u64,
}

/// The command lines that people type, whole: `inspect` is server-jwt's, and known to it alone.
pub fn programs() -> [clap::Command; 3] {
    let jwt = server_jwt::Args::command();
    let inspect = jwt.find_subcommand("inspect").cloned();
    let loadtest = cli::Cli::command().mut_subcommand("inspect", |own| inspect.unwrap_or(own));
    [loadtest, server_session::Args::command(), jwt]
}

/// Runs a subcommand that is somebody else's, if `args` asks for one: a process of a cluster,
/// which `--help` does not show, or `inspect`, which is server-jwt's.
pub fn foreign(args: &[OsString]) -> Option<ExitCode> {
    let [_, subcommand, rest @ ..] = args else {
        return None;
    };
    let code = match subcommand.to_str()? {
        "inspect" => run(&args[1..], "server-jwt", server_jwt::run),
        "sealed-cookie" => child(&args[1..], "sealed-cookie", sealed_cookie::run),
        "server-jwt" => child(&args[1..], "server-jwt", server_jwt::run),
        "server-session" => child(&args[1..], "server-session", server_session::run),
        "trusting" => child(&args[1..], "trusting", |args: TrustingArgs| {
            app::start::start("trusting", args.settings, async |instance| {
                let waste = Duration::from_nanos(args.waste_ns);
                Ok(Trusting::new(&instance).wasting(waste))
            })
        }),
        "claims-server" => child(&args[1..], "claims-server", far_store::run),
        "supervisor" => cluster::supervisor::run(),
        "balancer" => {
            cluster::die_with_parent();
            cluster::balancer::run()
        }
        "healthcheck" => healthcheck::run(rest),
        "exec-watched" => {
            let (program, args) = rest.split_first()?;
            cluster::exec_watched(program.clone(), args.to_vec())
        }
        _ => return None,
    };
    Some(code)
}

fn child<A: Parser>(
    args: &[OsString],
    program: &str,
    start: impl FnOnce(A) -> ExitCode,
) -> ExitCode {
    cluster::die_with_parent();
    run(args, program, start)
}

/// `args` begins with the subcommand; clap takes it for the program's name, unless it is one that
/// the program itself has.
fn run<A: Parser>(args: &[OsString], program: &str, start: impl FnOnce(A) -> ExitCode) -> ExitCode {
    let own = args
        .first()
        .is_some_and(|name| name == OsStr::new("inspect"));
    let name = own.then(|| OsString::from(program));
    match A::try_parse_from(name.into_iter().chain(args.iter().cloned())) {
        Ok(args) => start(args),
        Err(error) => match cli::one_line(program, &error) {
            (text, 0) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            (line, code) => {
                eprintln!("{line}");
                ExitCode::from(code)
            }
        },
    }
}
