//! The generator against a server whose behaviour is known: what it reads must be what was set.
//!
//! Times are real here: what is under test is a clock and a timer. Bounds are wide where other
//! processes may hold a core, exact where something is counted.
//! Long because every kind of answer and of pacing has its test against the same server.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use loadtest::load::draws::DrawPlan;
use loadtest::load::gate::{self, Facts, Invalid};
use loadtest::load::generator::{Closed, Error, Pacing, Readings, Reuse, Settings, run};
use loadtest::load::known::{Behaviour, Known};
use loadtest::load::request::{CredentialKind, Deserves, Request, Traffic, Visitor};
use loadtest::load::schedule::{Arrivals, Plan, Shard, Step};
use loadtest::load::tally::Outcome;

const VISITORS: u32 = 10;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn open(rps: f64, length: Duration) -> Pacing {
    mixed(rps, length, vec![(CredentialKind::Valid, 1)])
}

fn mixed(rps: f64, length: Duration, mix: Vec<(CredentialKind, u16)>) -> Pacing {
    planned(vec![Step::constant(rps, length)], mix)
}

/// Half a second without a request at the end: a machine that is busy just then leaves nothing
/// unsent, and counts can be exact.
const QUIET: Duration = Duration::from_millis(500);

fn then_quiet(rps: f64, length: Duration) -> Pacing {
    let steps = vec![Step::constant(rps, length), Step::constant(0.0, QUIET)];
    planned(steps, vec![(CredentialKind::Valid, 1)])
}

fn planned(steps: Vec<Step>, mix: Vec<(CredentialKind, u16)>) -> Pacing {
    let plan = Plan {
        seed: 7,
        arrivals: Arrivals::Poisson,
        steps,
        draws: DrawPlan {
            visitors: VISITORS,
            mix,
        },
    };
    Pacing::Open(plan.schedule(Shard::WHOLE).unwrap())
}

fn go(server: &Known, pacing: &Pacing, settings: &Settings) -> Readings {
    run(
        server.traffic(VISITORS),
        pacing,
        settings,
        Instant::now() + ms(50),
    )
    .unwrap()
}

fn entries(pacing: &Pacing) -> u64 {
    match pacing {
        Pacing::Open(schedule) => schedule.entries.len() as u64,
        Pacing::Closed(_) => 0,
    }
}

/// Goal: counts are exact. Method: every seventh request fails and one of two instances knows
/// nobody; the server's own counts and the arithmetic must agree with the tally to the last
/// request.
#[test]
fn counts_agree_with_what_the_server_did() {
    let server = Known::start(Behaviour {
        instances: vec!["known-a".into(), "known-b".into()],
        strangers: vec![1],
        fails_every: Some(7),
        ..Behaviour::default()
    })
    .unwrap();
    let pacing = then_quiet(2_000.0, ms(500));
    let sent = entries(&pacing);
    let readings = go(&server, &pacing, &Settings::default());
    let tally = &readings.tally;
    assert_eq!(tally.counts.sent, sent);
    assert_eq!(tally.counts.planned, sent);
    assert_eq!(tally.counts.not_sent, 0);
    assert_eq!(server.seen.requests.load(Relaxed), sent);
    assert_eq!(tally.count(Outcome::Failed), sent / 7);
    assert_eq!(
        tally.count(Outcome::Failed),
        server.seen.failed.load(Relaxed)
    );
    // Of those that did not fail, whoever has an odd number reached the stranger.
    let refused = (0..sent).filter(|n| n % 7 != 6 && n % 2 == 1).count() as u64;
    assert_eq!(tally.count(Outcome::Refused), refused);
    assert_eq!(tally.count(Outcome::Recognised), sent - sent / 7 - refused);
    assert_eq!(tally.answered(), sent);
    // A refusal at the stranger is not what a valid credential deserves; nor is a failure.
    assert_eq!(tally.counts.wrong_answers.count, refused + sent / 7);
    assert_eq!(tally.counts.wrong_accepts.count, 0);
    for series in &tally.series {
        let expected = match series.outcome {
            Outcome::Recognised => "known-a",
            Outcome::Refused => "known-b",
            _ => continue,
        };
        assert_eq!(series.instance, expected);
    }
    assert_eq!(
        tally.counts.bytes_sent,
        sent * Known::request(CredentialKind::Valid).bytes().len() as u64
    );
}

/// The same hop is no fault when the request says that this instance is a stranger.
#[test]
fn what_is_deserved_depends_on_who_answers() {
    let server = Known::start(Behaviour {
        instances: vec!["known-a".into(), "known-b".into()],
        strangers: vec![1],
        ..Behaviour::default()
    })
    .unwrap();
    let mut traffic = server.traffic(VISITORS);
    for visitor in &mut traffic.visitors {
        visitor.requests[0].deserves = Deserves::status(200).at("known-b", 401);
    }
    let pacing = open(500.0, ms(200));
    let readings = run(
        traffic,
        &pacing,
        &Settings::default(),
        Instant::now() + ms(50),
    )
    .unwrap();
    assert_eq!(readings.tally.counts.wrong_answers.count, 0);
    assert!(readings.tally.count(Outcome::Refused) > 0);
}

/// Goal: a wrong accept is told from everything else, and which request it was. Method: the server
/// lets in every tenth forged credential, among valid ones.
#[test]
fn a_forger_who_is_let_in_fails_the_run() {
    let server = Known::start(Behaviour {
        lets_in_every: Some(10),
        ..Behaviour::default()
    })
    .unwrap();
    let mix = vec![(CredentialKind::Valid, 1), (CredentialKind::Forged, 1)];
    let pacing = mixed(2_000.0, ms(300), mix);
    let readings = go(&server, &pacing, &Settings::default());
    let counts = &readings.tally.counts;
    assert!(counts.wrong_accepts.count >= 10, "{counts:?}");
    assert_eq!(counts.wrong_accepts.count, server.seen.let_in.load(Relaxed));
    assert_eq!(counts.wrong_answers.count, 0);
    let Pacing::Open(schedule) = &pacing else {
        panic!("it is open");
    };
    for wrong in &counts.wrong_accepts.first {
        let entry = schedule.entries[wrong.index as usize];
        assert_eq!((entry.visitor, entry.kind), (wrong.visitor, wrong.kind));
        assert_eq!(wrong.kind, CredentialKind::Forged);
        assert_eq!((wrong.expected, wrong.got), (401, 200));
    }
    let invalid = gate::judge(&Facts::from(&readings));
    assert!(matches!(invalid[0], Invalid::WrongAccepts { .. }));
    assert_eq!(gate::exit_code(&invalid), 1);
}

/// Being known as somebody else is as grave as being let in with a forged credential.
#[test]
fn to_be_taken_for_somebody_else_is_a_wrong_accept() {
    let server = Known::start(Behaviour::default()).unwrap();
    let mut traffic = server.traffic(VISITORS);
    for visitor in &mut traffic.visitors {
        visitor.requests[0].deserves = Deserves::status(200).saying(b"\"user\":\"ada\"");
    }
    let pacing = open(200.0, ms(100));
    let readings = run(
        traffic,
        &pacing,
        &Settings::default(),
        Instant::now() + ms(50),
    )
    .unwrap();
    assert_eq!(readings.tally.counts.wrong_accepts.count, entries(&pacing));
}

/// Goal: latencies are what they are. Method: a delay of 20 ms is never undercut, and found again
/// within what scheduling may add; Little's law holds between the generator's rate and latency and
/// the in-flight mean that the server took by itself; percentiles are in order on both clocks.
#[test]
fn a_known_delay_is_read_and_littles_law_holds() {
    let delay = ms(20);
    let server = Known::start(Behaviour {
        delay,
        ..Behaviour::default()
    })
    .unwrap();
    let readings = go(&server, &open(500.0, ms(2_000)), &Settings::default());
    let (intended, service) = readings.tally.latency();
    // The histogram rounds to 0.1 %.
    assert!(
        service.min() as f64 >= delay.as_nanos() as f64 * 0.999,
        "{}",
        service.min()
    );
    assert!(
        service.value_at_quantile(0.5) < 25_000_000,
        "{}",
        service.value_at_quantile(0.5)
    );
    for clock in [&intended, &service] {
        let at = |quantile| clock.value_at_quantile(quantile);
        assert!(at(0.5) <= at(0.9) && at(0.9) <= at(0.99) && at(0.99) <= at(0.999));
        assert!(at(0.999) <= clock.max());
        assert_eq!(clock.len(), readings.tally.answered());
    }
    assert!(intended.mean() >= service.mean());
    let in_flight = server.seen.busy_ns.load(Relaxed) as f64 / 2e9;
    let little = readings.achieved_rps() * service.mean() / 1e9;
    assert!(
        (in_flight / little - 1.0).abs() < 0.05,
        "{in_flight} against {little}"
    );
}

/// wrk2's own example: a server that stops for 1.4 s. Requests that should have been sent meanwhile
/// waited as long as their users would have, and a clock that starts at the sending does not see
/// it.
///
/// Eight connections are stuck at the time, so eight of some 3,000 requests are slow on the service
/// clock, less than 1 %; on the intended clock all of 1.4 s' requests are, far more than 1 %.
#[test]
fn a_stall_shows_on_the_intended_clock() {
    let start = Instant::now() + ms(100);
    let server = Known::start(Behaviour {
        stall: Some((start + ms(1_000), ms(1_400))),
        ..Behaviour::default()
    })
    .unwrap();
    let settings = Settings {
        connections: 8,
        ..Settings::default()
    };
    let pacing = then_quiet(600.0, ms(5_000));
    let readings = run(server.traffic(VISITORS), &pacing, &settings, start).unwrap();
    let (intended, service) = readings.tally.latency();
    assert_eq!(readings.tally.counts.not_sent, 0);
    let p99_ns = intended.value_at_quantile(0.99);
    assert!((1_000_000_000..1_500_000_000).contains(&p99_ns), "{p99_ns}");
    assert!(
        service.value_at_quantile(0.99) < 100_000_000,
        "{}",
        service.value_at_quantile(0.99)
    );
    assert!(
        (1_350_000_000..1_500_000_000).contains(&service.max()),
        "{}",
        service.max()
    );
}

/// Goal: what could not be sent stays in the denominator. Method: two connections at 100 ms an
/// answer can do 20 a second; 200 are asked for.
#[test]
fn a_server_that_is_too_slow_leaves_requests_unsent() {
    let server = Known::start(Behaviour {
        delay: ms(100),
        ..Behaviour::default()
    })
    .unwrap();
    let settings = Settings {
        connections: 2,
        ..Settings::default()
    };
    let pacing = open(200.0, ms(1_000));
    let readings = go(&server, &pacing, &settings);
    let counts = &readings.tally.counts;
    assert_eq!(counts.planned, entries(&pacing));
    assert_eq!(counts.sent + counts.not_sent, counts.planned);
    assert_eq!(counts.sent, server.seen.requests.load(Relaxed));
    assert!((10..=22).contains(&counts.sent), "{}", counts.sent);
    let invalid = gate::judge(&Facts::from(&readings));
    assert!(
        matches!(
            invalid[..],
            [Invalid::NotSent { .. }, Invalid::Achieved { .. }]
        ),
        "{invalid:?}"
    );
    assert_eq!(gate::exit_code(&invalid), 3);
}

#[test]
fn a_request_without_answer_is_given_up_and_counted() {
    let start = Instant::now() + ms(50);
    let server = Known::start(Behaviour {
        stall: Some((start, Duration::from_secs(60))),
        ..Behaviour::default()
    })
    .unwrap();
    let settings = Settings {
        connections: 4,
        timeout: ms(100),
        ..Settings::default()
    };
    let readings = run(
        server.traffic(VISITORS),
        &open(100.0, ms(500)),
        &settings,
        start,
    )
    .unwrap();
    let tally = &readings.tally;
    let timed_out = tally.count(Outcome::TimedOut);
    assert!(timed_out >= 10, "{timed_out}");
    assert_eq!(tally.answered(), 0);
    assert_eq!(tally.counts.sent, timed_out);
    // Each needs a connection of its own: on the old one the late answer would be taken for the
    // next.
    assert!(tally.counts.connections >= timed_out);
    let (_, service) = tally.latency();
    assert!(
        service.min() >= 99_900_000 && service.max() < 400_000_000,
        "{service:?}"
    );
    assert!(gate::judge(&Facts::from(&readings)).contains(&Invalid::NoAnswers));
}

#[test]
fn a_server_that_is_gone_is_counted_with_its_reason() {
    let server = Known::start(Behaviour::default()).unwrap();
    let traffic = server.traffic(VISITORS);
    drop(server);
    let pacing = then_quiet(200.0, ms(200));
    let readings = run(
        traffic,
        &pacing,
        &Settings::default(),
        Instant::now() + ms(20),
    )
    .unwrap();
    let broken = readings.tally.count(Outcome::Broken);
    assert_eq!(broken, entries(&pacing));
    let reasons = &readings.tally.counts.broken;
    assert_eq!(
        reasons.get("cannot connect: connection refused"),
        Some(&broken),
        "{reasons:?}"
    );
}

#[test]
fn connections_are_used_as_often_as_the_setting_says() {
    let pacing = then_quiet(500.0, ms(200));
    let sent = entries(&pacing);
    for (reuse, expected) in [
        (Reuse::Kept, 4..=4),
        (Reuse::NewPerRequest, sent..=sent),
        // Four connections, each opened anew after ten requests; how they share them is left to
        // chance.
        (Reuse::Recycled(10), sent.div_ceil(10)..=sent / 10 + 4),
    ] {
        let server = Known::start(Behaviour::default()).unwrap();
        let settings = Settings {
            connections: 4,
            reuse,
            ..Settings::default()
        };
        let readings = go(&server, &pacing, &settings);
        assert_eq!(readings.tally.count(Outcome::Recognised), sent, "{reuse:?}");
        let accepted = server.seen.connections.load(Relaxed);
        assert!(expected.contains(&accepted), "{reuse:?}: {accepted}");
        assert_eq!(accepted, readings.tally.counts.connections);
    }
}

/// The closed loop is the same engine: with 10 ms of thought and 10 ms of delay, four connections
/// do 200 a second; nothing is planned, so nothing is unsent.
#[test]
fn a_closed_loop_thinks_between_requests() {
    let server = Known::start(Behaviour {
        delay: ms(10),
        ..Behaviour::default()
    })
    .unwrap();
    let pacing = Pacing::Closed(Closed {
        seed: 7,
        draws: DrawPlan::valid(VISITORS),
        think: ms(10),
        length: ms(1_000),
    });
    let settings = Settings {
        connections: 4,
        threads: 2,
        ..Settings::default()
    };
    let readings = go(&server, &pacing, &settings);
    let counts = &readings.tally.counts;
    assert!((140..=200).contains(&counts.sent), "{}", counts.sent);
    assert_eq!((counts.planned, counts.not_sent), (0, 0));
    assert_eq!(readings.offered_rps(), None);
    assert_eq!(counts.sent, server.seen.requests.load(Relaxed));
}

/// Warm-up requests are sent, judged and not timed; the window is what remains.
#[test]
fn the_warm_up_is_left_out() {
    let server = Known::start(Behaviour::default()).unwrap();
    let pacing = then_quiet(1_000.0, ms(400));
    let settings = Settings {
        warm_up: ms(200),
        threads: 2,
        ..Settings::default()
    };
    let readings = go(&server, &pacing, &settings);
    let counts = &readings.tally.counts;
    assert_eq!(readings.window, ms(200) + QUIET);
    assert_eq!(counts.warm_up + counts.sent, entries(&pacing));
    assert_eq!(counts.planned, counts.sent);
    assert_eq!(server.seen.requests.load(Relaxed), entries(&pacing));
    assert_eq!(readings.tally.latency().0.len(), counts.sent);
    assert!(readings.effort.cpu_ns > 0);
    assert!(
        (0.0..1.0).contains(&readings.effort.cpu_share()),
        "{:?}",
        readings.effort
    );
}

/// Each visitor's requests go where they belong, each address with connections of its own.
#[test]
fn visitors_go_to_their_own_instance() {
    let servers = ["known-a", "known-b"].map(|name| {
        Known::start(Behaviour {
            instances: vec![name.into()],
            ..Behaviour::default()
        })
        .unwrap()
    });
    let visitor = |number: u32| Visitor {
        requests: vec![Known::request(CredentialKind::Valid).target(number as usize % 2)],
    };
    let traffic = Traffic {
        targets: servers.iter().map(|server| server.address).collect(),
        visitors: (0..VISITORS).map(visitor).collect(),
    };
    let pacing = open(1_000.0, ms(200));
    let readings = run(
        traffic,
        &pacing,
        &Settings::default(),
        Instant::now() + ms(50),
    )
    .unwrap();
    let Pacing::Open(schedule) = &pacing else {
        panic!("it is open");
    };
    let to_a = schedule
        .entries
        .iter()
        .filter(|entry| entry.visitor % 2 == 0)
        .count() as u64;
    assert_eq!(servers[0].seen.requests.load(Relaxed), to_a);
    assert_eq!(readings.tally.count(Outcome::Recognised), entries(&pacing));
}

#[test]
fn told_to_stop_it_stops_and_keeps_what_it_has() {
    let server = Known::start(Behaviour::default()).unwrap();
    let settings = Settings::default();
    let stop = settings.stop.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(ms(300));
        stop.store(true, Relaxed);
    });
    let began = Instant::now();
    let readings = go(&server, &open(200.0, Duration::from_secs(60)), &settings);
    stopper.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(readings.interrupted);
    assert!(readings.tally.answered() > 0 && readings.tally.counts.not_sent > 0);
}

#[test]
fn what_cannot_be_sent_is_refused_before_the_first_request() {
    let server = Known::start(Behaviour::default()).unwrap();
    let refused = |traffic: Traffic, pacing: &Pacing| {
        run(traffic, pacing, &Settings::default(), Instant::now()).unwrap_err()
    };
    let expired = mixed(100.0, ms(100), vec![(CredentialKind::Expired, 1)]);
    let error = refused(server.traffic(VISITORS), &expired);
    assert!(matches!(
        error,
        Error::NotPrepared {
            kind: CredentialKind::Expired,
            ..
        }
    ));
    let mut nowhere = server.traffic(VISITORS);
    nowhere.targets.clear();
    assert!(matches!(
        refused(nowhere, &open(100.0, ms(100))),
        Error::NoTarget(0)
    ));
    assert_eq!(server.seen.requests.load(Relaxed), 0);
}

#[test]
fn requests_do_not_show_their_credential() {
    let headers = [("authorization", "Bearer secret")];
    let request = Request::new(("GET", "/me"), "a", &headers, b"", Deserves::status(200));
    assert!(!format!("{request:?}").contains("secret"));
}
