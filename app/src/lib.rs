//! The protected application that both servers run: accounts, password check, roles, routes,
//! errors, limits, metrics.
//!
//! It knows that somebody may be logged in, and nothing of how that is remembered: that stands
//! behind [`Memory`], which each server implements in its own way. Start reading there, then
//! [`trusting`], then [`start::start`].

mod admin;
pub mod application;
pub mod body;
pub mod carriage;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod database;
mod ending;
pub mod front;
pub mod instance;
pub mod lab;
pub mod login;
pub mod memory;
pub mod metrics;
pub mod once;
pub mod openapi;
pub mod password;
pub mod problem;
pub mod routes;
pub mod serve;
pub mod settings;
pub mod start;
pub mod trusting;
pub mod users;
mod watch;

pub use carriage::{Carriage, Credential, HeldBack, TokenAnswer};
pub use clock::Clock;
pub use instance::Instance;
pub use login::{Login, Role};
pub use memory::{Challenge, Ended, Forgotten, Held, Key, Memory, Scope, Status};
pub use problem::{Problem, Reason};
pub use settings::Settings;
pub use start::StartError;
