//! What every request to the board passes first: it must have been meant for this address, and
//! it must not come from another site.
//!
//! The board listens on loopback unless it was opened for a room, but every web page that the
//! same browser has open can send requests there. A foreign `Host` is how a page reads answers it
//! should not (DNS rebinding); `Origin` and `Sec-Fetch-Site` say who asks. A client that sends
//! neither is no browser, and needs the page's token all the same to change anything.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq as _;

use super::House;
use super::refusal::Refusal;

/// The one address whose answer has no end.
pub(super) const EVENTS: &str = "/board/events";
/// Longer than the slowest thing that the board does for somebody.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// The header that carries the page's token.
pub(super) const PAGE_TOKEN: &str = "x-board-token";

/// Refuses what was not meant for this board or is asked by another site.
pub(super) async fn admit(
    State(house): State<Arc<House>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let headers = request.headers();
    if !meant_for(&house.hosts, headers) {
        return Err(Refusal::ForeignHost);
    }
    // A link from elsewhere may open the page; nothing else may be asked for from elsewhere.
    if request.uri().path() != "/" && !same_site(headers) {
        return Err(Refusal::CrossSite);
    }
    // A stream stays open; nothing else may, least of all a body that never ends.
    if request.uri().path() == EVENTS {
        return Ok(next.run(request).await);
    }
    let answer = tokio::time::timeout(ANSWER_WAIT, next.run(request)).await;
    answer.map_err(|_| Refusal::TooSlow)
}

/// Whether the request shows the token that stands in the page.
pub(super) fn shows_token(house: &House, headers: &HeaderMap) -> Result<(), Refusal> {
    let shown = headers
        .get(PAGE_TOKEN)
        .map_or(&[] as &[u8], HeaderValue::as_bytes);
    if bool::from(shown.ct_eq(house.token.as_bytes())) {
        Ok(())
    } else {
        Err(Refusal::PageToken)
    }
}

/// Whether this is nobody's guest: in a room, whoever shows the key of the presenter's link.
pub(super) fn presents(house: &House, key: Option<&str>) -> bool {
    let shown = key.unwrap_or_default().as_bytes();
    !house.rules.room || bool::from(shown.ct_eq(house.presenter.as_bytes()))
}

fn meant_for(hosts: &[String], headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return false;
    };
    hosts.iter().any(|own| host.as_bytes() == own.as_bytes())
}

fn same_site(headers: &HeaderMap) -> bool {
    let site_agrees = headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none");
    let origin_agrees = headers.get(ORIGIN).is_none_or(|origin| {
        let host = headers
            .get(HOST)
            .map_or(&[] as &[u8], HeaderValue::as_bytes);
        origin.as_bytes().strip_prefix(b"http://") == Some(host)
    });
    site_agrees && origin_agrees
}
