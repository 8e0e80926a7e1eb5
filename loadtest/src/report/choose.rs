//! Which way to choose when: a short path of questions, each branch with what it rests on.
//!
//! The path is an opinion and therefore written down as data, in [`PATH`]: the one place of the
//! report that names arms. Whether a run bears it out is not: [`evidence`] looks each claim up in
//! the record, and a branch that the record contradicts says so.

pub(crate) mod evidence;

use super::view::View;
use super::words;
use evidence::{Evidence, Outcome};

/// What a branch says of an arm under an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// No answer took a login for unknown, and none was lost.
    Known,
    /// Nobody lost a login; what was on its way to a server that ended may have failed.
    Kept,
    /// Some logins were lost.
    LosesSome,
    /// An ended login was refused at once wherever it had been known.
    AtOnce,
    /// An ended login was refused at once or within what the arm promises.
    WithinItsBound,
    /// An ended login went on working somewhere until it expired, or longer than was watched.
    Lingers,
    /// Requests failed, and nobody lost a login.
    Waits,
}

impl Says {
    /// The claim in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Says::Known => "every login is known",
            Says::Kept => "every login is kept",
            Says::LosesSome => "logins are lost",
            Says::AtOnce => "an ended login is refused at once",
            Says::WithinItsBound => "an ended login is refused within a promised time",
            Says::Lingers => "an ended login goes on working",
            Says::Waits => "requests fail, and no login is lost",
        }
    }
}

/// One answer to the questions, and what it leads to.
#[derive(Debug)]
pub(crate) struct Branch {
    /// When to take it: the first that fits is the one.
    pub(crate) when: &'static str,
    /// What to take: an arm's name.
    pub(crate) arm: &'static str,
    /// What it gives: event and claim.
    pub(crate) gives: &'static [(&'static str, Says)],
    /// What it takes: event and claim.
    pub(crate) takes: &'static [(&'static str, Says)],
}

/// The path. The first branch that fits is the one to take.
pub(crate) const PATH: [Branch; 7] = [
    Branch {
        when: "There is one server, and everybody may have to log in again when it restarts",
        arm: "session-memory",
        gives: &[("same-instance", Says::Known)],
        takes: &[
            ("other-instance", Says::LosesSome),
            ("rolling-restart", Says::LosesSome),
        ],
    },
    Branch {
        when: "There are several behind a sticky balancer, a server's logins may end with it, and \
               what is ended on another server may linger",
        arm: "session-memory-sticky",
        gives: &[("balanced", Says::Known)],
        takes: &[
            ("instance-killed", Says::LosesSome),
            ("role-changed", Says::Lingers),
        ],
    },
    Branch {
        when: "An ended login must be refused everywhere at once, and each request may ask a store",
        arm: "session-redis",
        gives: &[
            ("other-instance", Says::Known),
            ("instance-killed", Says::Kept),
            ("logout-elsewhere", Says::AtOnce),
            ("role-changed", Says::AtOnce),
        ],
        takes: &[("store-stopped", Says::Waits)],
    },
    Branch {
        when: "The same, but it has to be a token: other services read who it is about",
        arm: "jwt-denylist",
        gives: &[
            ("other-instance", Says::Known),
            ("instance-killed", Says::Kept),
            ("logout-elsewhere", Says::AtOnce),
            ("role-changed", Says::AtOnce),
        ],
        takes: &[("store-stopped", Says::Waits)],
    },
    Branch {
        when: "An ended login may work for a promised moment longer, and no request asks a store",
        arm: "jwt-denylist-synced",
        gives: &[
            ("other-instance", Says::Known),
            ("instance-killed", Says::Kept),
        ],
        takes: &[
            ("logout-elsewhere", Says::WithinItsBound),
            ("store-stopped", Says::Waits),
        ],
    },
    Branch {
        when: "It may work until a short token expires, and people stay logged in for days",
        arm: "jwt-refresh",
        gives: &[
            ("other-instance", Says::Known),
            ("instance-killed", Says::Kept),
        ],
        takes: &[("logout-elsewhere", Says::Lingers)],
    },
    Branch {
        when: "It may work until it expires, and nothing may be kept on any server",
        arm: "jwt-hs256",
        gives: &[
            ("other-instance", Says::Known),
            ("instance-killed", Says::Kept),
        ],
        takes: &[
            ("logout-elsewhere", Says::Lingers),
            ("role-changed", Says::Lingers),
        ],
    },
];

/// What no way of remembering a login answers, whichever is chosen.
pub(crate) const NEITHER: &str = "Neither side answers who checks a password in the first place \
    (an identity provider), what another application may do in somebody's name (OAuth), how a \
    credential is kept from being read on the way (TLS), or whether it is used on the device that \
    it was given to (device binding).";

/// One branch, with what a run has to say about it.
#[derive(Debug)]
pub(crate) struct Choice {
    /// When to take it.
    pub(crate) when: &'static str,
    /// The arm's name.
    pub(crate) arm: &'static str,
    /// Its plain label.
    pub(crate) label: String,
    /// What it gives.
    pub(crate) gives: Vec<Evidence>,
    /// What it takes, its cost last.
    pub(crate) takes: Vec<Evidence>,
}

/// The path, filled from a run, and its cost from the same or another.
pub(crate) fn choices(view: View<'_>, costs: View<'_>) -> Vec<Choice> {
    let choice = |branch: &Branch| {
        let look = |claims: &[(&'static str, Says)]| -> Vec<Evidence> {
            let claims = claims.iter();
            claims
                .map(|(event, says)| evidence::of_event(view, branch.arm, event, *says))
                .collect()
        };
        let mut takes = look(branch.takes);
        takes.push(evidence::of_cost(costs, branch.arm));
        let known = view.arm(branch.arm).or_else(|| costs.arm(branch.arm));
        Choice {
            when: branch.when,
            arm: branch.arm,
            label: known.map_or_else(
                || branch.arm.to_owned(),
                |arm| view.full_label(arm).into_owned(),
            ),
            gives: look(branch.gives),
            takes,
        }
    };
    PATH.iter().map(choice).collect()
}

/// Whether the run has anything to say on the path; where it has not, the path is not shown.
pub(crate) fn is_touched(choices: &[Choice]) -> bool {
    let mut all = choices
        .iter()
        .flat_map(|one| one.gives.iter().chain(&one.takes));
    all.any(|one| one.outcome != Outcome::NotMeasured)
}

/// How far the run bears the path out, in one sentence.
pub(crate) fn borne_out(choices: &[Choice]) -> String {
    let all = || {
        choices
            .iter()
            .flat_map(|one| one.gives.iter().chain(&one.takes))
    };
    let count = |outcome| all().filter(|one| one.outcome == outcome).count() as u64;
    let (shown, against) = (count(Outcome::Shown), count(Outcome::Contradicted));
    let total = all().count() as u64;
    let mut said = format!(
        "This run shows {} of what the path says",
        words::of(shown, total)
    );
    if against > 0 {
        said += &format!(
            " and contradicts {against}, marked \u{2260}: believe the run, or look for what is \
             wrong with it"
        );
    }
    if shown + against < total {
        said += "; the rest was not measured in it";
    }
    said + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_asks_for_events_that_there_are() {
        for branch in &PATH {
            for (event, _) in branch.gives.iter().chain(branch.takes) {
                let known = crate::events::ALL.iter().any(|one| one.name == *event);
                assert!(known, "{}: there is no event {event}", branch.arm);
            }
        }
    }
}
