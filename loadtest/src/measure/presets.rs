//! What `measure` can be asked for by name: which arms, and what is varied.
//!
//! Long because every preset stands in one list, to be compared with the others.

use crate::load::generator::Reuse;
use crate::pools::INSTANCES;

/// A named set of measurements.
#[derive(Debug, PartialEq)]
pub struct Preset {
    /// Its name, for `--preset`.
    pub name: &'static str,
    /// Its plain label.
    pub label: &'static str,
    /// What it shows, in half a sentence.
    pub shows: &'static str,
    /// Its arms beside the zero line; none means the five of the headline table.
    pub arms: &'static [&'static str],
    /// What is varied; the usual variant stands first.
    pub variants: &'static [Variant],
}

impl Preset {
    /// Whether it asks for nothing but requests, so that servers which somebody else has started
    /// can take turns in it.
    pub fn suits_a_target(&self) -> bool {
        let of_requests = |variant: &Variant| Variant {
            name: variant.name,
            rate_share: variant.rate_share,
            reuse: variant.reuse,
            ..USUAL
        };
        self.variants
            .iter()
            .all(|variant| *variant == of_requests(variant))
    }

    /// The names of its variants, the usual one aside.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.variants.iter().filter_map(|variant| variant.name)
    }
}

/// One thing that is done otherwise than usual.
#[derive(Debug, PartialEq)]
pub struct Variant {
    /// What it is called in the record; none is the usual one.
    pub name: Option<&'static str>,
    /// Flags of every instance, beside the arm's own.
    pub flags: &'static [&'static str],
    /// The instances of the pool.
    pub instances: &'static [&'static str],
    /// What is asked.
    pub ask: Ask,
    /// Requests a second, as a share of what was asked for.
    pub rate_share: f64,
    /// How often a connection is used.
    pub reuse: Reuse,
    /// Logins that are alive besides those of the visitors.
    pub live_logins: u32,
    /// Whether each of these, and of the logins that are made to see what they take in memory, is
    /// of another user: what a store keeps of a user is then kept as often as of a login.
    pub user_each: bool,
    /// Whether bad credentials are sent among the good ones.
    pub mixed: bool,
    /// How far away the store is while requests are sent; next door it is 0.
    pub store_round_trip_ms: u64,
    /// How many bytes more are remembered of each login. Where there are any, a login is tried
    /// before anything is timed: it may be beyond a limit.
    pub pad_claims_bytes: u16,
    /// Whether tokens travel in a cookie. Arms without a token are left out.
    pub token_in_cookie: bool,
    /// Whether requests go through the balancer, by the arm's own policy.
    pub balanced: bool,
    /// Whether the highest rate is looked for at which nearly all are answered in time.
    pub highest_rate: bool,
}

/// What a visitor asks again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `GET /me`, with a login from before.
    Me,
    /// `POST /login`, with a password.
    LogIn,
    /// The same without the check of the password: finding the user and remembering the login.
    LogInUnchecked,
}

/// Nothing is done otherwise.
pub const USUAL: Variant = Variant {
    name: None,
    flags: &[],
    instances: &INSTANCES,
    ask: Ask::Me,
    rate_share: 1.0,
    reuse: Reuse::Kept,
    live_logins: 0,
    user_each: false,
    mixed: false,
    store_round_trip_ms: 0,
    pad_claims_bytes: 0,
    token_in_cookie: false,
    balanced: false,
    highest_rate: false,
};

/// What people choose between, where a preset takes long.
const CHOICE: &[&str] = &["session-memory", "session-redis", "jwt-hs256"];

const fn named(name: &'static str) -> Variant {
    Variant {
        name: Some(name),
        ..USUAL
    }
}

const fn more_claims(name: &'static str, pad_claims_bytes: u16) -> Variant {
    Variant {
        pad_claims_bytes,
        ..named(name)
    }
}

const fn in_a_cookie(name: &'static str, pad_claims_bytes: u16) -> Variant {
    Variant {
        token_in_cookie: true,
        ..more_claims(name, pad_claims_bytes)
    }
}

/// Its store is filled by as many users as logins.
const OF_MANY: Variant = Variant {
    user_each: true,
    ..USUAL
};

const fn many_logins(name: &'static str, live_logins: u32) -> Variant {
    Variant {
        name: Some(name),
        live_logins,
        ..OF_MANY
    }
}

/// Every preset, in the order to show them.
pub static ALL: [Preset; 14] = [
    Preset {
        name: "quick",
        label: "what a check costs",
        shows: "CPU, bytes, memory, store trips of one request",
        arms: &[],
        variants: &[USUAL],
    },
    Preset {
        name: "algorithms",
        label: "what a signature costs",
        shows: "a shared secret beside key pairs; stock beside ours",
        arms: &[
            "jwt-hs256",
            "jwt-hs256-stock",
            "jwt-eddsa",
            "jwt-es256",
            "jwt-rs256",
        ],
        variants: &[USUAL],
    },
    Preset {
        name: "rates",
        label: "more and fewer requests",
        shows: "cost and latency at a quarter to four times the rate",
        arms: CHOICE,
        variants: &[
            USUAL,
            Variant {
                rate_share: 0.25,
                ..named("a quarter of the rate")
            },
            Variant {
                rate_share: 2.0,
                ..named("twice the rate")
            },
            Variant {
                rate_share: 4.0,
                ..named("four times the rate")
            },
        ],
    },
    Preset {
        name: "capacity",
        label: "the highest rate",
        shows: "requests a second with 99 % within --p99-ms; about 20 min",
        arms: CHOICE,
        variants: &[Variant {
            highest_rate: true,
            ..USUAL
        }],
    },
    Preset {
        name: "live-logins",
        label: "many people logged in",
        shows: "a check beside up to a million other logins; takes half an hour",
        arms: CHOICE,
        variants: &[
            USUAL,
            Variant {
                live_logins: 10_000,
                ..named("10,000 logins")
            },
            Variant {
                live_logins: 100_000,
                ..named("100,000 logins")
            },
            Variant {
                live_logins: 1_000_000,
                ..named("1,000,000 logins")
            },
        ],
    },
    Preset {
        name: "claims-size",
        label: "more remembered of a login",
        shows: "1 to 8 KB more in record or token, and where a limit ends it",
        arms: CHOICE,
        variants: &[
            USUAL,
            more_claims("1 KB more", 1_000),
            more_claims("2 KB more", 2_000),
            more_claims("3 KB more", 3_000),
            more_claims("4 KB more", 4_000),
            more_claims("8 KB more", 8_000),
            in_a_cookie("a token in a cookie", 0),
            in_a_cookie("a token in a cookie, 2 KB more", 2_000),
            in_a_cookie("a token in a cookie, 3 KB more", 3_000),
        ],
    },
    Preset {
        name: "instances",
        label: "one, two or four servers",
        shows: "does a check cost more when load is spread wider?",
        arms: CHOICE,
        variants: &[
            USUAL,
            Variant {
                instances: &["a"],
                ..named("one instance")
            },
            Variant {
                instances: &["a", "b", "c", "d"],
                ..named("four instances")
            },
        ],
    },
    Preset {
        name: "scale",
        label: "where the plan is checked",
        shows: "1, 2, 4 servers at one rate each; a user for each of a million logins",
        arms: &[
            "session-memory",
            "session-redis",
            "jwt-hs256",
            "jwt-denylist",
        ],
        variants: &[
            OF_MANY,
            Variant {
                name: Some("one server"),
                instances: &["a"],
                rate_share: 0.5,
                ..OF_MANY
            },
            Variant {
                name: Some("two servers"),
                ..OF_MANY
            },
            Variant {
                name: Some("four servers"),
                instances: &["a", "b", "c", "d"],
                rate_share: 2.0,
                ..OF_MANY
            },
            many_logins("10,000 users logged in", 10_000),
            many_logins("100,000 users logged in", 100_000),
            many_logins("1,000,000 users logged in", 1_000_000),
        ],
    },
    Preset {
        name: "balanced",
        label: "through the balancer",
        shows: "what the balancer adds, its own CPU in a column of its own",
        arms: &[
            "session-memory",
            "session-memory-sticky",
            "session-redis",
            "jwt-hs256",
        ],
        variants: &[
            USUAL,
            Variant {
                balanced: true,
                ..named("through the balancer")
            },
        ],
    },
    Preset {
        name: "plus-one-database-read",
        label: "the user read each time",
        shows: "what it costs that no role is ever stale",
        arms: CHOICE,
        variants: &[
            USUAL,
            Variant {
                flags: &["--read-user-each-request"],
                ..named("the user read each time")
            },
        ],
    },
    Preset {
        name: "connection-reuse",
        label: "connections opened anew",
        shows: "how much of a request is its connection",
        arms: CHOICE,
        variants: &[
            USUAL,
            Variant {
                reuse: Reuse::Recycled(10),
                ..named("ten requests a connection")
            },
            Variant {
                reuse: Reuse::NewPerRequest,
                ..named("one request a connection")
            },
        ],
    },
    Preset {
        name: "login",
        label: "logging in",
        shows: "a login, with and without the hash, beside a check",
        arms: CHOICE,
        variants: &[
            USUAL,
            Variant {
                ask: Ask::LogIn,
                // A hash takes tens of milliseconds on purpose.
                rate_share: 0.005,
                ..named("a login")
            },
            Variant {
                ask: Ask::LogInUnchecked,
                rate_share: 0.1,
                ..named("a login without the hash")
            },
        ],
    },
    Preset {
        name: "store-distance",
        label: "a store far away",
        shows: "latency with a store 1, 5, 20 ms away; where others are quicker",
        arms: &[
            "session-redis",
            "session-cached",
            "jwt-hs256",
            "jwt-rs256",
            "jwt-denylist",
        ],
        variants: &[
            USUAL,
            Variant {
                store_round_trip_ms: 1,
                ..named("a store 1 ms away")
            },
            Variant {
                store_round_trip_ms: 5,
                ..named("a store 5 ms away")
            },
            Variant {
                store_round_trip_ms: 20,
                ..named("a store 20 ms away")
            },
        ],
    },
    Preset {
        name: "mixed",
        label: "bad credentials too",
        shows: "forged, foreign, expired, ended ones: each refused?",
        arms: &[
            "session-memory",
            "session-redis",
            "jwt-hs256",
            "jwt-denylist",
        ],
        variants: &[
            USUAL,
            Variant {
                mixed: true,
                ..named("bad credentials among the good ones")
            },
        ],
    },
];

/// The preset of that name.
///
/// # Errors
/// One line that names the flag and what may stand there.
pub fn find(name: &str) -> Result<&'static Preset, String> {
    let found = ALL.iter().find(|preset| preset.name == name);
    found.ok_or_else(|| {
        let known: Vec<_> = ALL.iter().map(|preset| preset.name).collect();
        format!(
            "--preset: there is no preset {name:?}; use one of {}",
            known.join(",")
        )
    })
}
