//! How late the stores are by themselves: each is asked for a sign of life again and again, and
//! whenever that takes long although nothing struck it, this is written down.
//!
//! An instance gives its store 200 ms for all that one request wants. On a machine that is busy
//! with something else a store may need longer, and then 503 is the right answer.

use std::time::Duration;

use cluster::redis_elsewhere;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::history::{Fault, Struck};
use super::notes::Notes;
use crate::scene::Scene;

/// How long a store is left alone between two questions.
const PAUSE: Duration = Duration::from_millis(50);

/// From here on an answer is late: half of what an instance gives its store.
const LATE: Duration = Duration::from_millis(100);

/// Watches the store of one arm, until told to stop.
///
/// # Errors
/// When the history cannot be written.
pub async fn watch(
    scene: &Scene,
    notes: &Notes,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let Some(store) = &scene.store else {
        return Ok(());
    };
    while !*stopped.borrow() {
        let arm = scene.arm.name;
        let struck_before = notes.is_struck_now(arm);
        let (from_us, asked) = (notes.now_us(), Instant::now());
        // No answer at all is late too.
        let _ = redis_elsewhere::version(store.redis.url()).await;
        let struck = struck_before || notes.is_struck_now(arm);
        if asked.elapsed() >= LATE && !struck {
            notes.struck(Struck {
                fault: Fault::StoreLate,
                arm: arm.to_owned(),
                instance: None,
                from_us,
                to_us: notes.now_us(),
            })?;
        }
        sleep(PAUSE).await;
    }
    Ok(())
}
