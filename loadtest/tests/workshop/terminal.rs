//! Follows the commands of an exercise in one shell, in a copy of the source, as somebody does who
//! has just cloned it. A `cargo` before the real one spares the release build: it starts the
//! executable that is tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::page::Exercise;
use super::quote::text_fits;

/// Waits until nothing else here builds or logs people in: beside an exercise that builds, a log-in
/// can take half of a login's life.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Folders that no clone has.
const NOT_CLONED: [&str; 4] = ["target", ".git", "node_modules", "runs"];

/// What stands between the outputs of two blocks.
const BREAK: &str = "--8<-- the next block --8<--";

/// The copy's crates need names of their own, as they lie among those of the source and cargo
/// calls them after their place in the workspace: a setting that no other build has makes some.
/// `--workspace` asks the dependencies for what the source asked them for, so that they are built.
const CARGO: &str = r#"#!/usr/bin/env bash
case "$*" in
"run --release -- "*) shift 3 && exec "$WORKSHOP_LOADTEST" "$@" ;;
"test -p app --test own_memory")
    exec "$WORKSHOP_CARGO" test --locked --offline --workspace --test own_memory \
        --config profile.dev.package.app.codegen-units=255 ;;
*) echo "the workshop's test knows no such command: cargo $*" && exit 99 ;;
esac
"#;

/// Runs every block, and compares what each prints with the page.
pub(crate) fn follow(exercise: &Exercise) {
    let _turn = turn();
    let clone = tempfile::tempdir().unwrap();
    copy(&crate::root(), clone.path());
    let commands = exercise.commands();
    let script: Vec<_> = commands.iter().map(|[sh, _]| sh.as_str()).collect();
    let script = script.join(&format!("echo '{BREAK}'\n"));
    let printed = run(&script, clone.path());
    let printed: Vec<_> = printed.split(&format!("{BREAK}\n")).collect();
    assert_eq!(
        printed.len(),
        commands.len(),
        "{}: {printed:#?}",
        exercise.path
    );
    for ([sh, quoted], seen) in commands.iter().zip(printed) {
        assert!(
            text_fits(quoted, seen),
            "{}:\n{sh}\nis said to print\n{quoted}\nand prints\n{seen}",
            exercise.path
        );
    }
}

fn run(script: &str, clone: &Path) -> String {
    let tools = tempfile::tempdir().unwrap();
    fs::write(tools.path().join("cargo"), CARGO).unwrap();
    executable(&tools.path().join("cargo"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::split_paths(&path);
    let path = std::env::join_paths([tools.path().to_owned()].into_iter().chain(path)).unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(clone)
        .env("PATH", path)
        .env("WORKSHOP_LOADTEST", env!("CARGO_BIN_EXE_loadtest"))
        .env("WORKSHOP_CARGO", env!("CARGO"))
        .env("CARGO_TARGET_DIR", target())
        .env("NO_COLOR", "1")
        .env("CARGO_TERM_COLOR", "never")
        .env_remove("REDIS_URL")
        .env_remove("SVJ_TARGET")
        .stdin(Stdio::null())
        .output()
        .expect("the exercises are written for bash");
    String::from_utf8(output.stdout).unwrap()
}

/// Where cargo builds: the executable that is tested lies in a folder of it.
fn target() -> PathBuf {
    let executable = Path::new(env!("CARGO_BIN_EXE_loadtest"));
    executable.ancestors().nth(2).unwrap().to_owned()
}

fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Copies the source as a clone would have it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let target = to.join(&name);
        // Where code lies, `target` is a module.
        let code = from.ends_with("src");
        if !code && NOT_CLONED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// That `loadtest` has this command, and each option that begins with two dashes.
pub(crate) fn assert_is_offered(command: &str, page: &Path) {
    let mut words = command.split_whitespace();
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args([words.next().unwrap(), "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let known = output.status.success()
        && words
            .filter(|word| word.starts_with("--"))
            .all(|word| help.contains(word));
    assert!(known, "{}: {command}\n{help}", page.display());
}
