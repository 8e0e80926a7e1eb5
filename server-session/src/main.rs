//! The stand-alone server; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    server_session::run(server_session::Args::parse())
}
