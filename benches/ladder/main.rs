//! The ladder: what one check costs, rung by rung, so that nobody books HTTP on authentication,
//! or a library on a scheme.
//!
//! For every arm, and for claims of 0.2, 1 and 4 kB: find the credential in the header; parse it;
//! verify it or look it up; the library as it is shipped; our middleware around the three verbs;
//! the whole request but for its socket. Then remembering and forgetting, and a whole login with
//! its password hash. Each rung asserts what came out, each time.
//!
//! `cargo bench --bench ladder` prints the table and writes a record with it to `target/ladder`,
//! of which `loadtest report` makes a page.

#[path = "../../server-session/tests/support/real_redis.rs"]
mod real_redis;
mod session;
mod subject;
mod table;
mod token;

use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use subject::Subject;

/// The sizes of claims that are compared, in bytes of JSON. The first is that of a plain login,
/// and a little more.
const CLAIMS_BYTES: [usize; 3] = [200, 1_024, 4_096];

/// What a rung is called, from the ground up.
mod rung {
    pub(crate) const FIND: &str = "1 find it in the header";
    pub(crate) const PARSE: &str = "2 parse it";
    pub(crate) const CHECK: &str = "3 verify it, or look it up";
    pub(crate) const POLICY: &str = "4 all of the check";
    pub(crate) const SHIPPED: &str = "5 the library as shipped";
    pub(crate) const LAYERS: &str = "6 through our layers";
    pub(crate) const REQUEST: &str = "7 the whole request";
    pub(crate) const REMEMBER: &str = "8 remember and forget";
    pub(crate) const LOG_IN: &str = "9 a login, with its hash";
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .output_directory(&table::measured())
        .configure_from_args();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let runtime = Arc::new(runtime);
    // Redis in this process's care; without one there is an error that says how to get it.
    let redis = real_redis::Redis::start();
    trusting(&mut criterion, &runtime);
    session::arms(&mut criterion, &runtime, &redis.url);
    token::arms(&mut criterion, &runtime, &redis.url);
    criterion.final_summary();
    table::print_and_record();
}

/// The zero line: a whole request, and nobody asked.
fn trusting(criterion: &mut Criterion, runtime: &Arc<tokio::runtime::Runtime>) {
    let subject = Subject::new(runtime, "trusting", async |instance| {
        app::trusting::Trusting::new(&instance)
    });
    whole(criterion, "trusting", &subject, |name_chars| {
        subject::login(name_chars, "trusting-a", 0)
    });
}

/// The rungs that every arm has: its layers, the whole request, and the other two verbs.
/// `login` makes one whose name is that long.
fn whole(
    criterion: &mut Criterion,
    arm: &str,
    subject: &Subject,
    login: impl Fn(usize) -> app::Login,
) {
    let mut group = criterion.benchmark_group(arm);
    for bytes in CLAIMS_BYTES {
        let login = login(name_chars(bytes));
        let credential = subject.remember(&login);
        let id = |rung| BenchmarkId::new(rung, bytes);
        group.bench_function(id(rung::LAYERS), |bencher| {
            bencher.iter(|| subject.recall(&credential));
        });
        group.bench_function(id(rung::REQUEST), |bencher| {
            bencher.iter(|| subject.ask(&credential));
        });
        group.bench_function(id(rung::REMEMBER), |bencher| {
            bencher.iter(|| subject.forget(&subject.remember(&login)));
        });
    }
    group.sample_size(10);
    group.bench_function(BenchmarkId::new(rung::LOG_IN, CLAIMS_BYTES[0]), |bencher| {
        bencher.iter(|| subject.log_in());
    });
    group.finish();
}

/// How long a name makes the claims of a login about that long; they have 240 bytes besides it.
fn name_chars(claims_bytes: usize) -> usize {
    claims_bytes.saturating_sub(240).max(3)
}
