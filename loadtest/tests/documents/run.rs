//! Pages that are run from top to bottom, and their quoted output compared.
//!
//! On such a page each `sh` block is run, in one shell and one empty folder, and the `text` block
//! right after it is what it prints. `…` stands for what differs from run to run: within a line for
//! any words, on a line of its own for any lines. A port of 127.0.0.1 that a page names is another
//! one here, which is free: several pages, and several copies of one, may run side by side.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::page::{Block, Page};

/// Stands for what differs from run to run.
const ANYTHING: char = '…';

/// Printed by the shell after each block.
const MARK: &str = "=== this block has ended ===";

/// How long a page may take, in seconds.
const PAGE_SECONDS_MAX: u32 = 120;

/// Pages that a test of their own runs: `loadtest/tests/workshop`.
const RUN_ELSEWHERE: &str = "docs/workshop/";

/// Output that is quoted on a page which nobody runs.
pub(crate) fn unread(pages: &[Page]) -> Vec<String> {
    let mut faults = Vec::new();
    let is_run = |page: &&Page| page.is_run || page.path.starts_with(RUN_ELSEWHERE);
    for page in pages.iter().filter(|page| !is_run(page)) {
        for pair in page.blocks.windows(2) {
            if is_pair(pair) {
                faults.push(format!("{}: is quoted and not run", page.at(pair[1].line)));
            }
        }
    }
    faults
}

/// Whether the second is what the first prints.
fn is_pair(pair: &[Block]) -> bool {
    matches!(pair, [sh, text] if sh.language == "sh" && text.language == "text" && text.follows)
}

/// Every block that prints something else than is quoted.
pub(crate) fn faults(page: &Page, root: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder to run a page in");
    let programs = folder.path().join("programs");
    fs::create_dir(&programs).expect("the folder was just made");
    provide(&programs);
    let runs: Vec<_> = page
        .blocks
        .iter()
        .filter(|it| it.language == "sh")
        .collect();
    let work = folder.path().join("work");
    fs::create_dir(&work).expect("the folder was just made");
    let ports = Ports::of(&runs);
    let printed = run(&ports.free(&script(&runs)), &work, &programs, root);
    let printed = ports.named(&printed);
    let mut pieces = printed.split(MARK);
    let mut faults = Vec::new();
    for block in runs {
        let at = page.blocks.iter().position(|one| one.line == block.line);
        let next = at.and_then(|at| page.blocks.get(at + 1));
        let quoted = next.filter(|next| next.language == "text" && next.follows);
        let quoted = quoted.map_or("", |next| next.text.as_str());
        let printed = pieces
            .next()
            .unwrap_or("(it was not reached)")
            .trim_matches('\n');
        if !fits(quoted.trim_matches('\n'), printed) {
            faults.push(format!("{}: printed\n{printed}\n", page.at(block.line)));
        }
    }
    faults
}

/// What stands before a port.
const HERE: &str = "127.0.0.1:";

/// The ports that a page names, each with a free one that it gets.
struct Ports(Vec<(String, String)>);

impl Ports {
    fn of(blocks: &[&Block]) -> Ports {
        let mut named = Vec::new();
        for piece in blocks.iter().flat_map(|it| it.text.split(HERE).skip(1)) {
            let digits = piece.find(|it: char| !it.is_ascii_digit());
            let port = &piece[..digits.unwrap_or(piece.len())];
            if !port.is_empty() && !named.iter().any(|it| it == port) {
                named.push(port.to_owned());
            }
        }
        // All are held until all are known, or one would be given out twice.
        let taken = named.iter().map(|_| TcpListener::bind("127.0.0.1:0"));
        let taken: Vec<_> = taken.map(|it| it.expect("a free port")).collect();
        let free = taken.iter().map(|it| it.local_addr().expect("it is bound"));
        let free = free.map(|address| address.port().to_string());
        Ports(named.into_iter().zip(free).collect())
    }

    /// `script` with the free ports.
    fn free(&self, script: &str) -> String {
        let one = |script: String, (named, free): &(String, String)| {
            let script = script.replace(&format!("{HERE}{named}"), &format!("{HERE}{free}"));
            script.replace(&format!("--port {named} "), &format!("--port {free} "))
        };
        self.0.iter().fold(script.to_owned(), one)
    }

    /// `printed` with the ports that the page names.
    fn named(&self, printed: &str) -> String {
        let one = |printed: String, (named, free): &(String, String)| {
            printed.replace(&format!("{HERE}{free}"), &format!("{HERE}{named}"))
        };
        self.0.iter().fold(printed.to_owned(), one)
    }
}

/// The three programs under their own names, from the executable that holds them all.
fn provide(programs: &Path) {
    let loadtest = env!("CARGO_BIN_EXE_loadtest");
    symlink(loadtest, programs.join("loadtest")).expect("a link in a folder of our own");
    for server in ["server-session", "server-jwt"] {
        let text = format!("#!/bin/sh\nexec {loadtest} {server} \"$@\"\n");
        let path = programs.join(server);
        fs::write(&path, text).expect("a file in a folder of our own");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("a file of our own");
    }
}

/// The blocks in order, each followed by the mark; whatever was left running is ended.
fn script(blocks: &[&Block]) -> String {
    let mut script = String::from("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n");
    for block in blocks {
        script.push_str(&block.text);
        script.push_str(&format!("\nprintf '%s' '{MARK}'\n"));
    }
    script
}

fn run(script: &str, work: &Path, programs: &Path, root: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args([&PAGE_SECONDS_MAX.to_string(), "bash", "-c", script])
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("REPOSITORY", root)
        .current_dir(work)
        .stdin(Stdio::null())
        .output()
        .expect("bash is there to run what pages say");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether `printed` is what `quoted` says.
pub(crate) fn fits(quoted: &str, printed: &str) -> bool {
    let quoted: Vec<_> = quoted.lines().map(str::trim_end).collect();
    let printed: Vec<_> = printed.lines().map(str::trim_end).collect();
    lines_fit(&quoted, &printed)
}

fn lines_fit(quoted: &[&str], printed: &[&str]) -> bool {
    let Some((first, rest)) = quoted.split_first() else {
        return printed.is_empty();
    };
    if first.chars().eq([ANYTHING]) {
        return (0..=printed.len()).any(|skipped| lines_fit(rest, &printed[skipped..]));
    }
    printed
        .split_first()
        .is_some_and(|(line, printed)| line_fits(first, line) && lines_fit(rest, printed))
}

fn line_fits(quoted: &str, printed: &str) -> bool {
    let Some((before, after)) = quoted.split_once(ANYTHING) else {
        return quoted == printed;
    };
    printed.strip_prefix(before).is_some_and(|rest| {
        let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        ends.any(|at| line_fits(after, &rest[at..]))
    })
}
