//! The guided tour in a real browser over a real cluster with a real Redis.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::house::House;
use board_support::tour;
use loadtest::board::stage::{Held, Pool};

impl tour::Servers for House {
    async fn held(&self, pool: Pool, instance: &str) -> Vec<Held> {
        House::held(self, pool, instance).await
    }
}

#[tokio::test]
async fn the_tour_shows_what_happens_from_the_first_frame_to_the_last() {
    let house = House::open().await;
    tour::walk(&house.board.url(), &house).await;
    house.close().await;
}
