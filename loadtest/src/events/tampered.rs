//! `tampered`: credentials that are not what they claim to be.
//!
//! Each is made from a good one, so that exactly one thing is wrong with it. Nothing here can sign:
//! a token that a stranger's key has signed comes from a stranger, which is a second deployment of
//! the same arm with keys and records of its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::LocalBoxFuture;
use rand::RngExt as _;
use serde_json::{Value, json};

use super::{Event, Needs, Play};
use crate::arms::Carried;
use crate::crowd::{Company, VISITORS};
use crate::expected::Happening;
use crate::lab::Lab;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::rig::Rig;
use crate::scene::{Scene, base};
use crate::tally::{Observed, Visited};
use crate::ticket::Ticket;
use crate::visitors::steadfast;

/// The event.
pub static EVENT: Event = Event {
    name: "tampered",
    label: "tampered with",
    story: "A credential that was edited, expired, invented or made elsewhere is shown to A, to B \
            and to the balancer.",
    group: Group::HostileAndRacing,
    wanted: Wanted::Refused,
    needs: Needs::Requests,
    play: Play::Visitors(play),
};

/// How far back an expired token was issued: longer than any lifetime, leeway included.
pub const LONG_AGO_MS: i64 = 9 * 60 * 60 * 1_000;

/// A bad credential, and the instance that took the login it was made from.
struct Forgery {
    taken_by: String,
    ticket: Ticket,
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let good = good_ones(company);
        let edited = |edit: fn(&str) -> String| -> Vec<Forgery> {
            let forge = |(taken_by, ticket): &(String, Ticket)| Forgery {
                taken_by: taken_by.clone(),
                ticket: ticket.edited(edit),
            };
            good.iter().map(forge).collect()
        };
        let mut variants = match company.scene.arm.properties.carried {
            Carried::Claim => vec![("edited-name", edited(|_| "ada".to_owned()))],
            Carried::SessionCookie { .. } => vec![
                ("edited-id", edited(edit_id)),
                ("invented-id", edited(|_| invented_id())),
            ],
            // A token of somebody's own application need not have parts.
            Carried::SignedToken if good.iter().all(|(_, good)| is_jwt(good)) => vec![
                ("edited-payload", edited(promote)),
                ("alg-none", edited(unsigned)),
            ],
            Carried::SignedToken => vec![],
            Carried::SealedCookie => vec![
                ("edited-start", edited(edit_id)),
                ("edited-end", edited(edit_end)),
            ],
        };
        made_elsewhere(company, &mut variants).await?;
        if made_whole(company) {
            let half = edited(|token| token[..token.len() / 2].to_owned());
            variants.push(("malformed", half));
        }
        let mut cells = Vec::new();
        for (variant, forgeries) in &mut variants {
            cells.push(show(&company.scene, variant, forgeries).await);
        }
        Ok(cells)
    })
}

/// What an unrelated deployment made, and what an issuer made long ago: as far as there is one to
/// be started, and a lab to set the clock with.
async fn made_elsewhere(
    company: &Company,
    variants: &mut Vec<(&str, Vec<Forgery>)>,
) -> anyhow::Result<()> {
    let rig = company.site.rig();
    match (company.scene.arm.properties.carried, rig) {
        (Carried::SessionCookie { .. }, Some(rig)) => {
            variants.push(("other-store", strangers(company, rig).await?));
        }
        (Carried::SignedToken | Carried::SealedCookie, Some(rig)) => {
            variants.push(("foreign-key", strangers(company, rig).await?));
        }
        _ => {}
    }
    if made_whole(company)
        && let Some(lab) = &company.scene.lab
    {
        variants.push(("expired", expired(company, lab).await?));
    }
    Ok(())
}

/// Whether a credential is no mere name: it holds what it stands for, its end included.
fn made_whole(company: &Company) -> bool {
    let carried = company.scene.arm.properties.carried;
    matches!(carried, Carried::SignedToken | Carried::SealedCookie)
}

fn good_ones(company: &Company) -> Vec<(String, Ticket)> {
    let kind = steadfast(company.scene.arm);
    let crowd = company.crowds.iter().find(|crowd| crowd.kind == kind);
    let visitors = crowd.into_iter().flat_map(|crowd| &crowd.visitors);
    visitors
        .filter_map(|visitor| {
            let ticket = visitor.ticket(&company.scene.balanced, "/me")?;
            Some((visitor.taken_by().to_owned(), ticket))
        })
        .collect()
}

/// Each forgery is shown to A, to B and through the balancer.
async fn show(scene: &Scene, variant: &str, forgeries: &[Forgery]) -> Observed {
    let mut cell = Observed::new(EVENT.name, Happening::Forged, steadfast(scene.arm));
    cell.variant = Some(variant.to_owned());
    let [a, b] = INSTANCES.map(|name| scene.direct(name));
    for forgery in forgeries {
        let mut visited = Visited::of(&forgery.taken_by);
        for base in [&a, &b, &scene.balanced] {
            visited.answers.push(forgery.ticket.at(base).show().await);
        }
        cell.visits.push(visited);
    }
    cell
}

/// A good credential with one thing in it changed.
pub fn forged(carried: Carried, good: &Ticket) -> Ticket {
    match carried {
        Carried::Claim => good.edited(|_| "ada".to_owned()),
        Carried::SessionCookie { .. } | Carried::SealedCookie => good.edited(edit_id),
        Carried::SignedToken => good.edited(promote),
    }
}

/// Good credentials of an unrelated deployment.
async fn strangers(company: &Company, rig: &Rig) -> anyhow::Result<Vec<Forgery>> {
    let pool = rig.stranger(company.scene.arm).await?;
    let mut made = Vec::new();
    for instance in pool.instances() {
        let base = base(instance.address());
        made.extend(made_at(company, rig.lab(), &instance.served_by(), &base).await?);
    }
    pool.stop().await?;
    Ok(made)
}

/// Tokens from an issuer that believed it was nine hours ago.
async fn expired(company: &Company, lab: &Lab) -> anyhow::Result<Vec<Forgery>> {
    let scene = &company.scene;
    let base = scene.direct(INSTANCES[0]);
    lab.set_clock(&base, -LONG_AGO_MS).await?;
    let made = made_at(company, lab, &scene.served_by(INSTANCES[0]), &base).await;
    lab.set_clock(&base, 0).await?;
    made
}

async fn made_at(
    company: &Company,
    lab: &Lab,
    served_by: &str,
    base: &str,
) -> anyhow::Result<Vec<Forgery>> {
    let users: Vec<_> = (0..VISITORS).map(|_| company.site.fresh().name).collect();
    let tickets = lab.log_in(base, &users).await?;
    let forge = |ticket| Forgery {
        taken_by: served_by.to_owned(),
        ticket,
    };
    Ok(tickets.into_iter().map(forge).collect())
}

/// The same id but for its first character.
fn edit_id(id: &str) -> String {
    let first = if id.starts_with('A') { 'B' } else { 'A' };
    std::iter::once(first).chain(id.chars().skip(1)).collect()
}

/// The same but for a character near its end, where the proof of a sealed cookie stands.
fn edit_end(value: &str) -> String {
    let at = value.len().saturating_sub(5);
    let (start, end) = value.split_at_checked(at).unwrap_or((value, ""));
    format!("{start}{}", edit_id(end))
}

/// 128 random bits, written like the id of a session.
pub(super) fn invented_id() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 16]>())
}

fn is_jwt(ticket: &Ticket) -> bool {
    ticket.header().1.split('.').count() == 3
}

/// The same token, but its payload says that the bearer is an admin.
fn promote(token: &str) -> String {
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        return token.to_owned();
    };
    format!("{header}.{}.{signature}", with(payload, "role", "admin"))
}

/// The same token, but its header says that it needs no signature, and it has none.
fn unsigned(token: &str) -> String {
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, _] = parts[..] else {
        return token.to_owned();
    };
    format!(
        "{}.{}.",
        with(header, "alg", "none"),
        with(payload, "role", "admin")
    )
}

/// A part of a token with one member changed.
fn with(part: &str, member: &str, value: &str) -> String {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut json: Value = json.unwrap_or_else(|| json!({}));
    json[member] = value.into();
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(json: &Value) -> String {
        URL_SAFE_NO_PAD.encode(json.to_string())
    }

    fn read(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn an_edited_token_differs_in_its_payload_alone() {
        let header = part(&json!({"alg": "HS256", "kid": "k1"}));
        let payload = part(&json!({"sub": "mia", "role": "member"}));
        let edited = promote(&format!("{header}.{payload}.SIG"));
        let parts: Vec<_> = edited.split('.').collect();
        assert_eq!((parts[0], parts[2]), (header.as_str(), "SIG"));
        assert_eq!(read(parts[1]), json!({"sub": "mia", "role": "admin"}));

        let unsigned = unsigned(&format!("{header}.{payload}.SIG"));
        let parts: Vec<_> = unsigned.split('.').collect();
        assert_eq!(read(parts[0]), json!({"alg": "none", "kid": "k1"}));
        assert_eq!(parts[2], "");
    }

    #[test]
    fn an_edited_id_is_as_long_and_another_one() {
        for id in ["AbcdefghijklmnopqrstuQ", "zbcdefghijklmnopqrstuQ"] {
            let edited = edit_id(id);
            assert!(edited != id && edited.len() == id.len() && edited[1..] == id[1..]);
        }
        assert_eq!(invented_id().len(), 22);
    }
}
