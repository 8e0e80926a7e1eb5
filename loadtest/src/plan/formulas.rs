//! The model, one formula a function: numbers in, a number out. `docs/SCALE.md` writes them out
//! with the reasons; every one is computed by hand in a test below.
//!
//! All are in 64-bit floating point, which holds a thousand million users times a year of seconds
//! with eleven digits to spare, so that nothing overflows.

/// Nanoseconds in a second.
const SECOND_NS: f64 = 1e9;

/// Logins a second that keep `live_logins` alive, each for `lifetime_s` seconds: Little's law.
/// Assumes that a login ends by its lifetime; logging out early makes it more.
pub fn logins_per_second(live_logins: f64, lifetime_s: f64) -> f64 {
    live_logins / lifetime_s
}

/// Cores that are busy with something that happens `per_second` times and takes `cpu_ns` each
/// time. Assumes that a time costs the same at any rate; it costs less at a higher one.
pub fn cores(per_second: f64, cpu_ns: f64) -> f64 {
    per_second * cpu_ns / SECOND_NS
}

/// Processes of one thread that carry `cores`, none busier than `utilisation_max`, and no fewer
/// than `least`.
pub fn processes(cores: f64, utilisation_max: f64, least: f64) -> f64 {
    (cores / utilisation_max).ceil().max(least)
}

/// Refreshes a second: every login that is alive is renewed once in each lifetime of an access
/// token. Assumes that clients renew whether they are used or not, so it is an upper bound.
pub fn refreshes_per_second(live_logins: f64, access_lifetime_s: f64) -> f64 {
    live_logins / access_lifetime_s
}

/// What one login adds to a process beyond what it adds to one that keeps nothing: that is what
/// the process reads of accounts and holds in reserve. In bytes, and never less than none.
pub fn login_bytes(measured: f64, of_the_zero_line: f64) -> f64 {
    (measured - of_the_zero_line).max(0.0)
}

/// What a process holds of accounts it has read, in bytes: as much for each login as the process
/// that keeps nothing grew by, until it has grown by all that was seen.
pub fn accounts_bytes(logins: f64, of_the_zero_line: f64, seen_logins: f64) -> f64 {
    of_the_zero_line * logins.min(seen_logins)
}

/// Memory of all instances, in bytes: each process, what it holds of accounts, and every login
/// that is alive. Assumes that logins are spread evenly.
pub fn server_bytes(
    instances: f64,
    process_bytes: f64,
    accounts_bytes: f64,
    (live_logins, login_bytes): (f64, f64),
) -> f64 {
    instances * (process_bytes + accounts_bytes) + live_logins * login_bytes
}

/// Memory of the store without copies of it, in bytes: an empty one, and every login.
pub fn store_bytes(empty_bytes: f64, live_logins: f64, login_bytes: f64) -> f64 {
    empty_bytes + live_logins * login_bytes
}

/// Nodes of a store that memory asks for: as many as hold all records.
pub fn nodes_by_memory(store_bytes: f64, node_bytes: f64) -> f64 {
    (store_bytes / node_bytes).ceil().max(1.0)
}

/// Nodes of a store that commands ask for: a node carries out commands on one core.
pub fn nodes_by_commands(store_cores: f64, utilisation_max: f64) -> f64 {
    processes(store_cores, utilisation_max, 1.0)
}

/// Bits a second for requests of `bytes` each, heads and bodies, without TCP and TLS.
pub fn bits_per_second(requests_per_second: f64, bytes: f64) -> f64 {
    requests_per_second * bytes * 8.0
}

/// Milliseconds that a request waits longer for its store, the mean over requests. The store
/// stands in one region; requests are spread evenly, and all but those at home pay each trip.
pub fn added_wait_ms(trips_per_request: f64, round_trip_ms: f64, regions: f64) -> f64 {
    trips_per_request * round_trip_ms * (regions - 1.0) / regions
}

/// A figure that grows with the bytes that are remembered of a login: what it is without more,
/// and so much more for each.
pub fn with_claims(without: f64, per_byte: f64, claims_bytes: f64) -> f64 {
    without + per_byte * claims_bytes
}

/// What was predicted against what was measured, as a share: 0.1 is ten per cent too much.
pub fn error(predicted: f64, measured: f64) -> f64 {
    predicted / measured - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: f64, by_hand: f64) {
        assert!(
            (found - by_hand).abs() <= 1e-9 * by_hand.abs(),
            "{found} is not {by_hand}"
        );
    }

    #[test]
    fn logins_a_second_are_those_alive_over_their_lifetime() {
        // 28,800 alive for eight hours (28,800 s): one comes and one goes each second.
        assert_close(logins_per_second(28_800.0, 28_800.0), 1.0);
        // A thousand million for a year of 31,536,000 s.
        assert_close(logins_per_second(1e9, 31_536_000.0), 31.709_791_983_764_587);
    }

    #[test]
    fn cores_are_busy_seconds_in_a_second() {
        // 50,000 times 20 µs is one second.
        assert_close(cores(50_000.0, 20_000.0), 1.0);
    }

    #[test]
    fn processes_leave_room_and_are_never_fewer_than_asked_for() {
        // 3.1 / 0.5 = 6.2, so seven.
        assert_close(processes(3.1, 0.5, 2.0), 7.0);
        assert_close(processes(3.0, 0.5, 2.0), 6.0);
        assert_close(processes(0.01, 0.5, 2.0), 2.0);
    }

    #[test]
    fn every_login_is_renewed_once_in_an_access_lifetime() {
        // 90,000 logins, 900 s.
        assert_close(refreshes_per_second(90_000.0, 900.0), 100.0);
    }

    #[test]
    fn a_login_is_what_it_adds_beyond_a_process_that_keeps_nothing() {
        assert_close(login_bytes(480.0, 200.0), 280.0);
        // What differs by chance is no login.
        assert_close(login_bytes(190.0, 200.0), 0.0);
    }

    #[test]
    fn accounts_fill_a_process_until_what_was_seen() {
        assert_close(accounts_bytes(5_000.0, 200.0, 20_000.0), 1_000_000.0);
        assert_close(accounts_bytes(500_000.0, 200.0, 20_000.0), 4_000_000.0);
    }

    #[test]
    fn memory_is_processes_and_logins() {
        // 2 × (10 MB + 1 MB) + 1,000,000 × 300 bytes.
        let bytes = server_bytes(2.0, 10e6, 1e6, (1e6, 300.0));
        assert_close(bytes, 322e6);
        assert_close(store_bytes(8e6, 1e6, 600.0), 608e6);
    }

    #[test]
    fn nodes_are_whole_and_at_least_one() {
        assert_close(nodes_by_memory(17e9, 8e9), 3.0);
        assert_close(nodes_by_memory(1e6, 8e9), 1.0);
        assert_close(nodes_by_commands(2.5, 0.5), 5.0);
        assert_close(nodes_by_commands(0.1, 0.5), 1.0);
    }

    #[test]
    fn a_byte_is_eight_bits() {
        assert_close(bits_per_second(1_000.0, 500.0), 4e6);
    }

    #[test]
    fn only_requests_away_from_the_store_wait_longer() {
        assert_close(added_wait_ms(1.0, 80.0, 1.0), 0.0);
        // Three of four requests wait for two trips of 80 ms.
        assert_close(added_wait_ms(2.0, 80.0, 4.0), 120.0);
    }

    #[test]
    fn claims_add_for_each_byte() {
        assert_close(with_claims(500.0, 1.34, 1_000.0), 1_840.0);
    }

    #[test]
    fn an_error_is_a_share_of_what_was_measured() {
        assert_close(error(115.0, 100.0), 0.15);
        assert_close(error(85.0, 100.0), -0.15);
    }

    #[test]
    fn a_thousand_million_users_for_a_year_are_a_number() {
        let refreshes = refreshes_per_second(1e9, 1.0);
        let cores = cores(refreshes * 31_536_000.0, 1e12);
        assert!(cores.is_finite() && processes(cores, 0.01, 1.0).is_finite());
    }
}
