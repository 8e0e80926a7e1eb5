//! What the tests of this crate share: keys in files, memories built from flags, and a real
//! Redis. Without one these tests fail and say so: a list that was never asked proves nothing.

#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../../../server-session/tests/support/failover.rs"]
pub(crate) mod failover;
#[path = "../../../server-session/tests/support/many_redis.rs"]
pub(crate) mod many_redis;
#[path = "../../../server-session/tests/support/real_redis.rs"]
mod real_redis;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use app::Instance;
use app::conformance::Pair;
use clap::Parser as _;
pub(crate) use real_redis::Redis;
use server_jwt::Args;
use server_jwt::args::Serve;
use server_jwt::keys::keygen::{Alg, make};
use server_jwt::memory::JwtMemory;
use tempfile::TempDir;

/// A folder that lives as long as the test process.
fn folder() -> &'static TempDir {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| TempDir::new().expect("a folder can be made"))
}

/// A file with `content`, under a name of its own.
pub(crate) fn file(content: impl AsRef<[u8]>) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder().path().join(n.to_string());
    std::fs::write(&path, content).expect("the file is written");
    path
}

/// What `flags` ask for.
pub(crate) fn serve(flags: &[&str]) -> Serve {
    let always = ["server-jwt", "--pool", "jwt", "--accounts", "none"];
    let args = Args::try_parse_from(always.iter().chain(flags)).expect("the flags are right");
    *args.serve.0.expect("no subcommand is given")
}

/// The memory of `instance` that `flags` ask for.
pub(crate) async fn memory(instance: Instance, flags: &[&str]) -> JwtMemory {
    let built = serve(flags).build(instance).await;
    built.unwrap_or_else(|error| panic!("{flags:?}: {error}"))
}

/// Two instances, each with flags of its own after the shared ones.
pub(crate) async fn pair_of(shared: &[&str], a: &[&str], b: &[&str]) -> Pair {
    Pair::start("jwt", async |instance| {
        let own = if instance.name == "a" { a } else { b };
        memory(instance, &[shared, own].concat()).await
    })
    .await
}

/// Two instances with one new key for `alg`; where it has two halves, the second instance gets
/// only the public one.
pub(crate) async fn pair(alg: Alg, flags: &[&str]) -> Pair {
    let made = make(alg, "k1").expect("a key is made");
    let private = file(made.private.to_string());
    let public = made.public.unwrap_or(made.private);
    let public = file(public.to_string());
    let path = |path: &PathBuf| path.to_str().expect("the path is text").to_owned();
    let (private, public) = (path(&private), path(&public));
    pair_of(flags, &["--keys", &private], &["--keys", &public]).await
}

/// Two instances with one secret that share the test process' Redis, under keys of their own.
pub(crate) async fn pair_with_redis(flags: &[&str]) -> Pair {
    static REDIS: OnceLock<Redis> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let redis = REDIS.get_or_init(Redis::start);
    let prefix = format!("t{}:", COUNT.fetch_add(1, Ordering::Relaxed));
    let own = ["--redis-url", &redis.url, "--key-prefix", &prefix];
    // Time enough for a store on a busy machine: these tests are not about the deadline.
    let patiently = ["--store-deadline-ms", "10000"];
    pair(Alg::Hs256, &[flags, &own, &patiently].concat()).await
}

/// The order of the curve P-256, which ECDSA reckons with (FIPS 186-5).
pub(crate) const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The same ES256 token with the other signature that holds: (r, n - s) for (r, s). It takes no
/// key to write.
pub(crate) fn rewritten(token: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let (message, signature) = token.rsplit_once('.').expect("it has three parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("it is base64url");
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(P256_ORDER[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        signature[32 + at] = u8::try_from(difference.rem_euclid(256)).expect("it is a byte");
    }
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Runs the real binary on this input.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_server-jwt"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may end without reading.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// What it printed.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it prints text")
}

/// Exit code, and what was said on standard error if that is one line without a backtrace.
pub(crate) fn refused(output: &Output) -> (Option<i32>, &str) {
    let line = text(&output.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    (output.status.code(), line)
}

/// A path as a flag.
pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("text")
}
