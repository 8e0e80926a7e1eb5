//! How often a target's HAProxy tried requests again, from the statistics that it shows.
//!
//! It counts what it tried on the same server (`wretr`) and on another one (`wredis`), a backend at
//! a time, for all clients together; no answer says whether it is one of these.

use anyhow::Context as _;
use reqwest::Url;

use crate::record::{Detail, RETRIED_TOGETHER};
use crate::visitors::plain_http;

/// Notes what HAProxy tried again, in all, while something was observed. Only our own balancer says
/// on each answer how often it tried; this count is of all clients, and a cell's own only where
/// there was one kind of them.
pub fn note(detail: &mut Detail, retried: Option<u64>, alone: bool) {
    detail.retried = retried.filter(|_| alone);
    if let Some(retried) = retried.filter(|_| !alone) {
        let name = RETRIED_TOGETHER.to_owned();
        detail.more.insert(name, retried.into());
    }
}

/// The row of a backend as a whole.
const BACKEND: &str = "BACKEND";

/// How often the requests to this backend were tried again since HAProxy was started; nothing if
/// there is no such backend.
///
/// # Errors
/// When the page cannot be read.
pub(super) async fn retries(url: &str, backend: &str) -> anyhow::Result<Option<u64>> {
    let mut page = Url::parse(url).with_context(|| url.to_owned())?;
    // So HAProxy calls the same page for machines.
    page.set_path(&format!("{};csv", page.path()));
    let asked = plain_http().get(page).send().await;
    let page = asked.and_then(reqwest::Response::error_for_status);
    let page = page.with_context(|| url.to_owned())?.text().await?;
    Ok(retries_in(&page, backend))
}

/// The first line names the columns, behind a `#`; every line ends with a comma.
fn retries_in(page: &str, backend: &str) -> Option<u64> {
    let page = page.trim_start_matches("# ");
    let mut table = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(page.as_bytes());
    let head = table.headers().ok()?.clone();
    let column = |name: &str| head.iter().position(|one| one == name);
    let (proxy, server) = (column("pxname")?, column("svname")?);
    let counts = [column("wretr")?, column("wredis")?];
    let mut rows = table.records().filter_map(Result::ok);
    let row =
        rows.find(|row| row.get(proxy) == Some(backend) && row.get(server) == Some(BACKEND))?;
    let count = |at: usize| row.get(at)?.parse::<u64>().ok();
    counts.into_iter().map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# pxname,svname,qcur,wretr,wredis,status,
arms,FRONTEND,,,,OPEN,
jwt-hs256,a,0,1,0,UP,
jwt-hs256,BACKEND,0,12,3,UP,
session-redis,BACKEND,0,0,0,UP,
";

    #[test]
    fn a_backends_retries_are_those_on_the_same_server_and_on_another() {
        assert_eq!(retries_in(PAGE, "jwt-hs256"), Some(15));
        assert_eq!(retries_in(PAGE, "session-redis"), Some(0));
        assert_eq!(retries_in(PAGE, "arms"), None, "it is no backend");
        assert_eq!(retries_in("<html>", "jwt-hs256"), None);
    }
}
