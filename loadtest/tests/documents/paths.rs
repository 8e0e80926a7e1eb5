//! Paths that pages name in words set as code.

use crate::page::Page;
use crate::tree::{Tree, resolved};

/// Every path that is named and does not exist.
pub(crate) fn faults(pages: &[Page], tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for page in pages {
        for (line, span) in &page.spans {
            let fault = fault(page, span, tree);
            faults.extend(fault.map(|fault| format!("{}: `{span}`: {fault}", page.at(*line))));
        }
    }
    faults
}

fn fault(page: &Page, span: &str, tree: &Tree) -> Option<String> {
    let (path, function) = match span.split_once("::") {
        Some((path, function)) => (path, Some(function)),
        None => (span, None),
    };
    if !is_path(path, tree) {
        return None;
    }
    let path = path.trim_end_matches('/');
    let beside = resolved(page.folder(), path).filter(|beside| tree.has(beside));
    if beside.is_none() && !tree.has_somewhere(path) {
        let made = tree.is_made(path);
        return (!made).then(|| "there is no such file".to_owned());
    }
    let function = function?;
    let heads = [format!("fn {function}("), format!("fn {function}<")];
    let end = format!("/{path}");
    let has = |file: &str| {
        let text = tree.text(file);
        heads.iter().any(|head| text.contains(head))
    };
    let mut files = tree
        .files()
        .filter(|file| *file == path || file.ends_with(&end));
    (!files.any(has)).then(|| format!("it has no {function}()"))
}

/// Whether it is meant as a path in here: a Rust file, a folder, or what begins like one of ours.
fn is_path(span: &str, tree: &Tree) -> bool {
    let word = |it: char| it.is_ascii_alphanumeric() || "._-/".contains(it);
    if !span.chars().all(word) || span.starts_with('/') || span.starts_with('-') {
        return false;
    }
    let ours = span
        .split_once('/')
        .is_some_and(|(first, _)| tree.has(first) && !tree.has_file(first));
    ours || span.ends_with(".rs") || span.ends_with('/')
}
