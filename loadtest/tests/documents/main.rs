//! What the documents say is so: links lead somewhere, commands are understood, paths exist, and
//! quoted output is what comes out.
//!
//! [`page`] reads a page, [`tree`] knows which files there are, [`links`], [`paths`] and
//! [`commands`] each look for one kind of fault, [`run`] runs what a page quotes the output of, and
//! [`reference`] makes the tables of docs/REFERENCE.md from the code.
//! [`planted`] shows for each kind of fault that it would be found.

mod cargo;
mod commands;
mod links;
mod page;
mod paths;
mod planted;
mod program;
mod reference;
mod run;
mod shell;
mod tree;

use page::Page;
use tree::Tree;

/// Every page of the repository.
fn pages(tree: &Tree) -> Vec<Page> {
    let paths = tree.files().filter(|path| path.ends_with(".md"));
    paths
        .map(|path| Page::read(path, &tree.text(path)))
        .collect()
}

/// Every page that people write; reports are made.
fn written(tree: &Tree) -> Vec<Page> {
    let mut pages = pages(tree);
    pages.retain(|page| !page.path.contains("/results/"));
    pages
}

/// Fails with every fault on a line of its own, and with what to do about them.
#[track_caller]
fn assert_none(what_to_do: &str, faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{what_to_do}:\n  {}",
        faults.join("\n  ")
    );
}

#[test]
fn every_link_leads_somewhere() {
    let tree = Tree::of_the_repository();
    let pages = pages(&tree);
    let links: usize = pages.iter().map(|page| page.links.len()).sum();
    assert!(links > 50, "only {links} links were found to check");
    assert_none("mend the link", &links::faults(&pages, &tree));
}

#[test]
fn every_path_that_is_named_exists() {
    let tree = Tree::of_the_repository();
    assert_none("name what there is", &paths::faults(&written(&tree), &tree));
}

#[test]
fn every_command_is_understood() {
    let tree = Tree::of_the_repository();
    let (checked, faults) = commands::faults(&written(&tree), &tree);
    assert!(checked > 50, "only {checked} commands were found to check");
    assert_none("write what there is", &faults);
}

#[test]
fn quoted_output_is_what_comes_out() {
    let tree = Tree::of_the_repository();
    let pages = written(&tree);
    assert_none(
        "run it again, or say at the page's head that it is run",
        &run::unread(&pages),
    );
    let faults: Vec<_> = pages
        .iter()
        .filter(|page| page.is_run)
        .flat_map(|page| run::faults(page, tree.root()))
        .collect();
    assert_none("quote what comes out", &faults);
}
