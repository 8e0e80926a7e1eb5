//! Who sends hardly anything: at the same time as everything else, since it takes seconds.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::case::Right::Status;
use super::case::{Case, Sends, Server, Way, sent};
use super::judge::refusal;
use super::wire::{answers, until_closed};

/// What everybody allows is five seconds; a machine that is busy sees that they are over later.
const SOON: Duration = Duration::from_secs(15);
/// HAProxy keeps a connection that has served for thirty.
const KEPT: Duration = Duration::from_secs(45);

/// What is sent slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slowly {
    /// A header, a byte a second.
    Header,
    /// A body, a byte a second.
    Body,
    /// Nothing.
    Nothing,
    /// Nothing after a request that was answered.
    NothingMore,
}

pub(crate) fn cases() -> Vec<Case> {
    let over = Status(&[0, 408]);
    let row = |number, what: &str, slowly| sent(number, what, Sends::Slowly(slowly), over);
    vec![
        row(38, "a byte of header a second", Slowly::Header),
        row(39, "a byte of body a second", Slowly::Body),
        row(40, "nothing at all", Slowly::Nothing),
        row(40, "nothing after an answer", Slowly::NothingMore),
    ]
}

impl Slowly {
    fn begins(self) -> &'static str {
        match self {
            Slowly::Header => "GET /me HTTP/1.1\r\nhost: lab\r\nx-slow: ",
            Slowly::Body => {
                "POST /login HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\n\
                 content-length: 100\r\n\r\n{"
            }
            Slowly::Nothing => "",
            Slowly::NothingMore => "GET /healthz HTTP/1.1\r\nhost: lab\r\n\r\n",
        }
    }

    fn drips(self) -> bool {
        matches!(self, Slowly::Header | Slowly::Body)
    }

    fn limit(self, way: Way) -> Duration {
        match (self, way) {
            (Slowly::NothingMore, Way::Haproxy) => KEPT,
            _ => SOON,
        }
    }
}

/// Connects, sends hardly anything, and says what was wrong with how that ended.
pub(crate) async fn run(
    slowly: Slowly,
    server: Server,
    way: Way,
    address: SocketAddr,
) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let began = Instant::now();
    let _ = stream.write_all(slowly.begins().as_bytes()).await;
    let (reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while slowly.drips() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if writing.write_all(b" ").await.is_err() {
                return;
            }
        }
        // Held, since to drop it would be to say that nothing more comes.
        std::future::pending::<()>().await;
    });
    let (received, closed) = until_closed(reading).await;
    dripping.abort();
    let took = began.elapsed();
    let answers = answers(&received, false);
    let told = |what: String| Some(format!("{slowly:?} ({server:?}, {way:?}): {what}"));
    if !closed || took > slowly.limit(way) {
        return told(format!("closed only after {took:?}: {answers:?}"));
    }
    match (slowly, answers.first()) {
        (Slowly::Body, Some(answer)) => refusal(answer, server, 408, "too-slow").and_then(told),
        (Slowly::Body, None) => told("closed without 408".to_owned()),
        (Slowly::NothingMore, Some(answer)) if answer.status == 200 => None,
        (Slowly::Header | Slowly::Nothing, None) => None,
        (Slowly::Header | Slowly::Nothing, Some(answer)) if answer.status == 408 => None,
        (_, answer) => told(format!("{answer:?}")),
    }
}
