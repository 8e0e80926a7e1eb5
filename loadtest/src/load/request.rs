//! A request as the bytes that are sent, and what its answer must be.

use std::fmt;
use std::net::SocketAddr;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::answer::Answer;

/// In which state a credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// As the server handed it out, and in force.
    Valid,
    /// Its lifetime is over.
    Expired,
    /// Somebody changed it.
    Forged,
    /// Signed, or handed out, by somebody else.
    ForeignKey,
    /// Its login was ended.
    Revoked,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CredentialKind::Valid => "valid",
            CredentialKind::Expired => "expired",
            CredentialKind::Forged => "forged",
            CredentialKind::ForeignKey => "foreign-key",
            CredentialKind::Revoked => "revoked",
        })
    }
}

/// One request, written out before the run so that nothing is formatted while it is measured.
#[derive(Clone)]
pub struct Request {
    /// The state of the credential in it.
    pub kind: CredentialKind,
    /// Which of the run's addresses it goes to.
    pub target: usize,
    /// What its answer must be.
    pub deserves: Deserves,
    bytes: Box<[u8]>,
}

impl Request {
    /// A request of this method and path with these headers, and with a body if there is one.
    pub fn new(
        (method, path): (&str, &str),
        host: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        deserves: Deserves,
    ) -> Request {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        Request {
            kind: CredentialKind::Valid,
            target: 0,
            deserves,
            bytes: bytes.into(),
        }
    }

    /// The same with a credential in this state.
    #[must_use]
    pub fn kind(mut self, kind: CredentialKind) -> Request {
        self.kind = kind;
        self
    }

    /// The same to the run's address with this number.
    #[must_use]
    pub fn target(mut self, target: usize) -> Request {
        self.target = target;
        self
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes hold a credential, which no log should see.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .field("target", &self.target)
            .field("deserves", &self.deserves)
            .finish_non_exhaustive()
    }
}

/// What a credential deserves: data of each request, since it depends on arm, instance and
/// credential.
#[derive(Debug, Clone)]
pub struct Deserves {
    status: u16,
    exceptions: Vec<(String, u16)>,
    /// Ready to search: preparing it takes longer than the search itself.
    saying: Option<Finder<'static>>,
}

/// What an answer is, held against what was deserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// As it should be.
    Deserved,
    /// Let in, who should have been refused, or as somebody else: the one fault that no run
    /// survives.
    WrongAccept,
    /// Any other answer that it should not have been.
    Wrong,
}

impl Deserves {
    /// This status, whoever answers.
    pub fn status(status: u16) -> Deserves {
        Deserves {
            status,
            exceptions: Vec::new(),
            saying: None,
        }
    }

    /// Another status at the instance that signs as `served_by` with `x-served-by`.
    #[must_use]
    pub fn at(mut self, served_by: &str, status: u16) -> Deserves {
        self.exceptions.push((served_by.to_owned(), status));
        self
    }

    /// An accepting answer must hold these bytes, such as `"user":"ada"`: known is not enough, it
    /// must be known as the right one.
    #[must_use]
    pub fn saying(mut self, fragment: &[u8]) -> Deserves {
        self.saying = Some(Finder::new(fragment).into_owned());
        self
    }

    /// The status that is deserved at this instance.
    pub fn status_at(&self, served_by: &[u8]) -> u16 {
        let exception = self
            .exceptions
            .iter()
            .find(|(name, _)| name.as_bytes() == served_by);
        exception.map_or(self.status, |(_, status)| *status)
    }

    /// Holds an answer against it.
    pub fn judge(&self, answer: &Answer<'_>) -> Judgement {
        let expected = self.status_at(answer.served_by());
        let accepted = accepts(answer.status());
        if accepted && (!accepts(expected) || !self.names_the_right_one(answer)) {
            Judgement::WrongAccept
        } else if answer.status() == expected {
            Judgement::Deserved
        } else {
            Judgement::Wrong
        }
    }

    fn names_the_right_one(&self, answer: &Answer<'_>) -> bool {
        let saying = self.saying.as_ref();
        saying.is_none_or(|saying| saying.find(&answer.body()).is_some())
    }
}

fn accepts(status: u16) -> bool {
    (200..300).contains(&status)
}

/// One simulated person: the requests it can send, one for each kind of credential.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// In any order.
    pub requests: Vec<Request>,
}

impl Visitor {
    /// The request with this kind of credential.
    pub fn request(&self, kind: CredentialKind) -> Option<&Request> {
        self.requests.iter().find(|request| request.kind == kind)
    }
}

/// Everything that can be sent, and where to.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// Addresses, numbered by [`Request::target`].
    pub targets: Vec<SocketAddr>,
    /// Visitors, numbered as a plan draws them.
    pub visitors: Vec<Visitor>,
}
