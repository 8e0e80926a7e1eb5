//! A store that is far away: a relay that holds every byte back for half a round trip, each way.
//!
//! Threads sleep more exactly than a runtime's timers, and only a few connections pass through
//! here. What the relay uses is in nobody's figure.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A relay to a store. It ends with this handle; connections end with either of their ends.
#[derive(Debug)]
pub struct Distance {
    /// Where it listens.
    pub address: SocketAddr,
    way_ns: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

/// Bytes, and when they arrive.
type Chunk = (Instant, Vec<u8>);

impl Distance {
    /// Stands in front of `store`, which is as near as it was.
    ///
    /// # Errors
    /// When there is no free port or no thread.
    pub fn to(store: SocketAddr) -> io::Result<Distance> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let distance = Distance {
            address: listener.local_addr()?,
            way_ns: Arc::default(),
            ended: Arc::default(),
        };
        let (way_ns, ended) = (Arc::clone(&distance.way_ns), Arc::clone(&distance.ended));
        let accept = move || {
            for client in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                // A client whose connection fails notices it: that is what a client is for.
                let _ = client.and_then(|client| relay(client, store, &way_ns));
            }
        };
        thread::Builder::new()
            .name("distance".into())
            .spawn(accept)?;
        Ok(distance)
    }

    /// From now on a round trip takes so much longer.
    pub fn set(&self, round_trip: Duration) {
        let way_ns = round_trip.as_nanos() as u64 / 2;
        self.way_ns.store(way_ns, Ordering::Relaxed);
    }
}

impl Drop for Distance {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Somebody has to come for it to see that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

/// Both directions of one connection, two threads each.
fn relay(client: TcpStream, store: SocketAddr, way_ns: &Arc<AtomicU64>) -> io::Result<()> {
    let store = TcpStream::connect(store)?;
    for end in [&client, &store] {
        end.set_nodelay(true)?;
    }
    for (from, to) in [(client.try_clone()?, store.try_clone()?), (store, client)] {
        let (sender, receiver) = channel();
        let way_ns = Arc::clone(way_ns);
        thread::Builder::new().spawn(move || take(from, &sender, &way_ns))?;
        thread::Builder::new().spawn(move || give(to, &receiver))?;
    }
    Ok(())
}

/// Ends when the other end closes, or nobody gives any more.
fn take(mut from: TcpStream, chunks: &Sender<Chunk>, way_ns: &AtomicU64) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let way = Duration::from_nanos(way_ns.load(Ordering::Relaxed));
        let chunk = (Instant::now() + way, buffer[..length].to_vec());
        if chunks.send(chunk).is_err() {
            return;
        }
    }
}

/// Ends when nothing comes any more, or nobody takes it.
fn give(mut to: TcpStream, chunks: &Receiver<Chunk>) {
    for (arrives, bytes) in chunks {
        thread::sleep(arrives.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An echo takes its round trip and not less, and everything comes back in order.
    #[test]
    fn every_byte_comes_back_in_order_and_not_too_early() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = echo.local_addr().unwrap();
        thread::spawn(move || {
            let (mut end, _) = echo.accept().unwrap();
            let mut other = end.try_clone().unwrap();
            let _ = io::copy(&mut end, &mut other);
        });
        let distance = Distance::to(address).unwrap();
        let mut client = TcpStream::connect(distance.address).unwrap();
        for round_trip_ms in [0, 20] {
            distance.set(Duration::from_millis(round_trip_ms));
            for n in 0..5_u8 {
                let began = Instant::now();
                client.write_all(&[n, n + 1]).unwrap();
                let mut back = [0; 2];
                client.read_exact(&mut back).unwrap();
                assert_eq!(back, [n, n + 1]);
                assert!(began.elapsed() >= Duration::from_millis(round_trip_ms));
            }
        }
        drop(client);
        drop(distance);
    }
}
