//! The closed loop: each connection sends its request as soon as the answer to the last is there.
//!
//! Requests are bytes made beforehand and answers are compared with bytes proved beforehand, so
//! that the generator takes little of the machine and no wrong answer passes for a fast one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::start::{Role, Started};

/// What is driven before anything is counted: connections are opened, caches are filled.
const WARM_UP: Duration = Duration::from_millis(200);
/// The longest answer that is read.
const ANSWER_MAX_BYTES: usize = 16 * 1024;

/// One login's request, and the bodies that may answer it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// The request's bytes.
    pub(crate) request: Vec<u8>,
    /// One body for each instance that may answer.
    pub(crate) bodies: Vec<Vec<u8>>,
}

/// What one block showed.
#[derive(Debug)]
pub(crate) struct Driven {
    /// Answers, all of them right.
    pub(crate) requests: u64,
    /// CPU time that each measured process used, in nanoseconds.
    pub(crate) cpu_ns: Vec<(Role, u64)>,
}

/// Drives `subject` for `block` with all its logins at once.
pub(crate) async fn drive(subject: &Started, block: Duration) -> Result<Driven> {
    let answers = Arc::new(AtomicU64::new(0));
    let mut connections = JoinSet::new();
    for exchange in subject.exchanges() {
        let stream = TcpStream::connect(subject.address()).await?;
        stream.set_nodelay(true)?;
        connections.spawn(ask_for_ever(stream, exchange.clone(), Arc::clone(&answers)));
    }
    let measured = async {
        tokio::time::sleep(WARM_UP).await;
        let before = (answers.load(Ordering::Relaxed), subject.cpu_ns()?);
        tokio::time::sleep(block).await;
        let after = (answers.load(Ordering::Relaxed), subject.cpu_ns()?);
        anyhow::Ok((before, after))
    };
    let (before, after) = tokio::select! {
        measured = measured => measured?,
        Some(ended) = connections.join_next() => match ended? {
            Err(error) => return Err(error),
            Ok(never) => match never {},
        },
    };
    let used = before.1.iter().zip(&after.1);
    Ok(Driven {
        requests: after.0 - before.0,
        cpu_ns: used
            .map(|((role, before), (_, after))| (*role, after - before))
            .collect(),
    })
}

/// What an endless loop returns.
enum Never {}

async fn ask_for_ever(
    mut stream: TcpStream,
    exchange: Exchange,
    answers: Arc<AtomicU64>,
) -> Result<Never> {
    let mut buffer = vec![0; ANSWER_MAX_BYTES];
    loop {
        stream.write_all(&exchange.request).await?;
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await?;
            ensure!(read > 0, "the server closed a connection in use");
            filled += read;
            if is_expected(&buffer[..filled], &exchange.bodies)? {
                break;
            }
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the answer is complete; an error if it is not one of those expected.
fn is_expected(answer: &[u8], bodies: &[Vec<u8>]) -> Result<bool> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(false);
    };
    let body = &answer[head + 4..];
    let complete = bodies.iter().any(|expected| expected == body);
    let incomplete = bodies.iter().any(|expected| expected.starts_with(body));
    ensure!(
        answer.starts_with(b"HTTP/1.1 200") && (complete || incomplete),
        "a wrong answer: {}",
        String::from_utf8_lossy(answer)
    );
    Ok(complete)
}

/// An answer that was read with care.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }
}

/// Sends one request on a connection of its own; anything but 200 is an error.
pub(crate) async fn ask(address: SocketAddr, request: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await?;
        if let Some(answer) = parsed(&bytes)? {
            return Ok(answer);
        }
        ensure!(read > 0, "the answer ended early");
    }
}

fn parsed(bytes: &[u8]) -> Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes)? else {
        return Ok(None);
    };
    if response.code != Some(200) {
        bail!("not 200: {}", String::from_utf8_lossy(bytes));
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = response.headers.iter();
    let mut answer = Answer {
        headers: headers
            .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
            .collect(),
        body: bytes[head..].to_vec(),
    };
    let length = answer
        .header("content-length")
        .context("no content-length")?;
    let length: usize = length.parse()?;
    answer.body.truncate(length);
    Ok((answer.body.len() == length).then_some(answer))
}

#[cfg(test)]
mod tests {
    use super::is_expected;

    #[test]
    fn only_the_expected_answer_is_complete() {
        let bodies = [b"{\"a\":1}".to_vec(), b"{\"b\":2}".to_vec()];
        let of = |answer: &str| is_expected(answer.as_bytes(), &bodies);
        assert!(of("HTTP/1.1 200 OK\r\nx: y\r\n\r\n{\"b\":2}").expect("it is one of the two"));
        assert!(!of("HTTP/1.1 200 OK\r\nx: y\r\n\r\n{\"b\"").expect("it may become one"));
        assert!(!of("HTTP/1.1 200 OK\r\nx: y\r\n").expect("it may become one"));
        assert!(of("HTTP/1.1 200 OK\r\nx: y\r\n\r\n{\"c\":2}").is_err());
        assert!(of("HTTP/1.1 401 Unauthorized\r\nx: y\r\n\r\n{\"b\":2}").is_err());
    }
}
