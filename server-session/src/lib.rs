//! A server that remembers a login by keeping it and handing out its name: sessions, through
//! tower-sessions as its users use it, over a choice of stores.
//!
//! Start with [`memory`], the three verbs; then [`store`], where the records live. The sibling
//! crate server-jwt does the same by signing the login and handing it out.

use std::process::ExitCode;

pub mod args;
pub mod carry;
pub mod memory;
pub mod record;
mod routes;
pub mod store;
pub mod trial;

pub use args::Args;

/// The interface of `instance` as an OpenAPI document: the cookie has the name of its pool.
pub fn openapi(instance: &app::Instance) -> serde_json::Value {
    let cookie = app::Challenge::Cookie {
        name: instance.cookie_name(),
    };
    app::openapi::document("server-session", &cookie, Vec::new())
}

/// Runs one instance until it is told to end.
pub fn run(args: Args) -> ExitCode {
    let settings = args.settings.clone();
    app::start::start("server-session", settings, async move |instance| {
        let memory = memory::SessionMemory::new(&instance, &args)?;
        memory.reached(args.settings.start_wait()).await
    })
}
