//! What an instance knows of itself: its name, its clock, its cookie rules.

use crate::clock::Clock;

/// One server process, as a memory needs to know it. No instance knows that it has siblings.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The pool it belongs to, e.g. `session-redis`.
    pub pool: String,
    /// Its name in the pool: `a`, `b`, …
    pub name: String,
    /// Its clock.
    pub clock: Clock,
    /// Whether cookies are marked `Secure` and carry the `__Host-` prefix.
    pub secure_cookies: bool,
}

impl Instance {
    /// What it says in `x-served-by`: pool and name.
    pub fn served_by(&self) -> String {
        format!("{}-{}", self.pool, self.name)
    }

    /// The name of the cookie that carries this pool's credential. One name per pool, because
    /// browsers ignore ports (RFC 6265, section 8.5); the prefix is RFC 6265bis, section 4.1.3.2.
    pub fn cookie_name(&self) -> String {
        let prefix = if self.secure_cookies { "__Host-" } else { "" };
        format!("{prefix}sid-{}", self.pool)
    }
}
