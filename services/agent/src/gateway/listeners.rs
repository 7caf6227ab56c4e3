//! The listening sockets: given by the supervisor, accepted on here.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bellwether_clock::spawn;
use tokio::{sync::Semaphore, task::JoinHandle, time::sleep};

use super::worker::{Accepted, Workers};

/// After an accept that failed for want of descriptors or memory.
const BREATHER: Duration = Duration::from_millis(20);

/// The sockets that are accepted on.
#[derive(Debug)]
pub struct Listeners {
    workers: Arc<Workers>,
    permits: Arc<Semaphore>,
    open: Mutex<BTreeMap<SocketAddr, Open>>,
}

#[derive(Debug)]
struct Open {
    socket: TcpListener,
    acceptor: JoinHandle<()>,
}

// === impl Listeners ===

impl Listeners {
    /// None yet; at most `max_connections` will be open at a time, the others wait in the sockets.
    pub fn new(workers: Arc<Workers>, max_connections: usize) -> Self {
        Self { workers, permits: Arc::new(Semaphore::new(max_connections)), open: Mutex::default() }
    }

    /// Accepts on exactly these from now on; a socket for an address that is accepted on already is not needed.
    ///
    /// # Errors
    /// A descriptor that is no listening socket.
    pub fn set(&self, sockets: Vec<(SocketAddr, OwnedFd)>) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = BTreeMap::new();
        for (address, socket) in sockets {
            let kept = open.remove(&address).map_or_else(|| self.accept(address, socket.into()), Ok)?;
            next.insert(address, kept);
        }
        std::mem::replace(&mut *open, next).into_values().for_each(|gone| gone.acceptor.abort());
        Ok(())
    }

    /// The sockets, to hand them on.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn sockets(&self) -> io::Result<Vec<(SocketAddr, OwnedFd)>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().map(|(address, open)| Ok((*address, open.socket.try_clone()?.into()))).collect()
    }

    /// The addresses that are accepted on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Accepts no more.
    pub fn stop(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *open).into_values().for_each(|gone| gone.acceptor.abort());
    }

    fn accept(&self, listen: SocketAddr, socket: TcpListener) -> io::Result<Open> {
        socket.set_nonblocking(true)?;
        let ready = tokio::net::TcpListener::from_std(socket.try_clone()?)?;
        let (workers, permits) = (self.workers.clone(), self.permits.clone());
        let acceptor = spawn("accept", async move {
            loop {
                let Ok(permit) = permits.clone().acquire_owned().await else {
                    return;
                };
                let (stream, peer) = next(&ready).await;
                workers.give(Accepted { stream, peer, listen, permit });
            }
        });
        Ok(Open { socket, acceptor })
    }
}

async fn next(socket: &tokio::net::TcpListener) -> (std::net::TcpStream, SocketAddr) {
    loop {
        match try_next(socket).await {
            Ok(accepted) => return accepted,
            // a client that gave up before it was accepted is no reason to wait
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(BREATHER).await;
            }
        }
    }
}

/// The connection leaves this thread's reactor: a worker takes it into its own.
async fn try_next(socket: &tokio::net::TcpListener) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    let (stream, peer) = socket.accept().await?;
    Ok((stream.into_std()?, peer))
}
