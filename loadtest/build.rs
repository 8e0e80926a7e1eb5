//! What only the build knows, baked in for the record: compiler, commit, library versions, profile.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The libraries whose version may change a figure or an outcome.
const LIBRARIES: [&str; 12] = [
    "argon2",
    "aws-lc-rs",
    "axum",
    "hyper",
    "hyper-util",
    "jsonwebtoken",
    "redis",
    "reqwest",
    "sqlx",
    "tokio",
    "tower-sessions",
    "tower-sessions-core",
];

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let rustc = output(Command::new(rustc).arg("--version"));
    set("BUILD_RUSTC", &rustc.unwrap_or_else(|| "unknown".into()));
    set("BUILD_COMMIT", &commit());
    set(
        "BUILD_PROFILE",
        &env::var("PROFILE").unwrap_or_else(|_| "unknown".into()),
    );
    let lock = fs::read_to_string("../Cargo.lock").unwrap_or_default();
    set("BUILD_VERSIONS", &versions(&lock));

    // Whatever may make a build of the same commit a different program.
    println!("cargo:rerun-if-env-changed=SOURCE_COMMIT");
    for path in [
        "build.rs",
        "src",
        "../Cargo.lock",
        "../app/src",
        "../cluster/src",
        "../server-jwt/src",
        "../server-session/src",
    ] {
        if Path::new(path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
}

fn set(name: &str, value: &str) {
    println!("cargo:rustc-env={name}={value}");
}

/// The first line that a command prints, if it ends well.
fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(
        String::from_utf8(output.stdout)
            .ok()?
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    )
}

/// The commit, `+dirty` behind it if files differ from it; an image without git names it itself.
fn commit() -> String {
    if let Ok(commit) = env::var("SOURCE_COMMIT") {
        return commit;
    }
    let Some(commit) = output(Command::new("git").args(["rev-parse", "--short=12", "HEAD"])) else {
        return "unknown".into();
    };
    if let Some(log) = output(Command::new("git").args(["rev-parse", "--git-path", "logs/HEAD"])) {
        // It grows with each commit and checkout.
        if Path::new(&log).exists() {
            println!("cargo:rerun-if-changed={log}");
        }
    }
    let changed = output(Command::new("git").args(["status", "--porcelain", "--", ".."]));
    match changed.as_deref() {
        Some("") => commit,
        _ => format!("{commit}+dirty"),
    }
}

/// `name=version` for each of [`LIBRARIES`] in the lock file, with `;` between.
fn versions(lock: &str) -> String {
    let mut found = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        let Some(name) = quoted(line, "name = ") else {
            continue;
        };
        let version = lines.next().and_then(|line| quoted(line, "version = "));
        if let Some(version) = version.filter(|_| LIBRARIES.contains(&name)) {
            found.push(format!("{name}={version}"));
        }
    }
    found.join(";")
}

/// What stands between quotes after `key`.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix('"')?.strip_suffix('"')
}
