//! The last lines that somebody wrote, in bounded memory.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How many lines are kept: a panic with its notes, a start that failed, a burst of warnings.
const LINES_MAX: usize = 40;
/// How much of one line is kept.
const LINE_BYTES_MAX: usize = 1_000;

/// A ring of lines.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    unfinished: Vec<u8>,
}

impl Tail {
    /// Takes what was read, wherever it was cut.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let room = LINE_BYTES_MAX - self.unfinished.len();
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            self.unfinished
                .extend_from_slice(&text[..text.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        let line = String::from_utf8_lossy(&self.unfinished).into_owned();
        self.lines.push_back(line);
        self.unfinished.clear();
    }

    /// The lines so far, an unfinished last one included.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.lines.iter().cloned().collect();
        if !self.unfinished.is_empty() {
            lines.push(String::from_utf8_lossy(&self.unfinished).into_owned());
        }
        lines
    }
}

/// Reads `from` to its end, so that whoever writes there never blocks.
pub(crate) async fn collect(
    mut from: impl AsyncRead + Unpin,
    tail: std::sync::Arc<std::sync::Mutex<Tail>>,
) {
    let mut buffer = [0; 4096];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        tail.lock()
            .expect("no code panics while it holds this lock")
            .push(&buffer[..bytes]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_lines_however_they_are_cut() {
        let mut tail = Tail::default();
        for bytes in ["fir", "st\nsecond\nth", "ird"] {
            tail.push(bytes.as_bytes());
        }
        assert_eq!(tail.lines(), ["first", "second", "third"]);
        for number in 0..100 {
            tail.push(format!("{number}\n").as_bytes());
        }
        assert_eq!(tail.lines().len(), LINES_MAX);
        assert_eq!(tail.lines().last().map(String::as_str), Some("99"));
    }

    #[test]
    fn a_line_without_end_does_not_grow_without_end() {
        let mut tail = Tail::default();
        for _ in 0..100 {
            tail.push(&[b'x'; 4096]);
        }
        tail.push(b"\nnext");
        let lines = tail.lines();
        assert_eq!(lines[0].len(), LINE_BYTES_MAX);
        assert_eq!(lines[1], "next");
    }
}
