//! The balancer: one process that gives the instances of a pool one address.
//!
//! It listens once per arm, so that a policy is never switched under a run. It knows HTTP and
//! nothing of logins. [`Balancer`] is the main process's handle; [`run`] is the process itself,
//! which is told what to do on its standard input.
//!
//! A request's way: `arm` takes it from a visitor's connection, `forward` makes the attempts,
//! `policy` says at which instance, `headers` and `sticky` say what may pass, `upstream` holds the
//! connections to an instance and `health` knows whether it is one to ask.
//!
//! It uses hyper's connections directly, on both sides. hyper-util's pooling client costs more,
//! and retries by itself what was not sent yet; here every attempt is known and counted, and what
//! may be repeated is decided by whether a byte has left (`forward` has the rules).

mod arm;
pub(crate) mod control;
mod forward;
pub(crate) mod handle;
mod headers;
mod health;
mod message;
mod policy;
mod process;
mod sticky;
mod upstream;

use std::process::ExitCode;

pub use control::{ArmState, Policy, UpstreamHealth, UpstreamState};
pub use handle::{ArmSpec, Balancer, BalancerSettings};
pub use sticky::PREFIX as STICKY_COOKIE_PREFIX;

/// Runs the balancer process until its standard input ends: the hidden subcommand `balancer`.
pub fn run() -> ExitCode {
    // One thread: there is nothing to share a request's work with, and handing it over to
    // another core costs more than it gains at the rates of one machine.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(process::serve());
            // Not a return: dropping the runtime would wait for its thread that reads standard
            // input, which after a signal has not ended.
            std::process::exit(0)
        }
        Err(error) => {
            eprintln!("balancer: {error}");
            ExitCode::FAILURE
        }
    }
}
