//! What the main process and the supervisor say to each other: one JSON object a line.
//!
//! The supervisor knows children by number. Each start of a program is a child of its own, so
//! that nothing said of one life can be mistaken for news of the next.

use std::ffi::OsString;
use std::fmt;

use nix::sys::signal::Signal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// From the main process, on the supervisor's standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Repeated in the answer.
    pub(crate) id: u64,
    pub(crate) order: Order,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Start a program. The number has not been used before.
    Spawn { child: u64, launch: Launch },
    /// Send a signal. Acknowledged when it is sent; what comes of it is reported by itself.
    Signal { child: u64, signal: Sign },
    /// Write a line to the child's standard input.
    Tell { child: u64, line: String },
    /// Read the last lines of the child's standard error.
    Stderr { child: u64 },
}

/// A program and how to start it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Whether its standard output is a protocol, to be passed on line by line. Otherwise it is
    /// a log, and is kept with standard error.
    pub(crate) speaks: bool,
}

/// The signals that the cluster sends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sign {
    Kill,
    Stop,
    Continue,
    Terminate,
}

impl Sign {
    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::SIGKILL,
            Self::Stop => Signal::SIGSTOP,
            Self::Continue => Signal::SIGCONT,
            Self::Terminate => Signal::SIGTERM,
        }
    }
}

/// From the supervisor, on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Report {
    /// The answer to the request of that id.
    Answer {
        id: u64,
        answer: Result<Answer, String>,
    },
    /// A child that speaks wrote a line to its standard output.
    Said { child: u64, line: String },
    /// A child has ended and been reaped.
    Ended { child: u64, end: End },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Done,
    Spawned { pid: u32 },
    Lines(Vec<String>),
}

/// How a child ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// The last lines of its standard error.
    pub(crate) stderr: Vec<String>,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.exit_code, self.signal.map(Signal::try_from)) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(Ok(signal))) => write!(f, "signal {} ({signal})", signal as i32),
            (None, Some(Err(_)) | None) => write!(f, "ended with the supervisor"),
        }
    }
}

/// One message as a line, its end included.
pub(crate) fn line<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(message)
        .expect("messages hold strings, numbers and enums, which all have a JSON form");
    line.push(b'\n');
    line
}

/// The message in a line, or what is wrong with it.
pub(crate) fn parse<T: DeserializeOwned>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| format!("not a message: {error}"))
}
