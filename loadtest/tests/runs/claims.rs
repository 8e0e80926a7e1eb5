//! `claims`: a published ratio is built again and mended, with real processes.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use loadtest::claims::{FACTOR, outcome};
use nix::sys::signal::Signal;

use super::processes::{assert_gone, descendants, send};
use super::{Run, executable, told};

/// The quickest there is: two turns, as short as they may be.
const QUICK: [&str; 5] = ["claims", "--blocks", "2", "--seconds", "0.2"];

fn quick<'a>(more: &[&'a str]) -> Vec<&'a str> {
    QUICK.iter().chain(more).copied().collect()
}

/// Three instances without a shared store know a login one time in three, and with one always;
/// and a token is many times longer than a name.
#[test]
fn a_ratio_is_reproduced_and_gone_without_its_fault() {
    let run = Run::new();
    let output = run
        .command(&quick(&["--only", "one-of-three,bytes"]))
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("2 of 2 ratios"), "{}", told(&output));

    let kept = outcome::Run::load(&run.out()).unwrap();
    let [one_of_three, bytes] = &kept.outcomes[..] else {
        panic!("{kept:#?}");
    };
    let of = |measured: &Option<outcome::Measured>| measured.as_ref().unwrap().ratio;
    assert_eq!(one_of_three.is_reproduced(), Some(true));
    assert!((of(&one_of_three.mended) - 1.0).abs() < 0.001);
    assert!((of(&bytes.rebuilt) - bytes.published_ratio).abs() < 0.001);
    assert!(of(&bytes.mended) * FACTOR < bytes.published_ratio);

    let page = run.dir.path().join("page.md");
    fs::write(&page, "<!-- BEGIN: claims -->\n<!-- END: claims -->\n").unwrap();
    let mut again = executable(&["claims", "--replay"]);
    again.arg(run.out()).arg("--splice").arg(&page);
    assert_eq!(again.output().unwrap().status.code(), Some(0));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("| one-of-three | 3.00 × |"), "{page}");
    let beside = fs::read_to_string(run.out().join("claims.md")).unwrap();
    assert!(page.contains(&beside), "{page}\n{beside}");
}

/// Its set-up needs a Node of a certain release, which nobody has installed there.
#[test]
fn a_claim_that_needs_what_is_missing_is_not_run_and_says_the_remedy() {
    let run = Run::new();
    let args = ["--only", "string-key,bytes", "--node", "nowhere"];
    let output = run.command(&quick(&args)).output().unwrap();
    // The other one was run and came out as published.
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("not run"), "{}", told(&output));
    for remedy in ["node-20", "`npm ci`", "benches/claims/node", "--node"] {
        assert!(
            told(&output).contains(remedy),
            "{remedy}: {}",
            told(&output)
        );
    }
}

#[test]
fn ctrl_c_keeps_what_was_measured_and_leaves_no_process() {
    let run = Run::new();
    let args = ["claims", "--blocks", "50", "--only", "bytes,hs256"];
    let mut command = run.command(&args);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    let has_one = || outcome::Run::load(&run.out()).is_ok_and(|kept| !kept.outcomes.is_empty());
    while !has_one() {
        assert!(Instant::now() < patience, "nothing was kept for a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
    let processes = descendants(child.id());
    send(child.id() as i32, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let kept = outcome::Run::load(&run.out()).unwrap();
    assert!(kept.interrupted);
    assert_eq!(kept.outcomes[0].claim, "bytes");
    assert_gone(&processes, Duration::from_secs(1));
}
