//! What servers that somebody else has started say of themselves: each instance the CPU time of its
//! process, in its metrics, and their Redis its own, in its `INFO`.
//!
//! A process's own clock cannot be read from another container. What is stated includes the
//! stating, and what everybody else asks of them meanwhile: health checks, a board.

use anyhow::{Context as _, anyhow};
use cluster::redis_elsewhere;
use futures_util::future::try_join_all;

use super::clocks::Used;
use crate::visitors::plain_http;

/// The counter of CPU time in an instance's metrics.
const CPU_SECONDS: &str = "process_cpu_seconds_total";

/// Who is asked what they have used.
#[derive(Debug)]
pub struct Stated {
    http: reqwest::Client,
    /// The beginnings of the instances' URLs.
    instances: Vec<String>,
    /// The URL of their Redis, if they ask one.
    store: Option<String>,
}

impl Stated {
    /// These instances, and their store if they ask one.
    pub fn by(instances: Vec<String>, store: Option<String>) -> Stated {
        Stated {
            http: plain_http(),
            instances,
            store,
        }
    }

    /// What they say that they have used so far.
    ///
    /// # Errors
    /// When one does not answer, or does not say.
    pub async fn used(&self) -> anyhow::Result<Used> {
        let of_instances = self.instances.iter().map(|base| self.cpu_ns(base));
        let server_cpu_ns = try_join_all(of_instances).await?.into_iter().sum();
        let store = match &self.store {
            Some(url) => {
                let usage = redis_elsewhere::usage(url).await;
                Some(usage.map_err(|why| anyhow!("the store, asked by INFO: {why}"))?)
            }
            None => None,
        };
        Ok(Used {
            server_cpu_ns,
            store_cpu_ns: store.map(|store| store.cpu_ns),
            balancer_cpu_ns: None,
            server_wait_ns: None,
            store_wait_ns: None,
            store_commands: store.map(|store| store.commands),
        })
    }

    async fn cpu_ns(&self, base: &str) -> anyhow::Result<u64> {
        let asked = self.http.get(format!("{base}/metrics")).send().await;
        let page = asked.and_then(reqwest::Response::error_for_status);
        let page = page.with_context(|| format!("{base}/metrics"))?;
        let page = page.text().await?;
        cpu_ns_in(&page).with_context(|| format!("{base}/metrics has no {CPU_SECONDS}"))
    }
}

/// The CPU time that a page of metrics states, in nanoseconds.
fn cpu_ns_in(page: &str) -> Option<u64> {
    let mut lines = page.lines();
    let seconds: f64 =
        lines.find_map(|line| line.strip_prefix(CPU_SECONDS)?.trim().parse().ok())?;
    (seconds >= 0.0).then_some((seconds * 1e9) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_from_a_page_of_metrics() {
        let page = "\
# HELP process_cpu_seconds CPU time of this process, by its own clock.
# TYPE process_cpu_seconds counter
# UNIT process_cpu_seconds seconds
process_cpu_seconds_total 1.25
store_up -1
# EOF
";
        assert_eq!(cpu_ns_in(page), Some(1_250_000_000));
        assert_eq!(cpu_ns_in("process_cpu_seconds_total many\n"), None);
        assert_eq!(cpu_ns_in("store_up 1\n"), None);
    }
}
