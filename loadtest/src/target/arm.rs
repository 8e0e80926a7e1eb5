//! An arm as a target file describes it, in the terms in which expectations are computed.

use super::Target;
use super::file::{Hears, Place, Policy, Properties as Declared, State as Lies, TargetArm};
use crate::arms::{
    self, Arm, Carried, Channel, CheckedWith, Issuers, JudgedBy, Lifetime, Properties, Server,
    State, Written,
};
use crate::pools::Lives;

/// What the file describes, as an arm. It is as long-lived as the program, like every other arm: a
/// run reads one file, once.
pub(super) fn as_arm(target: &Target, described: &TargetArm) -> &'static Arm {
    let leak = |text: &str| -> &'static str { String::leak(text.to_owned()) };
    let name = leak(&described.arm);
    let arm = match (&described.properties, arms::find(name)) {
        (None, Some(ours)) => Arm {
            pool: described.pool.as_deref().map_or(ours.pool, leak),
            ..*ours
        },
        (declared, _) => {
            let declared = declared.as_ref();
            let policy = declared.map(|declared| declared.policy).unwrap_or_default();
            Arm {
                name,
                label: declared.map_or(name, |declared| leak(&declared.label)),
                teaches: "an application of somebody's own",
                pool: name,
                headline: false,
                policy: match policy {
                    Policy::RoundRobin => cluster::Policy::RoundRobin,
                    Policy::Sticky => cluster::Policy::Sticky,
                    Policy::LeastConnections => cluster::Policy::LeastConnections,
                    Policy::SourceHash => cluster::Policy::SourceHash,
                },
                server: Server::Elsewhere,
                properties: promised(target, described, declared),
            }
        }
    };
    Box::leak(Box::new(arm))
}

/// What an application of somebody's own promises.
fn promised(target: &Target, described: &TargetArm, declared: Option<&Declared>) -> Properties {
    let state = declared.map_or(Lies::Process, |declared| declared.state);
    let hears = declared.and_then(|declared| declared.logout);
    let hears = hears.unwrap_or(match state {
        Lies::Process => Hears::OwnProcess,
        Lies::Store => Hears::Everybody,
        Lies::Credential | Lies::CredentialOfOne => Hears::Nobody,
    });
    let (carried, lifetime) = match &target.file.requests.credential {
        Some(Place::Bearer(_)) => (Carried::SignedToken, Lifetime::AccessToken),
        _ => {
            let unknown_removed = declared.is_some_and(|it| it.removes_unknown_cookie);
            (
                Carried::SessionCookie { unknown_removed },
                Lifetime::Session,
            )
        }
    };
    Properties {
        state: match state {
            Lies::Process => State::Process,
            Lies::Store => State::Store,
            Lies::Credential => State::Credential,
            Lies::CredentialOfOne => State::CredentialOfOne,
        },
        ended: match hears {
            Hears::Nobody => Channel::Nobody,
            Hears::OwnProcess => Channel::OwnProcess,
            Hears::Everybody => Channel::Store,
            Hears::EverybodyWithinMs(ms) => Channel::StoreWithin(ms),
        },
        carried,
        issuers: Issuers::All,
        lifetime: match described.lifetime_ms {
            Some(_) => lifetime,
            None => Lifetime::None,
        },
        leeway_ms: 0,
        expiry_step_ms: 1_000,
        refreshes: false,
        // Nobody changes a target's keys, clocks or records, so nothing is asked of these.
        judged_by: JudgedBy::Machine,
        not_before: false,
        checked_with: CheckedWith::EveryKey,
        written: Written::IfUnchanged,
    }
}

/// How long its logins live, as far as the file says.
pub(super) fn lives(described: &TargetArm) -> Lives {
    match described.lifetime_ms {
        Some(lifetime_ms) => Lives {
            name: "stated",
            idle_ms: Lives::USUAL.idle_ms.min(lifetime_ms),
            absolute_ms: lifetime_ms,
            access_ms: lifetime_ms,
        },
        None => Lives::USUAL,
    }
}
