//! An answer in a buffer: found with httparse, looked at in place, copied nowhere.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use httparse::{ParserConfig, Response, Status};

/// More than any server here sends; an answer with more is taken for nonsense.
const HEADERS_MAX: usize = 64;

/// Where the parts of a whole answer stand in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its status.
    pub(super) status: u16,
    /// Bytes of head and body.
    pub(super) length: usize,
    /// Whether the server closes the connection after it.
    pub(super) closes: bool,
    served_by: Range<usize>,
    retried: bool,
    body: Range<usize>,
    chunked: bool,
}

/// What is no answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what the server sent is not HTTP/1")]
pub(super) struct Malformed;

/// How the end of a body is found.
enum Ends {
    After(usize),
    Chunked,
    WithConnection,
}

impl Frame {
    /// The answer at the begin of `buffer`; none if there is more to come. `ended` says that there
    /// is not.
    pub(super) fn parse(buffer: &[u8], ended: bool) -> Result<Option<Frame>, Malformed> {
        let mut begin = 0;
        loop {
            let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
            let mut head = Response::new(&mut []);
            let parsed = ParserConfig::default()
                .parse_response_with_uninit_headers(&mut head, &buffer[begin..], &mut headers)
                .map_err(|_| Malformed)?;
            let Status::Complete(length) = parsed else {
                return Ok(None);
            };
            let body_begin = begin + length;
            // 1xx only announces the answer.
            if head.code.is_some_and(|status| status >= 200) {
                return Frame::find_body(buffer, &head, body_begin, ended);
            }
            begin = body_begin;
        }
    }

    fn find_body(
        buffer: &[u8],
        head: &Response<'_, '_>,
        begin: usize,
        ended: bool,
    ) -> Result<Option<Frame>, Malformed> {
        let status = head.code.ok_or(Malformed)?;
        let mut frame = Frame {
            status,
            length: 0,
            closes: head.version == Some(0),
            served_by: 0..0,
            retried: false,
            body: begin..begin,
            chunked: false,
        };
        let mut ends = frame.read_headers(buffer, head)?;
        if status == 204 || status == 304 {
            ends = Ends::After(0);
        }
        let rest = &buffer[begin..];
        let length = match ends {
            Ends::After(length) => (length <= rest.len()).then_some(length),
            Ends::Chunked => {
                frame.chunked = true;
                chunks(rest, |_| ())?
            }
            Ends::WithConnection => {
                frame.closes = true;
                ended.then_some(rest.len())
            }
        };
        Ok(length.map(|length| {
            frame.body = begin..begin + length;
            frame.length = begin + length;
            frame
        }))
    }

    /// Notes what matters. The length of a name is compared first: most names differ in it.
    fn read_headers(&mut self, buffer: &[u8], head: &Response<'_, '_>) -> Result<Ends, Malformed> {
        let mut ends = Ends::WithConnection;
        for header in head.headers.iter() {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            match header.name.len() {
                10 if is("connection") => {
                    self.closes = header.value.eq_ignore_ascii_case(b"close");
                }
                10 if is("x-attempts") => self.retried = header.value != b"1",
                11 if is("x-served-by") => {
                    let begin = header.value.as_ptr() as usize - buffer.as_ptr() as usize;
                    self.served_by = begin..begin + header.value.len();
                }
                14 if is("content-length") => {
                    let length = std::str::from_utf8(header.value).map_err(|_| Malformed)?;
                    ends = Ends::After(length.parse().map_err(|_| Malformed)?);
                }
                17 if is("transfer-encoding") => ends = Ends::Chunked,
                _ => {}
            }
        }
        Ok(ends)
    }
}

/// Walks through a chunked body and shows each piece; its whole length, or none if there is more to
/// come.
fn chunks<'a>(body: &'a [u8], mut piece: impl FnMut(&'a [u8])) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    loop {
        let Status::Complete((line, size)) =
            httparse::parse_chunk_size(&body[at..]).map_err(|_| Malformed)?
        else {
            return Ok(None);
        };
        let begin = at + line;
        let size = usize::try_from(size).map_err(|_| Malformed)?;
        if size == 0 {
            return trailers(&body[begin..]).map(|end| end.map(|end| begin + end));
        }
        let end = begin.checked_add(size).ok_or(Malformed)?;
        match body.get(end..end.saturating_add(2)) {
            Some(b"\r\n") => piece(&body[begin..end]),
            Some(_) => return Err(Malformed),
            None => return Ok(None),
        }
        at = end + 2;
    }
}

/// The end of the lines behind the last chunk: the first empty one.
fn trailers(rest: &[u8]) -> Result<Option<usize>, Malformed> {
    if rest.starts_with(b"\r\n") {
        return Ok(Some(2));
    }
    let mut headers = [httparse::EMPTY_HEADER; 8];
    match httparse::parse_headers(rest, &mut headers).map_err(|_| Malformed)? {
        Status::Complete((end, _)) => Ok(Some(end)),
        Status::Partial => Ok(None),
    }
}

/// A whole answer, where it stands.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    frame: Frame,
    buffer: &'a [u8],
}

impl<'a> Answer<'a> {
    pub(super) fn new(frame: Frame, buffer: &'a [u8]) -> Answer<'a> {
        Answer { frame, buffer }
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.frame.status
    }

    /// Who signs it with `x-served-by`; empty if nobody does.
    pub fn served_by(&self) -> &'a [u8] {
        &self.buffer[self.frame.served_by.clone()]
    }

    /// Whether the balancer says that it had to try more than once.
    pub fn retried(&self) -> bool {
        self.frame.retried
    }

    /// Bytes of head and body.
    pub fn length(&self) -> usize {
        self.frame.length
    }

    /// Its body, put together if it came in chunks.
    pub fn body(&self) -> Cow<'a, [u8]> {
        let body = &self.buffer[self.frame.body.clone()];
        if !self.frame.chunked {
            return Cow::Borrowed(body);
        }
        let mut whole = Vec::new();
        // It was walked through before: this cannot fail, and a part would be judged as a part.
        let _ = chunks(body, |piece| whole.extend_from_slice(piece));
        Cow::Owned(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every way to frame a body is understood, byte by byte. Method: each prefix is
    /// incomplete, the whole is found with its parts, and what follows is not part of it.
    #[test]
    fn bodies_are_framed_whole_and_only_whole() {
        let head = "HTTP/1.1 200 OK\r\nX-Served-By: jwt-a\r\n";
        for rest in [
            "content-length: 5\r\n\r\nhello",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
            "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
        ] {
            let whole = format!("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n{head}{rest}");
            let whole = whole.as_bytes();
            for end in 0..whole.len() {
                assert_eq!(Frame::parse(&whole[..end], false), Ok(None), "{end}");
            }
            let with_more = [whole, b"HTTP/1.1"].concat();
            let frame = Frame::parse(&with_more, false).unwrap().unwrap();
            let answer = Answer::new(frame.clone(), &with_more);
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.served_by(), b"jwt-a");
            assert_eq!(&*answer.body(), b"hello");
            assert_eq!(answer.length(), whole.len());
            assert!(!frame.closes && !answer.retried());
        }
    }

    #[test]
    fn a_body_without_length_ends_with_the_connection() {
        let bytes = b"HTTP/1.1 200 OK\r\nx-attempts: 2\r\n\r\nhello";
        assert_eq!(Frame::parse(bytes, false), Ok(None));
        let frame = Frame::parse(bytes, true).unwrap().unwrap();
        assert!(frame.closes && frame.retried);
        assert_eq!(frame.length, bytes.len());
    }

    #[test]
    fn statuses_without_body_have_none() {
        for status in ["204 No Content", "304 Not Modified"] {
            let bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n");
            let frame = Frame::parse(bytes.as_bytes(), false).unwrap().unwrap();
            assert!(frame.closes);
            assert_eq!(frame.length, bytes.len());
        }
    }

    #[test]
    fn nonsense_is_malformed() {
        for nonsense in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        ] {
            assert_eq!(
                Frame::parse(nonsense.as_bytes(), false),
                Err(Malformed),
                "{nonsense}"
            );
        }
    }
}
