//! A TCP proxy that does to connections what networks do to them: it delays, narrows, swallows,
//! half-closes and cuts them, and lets them pass again.
//!
//! It stands between two processes that know nothing of it, an instance and its store or the
//! balancer and an instance, and it knows nothing of what passes. Its threads belong to the process
//! that holds it: they sleep more exactly than a runtime's timers, and only a few connections pass
//! through here.
//!
//! This file is the handle and the door; what becomes of one connection stands in [`wire`].

mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::link::lock;
use wire::{Wire, carry};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;
/// How long the door may take to open or to close; it takes some microseconds.
const DOOR_WAIT: Duration = Duration::from_secs(5);
/// How soon again when it cannot be opened, because this process has too many files open, say.
const DOOR_AGAIN: Duration = Duration::from_millis(10);

/// What a proxy does to the connections through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every byte is held back for so long.
    Delay {
        /// On its way to the server.
        there: Duration,
        /// On its way to the client.
        back: Duration,
    },
    /// So many bytes a second pass, for each connection and each way.
    Bandwidth {
        /// The limit.
        bytes_per_second: NonZeroU32,
    },
    /// A black hole: connections stay open and new ones are taken, bytes are accepted, and nothing
    /// passes, neither a byte nor the news of an end. What was held passes afterwards, as what was
    /// lost on a network is sent again.
    Stall,
    /// One side is told that nothing more will come, and nothing more does; what it sends passes.
    /// A connection that was half closed stays so.
    HalfClose(Side),
    /// Every connection is reset and new ones are refused, as if nobody was there.
    Cut,
}

/// An end of a connection through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Whoever connected to the proxy.
    Client,
    /// Whoever the proxy connected to.
    Server,
}

/// A proxy on a port of this machine's own. It ends with this handle, and every connection through
/// it is then reset.
///
/// ```
/// use std::io::{ErrorKind, Read as _, Write as _};
/// use std::net::{TcpListener, TcpStream};
///
/// use cluster::{Fault, Proxy};
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let proxy = Proxy::to(server.local_addr()?)?;
/// let mut client = TcpStream::connect(proxy.address())?;
/// let (mut served, _) = server.accept()?;
/// client.write_all(b"PING")?;
/// let mut heard = [0; 4];
/// served.read_exact(&mut heard)?;
/// assert_eq!(&heard, b"PING");
///
/// proxy.set(Fault::Cut);
/// let cut = client.read(&mut heard).map_err(|error| error.kind());
/// assert_eq!(cut, Err(ErrorKind::ConnectionReset));
/// assert!(TcpStream::connect(proxy.address()).is_err(), "nobody is there");
/// proxy.clear();
/// assert!(TcpStream::connect(proxy.address()).is_ok());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the handle and all threads share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told of every change of the state.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    fault: Option<Fault>,
    /// Where connections lead that are made from now on.
    server: SocketAddr,
    /// Whether the door is open.
    listens: bool,
    /// Whether the handle is gone.
    ended: bool,
    wires: Vec<Weak<Wire>>,
}

impl State {
    fn refuses(&self) -> bool {
        self.ended || self.fault == Some(Fault::Cut)
    }
}

impl Proxy {
    /// Stands before `server`, and lets everything pass.
    ///
    /// # Errors
    /// When there is no free port, or no thread.
    pub fn to(server: SocketAddr) -> io::Result<Proxy> {
        let place = Place::take()?;
        let address = place.address;
        let listener = place.listen()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                fault: None,
                server,
                listens: true,
                ended: false,
                wires: Vec::new(),
            }),
            changed: Condvar::new(),
        });
        let door = Arc::clone(&shared);
        thread::Builder::new()
            .name("proxy".into())
            .spawn(move || keep_door(&place, listener, &door))?;
        Ok(Proxy { address, shared })
    }

    /// Where it listens, through all faults.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does this to every connection, old and new, from now on, instead of what it did before.
    pub fn set(&self, fault: Fault) {
        self.change(|state| state.fault = Some(fault));
    }

    /// Lets everything pass again.
    pub fn clear(&self) {
        self.change(|state| state.fault = None);
    }

    /// Has connections that are made from now on lead somewhere else, as an address does that was
    /// taken over. Those that are open stay where they are.
    pub fn lead_to(&self, server: SocketAddr) {
        self.change(|state| state.server = server);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.shared.lock();
        change(&mut state);
        state.wires.retain(|wire| wire.strong_count() > 0);
        let wires: Vec<_> = state.wires.iter().filter_map(Weak::upgrade).collect();
        match state.fault {
            _ if state.refuses() => wires.iter().for_each(|wire| wire.reset()),
            Some(Fault::HalfClose(side)) => wires.iter().for_each(|wire| wire.half_close(side)),
            _ => {}
        }
        let (refuses, listens) = (state.refuses(), state.listens);
        drop(state);
        self.shared.changed.notify_all();
        if refuses && listens {
            // The door is waited at: somebody has to come for it to see that it is to close.
            let _ = TcpStream::connect(self.address);
        }
        // Whoever says "cut" may count on it from the next line on, and likewise with "clear".
        let state = self.shared.lock();
        let opening = |state: &mut State| !state.ended && state.listens == refuses;
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, DOOR_WAIT, opening);
        drop(waited);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.change(|state| state.ended = true);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits until something has changed, or for so long at most.
    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, at_most);
        waited
            .expect("no code panics while it holds one of these locks")
            .0
    }

    fn set_listens(&self, listens: bool) {
        self.lock().listens = listens;
        self.changed.notify_all();
    }

    /// Waits until connections are taken again. `false`: never again.
    fn opens(&self) -> bool {
        let mut state = self.lock();
        while !state.ended && state.refuses() {
            state = self.wait(state, DOOR_WAIT);
        }
        !state.ended
    }
}

/// Opens and closes the door, and sends each one who comes on its way.
fn keep_door(place: &Place, listener: TcpListener, shared: &Arc<Shared>) {
    let mut open = Some(listener);
    while shared.opens() {
        let listener = match open.take().map_or_else(|| place.listen(), Ok) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(%error, "a proxy cannot listen");
                thread::sleep(DOOR_AGAIN);
                continue;
            }
        };
        shared.set_listens(true);
        for client in listener.incoming() {
            if shared.lock().refuses() {
                break;
            }
            let Ok(client) = client else {
                thread::sleep(DOOR_AGAIN);
                continue;
            };
            let shared = Arc::clone(shared);
            // Without a thread the client is dropped, and notices: that is what a client is for.
            let _ = thread::Builder::new().spawn(move || carry(client, &shared));
        }
        drop(listener);
        shared.set_listens(false);
    }
}

/// A port that stays ours while nobody listens there: a second socket is bound to it, which never
/// listens, so whoever connects meanwhile is refused and nobody else can take it.
#[derive(Debug)]
struct Place {
    address: SocketAddr,
    _keeper: Socket,
}

impl Place {
    fn take() -> io::Result<Place> {
        let keeper = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = keeper.local_addr()?.as_socket();
        Ok(Place {
            address: address.ok_or(io::ErrorKind::AddrNotAvailable)?,
            _keeper: keeper,
        })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        let socket = bound(self.address)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    }
}

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Not the address as well: then anybody's listener could be bound beside one that is silent.
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// How long until then.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
