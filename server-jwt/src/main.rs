//! The stand-alone server; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    server_jwt::run(server_jwt::Args::parse())
}
