//! The request counter, by route and status, with the library that our servers count with.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    route: &'static str,
    status: u16,
}

/// What a peer counts.
#[derive(Debug)]
pub struct RequestCount {
    registry: Registry,
    requests: Family<Labels, Counter>,
}

impl Default for RequestCount {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        registry.register("http_requests", "Answers", requests.clone());
        Self { registry, requests }
    }
}

impl RequestCount {
    /// Counts one answer.
    pub fn count(&self, path: &'static str, status: u16) {
        let labels = Labels {
            route: path,
            status,
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// The route that a path is counted under: never the path itself.
    pub fn route(path: &str) -> &'static str {
        match path {
            "/me" => "/me",
            "/login" => "/login",
            "/metrics" => "/metrics",
            _ => "other",
        }
    }

    /// Everything, in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}
