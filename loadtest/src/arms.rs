//! The arms: everything that is compared, each with its settings and what it promises.
//!
//! An arm declares *properties* (where its state lives, who hears of a log-out, …) and *settings*
//! (the flags its instances are started with). [`crate::expected`] computes every expected outcome
//! from the properties alone; [`crate::pools`] starts instances from the settings alone. So a wrong
//! setting, a wrong property and a fault of a server all show as an outcome that differs.
//!
//! Long because the table of the arms is to be read in one piece.

use cluster::Policy;

/// One thing that is compared: a pool with its settings behind one policy.
#[derive(Debug)]
pub struct Arm {
    /// Its name, in code and records.
    pub name: &'static str,
    /// The plain label that pages and terminals print.
    pub label: &'static str,
    /// What it teaches, in half a sentence.
    pub teaches: &'static str,
    /// The name of its pool.
    pub pool: &'static str,
    /// One of the five of the headline table.
    pub headline: bool,
    /// How its balancer picks.
    pub policy: Policy,
    /// How its instances are started.
    pub server: Server,
    /// What it promises.
    pub properties: Properties,
}

impl Arm {
    /// The one instance that can log somebody in, where not every one can.
    pub fn issuer(&self) -> Option<String> {
        match self.properties.issuers {
            Issuers::All => None,
            Issuers::OnlyA => Some("a".to_owned()),
        }
    }
}

/// How the instances of an arm are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The null server.
    Trusting,
    /// `server-session` with this store.
    Session {
        /// `memory`, `stock`, `redis` or `cached`.
        store: &'static str,
    },
    /// `server-jwt`.
    Jwt {
        /// The algorithm of its keys.
        alg: &'static str,
        /// Which instance holds which key.
        keys: Keys,
        /// Further flags.
        flags: &'static [&'static str],
    },
    /// `examples/sealed-cookie`.
    SealedCookie,
    /// They are somebody's own, and somebody else has started them.
    Elsewhere,
}

impl Server {
    /// Whether its instances ask a Redis.
    pub fn needs_store(self) -> bool {
        match self {
            Self::Trusting | Self::SealedCookie | Self::Elsewhere => false,
            Self::Session { store } => matches!(store, "redis" | "cached"),
            Self::Jwt { flags, .. } => flags.contains(&"--revoke") || flags.contains(&"--refresh"),
        }
    }
}

/// Which instance holds which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// All hold the same secret.
    Shared,
    /// Each holds a secret of its own.
    OneEach,
    /// `a` holds a key pair, the others its public half.
    PublicAtB,
}

/// What an arm promises. Every expected outcome is computed from these, none is typed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Properties {
    /// Where that lies which makes a credential good.
    pub state: State,
    /// Who hears that a login was ended.
    pub ended: Channel,
    /// How the credential travels.
    pub carried: Carried,
    /// Who can log somebody in.
    pub issuers: Issuers,
    /// Which of the configured lifetimes ends a login by itself.
    pub lifetime: Lifetime,
    /// How long past its expiry a credential is still accepted, in milliseconds.
    pub leeway_ms: u64,
    /// Expiries are rounded to multiples of this, in milliseconds; JWT's `exp` counts seconds.
    pub expiry_step_ms: u64,
    /// Whether a refresh token, which the store can take back, renews what has expired.
    pub refreshes: bool,
    /// By whose clock a credential has expired.
    pub judged_by: JudgedBy,
    /// Whether a credential whose time has not come yet is refused.
    pub not_before: bool,
    /// With which of the keys that an instance holds it checks a signature.
    pub checked_with: CheckedWith,
    /// What becomes of a change to a login's record that was read before another change.
    pub written: Written,
}

/// By whose clock a credential has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedBy {
    /// Nobody looks at a clock.
    Nobody,
    /// By that of the instance that is asked.
    Instance,
    /// By the machine's, which a library reads past whatever clock the instance was given.
    Machine,
    /// By the store's, which all instances share.
    Store,
}

/// With which of the keys that an instance holds it checks a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedWith {
    /// Nothing is signed.
    Nothing,
    /// With the one that the token names, of all that it holds.
    EveryKey,
    /// With the one that it signs with itself.
    SigningKey,
    /// With the only one there is: it was read at the start, and nothing replaces it.
    OnlyKey,
}

/// What becomes of a change to a login's record that was read before another change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// There is no record to be changed.
    Nothing,
    /// It is refused: only what is still there, as it was read, is written.
    IfUnchanged,
    /// It is written over the other one, and brings back what was ended.
    Whatever,
}

/// Where that lies which makes a credential good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nowhere: whoever is named is believed.
    Nowhere,
    /// In the memory of the process that took the login; it ends with that process.
    Process,
    /// In a store that all instances ask.
    Store,
    /// In the credential itself, and every instance can check it.
    Credential,
    /// In the credential itself, and only the instance that signed it can check it.
    CredentialOfOne,
}

/// Who hears that a login was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Nobody: it works until it expires by itself.
    Nobody,
    /// The instance that is told to, about the records in its own memory.
    OwnProcess,
    /// As [`Channel::OwnProcess`], but only about the very login that logs out: there is no index
    /// from a user to the user's logins.
    OwnProcessThisLogin,
    /// Every instance, because each asks the store at each request.
    Store,
    /// The instance that is told to at once, the others within this many milliseconds.
    StoreWithin(u64),
}

/// How the credential travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// In a cookie that holds the id of a session.
    SessionCookie {
        /// Whether an instance that does not know the id tells the browser to drop the cookie.
        unknown_removed: bool,
    },
    /// In a cookie that holds the login itself, sealed; no answer but a log-out's removes it.
    SealedCookie,
    /// In `Authorization`, as a signed token.
    SignedToken,
    /// In `Authorization`, as a mere claim.
    Claim,
}

/// Who can log somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuers {
    /// Every instance.
    All,
    /// Only `a`, which holds the private key.
    OnlyA,
}

/// Which of the configured lifetimes ends a login by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// None.
    None,
    /// The absolute lifetime of a session.
    Session,
    /// The lifetime of an access token, or of what else is handed out whole.
    AccessToken,
    /// None that is configured: the two weeks that tower-sessions gives a session by default.
    TwoWeeks,
}

/// Sessions behind a cookie, strict about lifetimes to the millisecond.
const SESSION: Properties = Properties {
    state: State::Process,
    ended: Channel::OwnProcess,
    carried: Carried::SessionCookie {
        unknown_removed: true,
    },
    issuers: Issuers::All,
    lifetime: Lifetime::Session,
    leeway_ms: 0,
    expiry_step_ms: 1,
    refreshes: false,
    judged_by: JudgedBy::Instance,
    not_before: false,
    checked_with: CheckedWith::Nothing,
    written: Written::IfUnchanged,
};

/// Sessions in a shared store. The removal cookie for an unknown id is stripped there: a store that
/// was restarted must not make browsers forget what a replica may still know.
const STORED: Properties = Properties {
    state: State::Store,
    ended: Channel::Store,
    carried: Carried::SessionCookie {
        unknown_removed: false,
    },
    judged_by: JudgedBy::Store,
    ..SESSION
};

/// Signed tokens that every instance can check and nobody can take back.
const TOKEN: Properties = Properties {
    state: State::Credential,
    ended: Channel::Nobody,
    carried: Carried::SignedToken,
    issuers: Issuers::All,
    lifetime: Lifetime::AccessToken,
    leeway_ms: 0,
    expiry_step_ms: 1_000,
    refreshes: false,
    judged_by: JudgedBy::Instance,
    not_before: true,
    checked_with: CheckedWith::EveryKey,
    written: Written::Nothing,
};

const HS256: Server = Server::Jwt {
    alg: "HS256",
    keys: Keys::Shared,
    flags: &[],
};

const fn pair(alg: &'static str) -> Server {
    Server::Jwt {
        alg,
        keys: Keys::PublicAtB,
        flags: &[],
    }
}

const fn hs256_with(flags: &'static [&'static str]) -> Server {
    Server::Jwt {
        alg: "HS256",
        keys: Keys::Shared,
        flags,
    }
}

const KEY_PAIR: Arm = Arm {
    name: "",
    label: "",
    teaches: "verify without the power to sign",
    pool: "",
    headline: false,
    policy: Policy::RoundRobin,
    server: HS256,
    properties: Properties {
        issuers: Issuers::OnlyA,
        ..TOKEN
    },
};

/// Every arm, in the order to show them.
pub static ALL: [Arm; 16] = [
    Arm {
        name: "trusting",
        label: "no check at all",
        teaches: "the zero line",
        pool: "trusting",
        headline: false,
        policy: Policy::RoundRobin,
        server: Server::Trusting,
        properties: Properties {
            state: State::Nowhere,
            carried: Carried::Claim,
            lifetime: Lifetime::None,
            judged_by: JudgedBy::Nobody,
            not_before: false,
            checked_with: CheckedWith::Nothing,
            ..TOKEN
        },
    },
    Arm {
        name: "session-memory",
        label: "Session in memory",
        teaches: "the problem: only the server that took the login knows it",
        pool: "session-memory",
        headline: true,
        policy: Policy::RoundRobin,
        server: Server::Session { store: "memory" },
        properties: SESSION,
    },
    Arm {
        name: "session-memory-sticky",
        label: "+ sticky balancer",
        teaches: "the usual patch, and what it loses when an instance dies",
        pool: "session-memory-sticky",
        headline: true,
        policy: Policy::Sticky,
        server: Server::Session { store: "memory" },
        properties: SESSION,
    },
    Arm {
        name: "session-memory-stock",
        label: "as tower-sessions ships it",
        teaches: "leaks, resurrected logouts",
        pool: "session-memory-stock",
        headline: false,
        policy: Policy::RoundRobin,
        server: Server::Session { store: "stock" },
        properties: Properties {
            ended: Channel::OwnProcessThisLogin,
            lifetime: Lifetime::TwoWeeks,
            judged_by: JudgedBy::Machine,
            written: Written::Whatever,
            ..SESSION
        },
    },
    Arm {
        name: "session-redis",
        label: "Session in Redis",
        teaches: "the usual fix, its round trips, its single point of failure",
        pool: "session-redis",
        headline: true,
        policy: Policy::RoundRobin,
        server: Server::Session { store: "redis" },
        properties: STORED,
    },
    Arm {
        name: "session-cached",
        label: "+ 2 s local cache",
        teaches: "fewer trips, and sessions get a lag too",
        pool: "session-cached",
        headline: false,
        policy: Policy::RoundRobin,
        server: Server::Session { store: "cached" },
        properties: Properties {
            ended: Channel::StoreWithin(2_000),
            ..STORED
        },
    },
    Arm {
        name: "jwt-hs256",
        label: "JWT, one shared secret",
        teaches: "the article's answer",
        pool: "jwt",
        headline: true,
        policy: Policy::RoundRobin,
        server: HS256,
        properties: TOKEN,
    },
    Arm {
        name: "jwt-hs256-stock",
        label: "as jsonwebtoken ships it",
        teaches: "what the defaults cost and let through",
        pool: "jwt-hs256-stock",
        headline: false,
        policy: Policy::RoundRobin,
        server: hs256_with(&["--stock"]),
        properties: Properties {
            leeway_ms: 60_000,
            judged_by: JudgedBy::Machine,
            not_before: false,
            checked_with: CheckedWith::SigningKey,
            ..TOKEN
        },
    },
    Arm {
        name: "jwt-hs256-split",
        label: "JWT, a secret each",
        teaches: "how the answer breaks",
        pool: "jwt-hs256-split",
        headline: false,
        policy: Policy::RoundRobin,
        server: Server::Jwt {
            alg: "HS256",
            keys: Keys::OneEach,
            flags: &[],
        },
        properties: Properties {
            state: State::CredentialOfOne,
            ..TOKEN
        },
    },
    Arm {
        name: "jwt-eddsa",
        label: "JWT, key pair (EdDSA)",
        pool: "jwt-eddsa",
        server: pair("EdDSA"),
        ..KEY_PAIR
    },
    Arm {
        name: "jwt-es256",
        label: "JWT, key pair (ES256)",
        pool: "jwt-es256",
        server: pair("ES256"),
        ..KEY_PAIR
    },
    Arm {
        name: "jwt-rs256",
        label: "JWT, key pair (RS256)",
        pool: "jwt-rs256",
        server: pair("RS256"),
        ..KEY_PAIR
    },
    Arm {
        name: "jwt-denylist",
        label: "JWT + deny-list",
        teaches: "the state comes back",
        pool: "jwt-denylist",
        headline: true,
        policy: Policy::RoundRobin,
        server: hs256_with(&["--revoke", "deny-list"]),
        properties: Properties {
            ended: Channel::Store,
            ..TOKEN
        },
    },
    Arm {
        name: "jwt-denylist-synced",
        label: "JWT + synced deny-list",
        teaches: "the frontier's real middle",
        pool: "jwt-denylist-synced",
        headline: false,
        policy: Policy::RoundRobin,
        server: hs256_with(&["--revoke", "deny-list-synced"]),
        properties: Properties {
            ended: Channel::StoreWithin(1_000),
            ..TOKEN
        },
    },
    Arm {
        name: "jwt-refresh",
        label: "JWT, short + refresh",
        teaches: "the compromise",
        pool: "jwt-refresh",
        headline: false,
        policy: Policy::RoundRobin,
        server: hs256_with(&["--refresh"]),
        properties: Properties {
            refreshes: true,
            ..TOKEN
        },
    },
    Arm {
        name: "sealed-cookie",
        label: "Encrypted cookie (example)",
        teaches: "nothing kept and nothing readable, and nothing to take back either",
        pool: "sealed-cookie",
        headline: false,
        policy: Policy::RoundRobin,
        server: Server::SealedCookie,
        properties: Properties {
            carried: Carried::SealedCookie,
            expiry_step_ms: 1,
            not_before: false,
            checked_with: CheckedWith::OnlyKey,
            ..TOKEN
        },
    },
];

/// The arm of that name.
pub fn find(name: &str) -> Option<&'static Arm> {
    ALL.iter().find(|arm| arm.name == name)
}

/// The arms of these names, in their usual order; without names, all of them, or the five of the
/// headline table.
///
/// # Errors
/// One line that names the flag, what is wrong with it and what may stand there.
pub fn choose(names: &[String], all: bool) -> Result<Vec<&'static Arm>, String> {
    if let Some(unknown) = names.iter().find(|name| find(name).is_none()) {
        let known: Vec<_> = ALL.iter().map(|arm| arm.name).collect();
        return Err(format!(
            "--arms: there is no arm {unknown:?}; use one or more of {}",
            known.join(",")
        ));
    }
    let wanted = |arm: &&Arm| match names {
        [] => all || arm.headline,
        names => names.iter().any(|name| name == arm.name),
    };
    Ok(ALL.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_pools_are_unique_and_a_pool_is_named_like_its_arm() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|arm| arm.name).collect();
        let pools: std::collections::BTreeSet<_> = ALL.iter().map(|arm| arm.pool).collect();
        assert_eq!((names.len(), pools.len()), (16, 16));
        for arm in &ALL {
            // The one exception: the plainest JWT arm has the plainest pool.
            let named_alike = arm.pool == arm.name || (arm.name, arm.pool) == ("jwt-hs256", "jwt");
            assert!(named_alike, "{}", arm.name);
            assert!(
                !arm.label.is_empty() && !arm.teaches.is_empty(),
                "{}",
                arm.name
            );
        }
    }

    #[test]
    fn five_arms_make_the_headline_and_five_need_a_store() {
        let names = |test: fn(&Arm) -> bool| -> Vec<&str> {
            ALL.iter()
                .filter(|arm| test(arm))
                .map(|arm| arm.name)
                .collect()
        };
        assert_eq!(
            names(|arm| arm.headline),
            [
                "session-memory",
                "session-memory-sticky",
                "session-redis",
                "jwt-hs256",
                "jwt-denylist"
            ]
        );
        assert_eq!(
            names(|arm| arm.server.needs_store()),
            [
                "session-redis",
                "session-cached",
                "jwt-denylist",
                "jwt-denylist-synced",
                "jwt-refresh"
            ]
        );
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_right_ones() {
        let chosen = choose(&["jwt-hs256".to_owned(), "trusting".to_owned()], false).unwrap();
        let names: Vec<_> = chosen.iter().map(|arm| arm.name).collect();
        assert_eq!(names, ["trusting", "jwt-hs256"]);
        let wrong = choose(&["jwt".to_owned()], false).unwrap_err();
        assert!(
            wrong.starts_with("--arms: there is no arm \"jwt\"; use "),
            "{wrong}"
        );
        assert_eq!(wrong.lines().count(), 1);
        assert_eq!(choose(&[], true).unwrap().len(), 16);
    }
}
