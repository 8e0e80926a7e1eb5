//! The token itself: what is written into it, how it is signed, and how it is checked.
//!
//! The check behind every request is [`verify`]; what it holds against the two halves of a token
//! is said in [`header`] and [`claims`]. [`stock`] is the same done by the library's defaults.

pub mod claims;
pub mod header;
mod issue;
pub(crate) mod stock;
pub mod verify;
