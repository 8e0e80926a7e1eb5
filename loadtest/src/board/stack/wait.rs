//! Waiting until somebody did as told.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::super::stage::StageError;

/// How long an instance may take to end, and to come back once nothing holds it.
const STRIKE_WAIT: Duration = Duration::from_secs(15);
/// How often is looked whether it did.
pub(super) const STRIKE_LOOK: Duration = Duration::from_millis(50);

/// Waits until `done` says so.
pub(super) async fn within<F>(who: &str, done: impl Fn() -> F) -> Result<(), StageError>
where
    F: Future<Output = bool>,
{
    let end = Instant::now() + STRIKE_WAIT;
    while !done().await {
        if Instant::now() > end {
            let why = format!("{who} did not do as it was told within {STRIKE_WAIT:?}");
            return Err(StageError::Failed(why));
        }
        sleep(STRIKE_LOOK).await;
    }
    Ok(())
}
