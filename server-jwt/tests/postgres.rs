//! The suite that all memories pass, over accounts in a real Postgres.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

#[path = "../../app/tests/support/postgres.rs"]
mod postgres;
mod support;

use app::conformance::Pair;
use postgres::Postgres;
use server_jwt::keys::keygen::{Alg, make};

app::conformance_tests!(pair());

async fn pair() -> Pair {
    let accounts = Postgres::shared().unnamed().await;
    let keys = support::file(make(Alg::Hs256, "k1").unwrap().private.to_string());
    let flags = ["--keys", keys.to_str().unwrap()];
    Pair::start_over(accounts, "jwt", async |instance| {
        support::memory(instance, &flags).await
    })
    .await
}
