//! The board's port: on loopback, or for a room on all interfaces.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::{BoardError, room};

/// The port of the board unless somebody asks for another.
pub const PORT: u16 = 4401;
/// How many ports after [`PORT`] are tried when it is taken.
const PORTS_TRIED: u16 = 100;

/// The board's port, taken before anything else is started, so that a taken one costs nothing.
pub struct Door {
    pub(super) listener: TcpListener,
    pub(super) opened: Opened,
}

/// What is known of an open door.
pub(super) struct Opened {
    pub(super) address: SocketAddr,
    pub(super) default_port_taken: bool,
    /// In a room: this machine's addresses on its networks.
    pub(super) lan: Vec<IpAddr>,
}

impl Opened {
    /// What a request's `Host` may say.
    pub(super) fn hosts(&self) -> Vec<String> {
        let own = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let lan = self.lan.iter().map(IpAddr::to_string);
        let port = self.address.port();
        own.into_iter()
            .chain(lan)
            .map(|host| format!("{host}:{port}"))
            .collect()
    }
}

impl Door {
    /// Listens on `port` of the loopback interface, or for a `room` on all interfaces; without a
    /// port, on [`PORT`] or the next that is free.
    ///
    /// # Errors
    /// When the port is taken, or all that were tried are.
    pub async fn open(port: Option<u16>, room: bool) -> Result<Self, BoardError> {
        let (interface, lan) = match room {
            true => (Ipv4Addr::UNSPECIFIED, room::lan_addresses()),
            false => (Ipv4Addr::LOCALHOST, Vec::new()),
        };
        Self::open_at(interface.into(), port, lan).await
    }

    /// Listens on `interface`, which may be that of a container, whose port is published elsewhere.
    /// `lan` are the addresses that the board answers to beside those of loopback.
    ///
    /// # Errors
    /// As those of [`Door::open`].
    pub async fn open_at(
        interface: IpAddr,
        port: Option<u16>,
        lan: Vec<IpAddr>,
    ) -> Result<Self, BoardError> {
        let asked = port.unwrap_or(PORT);
        let last = port.unwrap_or(PORT + PORTS_TRIED);
        let mut refused = None;
        for port in asked..=last {
            match TcpListener::bind((interface, port)).await {
                Ok(listener) => {
                    let address = listener
                        .local_addr()
                        .map_err(|source| taken(port, source))?;
                    let opened = Opened {
                        address,
                        default_port_taken: refused.is_some(),
                        lan,
                    };
                    return Ok(Self { listener, opened });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_answers_to_its_networks_addresses_as_well() {
        let opened = Opened {
            address: (Ipv4Addr::UNSPECIFIED, 4401).into(),
            default_port_taken: false,
            lan: vec![Ipv4Addr::new(192, 0, 2, 7).into()],
        };
        let hosts = ["127.0.0.1:4401", "localhost:4401", "192.0.2.7:4401"];
        assert_eq!(opened.hosts(), hosts);
    }
}
