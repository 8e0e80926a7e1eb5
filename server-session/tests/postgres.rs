//! The suite that all memories pass, over accounts in a real Postgres.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

#[path = "../../app/tests/support/postgres.rs"]
mod postgres;
mod support;

use app::conformance::Pair;
use postgres::Postgres;
use server_session::memory::SessionMemory;

app::conformance_tests!(pair());

async fn pair() -> Pair {
    let accounts = Postgres::shared().unnamed().await;
    let args = support::args(&["--store", "memory"]);
    Pair::start_over(accounts, "session-memory", async |instance| {
        SessionMemory::new(&instance, &args).unwrap()
    })
    .await
}
