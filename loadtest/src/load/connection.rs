//! One client connection: it sends bytes, reads an answer, and opens itself anew when it must.

use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::{Answer, Frame, Malformed};

/// Room for an answer at first; most need a tenth of it.
const BUFFER_BYTES: usize = 8 * 1024;

/// No answer here is so long: a server that sends more has gone astray.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a connection may be used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Requests on one connection.
    pub(super) requests: u64,
    /// Nanoseconds without use.
    pub(super) idle_ns: u64,
}

/// One connection to one address.
pub(super) struct Connection {
    address: SocketAddr,
    limits: Limits,
    stream: Option<TcpStream>,
    /// Requests sent on this stream.
    used: u64,
    used_ns: u64,
    opened: u64,
    buffer: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("cannot connect: {}", .0.kind())]
    Connect(#[source] io::Error),
    #[error("cannot send: {}", .0.kind())]
    Send(#[source] io::Error),
    #[error("cannot receive: {}", .0.kind())]
    Receive(#[source] io::Error),
    #[error("closed before the answer was whole")]
    Closed,
    #[error("the answer is too long")]
    TooLong,
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Connection {
    pub(super) fn new(address: SocketAddr, limits: Limits) -> Connection {
        Connection {
            address,
            limits,
            stream: None,
            used: 0,
            used_ns: 0,
            opened: 0,
            buffer: vec![0; BUFFER_BYTES],
        }
    }

    /// Connects before the first request is due, so that it does not pay for it.
    pub(super) async fn open(&mut self, now_ns: u64) -> Result<(), Trouble> {
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(Trouble::Connect)?;
        // A request is one small write: waiting to fill a segment would only add latency.
        stream.set_nodelay(true).map_err(Trouble::Connect)?;
        self.stream = Some(stream);
        (self.used, self.used_ns) = (0, now_ns);
        self.opened += 1;
        Ok(())
    }

    /// How many connections have been opened since this was asked last.
    pub(super) fn take_opened(&mut self) -> u64 {
        mem::take(&mut self.opened)
    }

    /// Forgets the stream: the next request opens another.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    /// Sends `request` and returns its answer, after connecting where that is needed.
    ///
    /// After trouble, or when it is not awaited to its end, the connection must be closed.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        now_ns: u64,
    ) -> Result<Answer<'_>, Trouble> {
        if !self.usable(now_ns) {
            self.close();
            self.open(now_ns).await?;
        }
        let stream = self.stream.as_mut().ok_or(Trouble::Closed)?;
        stream.write_all(request).await.map_err(Trouble::Send)?;
        let mut filled = 0;
        let frame = loop {
            if filled == self.buffer.len() {
                if filled >= ANSWER_BYTES_MAX {
                    return Err(Trouble::TooLong);
                }
                self.buffer.resize(filled * 2, 0);
            }
            let free = &mut self.buffer[filled..];
            let received = stream.read(free).await.map_err(Trouble::Receive)?;
            filled += received;
            let ended = received == 0;
            match Frame::parse(&self.buffer[..filled], ended)? {
                Some(frame) => break frame,
                None if ended => return Err(Trouble::Closed),
                None => {}
            }
        };
        (self.used, self.used_ns) = (self.used + 1, now_ns);
        // Bytes behind the answer belong to no request.
        if frame.closes || self.used >= self.limits.requests || frame.length < filled {
            self.stream = None;
        }
        Ok(Answer::new(frame, &self.buffer))
    }

    /// Whether the stream can take another request. Servers close idle connections; whoever sends
    /// into one that is just being closed measures its own mistake.
    fn usable(&self, now_ns: u64) -> bool {
        let Some(stream) = &self.stream else {
            return false;
        };
        let quiet_ns = now_ns.saturating_sub(self.used_ns);
        // Costs no system call: the runtime knows that there is nothing to read, unless there is.
        let mut byte = [0];
        let silent = matches!(stream.try_read(&mut byte),
            Err(error) if error.kind() == ErrorKind::WouldBlock);
        quiet_ns <= self.limits.idle_ns && silent
    }
}
