//! Tallies: exact within the histogram's promise, merged and written without loss.

use std::time::{Duration, SystemTime};

use loadtest::load::hlog;
use loadtest::load::tally::{Outcome, Tally, Times};
use proptest::prelude::*;

fn tally(requests: &[(u8, u8, u64, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (outcome, instance, late_ns, service_ns) in requests {
        let outcome = Outcome::ALL[usize::from(*outcome) % 5];
        let instance = [b"jwt-a".as_slice(), b"jwt-b"][usize::from(*instance) % 2];
        let times = Times {
            due_ns: 1_000,
            began_ns: 1_000 + late_ns,
            ended_ns: 1_000 + late_ns + service_ns,
        };
        tally.record(outcome, instance, times);
        tally.counts.sent += 1;
    }
    tally
}

fn requests() -> impl Strategy<Value = Vec<(u8, u8, u64, u64)>> {
    let request = (
        any::<u8>(),
        any::<u8>(),
        0..10_000_000_000_u64,
        1..10_000_000_000_u64,
    );
    prop::collection::vec(request, 0..200)
}

proptest! {
    // Histograms are large, and slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Goal: shards lose nothing. Method: the merged tally equals the tally of all requests, in
    /// either order, percentiles and all.
    #[test]
    fn a_merge_equals_the_tally_of_all(one in requests(), other in requests()) {
        let mut whole = Tally::default();
        whole.merge(&tally(&[one.clone(), other.clone()].concat()));
        let (mut forth, mut back) = (Tally::default(), Tally::default());
        forth.merge(&tally(&one));
        forth.merge(&tally(&other));
        back.merge(&tally(&other));
        back.merge(&tally(&one));
        prop_assert_eq!(&forth, &whole);
        prop_assert_eq!(&back, &whole);
    }

    #[test]
    fn what_is_written_is_read_again(requests in requests()) {
        let mut tally = tally(&requests);
        let mut log = Vec::new();
        hlog::write(&tally, SystemTime::now(), Duration::from_secs(6), &mut log).unwrap();
        tally.counts = Default::default();
        prop_assert_eq!(hlog::read(&log).unwrap(), tally);
    }

    /// Percentiles are those of the sorted values to 0.1 %, and in order.
    #[test]
    fn percentiles_are_within_the_histograms_error(requests in requests()) {
        let (intended, service) = tally(&requests).latency();
        let mut exact: Vec<u64> = requests.iter().map(|(.., service_ns)| *service_ns).collect();
        exact.sort_unstable();
        let mut last = 0;
        for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
            let rank = (quantile * exact.len() as f64).ceil() as usize;
            let Some(expected) = exact.get(rank.saturating_sub(1)) else { continue };
            let read = service.value_at_quantile(quantile);
            let error = read.abs_diff(*expected) as f64 / *expected as f64;
            prop_assert!(error <= 0.001, "{read} instead of {expected}");
            prop_assert!(last <= read);
            last = read;
        }
        prop_assert!(last <= service.max());
        prop_assert!(service.max() <= intended.max());
    }
}

#[test]
fn a_log_of_something_else_is_refused() {
    let error = hlog::read(b"Tag=cpu,0.0,1.0,2.0,HISTFAAAAA==\n").unwrap_err();
    assert!(matches!(error, hlog::Error::Damaged(0)), "{error}");
    let error = hlog::read(b"nonsense\n").unwrap_err();
    assert!(matches!(error, hlog::Error::Damaged(0)), "{error}");
    let mut log = Vec::new();
    hlog::write(
        &Tally::default(),
        SystemTime::now(),
        Duration::ZERO,
        &mut log,
    )
    .unwrap();
    let foreign = String::from_utf8(log)
        .unwrap()
        .replace("Tag=lag,", "Tag=speed,");
    let error = hlog::read(foreign.as_bytes()).unwrap_err();
    assert!(matches!(error, hlog::Error::Foreign(_)), "{error}");
}
