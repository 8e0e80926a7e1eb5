//! The live board: one page on which you log in and watch two servers remember you, or not.
//!
//! The viewer's browser is the client. It holds a real cookie and a real token, and its requests
//! pass through this page's origin ([`lane`]) to the balancer of one lane. What the instances
//! hold comes back to all viewers as one stream of snapshots ([`live`]). The board never
//! measures, and it knows servers only through [`stage::Stage`].
//!
//! Who reads on: `page/` is the page itself, `page/words.json` every sentence on it.

mod cookies;
pub mod embedded;
mod guard;
mod lane;
mod live;
mod page;
mod refusal;
mod serve;
pub mod stage;
mod upstream;
mod viewers;
pub mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use live::Live;
use stage::Stage;
use viewers::Viewers;

/// The port of the board unless somebody asks for another.
pub const PORT: u16 = 4401;
/// How many ports after [`PORT`] are tried when it is taken.
const PORTS_TRIED: u16 = 100;

/// A board that serves its page until it is stopped or dropped.
pub struct Board {
    address: SocketAddr,
    default_port_taken: bool,
    live: Arc<Live>,
    server: tokio::task::JoinHandle<()>,
}

impl Board {
    /// Serves the page on an open `door` before a `stage`: usually [`embedded::Embedded`].
    pub fn before(stage: Arc<dyn Stage>, door: Door, rules: Rules) -> Self {
        let live = Live::start(Arc::clone(&stage));
        let house = Arc::new(House {
            address: door.address,
            rules,
            token: random_hex(),
            boot: random_hex(),
            stage,
            live: Arc::clone(&live),
            viewers: Viewers::default(),
            client: upstream::client(),
        });
        let server = tokio::spawn(serve::serve(door.listener, page::router(house)));
        Self {
            address: door.address,
            default_port_taken: door.default_port_taken,
            live,
            server,
        }
    }

    /// Where it listens: always a loopback address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to print and to open.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// Whether [`PORT`] was taken, so that the board listens on the next free one.
    pub fn default_port_taken(&self) -> bool {
        self.default_port_taken
    }

    /// The lines that `demo` prints first.
    pub fn announcement(&self) -> String {
        let moved = if self.default_port_taken {
            format!("\n        (port {PORT} is taken, so this is the next free one)")
        } else {
            String::new()
        };
        format!(
            "session-vs-jwt: one app, two ways to remember a login, two servers each\n\
             Board   {}   (own servers; safe to click while this runs){moved}",
            self.url()
        )
    }

    /// Stops looking at the instances on its own account while something is measured. A click
    /// of a viewer still has its effect shown.
    pub fn keep_quiet(&self, quiet: bool) {
        self.live.keep_quiet(quiet);
    }

    /// Closes the page's port and every stream. The pools end with their cluster.
    pub async fn stop(mut self) {
        self.server.abort();
        // Cancelled, or ended before: gone either way.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.server.abort();
        self.live.stop();
    }
}

/// The board's port, taken before anything else is started, so that a taken one costs nothing.
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    default_port_taken: bool,
}

impl Door {
    /// Listens on `port` of the loopback interface; without one, on [`PORT`] or the next that
    /// is free.
    ///
    /// # Errors
    /// When the port is taken, or all that were tried are.
    pub async fn open(port: Option<u16>) -> Result<Self, BoardError> {
        let asked = port.unwrap_or(PORT);
        let last = if port.is_some() {
            asked
        } else {
            PORT + PORTS_TRIED
        };
        let mut refused = None;
        for port in asked..=last {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => {
                    let address = listener
                        .local_addr()
                        .map_err(|source| taken(port, source))?;
                    let default_port_taken = refused.is_some();
                    return Ok(Self {
                        listener,
                        address,
                        default_port_taken,
                    });
                }
                Err(source) => refused = Some(source),
            }
        }
        Err(taken(
            asked,
            refused.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()),
        ))
    }
}

fn taken(port: u16, source: std::io::Error) -> BoardError {
    BoardError::Port { port, source }
}

/// Why a board could not start. Each is one line that names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The port is taken or may not be used: a mistake in how the program was called.
    #[error("cannot listen on port {port} ({source}); ask for another with --port N")]
    Port {
        /// Which port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The board's accounts could not be made.
    #[error("cannot create the board's accounts")]
    Accounts(#[from] app::users::UsersError),
    /// The board's secret could not be written.
    #[error("cannot write the board's secret")]
    Secret(#[source] std::io::Error),
    /// The pools or the balancer did not come up.
    #[error("cannot start the board's servers")]
    Cluster(#[from] cluster::Error),
}

/// What viewers may do on this board.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// Nobody kills or starts a server from the page; one's own login is one's own all the same.
    pub read_only: bool,
}

/// What all handlers share.
struct House {
    address: SocketAddr,
    rules: Rules,
    /// What control requests must show; it stands in the page and nowhere else.
    token: String,
    /// Tells a page that it was served by an earlier process and must be loaded again.
    boot: String,
    stage: Arc<dyn Stage>,
    live: Arc<Live>,
    viewers: Viewers,
    client: reqwest::Client,
}

/// 128 random bits.
fn random_hex() -> String {
    format!("{:032x}", rand::random::<u128>())
}
