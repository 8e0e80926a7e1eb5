//! The kit, made with the executable that is tested: what is in it, and that it runs where there is
//! no network. A network namespace with nothing but loopback is such a place.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The script, from the workspace's folder.
fn kit(args: &[&str]) -> Output {
    Command::new(crate::root().join("docs/workshop/kit"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// A shell command where there is no network, in a folder.
fn without_network(command: &str, folder: &Path) -> Output {
    let namespace = if nix::unistd::geteuid().is_root() {
        "--net"
    } else {
        "--map-root-user"
    };
    Command::new("unshare")
        .args([namespace, "--net", "bash", "-c"])
        .arg(format!("ip link set lo up && {command}"))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("CARGO", env!("CARGO"))
        // A home without a registry: whatever is built comes out of the kit.
        .env("CARGO_HOME", folder.join("home"))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("REDIS_URL")
        .env_remove("SVJ_TARGET")
        .stdin(Stdio::null())
        .output()
        .expect("this test needs unshare, of util-linux")
}

#[test]
fn the_kit_runs_where_there_is_no_network() {
    let _turn = crate::terminal::turn();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("stick");
    let path = folder.to_str().unwrap();
    let made = kit(&[
        "--no-images",
        "--binary",
        env!("CARGO_BIN_EXE_loadtest"),
        path,
    ]);
    assert!(made.status.success(), "{}", told(&made));

    let sums = without_network("sha256sum --quiet -c SHA256SUMS", &folder);
    assert!(sums.status.success(), "{}", told(&sums));
    let listed = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    for file in [
        "README.md",
        "report.html",
        "slides.html",
        "handout.html",
        "source.tar.gz",
    ] {
        assert!(listed.contains(&format!(" ./{file}\n")), "{file}: {listed}");
    }
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains("No images are here: "), "{readme}");

    let demo = "bin/*/loadtest demo --once --port 0 --out run --arms session-memory,jwt-hs256";
    let demo = without_network(demo, &folder);
    assert!(told(&demo).contains("FORGOTTEN"), "{}", told(&demo));
    assert!(folder.join("run/report.html").is_file(), "{}", told(&demo));

    let build = "tar -xzf source.tar.gz && cd session-vs-jwt \
        && \"$CARGO\" metadata --offline --locked --format-version 1 >/dev/null \
        && \"$CARGO\" check --offline --locked -p httparse";
    let build = without_network(build, &folder);
    assert!(build.status.success(), "{}", told(&build));
}

#[test]
fn what_the_kit_cannot_do_it_says_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let made = kit(&["--help"]);
    assert!(made.status.success() && told(&made).contains("Usage: docs/workshop/kit"));
    let there = kit(&[dir.path().to_str().unwrap()]);
    assert_eq!(there.status.code(), Some(2));
    assert!(told(&there).contains("is there already; name another folder"));
    for (args, remedy) in [
        (
            ["--fast", "x"],
            "there is no such option; docs/workshop/kit --help",
        ),
        (
            ["--binary", "/nowhere/at-all"],
            "is no file that can be run",
        ),
    ] {
        let refused = kit(&args);
        assert_eq!(refused.status.code(), Some(2));
        assert!(told(&refused).contains(remedy), "{}", told(&refused));
    }
}
