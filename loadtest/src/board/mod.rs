//! The live board: one page on which you log in and watch two servers remember you, or not.
//!
//! The viewer's browser is the client. It holds a real cookie and a real token, and its requests
//! pass through this page's origin ([`lane`]) to the pool that a lane is laid over. What the
//! instances hold comes back to all viewers as one stream of snapshots ([`live`]). The board never
//! measures, and it knows servers only through [`stage::Stage`].
//!
//! Who reads on: `page/` is the page itself, `page/words.json` every sentence on it.

mod admin;
mod controls;
mod cookies;
mod crowd;
mod door;
pub mod embedded;
mod figures;
mod guard;
mod keys;
mod lane;
mod live;
mod look;
mod page;
mod place;
mod premises;
mod refusal;
mod room;
mod serve;
pub mod stack;
pub mod stage;
mod traffic;
mod upstream;
mod viewers;
pub mod watch;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub use door::{Door, PORT};

use door::Opened;
use figures::Figures;
use live::Live;
use stage::Stage;
use traffic::Traffic;
use viewers::Viewers;

use crate::record::Record;

/// A board that serves its page until it is stopped or dropped.
pub struct Board {
    door: Opened,
    house: Arc<House>,
    server: tokio::task::JoinHandle<()>,
}

impl Board {
    /// Serves the page on an open `door` before a `stage`: usually [`embedded::Embedded`].
    pub fn before(stage: Arc<dyn Stage>, door: Door, rules: Rules) -> Self {
        let Door { listener, opened } = door;
        let traffic = Traffic::start(Arc::clone(&stage));
        let live = Live::start(Arc::clone(&stage), Arc::clone(&traffic));
        let house = Arc::new(House {
            port: opened.address.port(),
            hosts: opened.hosts(),
            rules,
            token: random_hex(),
            boot: random_hex(),
            presenter: random_hex(),
            stage,
            live,
            traffic,
            figures: Mutex::new(Figures::published()),
            viewers: Viewers::default(),
            client: upstream::client(),
        });
        let server = tokio::spawn(serve::serve(listener, page::router(Arc::clone(&house))));
        Self {
            door: opened,
            house,
            server,
        }
    }

    /// Where it listens: a loopback address, or in a room all of this machine's.
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// The address to print and to open. In a room it is the presenter's own link.
    pub fn url(&self) -> String {
        let own = format!("http://localhost:{}", self.door.address.port());
        if self.house.rules.room {
            format!("{own}/?presenter={}", self.house.presenter)
        } else {
            own
        }
    }

    /// Whether [`PORT`] was taken, so that the board listens on the next free one.
    pub fn default_port_taken(&self) -> bool {
        self.door.default_port_taken
    }

    /// The lines that `demo` and `watch` print first; `aside` says what else there is to know of
    /// the address.
    pub fn announcement(&self, aside: &str) -> String {
        let mut lines = format!(
            "session-vs-jwt: one app, two ways to remember a login, two servers each\n\
             Board   {}   ({aside})",
            self.url()
        );
        if self.door.default_port_taken {
            lines += &format!("\n        port {PORT} is taken, so this is the next free one");
        }
        if self.house.rules.room {
            lines += "\n        this link is the presenter's: whoever has it breaks servers";
            for guests in self.guest_urls() {
                lines += &format!("\nGuests  {guests}\n{}", room::qr(&guests));
            }
        }
        lines
    }

    /// Where guests get in, from other machines.
    pub fn guest_urls(&self) -> Vec<String> {
        let port = self.door.address.port();
        let lan = self.door.lan.iter();
        lan.map(|ip| format!("http://{}", SocketAddr::new(*ip, port)))
            .collect()
    }

    /// Shows the figures of the newest whole run below `folder` in the last frame of the story.
    pub fn show_newest_figures(&self, folder: &Path) {
        self.house.show(Figures::newest(folder));
    }

    /// Shows the figures of this record there.
    pub fn show_figures(&self, record: &Record) {
        self.house.show(Figures::of(record));
    }

    /// Stops looking at the instances on its own account while something is measured. A click
    /// of a viewer still has its effect shown.
    pub fn keep_quiet(&self, quiet: bool) {
        self.house.live.keep_quiet(quiet);
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
        self.house.live.stop();
    }
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
    /// The board's keys could not be written.
    #[error("cannot write the board's keys")]
    Keys(#[source] std::io::Error),
    /// The pools or the balancer did not come up.
    #[error("cannot start the board's servers")]
    Cluster(#[from] cluster::Error),
    /// A pool did not come up as it should.
    #[error("cannot start the board's servers: {0}")]
    Stage(#[from] stage::StageError),
}

/// What viewers may do on this board.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// Nobody strikes a server from the page; one's own login is one's own all the same.
    pub read_only: bool,
    /// Guests follow the presenter, each as a user of their own, and strike nothing.
    pub room: bool,
}

/// What all handlers share.
struct House {
    port: u16,
    hosts: Vec<String>,
    rules: Rules,
    /// What control requests must show; it stands in the page and nowhere else.
    token: String,
    /// Tells a page that it was served by an earlier process and must be loaded again.
    boot: String,
    /// What the presenter's link shows, in a room.
    presenter: String,
    stage: Arc<dyn Stage>,
    live: Arc<Live>,
    traffic: Arc<Traffic>,
    figures: Mutex<Figures>,
    viewers: Viewers,
    client: reqwest::Client,
}

impl House {
    fn show(&self, figures: Figures) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    fn figures(&self) -> Figures {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.clone()
    }
}

/// 128 random bits.
fn random_hex() -> String {
    format!("{:032x}", rand::random::<u128>())
}
