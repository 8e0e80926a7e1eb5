//! How late the stores and the instances are by themselves: each is asked for a sign of life again
//! and again, and whenever that takes long although nothing struck it, this is written down.
//!
//! An instance gives its store 200 ms for all that one request wants. On a machine that is busy
//! with something else, or that stands still for a moment, either may need longer, and then 503 is
//! the right answer.

use std::time::Duration;

use cluster::redis_elsewhere;
use futures_util::future::{join_all, try_join};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::history::{Fault, Struck};
use super::notes::Notes;
use crate::pools::INSTANCES;
use crate::scene::Scene;
use crate::visitors::plain_http;

/// How long each is left alone between two questions.
const PAUSE: Duration = Duration::from_millis(50);

/// From here on an answer is late: half of what an instance gives its store.
const LATE: Duration = Duration::from_millis(100);

/// Nobody is waited for longer than this: whoever is down is asked again.
const PATIENCE: Duration = Duration::from_secs(1);

/// Watches the store and the instances of one arm, until told to stop.
///
/// # Errors
/// When the history cannot be written.
pub async fn watch(
    scene: &Scene,
    notes: &Notes,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let watched = Watched {
        arm: scene.arm.name,
        notes,
        stopped,
    };
    let store = async {
        let Some(store) = &scene.store else {
            return Ok(());
        };
        let url = store.redis.url();
        let sign_of_life = async || drop(redis_elsewhere::version(url).await);
        watched.until_stopped(None, sign_of_life).await
    };
    let http = plain_http();
    let instances = INSTANCES.map(|name| {
        let (http, watched) = (&http, &watched);
        async move {
            let url = || format!("{}/healthz", scene.direct(name));
            let sign_of_life = async || drop(http.get(url()).send().await);
            watched.until_stopped(Some(name), sign_of_life).await
        }
    });
    let instances = async { join_all(instances).await.into_iter().collect() };
    let ((), ()) = try_join(store, instances).await?;
    Ok(())
}

/// An arm that is watched.
struct Watched<'a> {
    arm: &'static str,
    notes: &'a Notes,
    stopped: watch::Receiver<bool>,
}

impl Watched<'_> {
    /// Asks one of those who are watched, an instance or else the store.
    async fn until_stopped(
        &self,
        instance: Option<&str>,
        sign_of_life: impl AsyncFn(),
    ) -> anyhow::Result<()> {
        let fault = match instance {
            Some(_) => Fault::InstanceLate,
            None => Fault::StoreLate,
        };
        while !*self.stopped.borrow() {
            let struck_before = self.notes.is_struck_now(self.arm);
            // From before the pause: a machine that stands still does so then as well.
            let (from_us, began) = (self.notes.now_us(), Instant::now());
            sleep(PAUSE).await;
            // No answer at all is late too.
            let _ = timeout(PATIENCE, sign_of_life()).await;
            let struck = struck_before || self.notes.is_struck_now(self.arm);
            if began.elapsed() >= PAUSE + LATE && !struck {
                self.notes.struck(Struck {
                    fault,
                    arm: self.arm.to_owned(),
                    instance: instance.map(str::to_owned),
                    from_us,
                    to_us: self.notes.now_us(),
                })?;
            }
        }
        Ok(())
    }
}
