//! What instances take while something happens to them: memory, as the system counts it, and tasks,
//! as they say themselves. Whoever keeps something of every request that failed shows here.
//!
//! It knows nothing of what happens to them; [`crate::store::strike`] and the events say how much
//! is too much.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context as _;
use app::password::MEMORY_KIB;
use cluster::accounting::memory_bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::pools::INSTANCES;
use crate::scene::Scene;
use crate::visitors::plain_http;

/// The gauge in an instance's metrics.
const TASKS: &str = "runtime_tasks";

/// How often they are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What one instance takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Takes {
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Tasks of its runtime that have not ended: one for each connection, and some of its own.
    pub tasks: u64,
}

/// What each instance took at first, and the most that it took since.
#[derive(Debug)]
pub struct Footprint {
    http: reqwest::Client,
    instances: Vec<(u32, String)>,
    first: Vec<Takes>,
    most: Vec<Takes>,
}

impl Footprint {
    /// Looks at the instances of an arm for the first time.
    ///
    /// # Errors
    /// When one does not say what it takes.
    pub async fn of(scene: &Scene) -> anyhow::Result<Footprint> {
        let instance = |name| {
            let pid = scene.instance(name)?.pid()?;
            Some((pid, format!("{}/metrics", scene.direct(name))))
        };
        let mut footprint = Footprint {
            http: plain_http(),
            instances: INSTANCES.into_iter().filter_map(instance).collect(),
            first: Vec::new(),
            most: Vec::new(),
        };
        footprint.first = look(&footprint.http, &footprint.instances).await?;
        footprint.most.clone_from(&footprint.first);
        Ok(footprint)
    }

    /// Looks at them again and again, for as long as this is awaited.
    ///
    /// # Errors
    /// When one does not say what it takes.
    pub async fn watch(&mut self) -> anyhow::Result<Infallible> {
        loop {
            sleep(LOOK).await;
            for (most, now) in self
                .most
                .iter_mut()
                .zip(look(&self.http, &self.instances).await?)
            {
                *most = most.max(now);
            }
        }
    }

    /// The most that any one of them grew by.
    pub fn grew(&self) -> Takes {
        let grown = self
            .first
            .iter()
            .zip(&self.most)
            .map(|(first, most)| Takes {
                memory_bytes: most.memory_bytes.saturating_sub(first.memory_bytes),
                tasks: most.tasks.saturating_sub(first.tasks),
            });
        grown.fold(Takes::default(), Takes::max)
    }

    /// What is wrong if one grew by more than `allowed`.
    pub fn excess(&self, allowed: Takes) -> Option<String> {
        let grew = self.grew();
        if grew.memory_bytes > allowed.memory_bytes {
            let (bytes, most) = (grew.memory_bytes, allowed.memory_bytes);
            return Some(format!(
                "an instance grew by {bytes} bytes; {most} are allowed"
            ));
        }
        (grew.tasks > allowed.tasks).then(|| {
            let (tasks, most) = (grew.tasks, allowed.tasks);
            format!("an instance had {tasks} more tasks; {most} more are allowed")
        })
    }

    /// For the record.
    pub fn to_json(&self, allowed: Takes) -> Value {
        let grew = self.grew();
        json!({
            "memory_grew_bytes": grew.memory_bytes,
            "memory_may_grow_bytes": allowed.memory_bytes,
            "tasks_more": grew.tasks,
            "tasks_more_allowed": allowed.tasks,
        })
    }
}

impl Takes {
    /// The larger of each.
    fn max(self, other: Takes) -> Takes {
        Takes {
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            tasks: self.tasks.max(other.tasks),
        }
    }
}

async fn look(http: &reqwest::Client, instances: &[(u32, String)]) -> anyhow::Result<Vec<Takes>> {
    let mut taken = Vec::new();
    for (pid, metrics) in instances {
        let asked = http.get(metrics).send().await;
        let page = asked.with_context(|| metrics.clone())?.text().await?;
        taken.push(Takes {
            memory_bytes: memory_bytes(*pid)?,
            tasks: tasks_in(&page).with_context(|| format!("{metrics} has no {TASKS}"))?,
        });
    }
    Ok(taken)
}

/// The number of tasks that a page of metrics states.
fn tasks_in(page: &str) -> Option<u64> {
    let mut lines = page.lines();
    lines.find_map(|line| line.strip_prefix(TASKS)?.trim().parse().ok())
}

/// What the password checks that one of two instances on this machine makes at a time may take, in
/// bytes.
pub fn password_checks_bytes() -> u64 {
    let at_a_time = (cores() / INSTANCES.len()).max(1) as u64;
    at_a_time * u64::from(MEMORY_KIB) * 1024
}

/// This machine's cores, as the servers count them.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(first: (u64, u64), most: (u64, u64)) -> Footprint {
        let takes = |(memory_bytes, tasks)| Takes {
            memory_bytes,
            tasks,
        };
        Footprint {
            http: plain_http(),
            instances: Vec::new(),
            first: vec![takes(first), takes((7, 7))],
            most: vec![takes(most), takes((7, 7))],
        }
    }

    #[test]
    fn what_is_too_much_is_said() {
        let allowed = Takes {
            memory_bytes: 10,
            tasks: 2,
        };
        assert_eq!(footprint((100, 5), (110, 7)).excess(allowed), None);
        let grown = footprint((100, 5), (111, 5)).excess(allowed);
        assert_eq!(
            grown.as_deref(),
            Some("an instance grew by 11 bytes; 10 are allowed")
        );
        let busy = footprint((100, 5), (100, 8)).excess(allowed);
        assert_eq!(
            busy.as_deref(),
            Some("an instance had 3 more tasks; 2 more are allowed")
        );
    }

    #[test]
    fn tasks_are_read_from_metrics() {
        let page = "# TYPE runtime_tasks gauge\nruntime_tasks 12\nlogins_held 3\n";
        assert_eq!(tasks_in(page), Some(12));
        assert_eq!(tasks_in("logins_held 3\n"), None);
    }
}
