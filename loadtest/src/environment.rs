//! The machine and the build, as a record keeps them.
//!
//! What the build knows (compiler, commit, versions, profile) comes from `build.rs`, the rest from
//! the system when the run begins. Who ran where is for the run to say: it knows, this file does
//! not.

use std::collections::BTreeMap;
use std::fs;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::record::Environment;

const UNKNOWN: &str = "unknown";

/// Look at the machine now.
///
/// `topology` says in words who ran where (`balancer`: `embedded, own process`); `versions` are
/// those that only the run can know, the store's above all.
pub fn gather(
    topology: BTreeMap<String, String>,
    versions: BTreeMap<String, String>,
) -> Environment {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    // What the system does not tell stays empty: a run is not stopped for want of its description.
    let system = System::new_with_specifics(wanted).ok();
    let mut all_versions = built_versions();
    all_versions.extend(versions);
    Environment {
        cpu: system
            .as_ref()
            .map_or_else(|| UNKNOWN.to_owned(), cpu_model),
        cores: std::thread::available_parallelism()
            .map_or(1, |n| u32::try_from(n.get()).unwrap_or(1)),
        memory_bytes: system.as_ref().map_or(0, System::total_memory),
        kernel: [System::name(), System::kernel_version()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", kernel "),
        rustc: env!("BUILD_RUSTC").to_owned(),
        commit: env!("BUILD_COMMIT").to_owned(),
        versions: all_versions,
        topology,
        profile: env!("BUILD_PROFILE").to_owned(),
        load_average_1m: System::load_average().ok().map(|load| load.one),
        cpu_pressure_percent: read("/proc/pressure/cpu")
            .as_deref()
            .and_then(pressure_percent),
        cpu_quota_cores: read("/sys/fs/cgroup/cpu.max")
            .as_deref()
            .and_then(quota_cores),
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn cpu_model(system: &System) -> String {
    let model = system
        .cpus()
        .first()
        .map(|cpu| cpu.brand().trim().to_owned());
    model
        .filter(|model| !model.is_empty())
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The libraries that were built in, by name.
fn built_versions() -> BTreeMap<String, String> {
    env!("BUILD_VERSIONS")
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

/// `some avg10=1.23 avg60=…`: the share of the last 10 s in which at least one task waited for a
/// core.
fn pressure_percent(text: &str) -> Option<f64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split(' ')
        .find_map(|field| field.strip_prefix("avg10="))?
        .parse()
        .ok()
}

/// `QUOTA PERIOD` in microseconds, or `max PERIOD` where there is no limit.
fn quota_cores(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period) = (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
    (period > 0.0).then_some(quota / period)
}

/// Memory that could be had without taking it from anybody; where the system does not tell, all
/// there could be.
pub fn memory_available_bytes() -> u64 {
    let ram = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(ram));
    system.map_or(u64::MAX, |system| system.available_memory())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_and_quota_are_read_as_the_kernel_writes_them() {
        let text = "some avg10=12.34 avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00";
        assert_eq!(pressure_percent(text), Some(12.34));
        assert_eq!(pressure_percent(""), None);
        assert_eq!(quota_cores("150000 100000\n"), Some(1.5));
        assert_eq!(quota_cores("max 100000\n"), None);
    }

    #[test]
    fn the_build_and_the_machine_are_named() {
        let topology = BTreeMap::from([("balancer".to_owned(), "embedded".to_owned())]);
        let store = BTreeMap::from([("redis-server".to_owned(), "7.0.15".to_owned())]);
        let environment = gather(topology, store);
        assert!(
            environment.rustc.starts_with("rustc 1."),
            "{}",
            environment.rustc
        );
        assert!(!environment.cpu.is_empty() && environment.cores > 0);
        assert!(
            environment.memory_bytes > 1 << 26,
            "{}",
            environment.memory_bytes
        );
        assert!(environment.versions["tower-sessions"].starts_with("0.15"));
        assert!(environment.versions["jsonwebtoken"].starts_with("11."));
        assert_eq!(environment.versions["redis-server"], "7.0.15");
        assert_eq!(environment.topology["balancer"], "embedded");
        assert!(["debug", "release"].contains(&environment.profile.as_str()));
    }
}
