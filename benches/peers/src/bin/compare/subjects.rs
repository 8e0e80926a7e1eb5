//! What is compared with what.

/// One server, or one balancer before two of our servers.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Its name in the output, and in `--only`.
    pub(crate) name: &'static str,
    /// What it is, in words.
    pub(crate) label: &'static str,
    /// How to get it.
    pub(crate) kind: Kind,
    /// Whether it needs Redis; then Redis' CPU is counted with its own.
    pub(crate) redis: bool,
}

/// Where a subject comes from.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Our executable, with a hidden subcommand and flags.
    Ours(&'static [&'static str]),
    /// Another binary of this package, with flags.
    Rust(&'static [&'static str]),
    /// A script in `node/`.
    Node(&'static str),
    /// Our balancer, round-robin, before two `trusting` instances.
    OurBalancer,
    /// HAProxy before two such instances.
    HaProxy,
}

impl Subject {
    /// Whether Node runs it.
    pub(crate) fn is_node(&self) -> bool {
        matches!(self.kind, Kind::Node(_))
    }
}

const fn subject(name: &'static str, label: &'static str, kind: Kind) -> Subject {
    Subject {
        name,
        label,
        kind,
        redis: false,
    }
}

const fn with_redis(name: &'static str, label: &'static str, kind: Kind) -> Subject {
    Subject {
        redis: true,
        ..subject(name, label, kind)
    }
}

/// Every subject, ours first.
pub(crate) const ALL: [Subject; 18] = [
    subject(
        "trusting",
        "ours, no check at all",
        Kind::Ours(&["trusting"]),
    ),
    subject(
        "session-memory",
        "ours, session in memory",
        Kind::Ours(&["server-session", "--store", "memory"]),
    ),
    subject(
        "session-memory-stock",
        "ours, tower-sessions' MemoryStore",
        Kind::Ours(&["server-session", "--store", "stock"]),
    ),
    with_redis(
        "session-redis",
        "ours, session in Redis",
        Kind::Ours(&["server-session", "--store", "redis"]),
    ),
    subject("jwt-hs256", "ours, JWT HS256", Kind::Ours(&["server-jwt"])),
    subject(
        "jwt-hs256-again",
        "the same once more (A/A)",
        Kind::Ours(&["server-jwt"]),
    ),
    subject(
        "jwt-hs256-stock",
        "ours, jsonwebtoken's decode",
        Kind::Ours(&["server-jwt", "--stock"]),
    ),
    subject("axum-plain", "axum, no login", Kind::Rust(&["axum-plain"])),
    subject(
        "axum-memory-store",
        "axum, tower-sessions' MemoryStore",
        Kind::Rust(&["axum-memory-store"]),
    ),
    subject(
        "actix-plain",
        "actix-web, no login",
        Kind::Rust(&["actix-plain"]),
    ),
    subject(
        "actix-jwt",
        "actix-web, jsonwebtoken",
        Kind::Rust(&["actix-jwt"]),
    ),
    with_redis(
        "actix-session",
        "actix-session, Redis, reads renew nothing",
        Kind::Rust(&["actix-session"]),
    ),
    with_redis(
        "actix-session-renew",
        "actix-session, Redis, reads renew",
        Kind::Rust(&["actix-session", "--renew"]),
    ),
    subject(
        "express-jwt",
        "Express, jsonwebtoken",
        Kind::Node("express-jwt.js"),
    ),
    with_redis(
        "express-session",
        "express-session, connect-redis",
        Kind::Node("express-session.js"),
    ),
    subject(
        "fastify-jwt",
        "Fastify, @fastify/jwt",
        Kind::Node("fastify-jwt.js"),
    ),
    subject("balancer", "our balancer alone", Kind::OurBalancer),
    subject("haproxy", "HAProxy alone", Kind::HaProxy),
];

/// A ratio that somebody promised, or that shows how far to trust the others.
#[derive(Debug)]
pub(crate) struct Ratio {
    /// The subject above the line.
    pub(crate) ours: &'static str,
    /// The subject below it.
    pub(crate) theirs: &'static str,
    /// What was promised.
    pub(crate) at_most: Option<f64>,
}

const fn promise(ours: &'static str, theirs: &'static str, at_most: f64) -> Ratio {
    Ratio {
        ours,
        theirs,
        at_most: Some(at_most),
    }
}

const fn shown(ours: &'static str, theirs: &'static str) -> Ratio {
    Ratio {
        ours,
        theirs,
        at_most: None,
    }
}

/// The ratios that are printed.
pub(crate) const RATIOS: [Ratio; 13] = [
    promise("jwt-hs256", "actix-jwt", 0.90),
    promise("session-redis", "actix-session", 0.95),
    promise("session-redis", "actix-session-renew", 0.95),
    promise("session-memory", "axum-memory-store", 0.90),
    promise("session-memory", "session-memory-stock", 0.90),
    promise("balancer", "haproxy", 1.50),
    // The width of this one is the width of "no difference".
    shown("jwt-hs256-again", "jwt-hs256"),
    shown("trusting", "axum-plain"),
    shown("trusting", "actix-plain"),
    shown("jwt-hs256", "jwt-hs256-stock"),
    shown("jwt-hs256", "fastify-jwt"),
    shown("jwt-hs256", "express-jwt"),
    shown("session-redis", "express-session"),
];
