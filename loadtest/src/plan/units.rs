//! Unit costs: what one request, one login, one process and one byte more take in an arm. They know
//! no record; [`super::read`] takes them out of some.

use super::figure::Known;

/// What an arm costs. Times are CPU time in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    /// The arm.
    pub arm: String,
    /// Its plain label.
    pub label: String,
    /// What it keeps, and asks.
    pub nature: Nature,
    /// A request with a credential.
    pub check: Known<Check>,
    /// The balancer's part of a request.
    pub balancer_ns: Known<f64>,
    /// A login with its password.
    pub login: Known<Spent>,
    /// A login without the check of the password.
    pub remember: Known<Spent>,
    /// What is held.
    pub memory: Known<Held>,
    /// A byte more that is remembered of a login.
    pub claims: Known<PerClaim>,
    /// How often a request waits for the store.
    pub trips: Known<f64>,
    /// How long an ended login goes on working.
    pub window: Known<Window>,
}

/// What an arm keeps, and asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nature {
    /// Whether instances keep a login.
    pub server_keeps: bool,
    /// Whether the store keeps a login.
    pub store_keeps: bool,
    /// Whether a request asks a store.
    pub asks_store: bool,
    /// Whether short tokens are renewed by a refresh token.
    pub refreshes: bool,
    /// Whether the credential says who it is, and no login is looked up.
    pub signed: bool,
}

/// What was spent on something that happened once.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// By the instance.
    pub server_ns: f64,
    /// By the store.
    pub store_ns: f64,
    /// Commands to the store.
    pub commands: f64,
}

/// A request with a credential.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Check {
    /// What it takes.
    pub spent: Spent,
    /// Bytes from the client.
    pub sent_bytes: f64,
    /// Bytes to the client.
    pub received_bytes: f64,
    /// Requests a second of each instance at which that was measured.
    pub rate_of_an_instance: f64,
}

/// What is held, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Held {
    /// By an instance without logins.
    pub process: f64,
    /// By the store without logins.
    pub store_empty: f64,
    /// By an instance for each login that it keeps.
    pub server_login: f64,
    /// By the store for each login.
    pub store_login: f64,
    /// By an instance of the zero line for each login that it saw.
    pub accounts_login: f64,
    /// How many logins it saw.
    pub accounts_seen: f64,
}

/// What each byte more that is remembered of a login adds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PerClaim {
    /// To a request, in CPU time.
    pub spent: Spent,
    /// To the bytes from the client.
    pub sent_bytes: f64,
    /// To the bytes to the client.
    pub received_bytes: f64,
    /// To what is held of a login, wherever it is held.
    pub held_bytes: f64,
}

/// How long an ended login goes on working.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Window {
    /// Not at all.
    None,
    /// So long, in milliseconds.
    Within(f64),
    /// Until its credential expires.
    Lifetime,
}

impl Window {
    /// The longer of two.
    pub fn longer(self, other: Window) -> Window {
        match (self, other) {
            (Window::Lifetime, _) | (_, Window::Lifetime) => Window::Lifetime,
            (Window::Within(a), Window::Within(b)) => Window::Within(a.max(b)),
            (Window::None, other) | (other, Window::None) => other,
        }
    }
}
