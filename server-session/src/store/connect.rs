//! How patient we are with Redis, said for everything that the crate's defaults leave open.
//!
//! They are a response timeout of 500 ms, 1 s to connect, six attempts that take up to 9.4 s
//! together, RESP2, and neither `TCP_NODELAY` nor a limit for what is sent and never received.

use std::time::Duration;

use reach::Patience;

/// How long a connection attempt may take at least, and without a deadline for commands.
const CONNECT_TIMEOUT_MIN: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT_UNHURRIED: Duration = Duration::from_secs(1);

/// How to talk to Redis.
#[derive(Debug, Clone, Copy)]
pub struct LinkSettings {
    /// For all commands of one request together; `None` waits as long as it takes.
    pub deadline: Option<Duration>,
    /// Whether to send at once (`TCP_NODELAY`); by default wherever Redis is not on this machine.
    pub nodelay: Option<bool>,
}

impl LinkSettings {
    /// Whoever is patient with commands is with a connection attempt.
    pub(super) fn patience(self) -> Patience {
        let deadline = self.deadline.unwrap_or(CONNECT_TIMEOUT_UNHURRIED);
        Patience {
            connect: deadline.max(CONNECT_TIMEOUT_MIN),
            // The deadline is for all commands of a request; a second one for each would only cost
            // its timer.
            response: None,
            queue: None,
        }
    }
}
