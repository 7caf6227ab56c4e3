//! As many connections as the open streams need.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tonic::transport::Channel;

/// Calls at a time on one connection: below the 256 streams that a server allows, beyond which they would wait
/// unnoticed.
const CALLS: usize = 200;
/// Connections; beyond their room calls share the one that has fewest.
const CONNECTIONS: usize = 64;

/// Connections to one server.
pub(super) struct Pool {
    open: Box<dyn Fn() -> Channel + Send + Sync>,
    connections: Mutex<Vec<Connection>>,
}

#[derive(Clone)]
struct Connection {
    channel: Channel,
    running: Arc<AtomicUsize>,
}

/// A place on a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

// === impl Pool ===

impl Pool {
    pub(super) fn new(open: impl Fn() -> Channel + Send + Sync + 'static) -> Self {
        Self { open: Box::new(open), connections: Mutex::default() }
    }

    /// A connection with room: the first one that has some, so that idle ones stay idle.
    pub(super) fn take(&self) -> (Channel, Place) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let free = connections.iter().find(|connection| connection.running() < CALLS);
        let connection = match free {
            Some(connection) => connection.clone(),
            None if connections.len() < CONNECTIONS => {
                let connection = Connection { channel: (self.open)(), running: Arc::default() };
                connections.push(connection.clone());
                connection
            }
            None => match connections.iter().min_by_key(|connection| connection.running()) {
                Some(connection) => connection.clone(),
                None => Connection { channel: (self.open)(), running: Arc::default() },
            },
        };
        connection.running.fetch_add(1, Ordering::Relaxed);
        (connection.channel, Place(connection.running))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

// === impl Connection ===

impl Connection {
    fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_opened_as_needed_and_used_again() {
        let opened = Arc::new(AtomicUsize::new(0));
        let counter = opened.clone();
        let pool = Pool::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy()
        });
        let mut places: Vec<_> = (0..=CALLS).map(|_| pool.take().1).collect();
        assert_eq!(opened.load(Ordering::Relaxed), 2);
        places.clear();
        drop(pool.take());
        assert_eq!(opened.load(Ordering::Relaxed), 2);
        let _all: Vec<_> = (0..CALLS * CONNECTIONS + 1).map(|_| pool.take().1).collect();
        assert_eq!(opened.load(Ordering::Relaxed), CONNECTIONS);
    }
}
