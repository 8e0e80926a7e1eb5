//! What the readings of a turn come to: figures per request, as a record keeps them.

use hdrhistogram::Histogram;

use super::clocks::Spent;
use super::plan::Case;
use crate::load::generator::Readings;
use crate::record::{ByProcess, Bytes, Latency, Measure, Percentiles};

/// The figures of the load, each divided by the requests that were sent.
pub(super) fn figures(case: &Case, block: u32, readings: &Readings, spent: &Spent) -> Measure {
    let counts = &readings.tally.counts;
    let per = |whole: u64, count: u64| (count > 0).then(|| whole as f64 / count as f64);
    let of = |whole: Option<u64>| whole.and_then(|whole| per(whole, counts.sent));
    let answered = readings.tally.answered();
    let (intended, service) = readings.tally.latency();
    Measure {
        arm: case.arm.name.to_owned(),
        block,
        variant: case.name.map(str::to_owned),
        rate_offered_rps: readings.offered_rps(),
        rate_achieved_rps: readings.achieved_rps(),
        requests: counts.sent,
        not_sent: counts.not_sent,
        wrong_answers: counts.wrong_answers.count + counts.wrong_accepts.count,
        latency_ns: Some(Latency {
            intended: percentiles(&intended),
            service: percentiles(&service),
        }),
        cpu_ns_per_request: ByProcess {
            server: of(Some(spent.server_cpu_ns)),
            store: of(spent.store_cpu_ns),
            balancer: of(spent.balancer_cpu_ns),
            generator: of(Some(readings.effort.cpu_ns)),
            ..ByProcess::default()
        },
        run_queue_ns_per_request: ByProcess {
            server: of(spent.server_wait_ns),
            store: of(spent.store_wait_ns),
            generator: of(readings.effort.run_queue_ns),
            ..ByProcess::default()
        },
        bytes_per_request: Bytes {
            sent: per(counts.bytes_sent, answered),
            received: per(counts.bytes_received, answered),
        },
        store_commands_per_request: of(spent.store_commands),
        memory_bytes_per_login: None,
        memory: None,
        hlog: None,
        repeated: false,
        capacity: None,
    }
}

/// The percentiles that a record keeps.
pub fn percentiles(latencies: &Histogram<u64>) -> Percentiles {
    let at = |quantile| latencies.value_at_quantile(quantile);
    Percentiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: latencies.max(),
    }
}

/// What is left of a measure of an invalid run: counts, from which to see what went wrong.
pub fn forget_speed(measure: &mut Measure) {
    measure.latency_ns = None;
    measure.cpu_ns_per_request = ByProcess::default();
    measure.run_queue_ns_per_request = ByProcess::default();
    measure.hlog = None;
    measure.capacity = None;
}
