//! Links: to files of the repository, to headings, and to other hosts, which are never asked.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::page::Page;
use crate::tree::{Tree, resolved};

/// What a reader's own machine is called.
const THIS_MACHINE: [&str; 2] = ["localhost", "127.0.0.1"];

/// Every link that leads nowhere.
pub(crate) fn faults(pages: &[Page], tree: &Tree) -> Vec<String> {
    let anchors: BTreeMap<_, _> = pages
        .iter()
        .map(|page| (page.path.as_str(), page.anchors.as_slice()))
        .collect();
    let mut faults = Vec::new();
    for page in pages {
        for (line, link) in &page.links {
            let fault = match link.contains("://") {
                true => elsewhere(link),
                false => here(page, link, tree, &anchors),
            };
            faults.extend(fault.map(|fault| format!("{}: {link}: {fault}", page.at(*line))));
        }
        for (line, name) in &page.undefined {
            faults.push(format!("{}: [{name}] is not defined", page.at(*line)));
        }
    }
    faults
}

/// What is wrong with a link to another host.
fn elsewhere(link: &str) -> Option<String> {
    let url = match Url::parse(link) {
        Ok(url) => url,
        Err(error) => return Some(error.to_string()),
    };
    let host = url.host_str().unwrap_or_default();
    let mine = THIS_MACHINE.contains(&host);
    match url.scheme() {
        "https" if mine || host.contains('.') => None,
        "https" => Some("names no host".to_owned()),
        "http" if mine => None,
        _ => Some("is not https".to_owned()),
    }
}

/// What is wrong with a link into the repository.
fn here(
    page: &Page,
    link: &str,
    tree: &Tree,
    anchors: &BTreeMap<&str, &[String]>,
) -> Option<String> {
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (link, None),
    };
    let target = match path {
        "" => page.path.clone(),
        path => match resolved(page.folder(), path) {
            Some(target) => target,
            None => return Some("leads out of the repository".to_owned()),
        },
    };
    if !tree.has(&target) {
        return Some(format!("there is no {target}"));
    }
    let anchor = anchor?;
    match anchors.get(target.as_str()) {
        Some(names) if names.iter().any(|name| name == anchor) => None,
        Some(names) => Some(format!(
            "{target} has no #{anchor}, but {}",
            names.join(", ")
        )),
        None => Some(format!("{target} is no page, so it has no headings")),
    }
}
