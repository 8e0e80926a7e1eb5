//! What an instance counts about itself, in Prometheus' text format.

use std::sync::atomic::Ordering;

use http::StatusCode;
use nix::time::{ClockId, clock_gettime};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::runtime::Handle;

use crate::memory::Status;
use crate::problem::Reason;

/// The counters of one instance. Requests are counted by route, never by path: a stranger must
/// not be able to make the table grow.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    cpu_seconds: Counter<f64>,
    store_up: Gauge,
    logins: Gauge,
    tasks: Gauge,
    memory: Family<MemoryLabels, Gauge>,
}

/// Which route a request was for, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route(&'static str);

impl EncodeLabelValue for Route {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder,
    ) -> std::fmt::Result {
        EncodeLabelValue::encode(&self.0, encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: Route,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MemoryLabels {
    name: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let metrics = Self {
            requests: Family::default(),
            refusals: Family::default(),
            cpu_seconds: Counter::default(),
            store_up: Gauge::default(),
            logins: Gauge::default(),
            tasks: Gauge::default(),
            memory: Family::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Answers", metrics.requests.clone());
        registry.register("refusals", "Refusals by reason", metrics.refusals.clone());
        registry.register_with_unit(
            "process_cpu",
            "CPU time of this process, by its own clock",
            Unit::Seconds,
            metrics.cpu_seconds.clone(),
        );
        registry.register(
            "store_up",
            "1 if the store behind the logins answers, 0 if not, -1 if there is none",
            metrics.store_up.clone(),
        );
        registry.register(
            "logins_held",
            "Logins held in this process, -1 if it holds none by design",
            metrics.logins.clone(),
        );
        registry.register(
            "runtime_tasks",
            "Tasks of the runtime that have not ended, one for each connection among them",
            metrics.tasks.clone(),
        );
        registry.register(
            "memory",
            "What the memory itself counts",
            metrics.memory.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// The route that `path` belongs to.
    pub fn route(&self, path: &str) -> Route {
        Route(match path {
            "/me" => "/me",
            "/login" => "/login",
            "/records" => "/records",
            "/password" => "/password",
            "/logout" => "/logout",
            "/logout-everywhere" => "/logout-everywhere",
            "/token/refresh" => "/token/refresh",
            "/.well-known/jwks.json" => "/.well-known/jwks.json",
            "/healthz" => "/healthz",
            "/readyz" => "/readyz",
            "/metrics" => "/metrics",
            _ if path.starts_with("/admin/users/") => "/admin/users/{name}",
            _ if path.starts_with("/lab/") => "/lab",
            _ => "other",
        })
    }

    /// Counts one answer.
    pub fn count(&self, route: Route, status: StatusCode, reason: Option<Reason>) {
        self.requests
            .get_or_create(&RequestLabels {
                route,
                status: status.as_u16(),
            })
            .inc();
        if let Some(reason) = reason {
            self.refusals
                .get_or_create(&RefusalLabels {
                    reason: reason.as_str(),
                })
                .inc();
        }
    }

    /// Everything, in Prometheus' text format, with what the memory says of itself.
    pub fn render(&self, status: &Status) -> String {
        let cpu_seconds = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)
            .map_or(0.0, |time| std::time::Duration::from(time).as_secs_f64());
        // The clock is the counter: it never runs backwards.
        self.cpu_seconds
            .inner()
            .store(cpu_seconds.to_bits(), Ordering::Relaxed);
        self.store_up.set(status.store_up.map_or(-1, i64::from));
        self.logins.set(
            status
                .logins
                .map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX)),
        );
        // Outside of a runtime there are none.
        let tasks = Handle::try_current().map_or(0, |handle| handle.metrics().num_alive_tasks());
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        for (name, count) in &status.counts {
            let gauge = self.memory.get_or_create(&MemoryLabels { name });
            gauge.set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}
