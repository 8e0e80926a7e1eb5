//! What happened during a soak, in the order in which it was known: who logged in, asked and logged
//! out, what came of it, and what struck the servers meanwhile.
//!
//! It is data, written as it comes and replayed by [`super::check`]; no credential stands in it.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Outcome};

/// A moment, in microseconds since the soak began.
pub type Moment = u64;

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// Somebody asked for something and was answered, or was not.
    Asked(Asked),
    /// Something struck the servers, and is over.
    Struck(Struck),
}

/// A request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The arm.
    pub arm: String,
    /// The login that it was about; numbers are not used twice.
    pub login: u32,
    /// What was asked for.
    pub what: What,
    /// When it was sent.
    pub sent_us: Moment,
    /// When the answer was there, or given up.
    pub answered_us: Moment,
    /// What came of it.
    pub came: Came,
    /// Status and reason, such as `401 unknown-session`.
    pub reason: String,
    /// Who answered.
    pub served_by: String,
}

/// What somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// To be logged in.
    LogIn,
    /// Who they are.
    WhoAmI,
    /// To be logged out.
    LogOut,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// It was done, for the one who asked.
    Done,
    /// It was refused.
    Refused,
    /// It failed: 5xx, no answer, or one that makes no sense, such as somebody else's name.
    Failed,
}

/// Something that struck the servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Struck {
    /// What.
    pub fault: Fault,
    /// The arm whose instances, store or key it struck.
    pub arm: String,
    /// The instance, where it struck one.
    pub instance: Option<String>,
    /// When it began.
    pub from_us: Moment,
    /// When what was struck was back.
    pub to_us: Moment,
}

/// What can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// SIGKILL to an instance, which is started again some seconds later.
    Killed,
    /// SIGSTOP to an instance, which goes on some seconds later.
    Frozen,
    /// SIGTERM to an instance, which drains, ends and is started again.
    Restarted,
    /// SIGKILL to the store, which is started again some seconds later with what it held.
    StoreKilled,
    /// The same, but it comes back with nothing.
    StoreEmptied,
    /// SIGSTOP to the store, which goes on some seconds later.
    StoreFrozen,
    /// Nobody's doing: a store answered late although nothing had struck it, as stores do on a
    /// machine that is busy with something else.
    StoreLate,
    /// The same of an instance.
    InstanceLate,
    /// A new signing key, in two phases: everybody can check with it before anybody signs with it,
    /// and the old ones stay good.
    KeyReplaced,
}

impl Fault {
    /// Every fault that can be drawn.
    pub const ALL: [Fault; 7] = [
        Fault::Killed,
        Fault::Frozen,
        Fault::Restarted,
        Fault::StoreKilled,
        Fault::StoreEmptied,
        Fault::StoreFrozen,
        Fault::KeyReplaced,
    ];

    /// Whether it strikes one instance of an arm.
    pub fn is_of_an_instance(self) -> bool {
        matches!(
            self,
            Fault::Killed | Fault::Frozen | Fault::Restarted | Fault::InstanceLate
        )
    }

    /// In a few plain words.
    pub fn label(self) -> &'static str {
        match self {
            Fault::Killed => "an instance killed",
            Fault::Frozen => "an instance frozen",
            Fault::Restarted => "an instance restarted",
            Fault::StoreKilled => "a store killed",
            Fault::StoreEmptied => "a store emptied",
            Fault::StoreFrozen => "a store frozen",
            Fault::StoreLate => "a store late by itself",
            Fault::InstanceLate => "an instance late by itself",
            Fault::KeyReplaced => "a key replaced",
        }
    }
}

impl From<&Answer> for Came {
    fn from(answer: &Answer) -> Came {
        match answer.outcome {
            Outcome::Recognised => Came::Done,
            Outcome::Refused => Came::Refused,
            Outcome::Failed => Came::Failed,
        }
    }
}
