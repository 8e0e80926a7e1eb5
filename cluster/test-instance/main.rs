//! The executable of the clusters in these tests: the hidden subcommands, a toy instance that
//! speaks the protocol of the real ones, and a main process to be killed.

mod hold;
mod toy;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let subcommand = args.next().unwrap_or_default();
    match subcommand.to_str() {
        Some("supervisor") => cluster::supervisor::run(),
        Some("balancer") => {
            cluster::die_with_parent();
            cluster::balancer::run()
        }
        Some("exec-watched") => {
            let program = args.next().unwrap_or_default();
            cluster::exec_watched(program, args.collect())
        }
        Some("toy") => {
            cluster::die_with_parent();
            toy::run(&args.collect::<Vec<OsString>>())
        }
        Some("hold") => hold::run(&args.collect::<Vec<OsString>>()),
        _ => {
            eprintln!("cluster-test-instance: for the tests of the crate `cluster`");
            ExitCode::from(2)
        }
    }
}
