//! The null server: the application with a memory that believes whoever it is told.
//! `cargo run -p app --example trusting -- --pool trusting --accounts FILE`

use std::process::ExitCode;

use app::trusting::Trusting;
use clap::Parser;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    settings: app::Settings,
}

fn main() -> ExitCode {
    app::start::start("trusting", Args::parse().settings, async |instance| {
        Ok(Trusting::new(&instance))
    })
}
