//! Who asks what: visitors who log in beforehand, each with a request that is written out.

use app::front::LAB_SECRET;
use app::users::{LOAD_PASSWORD, load_user};
use cluster::{Instance, Pool};
use serde_json::json;

use super::presets::Ask;
use super::{Case, mix};
use crate::arms::Issuers;
use crate::lab::Lab;
use crate::load::request::{Deserves, Request, Traffic, Visitor};
use crate::rig::Rig;
use crate::scene::base;
use crate::ticket::Ticket;

/// Visitors, shared out among the instances.
pub const VISITORS: u32 = 100;

/// Logins asked for at once: as many names as the body of a request holds.
pub const LOGINS_AT_ONCE: u32 = 200;

/// Everybody's request. Visitors log in where they will ask; where only A can issue, at A, and as
/// many of them ask a verifier as ask A.
pub(super) async fn traffic(rig: &Rig, case: &Case, pool: &Pool) -> anyhow::Result<Traffic> {
    let lab = rig.lab();
    let instances = pool.instances();
    let logins_each = case.variant.live_logins / instances.len() as u32;
    let each = VISITORS / instances.len() as u32;
    let mut visitors = Vec::new();
    for number in 0..instances.len() {
        let issuer = match case.arm.properties.issuers {
            Issuers::All => number,
            Issuers::OnlyA => 0,
        };
        let at = base(instances[issuer].address());
        live(lab, &at, logins_each).await?;
        let first = number as u32 * each;
        let users: Vec<_> = (first..first + each).map(load_user).collect();
        let credentials = mix::credentials(rig, case, &at, &users).await?;
        for (user, of_user) in users.iter().zip(&credentials) {
            // Where only A can issue, a login goes there too.
            let target = match case.variant.ask {
                Ask::Me => number,
                Ask::LogIn | Ask::LogInUnchecked => issuer,
            };
            let requests = of_user.iter().map(|(kind, ticket)| {
                let deserves = Deserves::status(mix::deserved(case, *kind));
                let request = request(lab, case, &instances[target], (user, ticket), deserves);
                request.kind(*kind).target(target)
            });
            visitors.push(Visitor {
                requests: requests.collect(),
            });
        }
    }
    Ok(Traffic {
        targets: instances.iter().map(Instance::address).collect(),
        visitors,
    })
}

/// Logs in so often at an instance, as the same few users.
async fn live(lab: &Lab, at: &str, logins: u32) -> anyhow::Result<()> {
    let users: Vec<_> = (0..LOGINS_AT_ONCE).map(load_user).collect();
    for _ in 0..logins / LOGINS_AT_ONCE {
        lab.log_in(at, &users).await?;
    }
    Ok(())
}

/// What one visitor sends. Each answer that accepts must name the visitor.
fn request(
    lab: &Lab,
    case: &Case,
    instance: &Instance,
    (user, ticket): (&str, &Ticket),
    deserves: Deserves,
) -> Request {
    let host = instance.address().to_string();
    let named = format!("\"user\":\"{user}\"");
    let deserves = deserves.saying(named.as_bytes());
    let json = ("content-type", "application/json");
    match case.variant.ask {
        Ask::Me => {
            let (name, value) = ticket.header();
            let headers = [(name, value.as_str())];
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
