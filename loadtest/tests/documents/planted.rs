//! A planted fault of every kind is found, and what is right beside it is not called one.

use std::path::Path;

use crate::page::{IS_RUN, Page};
use crate::tree::Tree;
use crate::{commands, links, paths, run};

/// A small repository, of which no file is ever opened.
fn tree() -> Tree {
    let files = [
        "README.md",
        "docs/A.md",
        "docs/results/one/report.md",
        "loadtest/Cargo.toml",
        "loadtest/src/lag.rs",
        "loadtest/tests/tidy/main.rs",
        ".ci/test",
    ];
    Tree::new(Path::new(".").to_owned(), files.map(str::to_owned))
}

fn page(text: &str) -> Page {
    Page::read("docs/A.md", text)
}

/// Which of `planted` no fault names; each is unlike every other.
#[track_caller]
fn assert_found(planted: &[&str], faults: &[String]) {
    for one in planted {
        let found = faults.iter().any(|fault| fault.contains(one));
        assert!(found, "{one} was not found, only {faults:#?}");
    }
    assert_eq!(faults.len(), planted.len(), "{faults:#?}");
}

#[test]
fn of_links() {
    let text = "\
# Here
[good](#here) [good](../README.md#top) [good](results/one) [good](https://example.org/a#b)
[good](http://127.0.0.1:4401/) [good][named]
[no anchor](#there) [no anchor of another](../README.md#bottom) [no file](../GONE.md)
[out](../../etc/passwd) [plain](http://example.org/) [broken](https://) [unnamed][nobody]
[no page](../loadtest/src/lag.rs#L7)

[named]: ../.ci/test
";
    let pages = [page(text), Page::read("README.md", "# Top\n")];
    let planted = [
        "#there",
        "#bottom",
        "GONE.md",
        "passwd",
        "http://example.org",
        "https://:",
        "[nobody]",
        "lag.rs#L7",
    ];
    assert_found(&planted, &links::faults(&pages, &tree()));
}

#[test]
fn of_paths() {
    let text = "`loadtest/src/lag.rs` `lag.rs` `results/` `/me` `a/b` `docs/A.md` `tidy/`\n\n\
        `loadtest/src/log.rs` `leg.rs` `.ci/tset` `gone/` `loadtest/src/lag.rs::no_such_test`\n";
    let planted = ["log.rs", "leg.rs", ".ci/tset", "gone/", "no_such_test"];
    assert_found(&planted, &paths::faults(&[page(text)], &tree()));
}

#[test]
fn of_commands() {
    let text = "\
`matrix --all` `--shard I/N` `measure --preset` `report DIR --against OTHER` `list` `--only-here`

```sh
cargo run --release -- matrix --all --seed 8
cargo test --workspace --test tidy && ls -l
docker compose run --rm loadtest measure
loadtest inspect --help
tool --only-here
```

`matrix --al` `--shrad 1/2` `measure --preste` `watch --port 70000`

```sh
cargo run --release -- matrix --seed many
cargo test --workspace --test tydi
cargo build --relaese
docker compose run --rm loadtest mesure
.ci/gone
loadtest report
server-jwt --pool x --accounts y --stok
loadtest inspect --verfy
```

```
loadtest watch --rom
```
";
    let (checked, faults) = commands::faults(&[page(text)], &tree());
    let planted = [
        "matrix --al`",
        "--shrad",
        "--preste",
        "70000",
        "many",
        "tydi",
        "--relaese",
        "mesure",
        ".ci/gone",
        "loadtest report",
        "--stok",
        "--verfy",
        "```",
    ];
    assert_eq!(checked, planted.len() + 9);
    assert_found(&planted, &faults);
}

#[test]
fn of_quoted_output() {
    let quoted = "```sh\necho one\n```\n```text\none\n```\n";
    assert_eq!(run::unread(&[page(quoted)]).len(), 1);
    assert_eq!(
        run::unread(&[page(&quoted.replace("text", "json"))]).len(),
        0
    );

    let text = format!(
        "{IS_RUN}\n{quoted}\n\
         ```sh\nx=3; echo a $x b; echo c; echo d\n```\n\
         ```text\na … b\n…\nd\n```\n\
         ```sh\nfalse\n```\n\n```sh\necho $x\n```\n```text\n4\n```\n\n```sh\necho unquoted\n```\n"
    );
    let faults = run::faults(&page(&text), Path::new("."));
    assert_found(&["printed\n3\n", "printed\nunquoted\n"], &faults);
}

#[test]
fn two_who_run_a_page_get_ports_of_their_own() {
    let text = format!(
        "{IS_RUN}\n```sh\necho 127.0.0.1:5501/a 127.0.0.1:5502 --port 5502 x 5501\n```\n\
         ```text\n127.0.0.1:5501/a 127.0.0.1:5502 --port 5502 x 5501\n```\n"
    );
    let [fault] = &run::faults(&page(&text), Path::new("."))[..] else {
        panic!("what no address says keeps the number that it has");
    };
    assert!(
        fault.contains("127.0.0.1:5501/a 127.0.0.1:5502 --port "),
        "{fault}"
    );
    assert!(
        fault.contains(" x 5501") && !fault.contains("--port 5502"),
        "{fault}"
    );
}

#[test]
fn an_ellipsis_fits_only_where_it_stands() {
    for (quoted, printed) in [
        ("a", "a "),
        ("a …", "a b c"),
        ("…", ""),
        ("a\n…\nb", "a\nx\ny\nb"),
        ("a … c … e", "a b c d e"),
    ] {
        assert!(run::fits(quoted, printed), "{quoted:?} {printed:?}");
    }
    for (quoted, printed) in [
        ("a", "b"),
        ("a …", "b c"),
        ("a … c", "a b"),
        ("a\n…", "b"),
        ("", "a"),
        ("a", ""),
    ] {
        assert!(!run::fits(quoted, printed), "{quoted:?} {printed:?}");
    }
}
