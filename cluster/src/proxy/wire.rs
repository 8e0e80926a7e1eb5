//! One connection through a proxy: two ways, a thread at either end of each.
//!
//! The one *takes* what comes and notes when it is due, the other waits until it is, and for what
//! the fault of the moment says, and *gives* it. An end travels the same way, behind the bytes that
//! came before it.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::{DOOR_WAIT, Fault, Shared, Side, State, left};

/// Bytes that are taken at once.
const PIECE_MAX: usize = 16 * 1024;
/// Pieces that wait to be given: beyond them the sender has to wait, as at a full window.
const PIECES_MAX: usize = 64;
/// Where bandwidth is limited, what passes in one go is this part of a second's.
const SLICES_PER_SECOND: u32 = 50;
/// How long a write may wait for somebody who does not read before it looks round again.
const WRITE_WAIT: Duration = Duration::from_millis(100);

/// The two ends of a connection.
#[derive(Debug)]
pub(super) struct Wire {
    client: TcpStream,
    server: TcpStream,
    /// Whether it was reset.
    broken: AtomicBool,
    client_closed: AtomicBool,
    server_closed: AtomicBool,
}

/// What was taken.
enum Piece {
    Bytes(Vec<u8>),
    /// The sender has nothing more to say.
    End,
    /// The sender's end broke.
    Break,
}

/// What may pass at this moment.
enum Opening {
    /// Everything.
    Wide,
    /// So many bytes a second.
    Narrow(NonZeroU32),
    /// Nothing for this side any more: it is swallowed.
    Shut,
    /// Nothing: the connection is gone.
    Broken,
}

/// Carries one connection to its end.
pub(super) fn carry(client: TcpStream, shared: &Arc<Shared>) {
    let Some(wire) = connect(client, shared) else {
        return;
    };
    let wire = Arc::new(wire);
    {
        let mut state = shared.lock();
        state.wires.retain(|wire| wire.strong_count() > 0);
        state.wires.push(Arc::downgrade(&wire));
        // The fault may have come while the server was connected to.
        match state.fault {
            _ if state.refuses() => wire.reset(),
            Some(Fault::HalfClose(side)) => wire.half_close(side),
            _ => {}
        }
    }
    for towards in [Side::Client, Side::Server] {
        let (sender, pieces) = sync_channel(PIECES_MAX);
        let ends = [(); 2].map(|()| (Arc::clone(&wire), Arc::clone(shared)));
        let [(taken, at_taker), (given, at_giver)] = ends;
        let started = thread::Builder::new()
            .spawn(move || take(&taken, &at_taker, towards, &sender))
            .and_then(|_| {
                thread::Builder::new().spawn(move || give(&given, &at_giver, towards, &pieces))
            });
        if started.is_err() {
            wire.reset();
        }
    }
}

/// Connects to the server for this client, once something may pass. Without one, the client's
/// connection is reset.
fn connect(client: TcpStream, shared: &Shared) -> Option<Wire> {
    let mut state = shared.lock();
    while state.fault == Some(Fault::Stall) && !state.ended {
        state = shared.wait(state, DOOR_WAIT);
    }
    let server = (!state.refuses()).then_some(state.server);
    drop(state);
    let server = server.and_then(|server| TcpStream::connect(server).ok());
    let Some(server) = server else {
        reset_on_close(&client);
        return None;
    };
    for end in [&client, &server] {
        end.set_nodelay(true).ok()?;
        end.set_write_timeout(Some(WRITE_WAIT)).ok()?;
    }
    Some(Wire {
        client,
        server,
        broken: AtomicBool::new(false),
        client_closed: AtomicBool::new(false),
        server_closed: AtomicBool::new(false),
    })
}

impl Wire {
    fn end(&self, side: Side) -> &TcpStream {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    fn closed(&self, side: Side) -> &AtomicBool {
        match side {
            Side::Client => &self.client_closed,
            Side::Server => &self.server_closed,
        }
    }

    /// Resets both ends, as soon as the threads have let go of them.
    pub(super) fn reset(&self) {
        self.broken.store(true, Ordering::Relaxed);
        for end in [&self.client, &self.server] {
            reset_on_close(end);
            // Wakes whoever reads there, and sends nothing.
            let _ = end.shutdown(Shutdown::Read);
        }
    }

    /// Tells one side that nothing more will come.
    pub(super) fn half_close(&self, side: Side) {
        if !self.closed(side).swap(true, Ordering::Relaxed) {
            let _ = self.end(side).shutdown(Shutdown::Write);
        }
    }

    /// Waits until what is due then may pass towards `side`.
    fn opening(&self, shared: &Shared, side: Side, due: Instant) -> Opening {
        let mut state = shared.lock();
        loop {
            if self.broken.load(Ordering::Relaxed) {
                return Opening::Broken;
            }
            if self.closed(side).load(Ordering::Relaxed) {
                return Opening::Shut;
            }
            let wait = match state.fault {
                Some(Fault::Stall) => DOOR_WAIT,
                _ => left(due),
            };
            if wait.is_zero() {
                return match state.fault {
                    Some(Fault::Bandwidth { bytes_per_second }) => {
                        Opening::Narrow(bytes_per_second)
                    }
                    _ => Opening::Wide,
                };
            }
            state = shared.wait(state, wait);
        }
    }
}

/// Has the peer see a reset instead of an end, once this is closed.
fn reset_on_close(end: &TcpStream) {
    let _ = SockRef::from(end).set_linger(Some(Duration::ZERO));
}

/// When what is taken now, on its way towards `side`, is due.
fn due(state: &State, side: Side) -> Instant {
    let now = Instant::now();
    match (state.fault, side) {
        (Some(Fault::Delay { there, .. }), Side::Server) => now + there,
        (Some(Fault::Delay { back, .. }), Side::Client) => now + back,
        _ => now,
    }
}

/// Takes what the other side sends towards this one, to its end.
fn take(wire: &Wire, shared: &Shared, towards: Side, pieces: &SyncSender<(Instant, Piece)>) {
    let mut from = match towards {
        Side::Client => wire.end(Side::Server),
        Side::Server => wire.end(Side::Client),
    };
    let mut buffer = vec![0; PIECE_MAX];
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => Piece::End,
            Ok(length) => Piece::Bytes(buffer[..length].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => Piece::Break,
        };
        let last = !matches!(piece, Piece::Bytes(_));
        let due = due(&shared.lock(), towards);
        // Nobody gives any more: then nobody need take.
        if pieces.send((due, piece)).is_err() || last {
            return;
        }
    }
}

/// Gives what was taken, when it is due.
fn give(wire: &Wire, shared: &Shared, towards: Side, pieces: &Receiver<(Instant, Piece)>) {
    let mut free_at = Instant::now();
    for (due, piece) in pieces {
        free_at = free_at.max(due);
        let given = match piece {
            Piece::Bytes(bytes) => give_bytes(wire, shared, towards, &bytes, &mut free_at),
            Piece::End => match wire.opening(shared, towards, free_at) {
                Opening::Broken => return,
                _ => {
                    wire.half_close(towards);
                    Ok(())
                }
            },
            Piece::Break => {
                wire.opening(shared, towards, free_at);
                Err(io::ErrorKind::ConnectionReset.into())
            }
        };
        if given.is_err() {
            // Whoever still sends the other way is to notice.
            return wire.reset();
        }
    }
}

fn give_bytes(
    wire: &Wire,
    shared: &Shared,
    towards: Side,
    mut bytes: &[u8],
    free_at: &mut Instant,
) -> io::Result<()> {
    let mut to = wire.end(towards);
    while !bytes.is_empty() {
        let rate = match wire.opening(shared, towards, *free_at) {
            Opening::Broken => return Err(io::ErrorKind::ConnectionReset.into()),
            Opening::Shut => return Ok(()),
            Opening::Wide => None,
            Opening::Narrow(rate) => Some(rate.get()),
        };
        let slice = rate.map_or(bytes.len(), |rate| {
            (rate / SLICES_PER_SECOND).max(1) as usize
        });
        match to.write(&bytes[..slice.min(bytes.len())]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => {
                bytes = &bytes[length..];
                if let Some(rate) = rate {
                    let takes = Duration::from_secs(1) * length as u32 / rate;
                    *free_at = Instant::now() + takes;
                }
            }
            // Nobody reads there at the moment: the connection may have been cut meanwhile.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
