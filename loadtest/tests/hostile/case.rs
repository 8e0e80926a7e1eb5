//! One row of the table, and the words to write it with.

use super::slow::Slowly;
use super::wire::Answer;

/// Which server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Server {
    Session,
    Jwt,
}

impl Server {
    pub(crate) const BOTH: [Server; 2] = [Server::Session, Server::Jwt];

    /// The arm that stands for it: one whose instances share their state, so that any of them can
    /// be asked, and which has a store that can fail.
    pub(crate) fn arm(self) -> &'static str {
        match self {
            Server::Session => "session-redis",
            Server::Jwt => "jwt-denylist",
        }
    }
}

/// On which path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Direct,
    Embedded,
    Haproxy,
}

impl Way {
    pub(crate) const ALL: [Way; 3] = [Way::Direct, Way::Embedded, Way::Haproxy];
}

/// Somebody who is logged in, and what must never be seen of that.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) server: Server,
    /// The session's name, or the token.
    pub(crate) credential: String,
    /// What must stand in no answer and no log.
    pub(crate) secrets: Vec<String>,
}

impl Known {
    /// The name of the session's cookie.
    pub(crate) const COOKIE: &str = "sid-session-redis";

    /// Nobody, for a look at the table alone.
    pub(crate) fn nobody(server: Server) -> Known {
        Known {
            server,
            credential: "a.b.c".to_owned(),
            secrets: Vec::new(),
        }
    }

    /// The field that carries the credential.
    pub(crate) fn field(&self) -> String {
        match self.server {
            Server::Session => format!("cookie: {}={}", Known::COOKIE, self.credential),
            Server::Jwt => format!("authorization: Bearer {}", self.credential),
        }
    }
}

/// What has to come back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Right {
    /// Problem details with this status and reason.
    Refused(u16, &'static str),
    /// It is a good request after all.
    Served,
    /// hyper or HAProxy answers before our code can: one of these statuses, and nothing is asked
    /// of the rest. 0 is a connection that is closed without a word.
    Status(&'static [u16]),
}

/// How it is sent.
#[derive(Debug)]
pub(crate) enum Sends {
    /// At once, on a connection of its own.
    Once(Vec<u8>),
    /// The same, and then this side says that nothing more will come.
    ThenEnds(Vec<u8>),
    /// With a request in it that is none, `GET /records`: no instance may get to see that.
    WithCanary(Vec<u8>),
    /// Hardly.
    Slowly(Slowly),
    /// More than one request; told in `stories.rs`.
    Story,
}

/// What is looked at beside status and reason: the complaint, if there is one.
pub(crate) type Look = fn(&[Answer]) -> Option<String>;

/// A row.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) number: u8,
    pub(crate) what: String,
    pub(crate) sends: Sends,
    pub(crate) right: Right,
    /// What HAProxy makes of it, where that is something else and as good.
    pub(crate) over_haproxy: Option<Right>,
    pub(crate) looks: Vec<Look>,
}

/// A row: number, what it is, what is sent, what has to come back.
pub(crate) fn case(number: u8, what: impl Into<String>, sends: Vec<u8>, right: Right) -> Case {
    sent(number, what, Sends::Once(sends), right)
}

/// A row that is not sent at once.
pub(crate) fn sent(number: u8, what: impl Into<String>, sends: Sends, right: Right) -> Case {
    Case {
        number,
        what: what.into(),
        sends,
        right,
        over_haproxy: None,
        looks: Vec::new(),
    }
}

impl Case {
    /// Through HAProxy this has to come back instead.
    pub(crate) fn over_haproxy(mut self, right: Right) -> Case {
        self.over_haproxy = Some(right);
        self
    }

    /// And this is looked at too.
    pub(crate) fn and(mut self, look: Look) -> Case {
        self.looks.push(look);
        self
    }

    pub(crate) fn right_on(&self, way: Way) -> Right {
        match (way, self.over_haproxy) {
            (Way::Haproxy, Some(right)) => right,
            _ => self.right,
        }
    }
}

/// A request of this form, on a connection that ends with it.
pub(crate) fn request(line: &str, fields: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{line} HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n").into_bytes();
    for field in fields {
        bytes.extend_from_slice(field.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    if !body.is_empty() {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// `GET target` with these fields.
pub(crate) fn get(target: &str, fields: &[&str]) -> Vec<u8> {
    request(&format!("GET {target}"), fields, b"")
}

/// `POST /login` with this body, said to be JSON.
pub(crate) fn login(body: impl AsRef<[u8]>) -> Vec<u8> {
    request(
        "POST /login",
        &["content-type: application/json"],
        body.as_ref(),
    )
}

/// Bytes as they are.
pub(crate) fn raw(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}
