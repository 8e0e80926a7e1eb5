//! Bytes out, bytes in, and the answers among these.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Far longer than anybody may take: what is not closed by then stays open for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back on one connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) answers: Vec<Answer>,
    /// Whether the other side closed it.
    pub(crate) closed: bool,
}

impl Exchange {
    /// For complaints.
    pub(crate) fn shown(&self) -> String {
        let shown = |answer: &Answer| {
            let text = String::from_utf8_lossy(&answer.body);
            format!("{} {:?} {text}", answer.status, answer.fields)
        };
        let shown: Vec<_> = self.answers.iter().map(shown).collect();
        format!("closed {}: {}", self.closed, shown.join(" | "))
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Sends `bytes`, and reads until the other side closes.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8], then_ends: bool) -> Exchange {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Whoever refuses early may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    if then_ends {
        let _ = stream.shutdown().await;
    }
    let (received, closed) = until_closed(&mut stream).await;
    Exchange {
        answers: answers(&received, bytes.starts_with(b"HEAD ")),
        closed,
    }
}

/// Everything that comes until the other side closes.
pub(crate) async fn until_closed(mut stream: impl AsyncRead + Unpin) -> (Vec<u8>, bool) {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    let read = async {
        // An error is a connection that was reset: closed too.
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            received.extend_from_slice(&buffer[..count]);
        }
    };
    let closed = tokio::time::timeout(PATIENCE, read).await.is_ok();
    (received, closed)
}

/// The answers in `bytes`; `to_head` if they have no bodies.
pub(crate) fn answers(bytes: &[u8], to_head: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut rest = bytes;
    while let Some(end) = find(rest, b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 4..];
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer {
            status: status.unwrap_or(0),
            fields,
            body: Vec::new(),
        };
        if answer.status == 100 {
            continue;
        }
        let length = match to_head {
            true => rest.len(),
            false => body_length(&answer, rest),
        };
        answer.body = rest[..length].to_vec();
        rest = &rest[length..];
        answers.push(answer);
    }
    answers
}

fn body_length(answer: &Answer, rest: &[u8]) -> usize {
    if answer.field("transfer-encoding").is_some() {
        return find(rest, b"0\r\n\r\n").map_or(rest.len(), |end| end + 5);
    }
    let length = answer.field("content-length");
    let length = length.and_then(|length| length.parse().ok());
    length.unwrap_or(rest.len()).min(rest.len())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
