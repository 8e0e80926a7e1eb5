//! The turns of all shards: counts summed, histograms added, figures per request weighed by
//! requests.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};

use super::Part;
use crate::load::hlog;
use crate::load::tally::Tally;
use crate::measure::figures::percentiles;
use crate::record::{ByProcess, Bytes, Latency, Measure, Measuring};

/// The turns that every shard took; an interrupted one lacks some.
pub(super) fn measures(parts: &[Part], out: &Path) -> anyhow::Result<Vec<Measure>> {
    let mut merged = Vec::new();
    for measure in &parts[0].record.measures {
        let of_all: Option<Vec<_>> = parts.iter().map(|part| part.measure(measure)).collect();
        if let Some(of_all) = of_all {
            merged.push(one(parts, &of_all, out)?);
        }
    }
    Ok(merged)
}

/// One turn of all shards. Figures per request are weighed by requests.
fn one(parts: &[Part], of_all: &[&Measure], out: &Path) -> anyhow::Result<Measure> {
    let first = of_all[0];
    let requests: u64 = of_all.iter().map(|one| one.requests).sum();
    let weighed = |figure: &dyn Fn(&Measure) -> Option<f64>| {
        let whole = of_all
            .iter()
            .map(|one| Some(figure(one)? * one.requests as f64));
        let whole: Option<f64> = whole.sum();
        whole
            .filter(|_| requests > 0)
            .map(|whole| whole / requests as f64)
    };
    let by_process = |of: fn(&Measure) -> &ByProcess| ByProcess {
        server: weighed(&|one| of(one).server),
        balancer: weighed(&|one| of(one).balancer),
        store: weighed(&|one| of(one).store),
        database: weighed(&|one| of(one).database),
        generator: weighed(&|one| of(one).generator),
    };
    // In every shard as many logins were made to see what they take.
    let memory: Option<f64> = of_all.iter().map(|one| one.memory_bytes_per_login).sum();
    let mut merged = Measure {
        rate_offered_rps: of_all.iter().map(|one| one.rate_offered_rps).sum(),
        rate_achieved_rps: of_all.iter().map(|one| one.rate_achieved_rps).sum(),
        requests,
        not_sent: of_all.iter().map(|one| one.not_sent).sum(),
        wrong_answers: of_all.iter().map(|one| one.wrong_answers).sum(),
        cpu_ns_per_request: by_process(|one| &one.cpu_ns_per_request),
        run_queue_ns_per_request: by_process(|one| &one.run_queue_ns_per_request),
        bytes_per_request: Bytes {
            sent: weighed(&|one| one.bytes_per_request.sent),
            received: weighed(&|one| one.bytes_per_request.received),
        },
        store_commands_per_request: weighed(&|one| one.store_commands_per_request),
        memory_bytes_per_login: memory.map(|sum| sum / of_all.len() as f64),
        // What one machine's processes hold is not what all of them do.
        memory: None,
        repeated: of_all.iter().any(|one| one.repeated),
        ..first.clone()
    };
    // An invalid shard shows no latency, so neither does the whole.
    if of_all.iter().all(|one| one.hlog.is_some()) {
        let mut tally = Tally::default();
        for (part, measure) in parts.iter().zip(of_all) {
            tally.merge(&part.tally(measure)?);
        }
        let (intended, service) = tally.latency();
        ensure!(
            service.len() == requests,
            "merge: the histograms of {}, block {}, hold {} requests, the records {requests}",
            first.arm,
            first.block,
            service.len()
        );
        merged.latency_ns = Some(Latency {
            intended: percentiles(&intended),
            service: percentiles(&service),
        });
        write(&tally, &parts[0].measuring, &merged, out)?;
    } else {
        merged.latency_ns = None;
        merged.hlog = None;
    }
    Ok(merged)
}

fn write(
    tally: &Tally,
    measuring: &Measuring,
    measure: &Measure,
    out: &Path,
) -> anyhow::Result<()> {
    let name = measure.hlog.as_ref().context("a histogram has no name")?;
    let path = inside(out, name)?;
    let cannot = || {
        format!(
            "{}: cannot be written; name a folder with --out",
            path.display()
        )
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    let file = File::create(&path).with_context(cannot)?;
    let length = Duration::from_millis(measuring.timed_ms);
    hlog::write(tally, SystemTime::now(), length, file)?;
    Ok(())
}

/// A file of a run, by the name that its record has for it: records come from other machines.
pub(super) fn inside(dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let mut components = Path::new(name).components();
    ensure!(
        components.all(|component| matches!(component, Component::Normal(_))),
        "{}: a histogram is named {name:?}, which is no file of that folder",
        dir.display()
    );
    Ok(dir.join(name))
}
