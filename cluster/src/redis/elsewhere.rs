//! A Redis that somebody else runs, and that was given into our hands: of a stack of containers,
//! say, whose engine starts it again.

use std::time::Duration;

use super::talk;

/// How long it may take to say anything.
const ANSWER_WAIT: Duration = Duration::from_millis(500);

/// Its version, which is also its sign of life.
///
/// # Errors
/// When it does not answer within half a second.
pub async fn version(url: &str) -> Result<String, String> {
    match tokio::time::timeout(ANSWER_WAIT, talk::server(url)).await {
        Ok(Ok(server)) => Ok(server.version),
        Ok(Err(error)) => Err(talk::in_words(&error)),
        Err(_) => Err(format!("no answer within {ANSWER_WAIT:?}")),
    }
}

/// What a Redis says that it has used since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all its threads, in nanoseconds; it counts in microseconds.
    pub cpu_ns: u64,
    /// Commands that it carried out, whoever sent them; those aside that clients say about
    /// themselves or to see whether it is there.
    pub commands: u64,
}

/// What it says that it has used.
///
/// # Errors
/// When it does not answer within half a second, or does not say.
pub async fn usage(url: &str) -> Result<Usage, String> {
    let asked = async {
        let calls = talk::calls_by_name(url).await?;
        Ok((talk::cpu_ns(url).await?, calls.values().sum()))
    };
    match tokio::time::timeout(ANSWER_WAIT, asked).await {
        Ok(Ok((Some(cpu_ns), commands))) => Ok(Usage { cpu_ns, commands }),
        Ok(Ok((None, _))) => Err("it does not say how much CPU time it used".to_owned()),
        Ok(Err(error)) => Err(talk::in_words(&error)),
        Err(_) => Err(format!("no answer within {ANSWER_WAIT:?}")),
    }
}

/// Ends it without a last word to its disk. Whether it is started again is its keeper's business.
///
/// # Errors
/// When it refuses, or cannot be told.
pub async fn shut_down(url: &str) -> Result<(), String> {
    match talk::shut_down(url).await {
        // It hangs up instead of answering.
        Err(error) if !error.is_io_error() && !error.is_connection_dropped() => {
            Err(talk::in_words(&error))
        }
        _ => Ok(()),
    }
}
