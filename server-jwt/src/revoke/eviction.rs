//! A watch on Redis' memory: a full Redis that throws keys away throws revocations away.
//!
//! With `maxmemory-policy noeviction` a full Redis refuses writes, and a log-out is answered
//! with 503. With any other policy it forgets a log-out that was answered with 200, and nobody
//! notices: so this says it aloud, at the start and whenever it happens.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Extensions;

use super::store::Store;

/// How often Redis is asked.
const EVERY: Duration = Duration::from_secs(10);
/// How soon again when it did not answer, so that a slow start does not go unwatched.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks after `store` until nobody holds it any more.
pub(crate) async fn watch(store: Weak<Store>) {
    let mut warned = false;
    while let Some(store) = store.upgrade() {
        let command = redis::cmd("INFO");
        let mut pause = AGAIN;
        if let Ok(info) = store.ask::<String>(&mut Extensions::new(), &command).await {
            let evicts = evicts(&info);
            if evicts && !warned {
                tracing::warn!(
                    "Redis evicts keys when its memory is full, so ended logins may come back; \
                     set maxmemory-policy noeviction"
                );
            }
            warned = evicts;
            note(&store.evicted, field(&info, "evicted_keys"));
            pause = EVERY;
        }
        drop(store);
        tokio::time::sleep(pause).await;
    }
}

fn note(evicted: &AtomicU64, now: Option<&str>) {
    let Some(now) = now.and_then(|count| count.parse().ok()) else {
        return;
    };
    if evicted.swap(now, Ordering::Relaxed) < now {
        tracing::warn!(
            evicted_keys = now,
            "Redis threw keys away: ended logins may be back"
        );
    }
}

fn evicts(info: &str) -> bool {
    field(info, "maxmemory").is_some_and(|bytes| bytes != "0")
        && field(info, "maxmemory_policy").is_some_and(|policy| policy != "noeviction")
}

fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_evicts_is_seen_only_where_memory_is_limited() {
        let info = |limit, policy: &str| {
            format!("used_memory:1\r\nmaxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n")
        };
        assert!(evicts(&info(1, "allkeys-lru")));
        assert!(!evicts(&info(0, "allkeys-lru")));
        assert!(!evicts(&info(1, "noeviction")));
        assert!(!evicts(""));
    }
}
