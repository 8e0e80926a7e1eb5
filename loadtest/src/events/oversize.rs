//! `oversize`: cookies and tokens that have grown.
//!
//! A request whose header is too large must be refused in the same words on every path: a limit
//! that only one of two ways has is a login that works by chance.

use std::collections::BTreeSet;

use futures_util::future::LocalBoxFuture;
use http::header::COOKIE;
use serde_json::json;

use super::{Event, Needs, Play};
use crate::answer::Answer;
use crate::arms::Carried;
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::circumstance::Circumstance;
use crate::holders::Holder;
use crate::record::{CameOut, Group, Wanted, Wish};
use crate::scene::Scene;
use crate::tally::Observed;
use crate::ticket::Ticket;
use crate::visitors::{plain_http, steadfast};

/// The event.
pub static EVENT: Event = Event {
    name: "oversize",
    label: "header grows",
    story: "Requests whose whole header has 1 to 64 KiB, by a further cookie or by a credential \
            that was drawn out, are sent to the instance and through the balancer.",
    group: Group::HostileAndRacing,
    wanted: Wanted::Recognised,
    needs: Needs::Lab,
    play: Play::Visitors(play),
};

/// How large a whole header is when it leaves the client, in bytes: 1, 4, 7.9, 8.1, 15, 16 and 64
/// KiB.
const SIZES_BYTES: [usize; 7] = [1_024, 4_096, 8_089, 8_294, 15_360, 16_384, 65_536];

/// What makes the header large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grown {
    /// Another cookie beside a good credential.
    Beside,
    /// The credential, which is good no more.
    Itself,
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let scene = &company.scene;
        let holders = company.holders_everywhere(2).await?;
        let mut cells = vec![grow(scene, &holders, Grown::Beside).await];
        // Whoever believes every name believes a long one too.
        if scene.arm.properties.carried != Carried::Claim {
            cells.push(grow(scene, &holders, Grown::Itself).await);
        }
        Ok(cells)
    })
}

async fn grow(scene: &Scene, holders: &[Holder], grown: Grown) -> Observed {
    let variant = match grown {
        Grown::Beside => "by a cookie beside it",
        Grown::Itself => "the credential itself",
    };
    let mut cell = Observed {
        variant: Some(variant.to_owned()),
        ..Observed::new(EVENT.name, Happening::Large, steadfast(scene.arm))
    };
    let (mut fits, mut too_large) = (None, None);
    for holder in holders {
        let mut visited = holder.visited();
        for bytes in SIZES_BYTES {
            let direct = scene.direct_to(&holder.taken_by);
            let mut reasons = BTreeSet::new();
            for base in [&direct, &scene.balanced] {
                let (answer, bytes) = send(scene, holder, base, grown, bytes).await;
                let refused_for_size = answer.reason.starts_with("431");
                let place = if refused_for_size {
                    &mut too_large
                } else {
                    &mut fits
                };
                let (old, new) = (place.unwrap_or(bytes), bytes);
                *place = Some(if refused_for_size {
                    old.min(new)
                } else {
                    old.max(new)
                });
                reasons.insert(answer.reason.clone());
                let good = grown == Grown::Beside;
                visited.note(answer, Circumstance::Header { bytes, good });
            }
            // Beside a good credential, who is asked may decide between 200 and 401.
            let for_size = reasons
                .iter()
                .filter(|reason| reason.starts_with("431"))
                .count();
            let differ = reasons.len() > 1 && (grown == Grown::Itself || for_size > 0);
            if differ && cell.wrong.is_none() {
                cell.wrong = Some(format!("{bytes} bytes were answered {reasons:?}"));
            }
        }
        cell.visits.push(visited);
    }
    cell.outcome = Some(came_out(fits, too_large));
    cell.more.insert(
        "largest_not_refused_for_its_size_bytes".to_owned(),
        json!(fits),
    );
    cell.more.insert(
        "smallest_refused_for_its_size_bytes".to_owned(),
        json!(too_large),
    );
    cell
}

/// Sends a header of so many bytes; also answers how many the instance counts.
async fn send(
    scene: &Scene,
    holder: &Holder,
    base: &str,
    grown: Grown,
    bytes: usize,
) -> (Answer, usize) {
    let host = base.trim_start_matches("http://");
    let (name, value) = holder.ticket.header();
    let filler = |by: usize| "x".repeat(by);
    let mut used = line("host", host) + line("accept", "*/*") + line(name, &value);
    let mut request = plain_http().get(format!("{base}/me"));
    let ticket: Ticket = match (grown, name == COOKIE.as_str()) {
        (Grown::Itself, _) => {
            let more = filler(bytes.saturating_sub(used));
            holder.ticket.edited(|good| format!("{good}{more}"))
        }
        // Two Cookie headers would be another question.
        (Grown::Beside, true) => {
            used += "; filler=".len();
            let more = filler(bytes.saturating_sub(used));
            holder
                .ticket
                .edited(|good| format!("{good}; filler={more}"))
        }
        (Grown::Beside, false) => {
            used += line("cookie", "filler=");
            let more = filler(bytes.saturating_sub(used));
            request = request.header(COOKIE, format!("filler={more}"));
            holder.ticket.clone()
        }
    };
    let wanted = scene.interface.is(Some(&holder.user));
    let answer = ticket.carried_by(request, wanted).await;
    // What somebody else's balancer adds is not known; no size is that close to the limit.
    let added = match base == scene.balanced && scene.backstage.is_some() {
        true => {
            line("x-forwarded-for", "127.0.0.1")
                + line("x-forwarded-proto", "http")
                + line("x-forwarded-host", host)
        }
        false => 0,
    };
    (answer, bytes + added)
}

/// What a line of a header takes, with its colon, its space and its end.
fn line(name: &str, value: &str) -> usize {
    name.len() + value.len() + 4
}

fn came_out(fits: Option<usize>, too_large: Option<usize>) -> CameOut {
    match (fits, too_large) {
        (Some(fits), Some(too_large)) if fits < too_large => CameOut {
            words: format!("no objection to {fits} bytes, 431 from {too_large} on"),
            wish: Wish::Granted,
        },
        (Some(fits), None) => CameOut {
            words: format!("no objection to {fits} bytes"),
            wish: Wish::InPart,
        },
        _ => CameOut {
            words: "no limit that one could name".to_owned(),
            wish: Wish::Denied,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_only_where_it_is_one() {
        assert_eq!(came_out(Some(8_177), Some(8_294)).wish, Wish::Granted);
        assert_eq!(came_out(Some(15_360), Some(8_294)).wish, Wish::Denied);
        assert_eq!(came_out(Some(65_536), None).wish, Wish::InPart);
        assert_eq!(line("accept", "*/*"), "accept: */*\r\n".len());
    }
}
