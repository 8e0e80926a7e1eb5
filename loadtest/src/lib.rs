//! The instrument: visitors, events, the matrix, revocation lag, the record, the report, the board.
//!
//! It talks HTTP to the servers and `/lab`, and knows nothing of how they remember a login: of the
//! server crates only [`dispatch`] is aware, because instances are children of the same executable.
//! Measuring writes a [`record`], every report is made from records alone.
//!
//! Start with [`cli`] for what can be asked, [`arms`] for what is compared, [`events`] for what
//! happens to it, and [`expected`] for what should come out.

pub mod answer;
pub mod arms;
pub mod board;
pub mod book;
pub mod claims;
pub mod cli;
pub mod commands;
pub mod crowd;
pub mod describe;
pub mod dispatch;
pub mod doubts;
pub mod environment;
pub mod events;
pub mod expected;
pub mod failure;
pub mod footprint;
pub mod headline;
pub mod healthcheck;
pub mod hint;
pub mod holders;
pub mod interface;
pub mod keys;
pub mod lab;
pub mod lag;
pub mod load;
pub mod matrix;
pub mod measure;
pub mod merge;
pub mod plan;
pub mod pools;
pub mod progress;
pub mod record;
pub mod report;
pub mod revocation;
pub mod rig;
pub mod run;
pub mod scene;
pub mod self_test;
pub mod site;
pub mod soak;
pub mod statistics;
pub mod store;
pub mod tally;
pub mod target;
pub mod ticket;
pub mod visitors;
