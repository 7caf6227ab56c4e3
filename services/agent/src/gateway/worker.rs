//! A thread that serves client connections. Each has its own connections to the instances, so that a request never
//! crosses threads.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use bellwether_clock::spawn;
use tokio::{
    runtime,
    sync::{OwnedSemaphorePermit, mpsc},
    time::sleep,
};

use super::{connection, state::State};

/// Shorter than the timers of requests.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A client connection that was just accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The connection, non-blocking.
    pub stream: TcpStream,
    /// The client.
    pub peer: SocketAddr,
    /// The listening address that it came in at.
    pub listen: SocketAddr,
    /// Its place among the connections that may be open.
    pub permit: OwnedSemaphorePermit,
}

/// All workers; connections are dealt to them in turn.
#[derive(Debug)]
pub struct Workers {
    workers: Vec<mpsc::UnboundedSender<Accepted>>,
    next: std::sync::atomic::AtomicUsize,
}

// === impl Workers ===

impl Workers {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(count: usize, state: &Arc<State>) -> io::Result<Self> {
        let workers =
            (0..count.max(1)).map(|worker| start(worker, state.clone())).collect::<io::Result<_>>()?;
        Ok(Self { workers, next: Default::default() })
    }

    /// Hands a connection to the next worker. The number that wait there is bounded by the permits.
    pub fn give(&self, accepted: Accepted) {
        let turn = self.next.fetch_add(1, Relaxed) % self.workers.len().max(1);
        if let Some(worker) = self.workers.get(turn) {
            // a worker ends with the process only
            let _ = worker.send(accepted);
        }
    }
}

/// A runtime that waits without any timer is woken, through the system, by each timer that is set then: once for each
/// request. With one that is always due before them it is not.
async fn heartbeat() {
    loop {
        sleep(HEARTBEAT).await;
    }
}

fn start(worker: usize, state: Arc<State>) -> io::Result<mpsc::UnboundedSender<Accepted>> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let serve = async move {
        spawn("heartbeat", heartbeat());
        let server = connection::builder();
        while let Some(accepted) = receiver.recv().await {
            spawn("connection", connection::serve(server.clone(), state.clone(), worker, accepted));
        }
    };
    thread::Builder::new().name(format!("worker-{worker}")).spawn(move || runtime.block_on(serve))?;
    Ok(sender)
}
