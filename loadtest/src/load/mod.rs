//! The measuring engine: it sends prebuilt requests when a schedule says so, times and judges every
//! answer, and knows nothing of arms, sessions or tokens, nor of how a figure will be shown.
//!
//! Read it in this order: [`schedule`] (what is to be sent when, as a value), [`request`] (the
//! bytes, and what they deserve), [`generator`] (who sends them), [`tally`] (what is noted down),
//! [`gate`] (whether the generator did its part), [`blocks`] and [`stats`] (what may be said of the
//! figures), [`hlog`] (the histograms on disk), [`known`] (a server whose behaviour is known, to
//! try the instrument on).

pub mod blocks;
pub mod counts;
pub mod draws;
pub mod effort;
pub mod gate;
pub mod generator;
pub mod hlog;
pub mod known;
pub mod request;
pub mod schedule;
pub mod stats;
pub mod tally;

mod answer;
mod clock;
mod connection;
mod pacer;
mod source;
mod watch;
mod worker;
