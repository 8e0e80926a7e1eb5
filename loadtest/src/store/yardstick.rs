//! How slow this machine is by itself: requests that ask no store, on the same way, at the same
//! time. What they take is nobody's wait for a store.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::visitors::plain_http;

/// The pause between two of them: what is shorter may fall between.
const EVERY: Duration = Duration::from_millis(20);

/// What they took.
#[derive(Debug, Default)]
pub struct Yardstick {
    took: Vec<Duration>,
}

impl Yardstick {
    /// Asks for a sign of life again and again, for as long as this is awaited.
    pub async fn measure(&mut self, base: &str) -> ! {
        let http = plain_http();
        loop {
            let sent = Instant::now();
            // Whoever fails took as long as it took.
            let _ = http.get(format!("{base}/healthz")).send().await;
            self.took.push(sent.elapsed());
            sleep(EVERY).await;
        }
    }

    /// By how much an answer may have been late without the store.
    pub fn noise(&self) -> Duration {
        self.took.iter().max().copied().unwrap_or_default() + EVERY
    }

    /// What a slow one took: one in a hundred took longer.
    pub fn slow_ms(&self) -> f64 {
        self.ms(0.99).unwrap_or_default()
    }

    /// For the record.
    pub fn to_json(&self) -> Value {
        json!({
            "requests": self.took.len(),
            "p50_ms": self.ms(0.5),
            "p99_ms": self.ms(0.99),
            "max_ms": self.ms(1.0),
        })
    }

    fn ms(&self, at: f64) -> Option<f64> {
        let mut took = self.took.clone();
        took.sort();
        let index = (took.len().saturating_sub(1) as f64 * at) as usize;
        Some(took.get(index)?.as_micros() as f64 / 1_000.0)
    }
}
