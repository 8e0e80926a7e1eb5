//! A server that remembers a login by signing it and handing it out: JSON Web Tokens, made and
//! checked with jsonwebtoken.
//!
//! Start with [`memory`], the three verbs; then [`token::verify`], the check behind every request.
//! The sibling crate server-session does the same by keeping the login and handing out its name.

pub mod args;
pub mod carry;
pub mod inspect;
pub mod keys;
pub mod memory;
pub mod refresh;
pub mod revoke;
mod routes;
mod setup;
pub mod token;
pub mod trial;

use std::process::ExitCode;

pub use args::Args;
use args::Command;

/// The interface as an OpenAPI document, for tokens that travel as bearers.
pub fn openapi() -> serde_json::Value {
    app::openapi::document("server-jwt", &app::Challenge::Bearer, routes::described())
}

/// Runs what the command line asks for, and returns the exit code.
pub fn run(args: Args) -> ExitCode {
    // One backend is compiled in, so this cannot choose wrongly; it is said once all the same,
    // since with two or none of them the library panics at its first signature.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    match (args.command, args.serve.0) {
        (Some(Command::Inspect(inspect)), _) => inspect::run(&inspect),
        (Some(Command::Keygen(keygen)), _) => keys::keygen::run(&keygen),
        (None, Some(serve)) => {
            let settings = serve.settings.clone();
            app::start::start("server-jwt", settings, async |instance| {
                serve.build(instance).await
            })
        }
        (None, None) => ExitCode::from(2),
    }
}
