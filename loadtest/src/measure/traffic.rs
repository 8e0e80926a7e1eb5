//! Who asks what: visitors who log in beforehand, each with a request that is written out.

use app::front::LAB_SECRET;
use app::users::{LOAD_PASSWORD, load_user};
use cluster::Policy;
use futures_util::future::try_join_all;
use serde_json::json;

use super::plan::Case;
use super::presets::Ask;
use super::stand::{Seat, Stand};
use super::{Desk, mix};
use crate::arms::{Issuers, State};
use crate::lab::Lab;
use crate::load::request::{Deserves, Request, Traffic, Visitor};
use crate::site::Site;
use crate::ticket::Ticket;

/// Visitors, shared out among the instances.
pub const VISITORS: u32 = 100;

/// Logins asked for at once: as many names as the body of a request holds.
pub const LOGINS_AT_ONCE: u32 = 200;

/// Whom the logins are of that are made beforehand, and after the load: the same few, or, where
/// each is of another user, nobody who was before.
#[derive(Debug)]
pub(super) struct Crowd {
    next: Option<u32>,
}

impl Crowd {
    /// That of a case: visitors are its first users.
    pub(super) fn of(case: &Case) -> Crowd {
        Crowd {
            next: case.variant.user_each.then_some(VISITORS),
        }
    }

    /// The next to be logged in at once.
    pub(super) fn take(&mut self) -> Vec<String> {
        let first = self.next.unwrap_or(0);
        self.next = self.next.map(|next| next + LOGINS_AT_ONCE);
        (first..first + LOGINS_AT_ONCE).map(load_user).collect()
    }
}

/// Everybody's request. Visitors log in where they will ask; where only A can issue, at A, and as
/// many of them ask a verifier as ask A.
pub(super) async fn traffic(
    desk: &Desk<'_>,
    case: &Case,
    stand: &Stand,
    crowd: &mut Crowd,
) -> anyhow::Result<Traffic> {
    let Stand { lab, seats, .. } = stand;
    let issuer = |number| match case.arm.properties.issuers {
        Issuers::All => number,
        Issuers::OnlyA => 0,
    };
    live(lab, case, seats, issuer, crowd).await?;
    let each = VISITORS / seats.len() as u32;
    let mut visitors = Vec::new();
    for number in 0..seats.len() {
        let issuer = issuer(number);
        let first = number as u32 * each;
        let users: Vec<_> = (first..first + each).map(|n| user(desk.site, n)).collect();
        let credentials = mix::credentials(desk.site, case, (lab, &seats[issuer].base), &users);
        let credentials = credentials.await?;
        for (user, of_user) in users.iter().zip(&credentials) {
            // Where only A can issue, a login goes there too.
            let target = match case.variant.ask {
                Ask::Me => number,
                Ask::LogIn | Ask::LogInUnchecked => issuer,
            };
            let requests = of_user.iter().map(|(kind, ticket)| {
                let deserves = Deserves::status(mix::deserved(case, *kind));
                if let Some(front) = &stand.front {
                    let deserves = behind_balancer(case, deserves, seats, number);
                    let pin = sticky(case).then(|| front.pin(&seats[number].name));
                    let way = (front.address.to_string(), pin);
                    return request(lab, case, way, (user, ticket), deserves).kind(*kind);
                }
                let host = seats[target].base.trim_start_matches("http://").to_owned();
                let request = request(lab, case, (host, None), (user, ticket), deserves);
                request.kind(*kind).target(target)
            });
            visitors.push(Visitor {
                requests: requests.collect(),
            });
        }
    }
    let targets = match &stand.front {
        Some(front) => vec![front.address],
        None => seats.iter().map(|seat| seat.address).collect(),
    };
    Ok(Traffic { targets, visitors })
}

/// The user with this number. A target has users of its own, and each takes a turn.
fn user(site: &Site, number: u32) -> String {
    match site {
        Site::Cluster(_) => load_user(number),
        Site::Target(ground) => ground.fresh().name,
    }
}

fn sticky(case: &Case) -> bool {
    case.arm.policy == Policy::Sticky
}

/// What is deserved depends on who answers, where an instance knows only those who logged in there.
fn behind_balancer(case: &Case, deserves: Deserves, seats: &[Seat], own: usize) -> Deserves {
    let knows_all = !matches!(
        case.arm.properties.state,
        State::Process | State::CredentialOfOne
    );
    let others = seats.iter().enumerate().filter(|(at, _)| *at != own);
    others.fold(deserves, |deserves, (_, other)| match knows_all {
        true => deserves,
        false => deserves.at(&other.served_by, 401),
    })
}

/// Makes the logins that are to be alive, at all instances at once.
async fn live(
    lab: &Lab,
    case: &Case,
    seats: &[Seat],
    issuer: impl Fn(usize) -> usize,
    crowd: &mut Crowd,
) -> anyhow::Result<()> {
    for _ in 0..case.live_logins() / seats.len() as u32 / LOGINS_AT_ONCE {
        let at_one = |number: usize| {
            let users = crowd.take();
            let base = &seats[issuer(number)].base;
            async move { lab.log_in(base, &users).await }
        };
        let at_all: Vec<_> = (0..seats.len()).map(at_one).collect();
        try_join_all(at_all).await?;
    }
    Ok(())
}

/// What one visitor sends. Each answer that accepts must name the visitor.
fn request(
    lab: &Lab,
    case: &Case,
    (host, pin): (String, Option<String>),
    (user, ticket): (&str, &Ticket),
    deserves: Deserves,
) -> Request {
    let named = format!("\"user\":\"{user}\"");
    let deserves = deserves.saying(named.as_bytes());
    let json = ("content-type", "application/json");
    match case.variant.ask {
        Ask::Me => {
            let (name, value) = ticket.header();
            let cookie = pin.map(|pin| ("cookie", pin));
            let headers: Vec<_> = std::iter::once((name, value)).chain(cookie).collect();
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, text)| (*name, &**text))
                .collect();
            Request::new(("GET", "/me"), &host, &headers, b"", deserves)
        }
        Ask::LogIn => {
            let body = json!({"username": user, "password": LOAD_PASSWORD}).to_string();
            let login = ("POST", "/login");
            Request::new(login, &host, &[json], body.as_bytes(), deserves)
        }
        Ask::LogInUnchecked => {
            let body = json!({"user": user}).to_string();
            let secret = LAB_SECRET;
            let headers = [json, (secret.as_str(), lab.secret())];
            let login = ("POST", "/lab/remember");
            Request::new(login, &host, &headers, body.as_bytes(), deserves)
        }
    }
}
