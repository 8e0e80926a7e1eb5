//! What a process has used, from the system's own books.
//!
//! CPU time is the process clock on Linux: nanoseconds, and threads that have ended still count,
//! which a sum over the threads that live would lose.

use std::io;

/// CPU time of the process so far, all its threads, ended ones too, in nanoseconds.
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    use nix::time::{ClockId, clock_gettime};
    let clock = ClockId::pid_cpu_clock_id(process(pid)?)?;
    let time = clock_gettime(clock)?;
    let ns = std::time::Duration::from(time).as_nanos();
    u64::try_from(ns).map_err(io::Error::other)
}

/// CPU time of the process so far in nanoseconds, as fine as the system's accounting is.
#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let said = ps("time=", pid)?;
    ps_time_ns(&said).ok_or_else(|| unreadable(&said))
}

/// How long its threads have waited for a core, in nanoseconds: a lower bound, since ended
/// threads are not in it. `Unsupported` where the system does not say.
#[cfg(target_os = "linux")]
pub fn run_queue_ns(pid: u32) -> io::Result<u64> {
    let tasks = linux::find(pid)?.tasks().map_err(linux::error)?;
    let waited = tasks.map(|task| match task.and_then(|task| task.schedstat()) {
        Ok(schedstat) => Ok(schedstat.run_delay),
        // A thread that ended between the listing and the reading.
        Err(procfs::ProcError::NotFound(_)) => Ok(0),
        Err(error) => Err(linux::error(error)),
    });
    waited.sum()
}

/// Not available here.
#[cfg(not(target_os = "linux"))]
pub fn run_queue_ns(_: u32) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Memory that is resident, in bytes, shared pages counted in full.
#[cfg(target_os = "linux")]
pub fn memory_bytes(pid: u32) -> io::Result<u64> {
    let status = linux::find(pid)?.status().map_err(linux::error)?;
    linux::kib(status.vmrss)
}

/// Memory that is resident, in bytes, shared pages counted in full.
#[cfg(not(target_os = "linux"))]
pub fn memory_bytes(pid: u32) -> io::Result<u64> {
    let said = ps("rss=", pid)?;
    let kib: u64 = said.parse().map_err(|_| unreadable(&said))?;
    Ok(kib * 1024)
}

/// Memory that is resident, in bytes, shared pages divided among those who share them: what is
/// to be added up over instances of one executable. `Unsupported` where the system does not say.
#[cfg(target_os = "linux")]
pub fn proportional_memory_bytes(pid: u32) -> io::Result<u64> {
    let rollup = linux::find(pid)?.smaps_rollup().map_err(linux::error)?;
    let map = rollup.memory_map_rollup.iter().next();
    let pss = map.and_then(|map| map.extension.map.get("Pss").copied());
    pss.ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// Not available here.
#[cfg(not(target_os = "linux"))]
pub fn proportional_memory_bytes(_: u32) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(any(target_os = "linux", target_os = "freebsd"))]
fn process(pid: u32) -> io::Result<nix::unistd::Pid> {
    let pid = i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(nix::unistd::Pid::from_raw(pid))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

    use procfs::ProcError;
    use procfs::process::Process;

    pub(super) fn find(pid: u32) -> io::Result<Process> {
        let pid = i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
        Process::new(pid).map_err(error)
    }

    pub(super) fn error(error: ProcError) -> io::Error {
        match error {
            ProcError::NotFound(_) => io::ErrorKind::NotFound.into(),
            ProcError::PermissionDenied(_) => io::ErrorKind::PermissionDenied.into(),
            ProcError::Io(error, _) => error,
            other => io::Error::other(other),
        }
    }

    /// A process that has ended, but is not reaped yet, has no memory.
    pub(super) fn kib(kib: Option<u64>) -> io::Result<u64> {
        let kib = kib.ok_or(io::ErrorKind::NotFound)?;
        Ok(kib * 1024)
    }
}

#[cfg(not(target_os = "linux"))]
fn ps(column: &str, pid: u32) -> io::Result<String> {
    let output = std::process::Command::new("ps")
        .args(["-o", column, "-p", &pid.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !said.is_empty() {
        Ok(said)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[cfg(not(target_os = "linux"))]
fn unreadable(said: &str) -> io::Error {
    io::Error::other(format!("ps said {said:?}"))
}

/// Reads `[[DD-]HH:]MM:SS[.ss]`, which is how `ps` writes times, in nanoseconds.
#[cfg(any(test, not(any(target_os = "linux", target_os = "freebsd"))))]
fn ps_time_ns(text: &str) -> Option<u64> {
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let mut seconds = days.parse::<f64>().ok()? * 24.0;
    let mut parts: Vec<f64> = Vec::new();
    for part in clock.split(':') {
        parts.push(part.parse().ok()?);
    }
    while parts.len() < 3 {
        parts.insert(0, 0.0);
    }
    let [hours, minutes, rest] = parts[..] else {
        return None;
    };
    seconds = ((seconds + hours) * 60.0 + minutes) * 60.0 + rest;
    Some((seconds * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_this_process_moves_with_its_work() {
        let pid = std::process::id();
        let before = cpu_ns(pid).unwrap();
        let mut sum = 0_u64;
        while cpu_ns(pid).unwrap() < before + 5_000_000 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(sum > 0);
        assert!(memory_bytes(pid).unwrap() > 100_000);
        assert!(run_queue_ns(pid).is_ok());
        let shared_out = proportional_memory_bytes(pid).unwrap();
        assert!(shared_out > 0 && shared_out <= memory_bytes(pid).unwrap() * 2);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        // Above every limit of Linux's, and within what fits a process id.
        let nobody = 2_000_000_000;
        assert!(cpu_ns(nobody).is_err());
        assert!(memory_bytes(nobody).is_err());
        assert!(run_queue_ns(nobody).is_err());
    }

    #[test]
    fn reads_the_times_that_ps_writes() {
        assert_eq!(ps_time_ns("0:01.50"), Some(1_500_000_000));
        assert_eq!(ps_time_ns("1:00:00"), Some(3_600_000_000_000));
        assert_eq!(ps_time_ns("2-00:00:01"), Some(172_801_000_000_000));
        assert_eq!(ps_time_ns("soon"), None);
    }
}
